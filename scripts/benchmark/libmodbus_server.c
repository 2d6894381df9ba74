/* The peer in C: libmodbus behind one epoll, the fastest ordinary way to use it.
 *
 * Build: cc -O2 -o libmodbus_server libmodbus_server.c $(pkg-config --cflags --libs libmodbus)
 * Usage: libmodbus_server [IP:]PORT[-PORT] [CORE]
 *
 * Every register holds its address and every odd bit is set, so that answers can be checked.  All
 * ports share one mapping.  libmodbus waits with select(): a descriptor over 1023 cannot be served.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static modbus_t *context;
static modbus_mapping_t *mapping;
static int epoll_fd, first_listener, last_listener;

static void fail(const char *fact)
{
    fprintf(stderr, "libmodbus_server: %s: %s\n", fact, modbus_strerror(errno));
    exit(1);
}

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
        fail("epoll_ctl");
}

static void fill(void)
{
    mapping = modbus_mapping_new(65536, 65536, 65536, 65536);
    if (!mapping)
        fail("no memory for the mapping");
    for (int i = 0; i < 65536; i++) {
        mapping->tab_bits[i] = mapping->tab_input_bits[i] = i & 1;
        mapping->tab_registers[i] = mapping->tab_input_registers[i] = (uint16_t)i;
    }
}

static void listen_on(const char *ip, int port)
{
    context = modbus_new_tcp(ip, port);
    int fd = context ? modbus_tcp_listen(context, 4096) : -1;
    if (fd < 0)
        fail("cannot listen");
    if (!first_listener)
        first_listener = fd;
    last_listener = fd;
    watch(fd);
}

static void take(int listener)
{
    int yes = 1, fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    if (fd >= FD_SETSIZE) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(fd);
}

static void serve(int fd)
{
    static uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(context, fd);
    int size = modbus_receive(context, query);
    if (size < 0 || (size && modbus_reply(context, query, size, mapping) < 0))
        close(fd);
}

int main(int argc, char **argv)
{
    char ip[64] = "127.0.0.1";
    int first, last;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: libmodbus_server [IP:]PORT[-PORT] [CORE]\n");
        return 2;
    }
    char *ports = strrchr(argv[1], ':');
    if (ports)
        snprintf(ip, sizeof ip, "%.*s", (int)(ports - argv[1]), argv[1]);
    int numbers = sscanf(ports ? ports + 1 : argv[1], "%d-%d", &first, &last);
    if (numbers < 1) {
        fprintf(stderr, "libmodbus_server: \"%s\" has no port\n", argv[1]);
        return 2;
    }
    if (argc == 3) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        CPU_SET(atoi(argv[2]), &cores);
        sched_setaffinity(0, sizeof cores, &cores);
    }
    epoll_fd = epoll_create1(0);
    fill();
    for (int port = first; port <= (numbers == 2 ? last : first); port++)
        listen_on(ip, port);
    printf("ready %s\n", argv[1]);
    fflush(stdout);
    for (;;) {
        struct epoll_event events[512];
        int count = epoll_wait(epoll_fd, events, 512, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd >= first_listener && fd <= last_listener)
                take(fd);
            else
                serve(fd);
        }
    }
}
