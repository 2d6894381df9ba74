/* Parts of the report: errors by kind, latencies. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "frames.h"
#include "histogram.h"

/* Print how many errors there were of each kind; returns their sum. */
static uint64_t report_errors(const uint64_t *errors)
{
    uint64_t sum = 0;
    const char *comma = "";
    printf("\"errors\": {");
    for (int i = 1; i < ERRORS; i++)
        if (errors[i]) {
            printf("%s\"%s\": %llu", comma, ERROR_NAMES[i], (unsigned long long)errors[i]);
            comma = ", ";
            sum += errors[i];
        }
    printf("}, ");
    return sum;
}

static void report_latency(const char *name, const struct histogram *of)
{
    printf("\"%s\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}, ", name,
           (double)histogram_quantile(of, 0.5) / 1e3, (double)histogram_quantile(of, 0.9) / 1e3,
           (double)histogram_quantile(of, 0.99) / 1e3, (double)of->maximum / 1e3);
}

#endif
