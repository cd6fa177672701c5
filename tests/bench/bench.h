/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What the benchmarks share: every figure stands beside the floor that was measured in the same run
 * (design section 10). */

/* CPU time of this process, and wall time, in seconds. */
double dm_bench_cpu_s(void);
double dm_bench_wall_s(void);

/* Prints `name value unit floor ratio`, the ratio being value / floor. A floor of 0: there is none.
 */
void dm_bench_print(const char *name, double value, const char *unit, double floor);

/* The median of `n` figures; sorts them. */
double dm_bench_median(double *figures, gsize n);
