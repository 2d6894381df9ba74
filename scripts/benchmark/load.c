/* A Modbus load generator (TCP or UDP, MBAP or RTU): many connections, several requests in flight, every answer judged.
 *
 * Build: cc -O2 -o load load.c     Usage: load --help
 *
 * One thread, one epoll.  A request goes out the moment an answer comes in (closed loop), or by the
 * clock (--rate).  An answer counts only when its transaction id is the oldest one waiting and unit,
 * function, length and data are right; everything else is counted by kind and never as a request.
 * It gives up nothing silently: connections that fail, close or fall silent are in the report.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connections.h"
#include "frames.h"
#include "histogram.h"
#include "options.h"
#include "process.h"
#include "report.h"
#include "rtu.h"
#include "targets.h"

#define CHUNK 65536
#define MS 1000000u

static int sending = 1, measuring;
static uint64_t errors[ERRORS], answers, measured, skipped;
static struct histogram latency, connect_latency;
static uint8_t chunk[MAX_ADU + CHUNK];

/* Send this many new requests as one chunk. */
static void ask(struct connection *c, int count, uint64_t when)
{
    static uint8_t out[MAX_DEPTH * MAX_ADU];
    int size = 0;
    for (int i = 0; i < count; i++) {
        struct request *request = &c->ring[(c->oldest + c->in_flight++) % option.depth];
        request->sent = when;
        request->transaction = c->transaction++;
        request->unit = (uint8_t)(c->place.first_unit + random_below(c->place.units));
        request->address = (uint16_t)(option.address + (int)random_below((uint64_t)option.address_span));
        mix_request(&option.mix, request, out + size);
        size += option.rtu ? rtu_wrap(out + size, option.mix.request_size) : option.mix.request_size;
    }
    if (send(c->fd, out, (size_t)size, MSG_NOSIGNAL) != size) {
        errors[E_SEND]++;
        shut(c);
    }
}

static void refill(struct connection *c, uint64_t when)
{
    if (c->state != OPEN || !sending || option.rate > 0)
        return;
    if (option.per_connection && c->served >= option.per_connection) {
        if (!c->in_flight) {
            shut(c);
            start(c);
        }
        return;
    }
    if (c->in_flight < option.depth && (!option.burst || !c->in_flight))
        ask(c, option.depth - c->in_flight, when);
}

static void accept_answer(struct connection *c, const uint8_t *at, int size, uint64_t when)
{
    const struct request *request = &c->ring[c->oldest];
    enum error error = frame_judge(&option.mix, request, at, size, option.data);
    c->oldest = (c->oldest + 1) % option.depth;
    c->in_flight--;
    c->served++;
    if (error) {
        errors[error]++;
        return;
    }
    answers++;
    if (measuring) {
        measured++;
        histogram_add(&latency, when - request->sent);
    }
}

static void answer(struct connection *c, const uint8_t *at, int size, uint64_t when)
{
    unsigned transaction = get16(at);
    if (!c->in_flight) {
        errors[E_SURPLUS]++;
        return;
    }
    int ahead = (int)(uint16_t)(transaction - c->ring[c->oldest].transaction);
    if (ahead >= c->in_flight) {
        errors[E_TRANSACTION]++;
        return;
    }
    if (ahead) { /* it skips older ones: they are late or lost */
        errors[E_ORDER]++;
        errors[E_MISSING] += (uint64_t)ahead;
        c->oldest = (c->oldest + ahead) % option.depth;
        c->in_flight -= ahead;
    }
    accept_answer(c, at, size, when);
}

static void stash(struct connection *c, const uint8_t *at, int size)
{
    if (size && !c->stash)
        c->stash = malloc(MAX_ADU);
    if (size)
        memcpy(c->stash, at, (size_t)size);
    c->stashed = size;
}

/* Cut everything received into answers; what is left over is stashed. */
static void cut_rtu(struct connection *c, const uint8_t *at, int size, uint64_t when)
{
    uint8_t adu[MAX_ADU];
    while (size >= RTU_LEAST && size >= rtu_size(at)) {
        int length = rtu_size(at), unwrapped = rtu_unwrap(at, length, c->ring[c->oldest].transaction, adu);
        if (!unwrapped) {
            errors[E_CRC]++;
            shut(c);
            return;
        }
        answer(c, adu, unwrapped, when);
        at += length;
        size -= length;
    }
    stash(c, at, size);
}

static void cut(struct connection *c, const uint8_t *at, int size, uint64_t when)
{
    while (size >= 6) {
        int length = (int)get16(at + 4) + 6;
        enum error error = get16(at + 2) ? E_PROTOCOL : length < 9 || length > MAX_ADU ? E_LENGTH : E_NONE;
        if (error) {
            errors[error]++;
            shut(c);
            return;
        }
        if (size < length)
            break;
        answer(c, at, length, when);
        at += length;
        size -= length;
    }
    stash(c, at, size);
}

static void receive(struct connection *c)
{
    if (c->stashed)
        memcpy(chunk, c->stash, (size_t)c->stashed);
    ssize_t got = recv(c->fd, chunk + c->stashed, CHUNK, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        errors[E_CLOSED]++;
        errors[E_MISSING] += (uint64_t)c->in_flight;
        shut(c);
        if (sending && option.per_connection)
            start(c);
        return;
    }
    uint64_t when = now_ns();
    (option.rtu ? cut_rtu : cut)(c, chunk, (int)got + c->stashed, when);
    refill(c, when);
}

static void connected(struct connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        connect_failures++;
        shut(c);
        return;
    }
    pending--;
    open_count++;
    connects++;
    c->state = OPEN;
    c->oldest = c->in_flight = 0;
    histogram_add(&connect_latency, now_ns() - c->since);
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
    if (measuring || option.per_connection)
        refill(c, now_ns());
}

static void turn(uint64_t wait_ns)
{
    struct epoll_event events[512];
    struct timespec wait = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    int count = epoll_pwait2(epoll_fd, events, 512, &wait, NULL);
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->state == CONNECTING)
            connected(c);
        else if (c->state == OPEN)
            receive(c);
    }
}

static void connect_all(void)
{
    uint64_t limit = now_ns() + (uint64_t)(option.connect_timeout * 1e9);
    while (now_ns() < limit && (next_to_open < option.connections || pending)) {
        while (next_to_open < option.connections && pending < option.pending_limit)
            start(&all[next_to_open++]);
        turn(10 * MS);
    }
    for (int i = 0; i < option.connections; i++)
        if (all[i].state == CONNECTING || i >= next_to_open) {
            connect_failures++;
            shut(&all[i]);
        }
}

/* Connections that fell silent, looked at now and then. */
static void reap(uint64_t when)
{
    for (int i = 0; i < next_to_open; i++) {
        struct connection *c = &all[i];
        if (c->state == OPEN && c->in_flight && when > c->ring[c->oldest].sent + (uint64_t)(option.timeout * 1e9)) {
            errors[E_TIMEOUT]++;
            errors[E_MISSING] += (uint64_t)c->in_flight;
            shut(c);
            if (sending)
                start(c);
        }
    }
}

/* Requests by the clock; returns the nanoseconds until the next one.  Latency counts from the moment
 * a request was due, not from when it left. */
static uint64_t send_due(uint64_t when)
{
    static uint64_t due;
    static int next;
    uint64_t step = (uint64_t)(1e9 / option.rate);
    if (!due)
        due = when;
    for (; due <= when; due += step) {
        struct connection *c = &all[option.random ? (int)random_below((uint64_t)next_to_open) : next];
        next = (next + 1) % next_to_open;
        if (c->state == OPEN && c->in_flight < option.depth)
            ask(c, 1, due);
        else
            skipped++;
    }
    return due - when;
}

/* Run until the time is over or so many answers have been measured; returns the seconds it took. */
static double run(double seconds, uint64_t requests)
{
    uint64_t began = now_ns(), limit = began + (uint64_t)(seconds * 1e9), when = began, look = began;
    while (when < limit && (!requests || measured < requests)) {
        turn(option.rate > 0 ? send_due(when) : 10 * MS);
        when = now_ns();
        if (when > look + 250 * MS) {
            reap(when);
            look = when;
        }
        if (!open_count && !pending)
            break;
    }
    return (double)(now_ns() - began) / 1e9;
}

static void drain(void)
{
    uint64_t limit = now_ns() + (uint64_t)(option.timeout * 1e9);
    int left = 1;
    sending = 0;
    while (left && now_ns() < limit) {
        turn(5 * MS);
        left = 0;
        for (int i = 0; i < next_to_open; i++)
            left += all[i].state == OPEN ? all[i].in_flight : 0;
    }
    errors[E_MISSING] += (uint64_t)left;
}

static void prepare(void)
{
    struct rlimit files;
    cpu_set_t cores;
    if (option.cpu >= 0) {
        CPU_ZERO(&cores);
        CPU_SET(option.cpu, &cores);
        if (sched_setaffinity(0, sizeof cores, &cores))
            fail("--cpu is not a core of this machine");
    }
    prctl(PR_SET_TIMERSLACK, 1ul);
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    random_state = option.seed * 0x9E3779B97F4A7C15u + 1;
    epoll_fd = epoll_create1(0);
    all = calloc((size_t)option.connections, sizeof *all);
    for (int i = 0; i < option.connections; i++)
        all[i].ring = calloc((size_t)option.depth, sizeof(struct request));
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    prepare();
    long rss_before = process_rss_kb(option.pids, option.pid_count);
    uint64_t began = now_ns();
    connect_all();
    double connect_seconds = (double)(now_ns() - began) / 1e9;
    int held = open_count;
    if (option.hold > 0)
        usleep((useconds_t)(option.hold * 1e6));
    long rss_connected = process_rss_kb(option.pids, option.pid_count);

    for (int i = 0; i < next_to_open; i++)
        refill(&all[i], now_ns());
    run(option.warmup, 0);
    measuring = 1;
    uint64_t server = process_cpu_ns(option.pids, option.pid_count), own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    double seconds = run(option.duration, option.requests);
    server = process_cpu_ns(option.pids, option.pid_count) - server;
    own = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own;
    measuring = 0;
    uint64_t counted = measured;
    drain();
    long rss_end = process_rss_kb(option.pids, option.pid_count);

    printf("{\"mix\": \"%s\", \"connections\": %d, \"depth\": %d, \"requests\": %llu, \"seconds\": %.4f, ",
           option.mix.name, option.connections, option.depth, (unsigned long long)counted, seconds);
    printf("\"requests_per_second\": %.1f, ", (double)counted / seconds);
    uint64_t wrong = report_errors(errors);
    report_latency("latency_us", &latency);
    report_latency("connect_us", &connect_latency);
    printf("\"held\": %d, \"open_at_end\": %d, \"connects\": %llu, \"connect_failures\": %llu, "
           "\"connect_seconds\": %.4f, \"skipped\": %llu, ",
           held, open_count, (unsigned long long)connects, (unsigned long long)connect_failures, connect_seconds,
           (unsigned long long)skipped);
    printf("\"server_cpu_us_per_request\": %.3f, \"server_core_share\": %.4f, \"load_core_share\": %.4f, ",
           counted ? (double)server / 1e3 / (double)counted : 0.0, (double)server / 1e9 / seconds,
           (double)own / 1e9 / seconds);
    printf("\"rss_kb\": {\"before\": %ld, \"connected\": %ld, \"end\": %ld}}\n", rss_before, rss_connected, rss_end);
    for (int i = 0; i < next_to_open; i++)
        shut(&all[i]);
    return wrong || connect_failures || !answers ? 1 : 0;
}
