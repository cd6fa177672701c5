/* SPDX-License-Identifier: MIT */

#include "tests/bench/bench.h"

#include <stdlib.h>
#include <time.h>

static double
read_clock(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double
dm_bench_cpu_s(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double
dm_bench_wall_s(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void
dm_bench_print(const char *name, double value, const char *unit, double floor)
{
    if (floor > 0)
        g_print("%s %.3f %s %.3f %.2f\n", name, value, unit, floor, value / floor);
    else
        g_print("%s %.3f %s - -\n", name, value, unit);
}

guint
dm_bench_get_count(int argc, char **argv, int index, guint fallback)
{
    guint64 count;

    if (index >= argc)
        return fallback;
    if (!g_ascii_string_to_unsigned(argv[index], 10, 1, G_MAXINT, &count, NULL))
        g_error("%s is no number", argv[index]);
    return (guint)count;
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
dm_bench_median(double *figures, gsize n)
{
    qsort(figures, n, sizeof *figures, by_size);
    return n % 2 == 1 ? figures[n / 2] : (figures[n / 2 - 1] + figures[n / 2]) / 2;
}
