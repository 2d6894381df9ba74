/* Where the load goes: spans of IPv4 addresses, ports and unit ids.
 *
 * A span is written IP[-IP]:PORT[-PORT][@UNIT[-UNIT]].  Spans are counted, never expanded, so a
 * million addresses cost one struct.  Anything that does not parse ends the program with code 2.
 */
#ifndef TARGETS_H
#define TARGETS_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SPANS 64

struct span {
    uint32_t first_ip, last_ip;
    int first_port, last_port;
    int first_unit, last_unit;
};

struct targets {
    struct span spans[MAX_SPANS];
    int count;
    uint64_t places; /* address and port pairs of all spans */
};

struct place {
    uint32_t ip;
    uint16_t port;
    uint8_t first_unit, units;
};

static void bad_target(const char *text, const char *fact)
{
    fprintf(stderr, "load: target \"%s\": %s, expected IP[-IP]:PORT[-PORT][@UNIT[-UNIT]]\n", text, fact);
    exit(2);
}

static uint32_t target_ip(const char *text, const char *ip)
{
    struct in_addr address;
    if (inet_pton(AF_INET, ip, &address) != 1)
        bad_target(text, "not an IPv4 address");
    return ntohl(address.s_addr);
}

static void target_numbers(const char *text, char *range, int low, int high, int *first, int *last)
{
    char *dash = strchr(range, '-'), *end;
    *first = (int)strtol(range, &end, 10);
    if (end == range || (*end && *end != '-'))
        bad_target(text, "not a number");
    *last = dash ? (int)strtol(dash + 1, &end, 10) : *first;
    if ((dash && (end == dash + 1 || *end)) || *first < low || *last > high || *last < *first)
        bad_target(text, "not a range");
}

static uint64_t span_places(const struct span *span)
{
    uint64_t addresses = (uint64_t)span->last_ip - span->first_ip + 1;
    return addresses * (uint64_t)(span->last_port - span->first_port + 1);
}

static void targets_add(struct targets *targets, const char *text)
{
    char copy[128];
    if (targets->count == MAX_SPANS)
        bad_target(text, "more than 64 targets");
    if (strlen(text) >= sizeof copy)
        bad_target(text, "too long");
    strcpy(copy, text);
    struct span *span = &targets->spans[targets->count++];
    span->first_unit = span->last_unit = 1;
    char *units = strchr(copy, '@');
    if (units) {
        *units++ = 0;
        target_numbers(text, units, 0, 255, &span->first_unit, &span->last_unit);
    }
    char *ports = strchr(copy, ':');
    if (!ports)
        bad_target(text, "no port");
    *ports++ = 0;
    target_numbers(text, ports, 1, 65535, &span->first_port, &span->last_port);
    char *dash = strchr(copy, '-');
    if (dash)
        *dash++ = 0;
    span->first_ip = target_ip(text, copy);
    span->last_ip = dash ? target_ip(text, dash) : span->first_ip;
    if (span->last_ip < span->first_ip)
        bad_target(text, "addresses descend");
    targets->places += span_places(span);
}

/* The place with this number, counted over all spans, ports turning fastest. */
static struct place targets_place(const struct targets *targets, uint64_t number)
{
    const struct span *span = targets->spans;
    while (number >= span_places(span))
        number -= span_places(span++);
    int ports = span->last_port - span->first_port + 1;
    return (struct place){span->first_ip + (uint32_t)(number / ports),
                          (uint16_t)(span->first_port + number % ports), (uint8_t)span->first_unit,
                          (uint8_t)(span->last_unit - span->first_unit + 1)};
}

#endif
