/* The floor: what one core must at least spend on a request of Modbus TCP, in C, with nothing else around it.
 *
 * Build: cc -O2 -o floor_server floor_server.c
 * Usage: floor_server [IP:]PORT [CORE]        prints "ready IP:PORT"; port 0 picks a free one
 *
 * One epoll, one recv and one send for each chunk.  Functions 1 to 4 answer as libmodbus_server does: every
 * register holds its address and every odd bit is set.  5, 6, 15 and 16 answer rightly and store nothing; every
 * other function answers exception 1, and an address or quantity that does not exist 2 or 3.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536, EVENTS = 512, CONNECTIONS = 1 << 17, MAX_ADU = 260 };

struct tail {
    int length;
    unsigned char bytes[MAX_ADU];
};

static struct tail *tails[CONNECTIONS];
static unsigned char in[CHUNK + MAX_ADU], out[CHUNK * 32];
static int epoll_fd;

static void fail(const char *fact)
{
    fprintf(stderr, "floor_server: %s: %s\n", fact, strerror(errno));
    exit(1);
}

static unsigned word(const unsigned char *at)
{
    return at[0] << 8 | at[1];
}

static int refuse(const unsigned char *pdu, unsigned char *answer, int code)
{
    answer[0] = pdu[0] | 0x80;
    answer[1] = code;
    return 2;
}

/* The PDU that answers a PDU; its length. */
static int answer_pdu(const unsigned char *pdu, int length, unsigned char *answer)
{
    int function = pdu[0];
    unsigned first = length >= 5 ? word(pdu + 1) : 0, quantity = length >= 5 ? word(pdu + 3) : 0;
    if (function < 1 || (function > 6 && function != 15 && function != 16))
        return refuse(pdu, answer, 1);
    if (length < 5)
        return refuse(pdu, answer, 3);
    if (function > 4) {
        memcpy(answer, pdu, 5);
        return 5;
    }
    if (quantity < 1 || quantity > (function <= 2 ? 2000 : 125))
        return refuse(pdu, answer, 3);
    if (first + quantity > 65536)
        return refuse(pdu, answer, 2);
    answer[0] = function;
    if (function <= 2) {
        int bytes = (quantity + 7) / 8;
        answer[1] = bytes;
        memset(answer + 2, first & 1 ? 0x55 : 0xaa, bytes);
        if (quantity % 8)
            answer[1 + bytes] &= (1 << quantity % 8) - 1;
        return 2 + bytes;
    }
    answer[1] = 2 * quantity;
    for (unsigned i = 0; i < quantity; i++) {
        answer[2 + 2 * i] = (first + i) >> 8;
        answer[3 + 2 * i] = first + i;
    }
    return 2 + 2 * quantity;
}

static void forget(int fd)
{
    free(tails[fd]);
    tails[fd] = NULL;
    close(fd);
}

static void serve(int fd)
{
    int kept = tails[fd] ? tails[fd]->length : 0;
    if (kept)
        memcpy(in, tails[fd]->bytes, kept);
    int got = recv(fd, in + kept, CHUNK, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            forget(fd);
        return;
    }
    int size = kept + got, at = 0, made = 0;
    while (size - at >= 8) {
        int length = word(in + at + 4);
        if (word(in + at + 2) || length < 2 || length > 254) {
            forget(fd);
            return;
        }
        if (size - at < 6 + length)
            break;
        memcpy(out + made, in + at, 7);
        int pdu = answer_pdu(in + at + 7, length - 1, out + made + 7);
        out[made + 4] = (pdu + 1) >> 8;
        out[made + 5] = pdu + 1;
        made += 7 + pdu;
        at += 6 + length;
    }
    if (tails[fd] || size > at) {
        if (!tails[fd] && !(tails[fd] = malloc(sizeof(struct tail))))
            fail("no memory");
        tails[fd]->length = size - at;
        memcpy(tails[fd]->bytes, in + at, size - at);
    }
    for (int sent = 0; sent < made;) {
        int done = send(fd, out + sent, made - sent, MSG_NOSIGNAL);
        if (done < 0 && errno != EAGAIN) {
            forget(fd);
            return;
        }
        sent += done > 0 ? done : 0; /* a client that does not read is waited for: this is only a floor */
    }
}

static void take_all(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= CONNECTIONS || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
            close(fd);
    }
}

static int listen_on(const char *place)
{
    char ip[64] = "127.0.0.1";
    const char *colon = strrchr(place, ':');
    if (colon)
        snprintf(ip, sizeof ip, "%.*s", (int)(colon - place), place);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(atoi(colon ? colon + 1 : place))};
    if (inet_pton(AF_INET, ip, &name.sin_addr) != 1)
        fail("no IPv4 address");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) || listen(fd, 4096))
        fail("cannot listen");
    socklen_t size = sizeof name;
    getsockname(fd, (struct sockaddr *)&name, &size);
    printf("ready %s:%d\n", ip, ntohs(name.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **words)
{
    if (count < 2) {
        fprintf(stderr, "usage: floor_server [IP:]PORT [CORE]\n");
        return 2;
    }
    if (count > 2) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(atoi(words[2]), &cores);
        if (sched_setaffinity(0, sizeof cores, &cores))
            fail("cannot pin to a core");
    }
    epoll_fd = epoll_create1(0);
    int listener = listen_on(words[1]);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event))
        fail("epoll");
    for (;;) {
        int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++)
            events[i].data.fd == listener ? take_all(listener) : serve(events[i].data.fd);
    }
}
