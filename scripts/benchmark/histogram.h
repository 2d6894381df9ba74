/* Latencies in nanoseconds, in buckets about 1.6 % wide: 64 linear steps in every power of two. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define STEPS 64
#define OCTAVES 40

struct histogram {
    uint64_t buckets[OCTAVES * STEPS];
    uint64_t count, maximum;
};

static void histogram_add(struct histogram *histogram, uint64_t value)
{
    int octave = value < STEPS ? 0 : 63 - __builtin_clzll(value) - 5;
    uint64_t step = octave ? (value >> (octave - 1)) - STEPS : value;
    if (octave >= OCTAVES)
        octave = OCTAVES - 1, step = STEPS - 1;
    histogram->buckets[octave * STEPS + step]++;
    histogram->count++;
    if (value > histogram->maximum)
        histogram->maximum = value;
}

/* The upper edge of the bucket that holds this share of all values. */
static uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (int i = 0; i < OCTAVES * STEPS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted) {
            int octave = i / STEPS;
            uint64_t edge = octave ? (uint64_t)(i % STEPS + STEPS + 1) << (octave - 1) : (uint64_t)i % STEPS + 1;
            return edge < histogram->maximum ? edge : histogram->maximum;
        }
    }
    return histogram->maximum;
}

#endif
