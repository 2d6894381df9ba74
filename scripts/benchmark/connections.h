/* The connections of the load: opened to the places of the targets in turn, or to random ones, and closed. */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"
#include "options.h"
#include "process.h"
#include "targets.h"

enum state { CLOSED, CONNECTING, OPEN };

struct connection {
    int fd;
    enum state state;
    struct place place;
    uint64_t since;       /* start of the connect */
    uint16_t transaction; /* of the next request */
    int in_flight, oldest, stashed;
    int served;      /* answers on this connection, for --per-connection */
    uint8_t *stash;  /* the head of an answer whose rest has not come yet */
    struct request *ring;
};

static struct connection *all;
static int epoll_fd, pending, open_count, next_to_open;
static uint64_t next_place, connects, connect_failures, random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return limit > 1 ? random_state % limit : 0;
}

static void shut(struct connection *c)
{
    struct linger abort_now = {1, 0};
    if (c->state == CLOSED)
        return;
    if (option.reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
    pending -= c->state == CONNECTING;
    open_count -= c->state == OPEN;
    close(c->fd);
    c->state = CLOSED;
    c->in_flight = c->stashed = c->served = 0;
}

static int dial(struct connection *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(c->place.port)};
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    int yes = 1;
    c->fd = socket(AF_INET, (option.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return 0;
    address.sin_addr.s_addr = htonl(c->place.ip);
    if (!option.udp)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    c->since = now_ns();
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        close(c->fd);
        return 0;
    }
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
    c->state = CONNECTING;
    pending++;
    return 1;
}

/* Open a connection to the next place, or a random one. */
static void start(struct connection *c)
{
    uint64_t number = option.random ? random_below(option.targets.places) : next_place++ % option.targets.places;
    c->place = targets_place(&option.targets, number);
    c->transaction = (uint16_t)random_below(65536);
    if (!dial(c))
        connect_failures++;
}

#endif
