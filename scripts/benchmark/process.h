/* What another process costs: its CPU time to the nanosecond and its resident memory.
 *
 * The CPU clock of a process counts all its threads, ended ones too; /proc/PID/stat counts in ticks
 * of 10 ms, which is too coarse for a run of a second.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define MAX_PIDS 16

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now))
        return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t process_cpu_ns(const pid_t *pids, int count)
{
    uint64_t sum = 0;
    clockid_t clock;
    for (int i = 0; i < count; i++)
        if (!clock_getcpuclockid(pids[i], &clock))
            sum += clock_ns(clock);
    return sum;
}

static long process_rss_kb(const pid_t *pids, int count)
{
    long sum = 0;
    for (int i = 0; i < count; i++) {
        char path[32];
        long size, resident;
        snprintf(path, sizeof path, "/proc/%d/statm", (int)pids[i]);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        if (fscanf(file, "%ld %ld", &size, &resident) == 2)
            sum += resident * (sysconf(_SC_PAGESIZE) / 1024);
        fclose(file);
    }
    return sum;
}

#endif
