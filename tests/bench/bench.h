/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What the benchmarks share: every figure stands beside the floor that was measured in the same run
 * (design section 10). */

/* Emit(u count, s text): what has a service of the benchmarks change that many providers' telephone
 * numbers to the text. The real one is told through its socket. */
#define DM_BENCH_PATH "/org/dmclient/Bench1"
#define DM_BENCH_INTERFACE "org.dmclient.Bench1"
#define DM_BENCH_EMIT "Emit"

/* CPU time of this process, and wall time, in seconds. */
double dm_bench_cpu_s(void);
double dm_bench_wall_s(void);

/* Prints `name value unit floor ratio`, the ratio being value / floor. A floor of 0: there is none.
 */
void dm_bench_print(const char *name, double value, const char *unit, double floor);

/* The number that stands at `index` of the arguments; `fallback` if there is none. The smoke test
 * asks for less of everything. */
guint dm_bench_get_count(int argc, char **argv, int index, guint fallback);

/* The median of `n` figures; sorts them. */
double dm_bench_median(double *figures, gsize n);
