/* SPDX-License-Identifier: MIT */

/* How a million devices arrive at their server by the poll schedule (rule P8): the most in one
 * minute against the mean, with the machines' jitter, and beside it without; the same in the hour
 * after the server was gone for one. Usage: bench-fleet [DEVICES] */

#include "tests/bench/bench.h"
#include "tree/rules/poll.h"

#define N_DEVICES 1000000
#define SECOND_US G_GINT64_CONSTANT(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

/* 2026-03-02 00:00 UTC, when the simulation begins. */
#define START_US G_GINT64_CONSTANT(1772409600000000)
#define N_MINUTES (2 * 1440)

/* L4: one try and three retries, the wait doubled each time. */
#define FIRST_WAIT_US (16 * SECOND_US)
#define N_RETRIES 3

/* Arrivals by the minute. */
typedef struct {
    guint n_devices;
    guint with_jitter[N_MINUTES];
    guint without[N_MINUTES];
} Arrivals;

/* The server is gone from `begin_us` to `end_us`; both 0: never. */
typedef struct {
    gint64 begin_us, end_us;
} Outage;

static void
arrive(guint *minutes, gint64 time_us)
{
    gint64 minute = (time_us - START_US) / MINUTE_US;

    if (minute >= 0 && minute < N_MINUTES)
        minutes[minute]++;
}

/* A session that begins at `time_us`, with its retries while nobody answers. */
static void
run_session(guint *minutes, const Outage *outage, gint64 time_us)
{
    gint64 wait_us = FIRST_WAIT_US;

    for (int i = 0; i <= N_RETRIES; i++) {
        if (time_us < outage->begin_us || time_us >= outage->end_us) {
            arrive(minutes, time_us);
            return;
        }
        time_us += wait_us;
        wait_us *= 2;
    }
}

/* One device from its enrolment to `end_us`. */
static void
run_device(DmPollState *state, const Outage *outage, gint64 end_us, Arrivals *arrivals)
{
    for (;;) {
        DmPollDue due = dm_poll_next(state);

        if (due.nominal_us >= end_us)
            return;
        run_session(arrivals->with_jitter, outage, due.due_us);
        run_session(arrivals->without, outage, due.nominal_us);
        state->now_us = state->wall_us = due.due_us;
        state->last_us = dm_poll_place(state);
        state->n_done++;
    }
}

static double
get_peak(const guint *minutes, guint first, guint end)
{
    guint peak = 0;

    for (guint i = first; i < end; i++)
        peak = MAX(peak, minutes[i]);
    return peak;
}

/* The peak of some minutes against the mean of a fleet whose sessions are `interval_min` apart. */
static void
print(const char *name, const Arrivals *arrivals, guint first, guint end, guint interval_min)
{
    double mean = (double)arrivals->n_devices / interval_min;

    dm_bench_print(name, get_peak(arrivals->with_jitter, first, end) / mean, "peak/mean",
                   get_peak(arrivals->without, first, end) / mean);
}

/* Runs a fleet that enrolled over `enrolment_us`, as far as `end_us`. */
static void
run_fleet(const DmPollState *model, gint64 enrolment_us, const Outage *outage, gint64 end_us,
          Arrivals *arrivals)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(1);

    *arrivals = (Arrivals){.n_devices = arrivals->n_devices};
    for (guint i = 0; i < arrivals->n_devices; i++) {
        DmPollState state = *model;
        char seed[16];

        (void)g_snprintf(seed, sizeof(seed), "%u", i);
        state.seed = seed;
        state.start_us = START_US + (gint64)(g_rand_double(random) * (double)enrolment_us);
        state.now_us = state.wall_us = state.start_us;
        run_device(&state, outage, end_us, arrivals);
    }
}

/* Hourly sessions. The server is gone in the third hour; the fourth is the one after it. */
static void
run_hourly(const DmPollState *model, const char *name, gint64 enrolment_us, Arrivals *arrivals)
{
    const Outage outage = {START_US + 2 * HOUR_US + HOUR_US / 2,
                           START_US + 3 * HOUR_US + HOUR_US / 2};
    g_autofree char *before = g_strconcat("fleet-", name, NULL);
    g_autofree char *after = g_strconcat("fleet-", name, "-after-outage", NULL);

    run_fleet(model, enrolment_us, &outage, START_US + 5 * HOUR_US, arrivals);
    print(before, arrivals, 90, 150, 60);
    print(after, arrivals, 210, 270, 60);
}

/* The daily session of P3, on the second day. */
static void
run_daily(const DmPollState *model, const char *name, Arrivals *arrivals)
{
    const Outage none = {0, 0};

    run_fleet(model, 23 * HOUR_US, &none, START_US + 30 * HOUR_US, arrivals);
    print(name, arrivals, 1440, 2 * 1440, 1440);
}

int
main(int argc, char **argv)
{
    static const DmPollSettings hourly = {{60, 0, 0}, {0, 0, 0}};
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autofree Arrivals *arrivals = g_new0(Arrivals, 1);
    DmPollState model = {.settings = &hourly, .time_zone = utc};

    arrivals->n_devices = dm_bench_get_count(argc, argv, 1, N_DEVICES);
    run_hourly(&model, "enrolled-in-an-hour", HOUR_US, arrivals);
    run_hourly(&model, "enrolled-in-a-minute", MINUTE_US, arrivals);
    model.settings = NULL;
    run_daily(&model, "fleet-daily", arrivals);
    model.has_window = true;
    model.window_min = 150;
    run_daily(&model, "fleet-daily-at-one-time", arrivals);
    return 0;
}
