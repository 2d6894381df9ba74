/* What the command line of the load generator asks for. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "process.h"
#include "targets.h"

#define MAX_DEPTH 64

static struct {
    struct targets targets;
    struct mix mix;
    struct expectation data;
    int connections, depth, burst, random, cpu, per_connection, pending_limit, reset, address, address_span, udp, rtu;
    double warmup, duration, rate, timeout, connect_timeout, hold;
    uint64_t requests, seed;
    pid_t pids[MAX_PIDS];
    int pid_count;
} option = {.connections = 1, .depth = 1, .cpu = -1, .pending_limit = 256, .address_span = 1, .warmup = 0.2,
            .duration = 2, .timeout = 2, .connect_timeout = 20, .seed = 1};

static void usage(FILE *out)
{
    fputs("usage: load [options] TARGET...      TARGET: IP[-IP]:PORT[-PORT][@UNIT[-UNIT]]\n"
          "  -c, --connections N     connections held (1); they take the places in turn\n"
          "  -d, --depth N           requests in flight on each connection (1, at most 64)\n"
          "  -m, --mix NAME          fc3x10 (default), fc3x125, fc1x2000, fc16x10, ... function and quantity\n"
          "  -t, --duration S        seconds measured (2)        -w, --warmup S   seconds before them (0.2)\n"
          "  -n, --requests N        stop after so many answers  -r, --rate R     requests/s by the clock\n"
          "  -p, --pid PID           server process to charge; repeat for several\n"
          "  -C, --cpu N             pin the generator to a core\n"
          "  -D, --data KIND         any (default) | address (register = its address, bit = odd address) | NUMBER\n"
          "  -a, --address N[+SPAN]  first address (0), or a random one of SPAN for each request\n"
          "  -R, --random            a random place for each connection   -S, --seed N\n"
          "  -k, --per-connection N  reconnect after N answers, to the next or a random place\n"
          "  -b, --burst             refill only when all answers of a connection are in\n"
          "  -H, --hold S            hold the open connections idle so long before the load\n"
          "  -P, --pending N         connects under way at once (256)\n"
          "  -T, --timeout S         silence that loses a connection (2)  -x, --connect-timeout S (20)\n"
          "  -X, --reset             close with RST, leaving no TIME_WAIT\n"
          "  -U, --udp               datagrams: a connection is a socket of its own, a chunk one datagram\n"
          "  -F, --rtu               RTU frames in place of MBAP\n"
          "Prints one JSON object; exit code 0 when every answer was right, 1 otherwise, 2 for usage.\n",
          out);
}

static void fail(const char *fact)
{
    fprintf(stderr, "load: %s\n", fact);
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option longs[] = {
        {"connections", 1, 0, 'c'}, {"depth", 1, 0, 'd'}, {"mix", 1, 0, 'm'}, {"duration", 1, 0, 't'},
        {"warmup", 1, 0, 'w'}, {"requests", 1, 0, 'n'}, {"rate", 1, 0, 'r'}, {"pid", 1, 0, 'p'}, {"cpu", 1, 0, 'C'},
        {"data", 1, 0, 'D'}, {"address", 1, 0, 'a'}, {"random", 0, 0, 'R'}, {"seed", 1, 0, 'S'},
        {"per-connection", 1, 0, 'k'}, {"burst", 0, 0, 'b'}, {"hold", 1, 0, 'H'}, {"pending", 1, 0, 'P'},
        {"timeout", 1, 0, 'T'}, {"connect-timeout", 1, 0, 'x'}, {"reset", 0, 0, 'X'}, {"udp", 0, 0, 'U'},
        {"rtu", 0, 0, 'F'}, {"help", 0, 0, 'h'}, {0}};
    const char *mix = "fc3x10";
    int letter;
    while ((letter = getopt_long(argc, argv, "c:d:m:t:w:n:r:p:C:D:a:RS:k:bH:P:T:x:XUFh", longs, NULL)) != -1)
        switch (letter) {
        case 'c': option.connections = atoi(optarg); break;
        case 'd': option.depth = atoi(optarg); break;
        case 'm': mix = optarg; break;
        case 't': option.duration = atof(optarg); break;
        case 'w': option.warmup = atof(optarg); break;
        case 'n': option.requests = strtoull(optarg, NULL, 10); break;
        case 'r': option.rate = atof(optarg); break;
        case 'p':
            if (option.pid_count == MAX_PIDS)
                fail("more than 16 processes");
            option.pids[option.pid_count++] = atoi(optarg);
            break;
        case 'C': option.cpu = atoi(optarg); break;
        case 'D':
            option.data.kind = !strcmp(optarg, "address") ? DATA_ADDRESS : DATA_NUMBER;
            if (!strcmp(optarg, "any"))
                option.data.kind = DATA_ANY;
            else if (option.data.kind == DATA_NUMBER && sscanf(optarg, "%u", &option.data.number) != 1)
                fail("--data is none of any, address, NUMBER");
            break;
        case 'a':
            option.address = atoi(optarg);
            option.address_span = strchr(optarg, '+') ? atoi(strchr(optarg, '+') + 1) : 1;
            break;
        case 'R': option.random = 1; break;
        case 'S': option.seed = strtoull(optarg, NULL, 10); break;
        case 'k': option.per_connection = atoi(optarg); break;
        case 'b': option.burst = 1; break;
        case 'H': option.hold = atof(optarg); break;
        case 'P': option.pending_limit = atoi(optarg); break;
        case 'T': option.timeout = atof(optarg); break;
        case 'x': option.connect_timeout = atof(optarg); break;
        case 'X': option.reset = 1; break;
        case 'U': option.udp = 1; break;
        case 'F': option.rtu = 1; break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    if (!mix_parse(&option.mix, mix))
        fail("--mix is not fcFxN with F 1 to 4, 15 or 16 and a legal quantity");
    if (option.depth < 1 || option.depth > MAX_DEPTH || option.connections < 1)
        fail("--connections is below 1, or --depth not 1 to 64");
    for (; optind < argc; optind++)
        targets_add(&option.targets, argv[optind]);
    if (!option.targets.count)
        usage(stderr), exit(2);
}

#endif
