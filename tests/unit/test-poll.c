/* SPDX-License-Identifier: MIT */

#include "tree/rules/poll.h"

#define MINUTE_US G_GINT64_CONSTANT(60000000)
#define HOUR_US (60 * MINUTE_US)

/* 2026-03-02 10:00 UTC. */
#define START_US G_GINT64_CONSTANT(1772445600000000)

static gint64
utc_us(int year, int month, int day, int hour, int minute)
{
    g_autoptr(GDateTime) time = g_date_time_new_utc(year, month, day, hour, minute, 0);

    return g_date_time_to_unix(time) * G_TIME_SPAN_SECOND;
}

/* The clocks agree, the maintenance window is at 01:30, the time zone is UTC. */
static DmPollState
new_state(const DmPollSettings *settings, guint64 n_done, gint64 last_us, gint64 time_us)
{
    return (DmPollState){.settings = settings,
                         .start_us = START_US,
                         .n_done = n_done,
                         .last_us = last_us,
                         .now_us = time_us,
                         .wall_us = time_us,
                         .seed = "a machine",
                         .has_window = true,
                         .window_min = 90,
                         .time_zone = g_time_zone_new_utc()};
}

static DmPollDue
next_at(const DmPollSettings *settings, guint64 n_done, gint64 last_us, gint64 time_us)
{
    DmPollState state = new_state(settings, n_done, last_us, time_us);
    DmPollDue due = dm_poll_next(&state);

    g_time_zone_unref(state.time_zone);
    return due;
}

static gint64
place_at(const DmPollSettings *settings, guint64 n_done, gint64 last_us, gint64 time_us)
{
    DmPollState state = new_state(settings, n_done, last_us, time_us);
    gint64 place_us = dm_poll_place(&state);

    g_time_zone_unref(state.time_zone);
    return place_us;
}

/* The place of the session after `n_done`, the last of which was at `last_min`, and its set. */
static void
assert_due(const DmPollSettings *settings, guint64 n_done, gint64 last_min, gint64 expected_min,
           const char *reason)
{
    gint64 last_us = n_done == 0 ? 0 : START_US + last_min * MINUTE_US;
    DmPollDue due = next_at(settings, n_done, last_us, MAX(START_US, last_us));

    g_assert_cmpint(due.nominal_us, ==, START_US + expected_min * MINUTE_US);
    g_assert_cmpstr(due.reason, ==, reason);
}

static void
assert_settings(const DmPollSettings *settings, gint64 i1, gint64 c1, gint64 i2, gint64 c2,
                gint64 i3, gint64 c3)
{
    g_assert_cmpint(settings->interval_min[0], ==, i1);
    g_assert_cmpint(settings->count[0], ==, c1);
    g_assert_cmpint(settings->interval_min[1], ==, i2);
    g_assert_cmpint(settings->count[1], ==, c2);
    g_assert_cmpint(settings->interval_min[2], ==, i3);
    g_assert_cmpint(settings->count[2], ==, c3);
}

/* -- the specification's four tables ------------------------------------------------------------
 */

static void
test_table_infinite(void)
{
    DmPollSettings settings = {{15, 60, 1440}, {5, 10, 0}};

    g_assert_false(dm_poll_correct(&settings));
    assert_settings(&settings, 15, 5, 60, 10, 1440, 0);
    assert_due(&settings, 0, 0, 15, "first");
    assert_due(&settings, 4, 60, 75, "first");
    assert_due(&settings, 5, 75, 75 + 60, "second");
    assert_due(&settings, 14, 75 + 540, 75 + 600, "second");
    assert_due(&settings, 15, 675, 675 + 1440, "third");
    assert_due(&settings, 16, 675 + 1440, 675 + 2 * 1440, "third");
    assert_due(&settings, 1015, 675 + 1000 * 1440, 675 + 1001 * 1440, "third");
}

static void
test_table_initial_only(void)
{
    DmPollSettings settings = {{15, 60, 0}, {5, 10, 0}};
    gint64 last_us = START_US + 675 * MINUTE_US; /* 21:15 */
    DmPollDue due;

    g_assert_false(dm_poll_correct(&settings));
    assert_settings(&settings, 15, 5, 60, 10, 0, 0);
    assert_due(&settings, 14, 615, 675, "second");
    due = next_at(&settings, 15, last_us, last_us);
    g_assert_cmpint(due.nominal_us, ==, utc_us(2026, 3, 3, 1, 30));
    g_assert_cmpstr(due.reason, ==, "daily");
    due = next_at(&settings, 16, due.nominal_us, due.due_us);
    g_assert_cmpint(due.nominal_us, ==, utc_us(2026, 3, 4, 1, 30));
}

static void
test_table_all_off(void)
{
    DmPollSettings settings = {{0, 0, 0}, {0, 0, 0}};
    DmPollDue due;

    g_assert_false(dm_poll_correct(&settings));
    assert_settings(&settings, 0, 0, 0, 0, 0, 0);
    due = next_at(&settings, 0, 0, START_US);
    g_assert_cmpint(due.nominal_us, ==, utc_us(2026, 3, 3, 1, 30));
    g_assert_cmpstr(due.reason, ==, "daily");
}

static void
test_table_two_infinite(void)
{
    DmPollSettings settings = {{15, 1440, 1440}, {5, 0, 0}};

    g_assert_true(dm_poll_correct(&settings));
    assert_settings(&settings, 15, 5, 1440, 0, 0, 0);
    g_assert_false(dm_poll_correct(&settings));
    assert_due(&settings, 4, 60, 75, "first");
    assert_due(&settings, 5, 75, 75 + 1440, "second");
    assert_due(&settings, 6, 75 + 1440, 75 + 2880, "second");
}

/* Runs the chain from its start, each session a few seconds after it is due; checks the gaps in
 * minutes and the sets of the first of them. */
static void
assert_chain(const DmPollSettings *settings, const int *gaps_min, const char *const *names, gsize n)
{
    gint64 last_us = 0, before_us = START_US, time_us = START_US;

    for (gsize i = 0; i < n; i++) {
        DmPollDue due = next_at(settings, i, last_us, time_us);

        g_assert_cmpint(due.nominal_us, ==, before_us + gaps_min[i] * MINUTE_US);
        g_assert_cmpstr(due.reason, ==, names[i]);
        time_us = due.due_us + 3 * G_USEC_PER_SEC;
        last_us = place_at(settings, i, last_us, time_us);
        before_us = last_us;
    }
}

static void
test_table_infinite_as_it_goes(void)
{
    const DmPollSettings settings = {{15, 60, 1440}, {5, 10, 0}};
    int gaps_min[40];
    const char *names[40];

    for (int i = 0; i < 40; i++) {
        gaps_min[i] = i < 5 ? 15 : i < 15 ? 60 : 1440;
        names[i] = i < 5 ? "first" : i < 15 ? "second" : "third";
    }
    assert_chain(&settings, gaps_min, names, 40);
}

/* -- P1, P2 -------------------------------------------------------------------------------------
 */

static void
test_off_set_is_skipped(void)
{
    DmPollSettings settings = {{0, 30, 0}, {7, 2, 9}};

    g_assert_false(dm_poll_correct(&settings));
    assert_settings(&settings, 0, 7, 30, 2, 0, 9);
    assert_due(&settings, 0, 0, 30, "second");
    assert_due(&settings, 1, 30, 60, "second");
    g_assert_cmpstr(next_at(&settings, 2, START_US, START_US).reason, ==, "daily");
}

static void
test_first_infinite_wins(void)
{
    DmPollSettings settings = {{1, 5, 7}, {0, 3, 0}};

    g_assert_true(dm_poll_correct(&settings));
    assert_settings(&settings, 1, 0, 0, 0, 0, 0);
    assert_due(&settings, 0, 0, 1, "first");
    assert_due(&settings, 100, 100, 101, "first");
}

static void
test_off_set_behind_infinite_is_kept(void)
{
    DmPollSettings settings = {{1, 0, 0}, {0, 3, 0}};

    g_assert_false(dm_poll_correct(&settings));
    assert_settings(&settings, 1, 0, 0, 3, 0, 0);
}

/* -- P3, P5 -------------------------------------------------------------------------------------
 */

static void
test_absent_is_daily(void)
{
    DmPollDue due = next_at(NULL, 0, 0, START_US);

    g_assert_cmpint(due.nominal_us, ==, utc_us(2026, 3, 3, 1, 30));
    g_assert_cmpstr(due.reason, ==, "daily");
    due = next_at(NULL, 1, due.nominal_us, due.due_us);
    g_assert_cmpint(due.nominal_us, ==, utc_us(2026, 3, 4, 1, 30));
    /* One that caught up in the afternoon. */
    due = next_at(NULL, 1, utc_us(2026, 3, 4, 17, 0), utc_us(2026, 3, 4, 17, 0));
    g_assert_cmpint(due.nominal_us, ==, utc_us(2026, 3, 5, 1, 30));
}

/* The days on which the daily session runs in Berlin at `window_min`, from the evening of `day` in
 * 2026 on. */
static void
assert_berlin(guint window_min, int month, int day, const gint64 *expected_us, gsize n)
{
    g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("Europe/Berlin");
    DmPollState state = {.start_us = utc_us(2026, month, day, 20, 0),
                         .seed = "a machine",
                         .has_window = true,
                         .window_min = window_min,
                         .time_zone = berlin};

    g_assert_nonnull(berlin); /* tzdata is one of the tests' packages */
    state.now_us = state.wall_us = state.start_us;
    for (gsize i = 0; i < n; i++) {
        DmPollDue due = dm_poll_next(&state);

        g_assert_cmpint(due.nominal_us, ==, expected_us[i]);
        state.now_us = state.wall_us = due.due_us;
        state.last_us = dm_poll_place(&state);
        state.n_done++;
    }
}

static void
test_daylight_saving(void)
{
    /* A day of 23 hours: 03:30 is 02:30 UTC in winter, 01:30 in summer. */
    const gint64 spring_us[] = {utc_us(2026, 3, 28, 2, 30), utc_us(2026, 3, 29, 1, 30),
                                utc_us(2026, 3, 30, 1, 30)};
    /* 02:30 is not on the clock on the 29th: once, when the gap ends. */
    const gint64 gap_us[] = {utc_us(2026, 3, 28, 1, 30), utc_us(2026, 3, 29, 1, 0),
                             utc_us(2026, 3, 30, 0, 30)};
    /* A day of 25 hours, on which 03:30 is 01:30 UTC before and 02:30 from then on. */
    const gint64 autumn_us[] = {utc_us(2026, 10, 24, 1, 30), utc_us(2026, 10, 25, 2, 30),
                                utc_us(2026, 10, 26, 2, 30)};

    assert_berlin(210, 3, 27, spring_us, G_N_ELEMENTS(spring_us));
    assert_berlin(150, 3, 27, gap_us, G_N_ELEMENTS(gap_us));
    assert_berlin(210, 10, 23, autumn_us, G_N_ELEMENTS(autumn_us));
}

/* 02:30 is on the clock twice that day: one session all the same. */
static void
test_daylight_saving_twice(void)
{
    g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("Europe/Berlin");
    DmPollState state = {.start_us = utc_us(2026, 10, 24, 20, 0),
                         .seed = "a machine",
                         .has_window = true,
                         .window_min = 150,
                         .time_zone = berlin};
    DmPollDue due;

    state.now_us = state.wall_us = state.start_us;
    due = dm_poll_next(&state);
    g_assert_cmpint(due.nominal_us, >=, utc_us(2026, 10, 25, 0, 30));
    g_assert_cmpint(due.nominal_us, <=, utc_us(2026, 10, 25, 1, 30));
    state.now_us = state.wall_us = due.due_us;
    state.last_us = dm_poll_place(&state);
    g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, utc_us(2026, 10, 26, 1, 30));
}

static void
test_window_in_local_time(void)
{
    DmPollState state = {.start_us = utc_us(2026, 3, 2, 20, 0),
                         .seed = "a machine",
                         .has_window = true,
                         .window_min = 210};

    state.now_us = state.wall_us = state.start_us;
    g_setenv("TZ", "Europe/Berlin", TRUE);
    g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, utc_us(2026, 3, 3, 2, 30));
    g_setenv("TZ", "UTC", TRUE);
    g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, utc_us(2026, 3, 3, 3, 30));
    g_unsetenv("TZ");
}

static void
test_window_is_stable(void)
{
    guint first = dm_poll_window("machine 0"), n_other = 0;

    for (int i = 0; i < 200; i++) {
        g_autofree char *seed = g_strdup_printf("machine %d", i);
        guint window = dm_poll_window(seed);

        g_assert_cmpint(window * MINUTE_US + dm_poll_jitter_us(seed, 1440), <, 6 * HOUR_US);
        g_assert_cmpuint(window, ==, dm_poll_window(seed));
        n_other += window != first;
    }
    g_assert_cmpuint(n_other, >, 190);
}

static void
test_window_of_the_machine(void)
{
    DmPollState state = new_state(NULL, 0, 0, START_US);
    gint64 own_us = utc_us(2026, 3, 3, 0, 0) + dm_poll_window("a machine") * MINUTE_US;

    state.has_window = false;
    g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, own_us);
    state.has_window = true;
    state.window_min = 0;
    g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, utc_us(2026, 3, 3, 0, 0));
    state.window_min = 23 * 60 + 59;
    g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, utc_us(2026, 3, 2, 23, 59));
    g_time_zone_unref(state.time_zone);
}

/* -- P7 -----------------------------------------------------------------------------------------
 */

static void
test_one_catch_up_session(void)
{
    const DmPollSettings settings = {{15, 0, 0}, {0, 0, 0}};
    gint64 woken_us = START_US + 10 * HOUR_US, last_us;
    /* Two sessions, then ten hours of suspend: the third is overdue… */
    DmPollDue due = next_at(&settings, 2, START_US + 30 * MINUTE_US, woken_us);

    g_assert_cmpint(due.nominal_us, ==, START_US + 45 * MINUTE_US);
    g_assert_cmpint(due.due_us, <, woken_us);
    /* …runs, and the fourth comes one interval after it. */
    last_us = place_at(&settings, 2, START_US + 30 * MINUTE_US, woken_us);
    g_assert_cmpint(last_us, ==, woken_us);
    g_assert_cmpint(next_at(&settings, 3, last_us, woken_us).nominal_us, ==,
                    woken_us + 15 * MINUTE_US);
}

static void
test_lateness_does_not_add_up(void)
{
    const DmPollSettings settings = {{60, 0, 0}, {0, 0, 0}};
    gint64 last_us = 0, time_us = START_US;

    for (guint64 n_done = 0; n_done < 100; n_done++) {
        DmPollDue due = next_at(&settings, n_done, last_us, time_us);

        g_assert_cmpint(due.nominal_us, ==, START_US + (gint64)(n_done + 1) * HOUR_US);
        time_us = due.due_us + 90 * G_USEC_PER_SEC;
        last_us = place_at(&settings, n_done, last_us, time_us);
    }
}

/* The wall clock alone is set: what is due when does not change, except for the daily session,
 * which goes by it, and is then neither left out nor repeated. */
static void
test_wall_clock_is_set(void)
{
    static const gint64 jumps_min[] = {1, -1, 59, 600, -600, 1439, 1440, -1440, 1000000, -1000000};
    const DmPollSettings settings = {{15, 0, 0}, {0, 0, 0}};

    for (gsize i = 0; i < G_N_ELEMENTS(jumps_min); i++) {
        DmPollState state = new_state(&settings, 3, START_US + HOUR_US, START_US + HOUR_US);
        gint64 last_us;

        state.wall_us += jumps_min[i] * MINUTE_US;
        g_assert_cmpint(dm_poll_next(&state).nominal_us, ==, START_US + 75 * MINUTE_US);
        state.settings = NULL;
        last_us = dm_poll_next(&state).nominal_us;
        g_assert_cmpint(last_us, >=, START_US + 2 * HOUR_US);
        g_assert_cmpint(last_us, <=, START_US + 26 * HOUR_US);
        /* The same minute in a row is no second session. */
        state.last_us = last_us;
        state.now_us = last_us + MINUTE_US;
        state.wall_us = state.now_us + jumps_min[i] * MINUTE_US;
        g_assert_cmpint(dm_poll_next(&state).nominal_us, >=, last_us + HOUR_US);
        g_time_zone_unref(state.time_zone);
    }
}

/* Years of a device that is now on, now off, whose clock is set at random: never two sessions
 * closer than one interval and the jitter, never a burst, and when it is on, never silence. */
static void
simulate_years(const DmPollSettings *settings, gint64 least_gap_us, gint64 most_gap_us)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20260302);
    g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("Europe/Berlin");
    DmPollState state = {.settings = settings,
                         .start_us = START_US,
                         .now_us = START_US,
                         .wall_us = START_US,
                         .seed = "a machine",
                         .has_window = true,
                         .window_min = 150,
                         .time_zone = berlin};
    gint64 before_us = START_US, end_us = START_US + 5 * 365 * 24 * HOUR_US;

    while (state.now_us < end_us) {
        gint64 due_us = dm_poll_next(&state).due_us, lead_us = state.wall_us - state.now_us;
        gint64 slept_us = 0;
        int what = g_rand_int_range(random, 0, 20);

        if (what == 0) /* off or suspended for up to three days */
            slept_us = g_rand_int_range(random, 0, 3 * 24 * 60) * MINUTE_US;
        else if (what == 1) /* somebody sets the clock */
            lead_us = g_rand_int_range(random, -2880, 2880) * MINUTE_US;
        /* A clock that was set: what was computed before is not valid any more. */
        state.wall_us = state.now_us + lead_us;
        due_us = what == 1 ? dm_poll_next(&state).due_us : due_us;
        state.now_us = MAX(MAX(due_us, state.now_us), state.now_us + slept_us);
        state.wall_us = state.now_us + lead_us;
        g_assert_cmpint(state.now_us - before_us, >=, least_gap_us);
        g_assert_cmpint(state.now_us - before_us - slept_us, <=, most_gap_us);
        before_us = state.now_us;
        state.last_us = dm_poll_place(&state);
        state.n_done++;
    }
    g_assert_cmpuint(state.n_done, >, 5 * 365 / 4);
}

static void
test_years(void)
{
    const DmPollSettings endless = {{60, 0, 0}, {0, 0, 0}};
    const DmPollSettings off = {{0, 0, 0}, {0, 0, 0}};

    simulate_years(&endless, 50 * MINUTE_US, 65 * MINUTE_US);
    simulate_years(&off, 50 * MINUTE_US, 27 * HOUR_US);
    simulate_years(NULL, 50 * MINUTE_US, 27 * HOUR_US);
}

/* -- P4 -----------------------------------------------------------------------------------------
 */

static void
test_damaged_record_is_no_silence(void)
{
    const DmPollSettings settings = {{15, 0, 0}, {0, 0, 0}};
    gint64 time_us = START_US - 1000 * 24 * HOUR_US;
    DmPollDue due = next_at(&settings, 3, START_US + HOUR_US, time_us);

    g_assert_cmpint(due.nominal_us, ==, time_us + 15 * MINUTE_US);
    due = next_at(&settings, 0, 0, time_us);
    g_assert_cmpint(due.nominal_us, ==, time_us + 15 * MINUTE_US);
    due = next_at(NULL, 0, START_US, time_us);
    g_assert_cmpint(due.nominal_us, >, time_us);
    g_assert_cmpint(due.nominal_us, <=, time_us + 25 * HOUR_US);
}

static void
assert_warnings(DmPollSettings settings, const char *expected)
{
    g_auto(GStrv) warnings = NULL;
    g_autofree char *joined = NULL;

    (void)dm_poll_correct(&settings);
    warnings = dm_poll_get_warnings(&settings);
    joined = g_strjoinv("|", warnings);
    g_assert_cmpstr(joined, ==, expected);
}

static void
test_warnings(void)
{
    assert_warnings((DmPollSettings){{0, 0, 0}, {0, 0, 0}},
                    "all poll schedules are off: one session a day runs in the maintenance window");
    assert_warnings((DmPollSettings){{1, 0, 0}, {0, 0, 0}},
                    "all numbers of poll sessions are zero: the first schedule with an interval is "
                    "taken as endless");
    assert_warnings((DmPollSettings){{15, 120, 1440}, {5, 13, 0}}, "");
    assert_warnings((DmPollSettings){{15, 0, 0}, {10, 0, 0}}, "");
}

static void
test_advice(void)
{
    assert_warnings((DmPollSettings){{180, 240, 1440}, {3, 7, 0}},
                    "the first set of poll sessions takes more than a few hours");
    assert_warnings((DmPollSettings){{15, 60, 1440}, {5, 10, 0}},
                    "the second set of poll sessions takes no more than a day");
    assert_warnings((DmPollSettings){{60, 60, 0}, {2, 30, 0}},
                    "the second set's poll interval is not longer than the first's");
    assert_warnings((DmPollSettings){{15, 0, 480}, {5, 0, 0}},
                    "the remaining poll sessions are less than a day apart");
}

/* -- P8 -----------------------------------------------------------------------------------------
 */

static void
test_jitter(void)
{
    static const gint64 intervals_min[] = {1, 7, 15, 49, 50, 51, 60, 1440, 525600};

    for (gsize i = 0; i < G_N_ELEMENTS(intervals_min); i++) {
        gint64 most_us = MIN(intervals_min[i] * MINUTE_US / 10, 5 * MINUTE_US);
        gint64 least_seen_us = G_MAXINT64, most_seen_us = 0;

        for (int machine = 0; machine < 300; machine++) {
            g_autofree char *seed = g_strdup_printf("machine %d", machine);
            gint64 jitter_us = dm_poll_jitter_us(seed, intervals_min[i]);

            g_assert_cmpint(jitter_us, >=, 0);
            g_assert_cmpint(jitter_us, <, most_us);
            g_assert_cmpint(jitter_us, ==, dm_poll_jitter_us(seed, intervals_min[i]));
            least_seen_us = MIN(least_seen_us, jitter_us);
            most_seen_us = MAX(most_seen_us, jitter_us);
        }
        /* It spreads over all of it. */
        g_assert_cmpint(least_seen_us, <, most_us / 20);
        g_assert_cmpint(most_seen_us, >, most_us - most_us / 20);
    }
}

static void
test_due_is_jittered(void)
{
    const DmPollSettings settings = {{15, 0, 0}, {0, 0, 0}};
    DmPollDue due = next_at(&settings, 0, 0, START_US);

    g_assert_cmpint(due.due_us, ==, due.nominal_us + dm_poll_jitter_us("a machine", 15));
    due = next_at(NULL, 0, 0, START_US);
    g_assert_cmpint(due.due_us, ==, due.nominal_us + dm_poll_jitter_us("a machine", 1440));
}

static void
test_extremes(void)
{
    const DmPollSettings settings = {{525600, 525600, 525600}, {2147483647, 2147483647, 0}};
    const DmPollSettings beyond = {{G_MAXINT64, 0, 0}, {1, 0, 0}};

    g_assert_cmpstr(next_at(&settings, 4294967290, 0, START_US).reason, ==, "second");
    g_assert_cmpstr(next_at(&settings, G_MAXUINT64 - 1, 0, START_US).reason, ==, "third");
    g_assert_cmpint(next_at(NULL, 0, G_MAXINT64 / 8, G_MAXINT64 / 8).due_us, >, G_MAXINT64 / 8);
    g_assert_cmpint(next_at(&settings, 1, G_MAXINT64 / 8, G_MAXINT64 / 8).due_us, >,
                    G_MAXINT64 / 8);
    g_assert_cmpint(next_at(&beyond, 0, 0, START_US).due_us, ==, G_MAXINT64);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/poll/S-table-sigmoid-with-infinite", test_table_infinite);
    g_test_add_func("/poll/S-table-initial-enrollment-only", test_table_initial_only);
    g_test_add_func("/poll/S-table-all-disabled", test_table_all_off);
    g_test_add_func("/poll/S-table-two-infinite", test_table_two_infinite);
    g_test_add_func("/poll/P1-off-set-is-skipped", test_off_set_is_skipped);
    g_test_add_func("/poll/P2-first-infinite-set-wins", test_first_infinite_wins);
    g_test_add_func("/poll/P2-off-set-behind-infinite-is-kept",
                    test_off_set_behind_infinite_is_kept);
    g_test_add_func("/poll/S-table-sigmoid-as-it-goes", test_table_infinite_as_it_goes);
    g_test_add_func("/poll/P5-absent-poll-is-daily", test_absent_is_daily);
    g_test_add_func("/poll/P3-window-follows-daylight-saving", test_daylight_saving);
    g_test_add_func("/poll/P3-one-session-where-the-hour-is-twice", test_daylight_saving_twice);
    g_test_add_func("/poll/P3-window-is-in-local-time", test_window_in_local_time);
    g_test_add_func("/poll/P3-window-is-stable-per-machine", test_window_is_stable);
    g_test_add_func("/poll/P3-window-of-the-machine-or-chosen", test_window_of_the_machine);
    g_test_add_func("/poll/P7-one-session-catches-up", test_one_catch_up_session);
    g_test_add_func("/poll/P7-lateness-does-not-add-up", test_lateness_does_not_add_up);
    g_test_add_func("/poll/P7-wall-clock-is-set", test_wall_clock_is_set);
    g_test_add_func("/poll/P7-P4-years-without-burst-or-silence", test_years);
    g_test_add_func("/poll/P4-damaged-record-is-no-silence", test_damaged_record_is_no_silence);
    g_test_add_func("/poll/P4-warnings", test_warnings);
    g_test_add_func("/poll/P8-advice-of-the-specification", test_advice);
    g_test_add_func("/poll/P8-jitter-is-bounded-and-stable", test_jitter);
    g_test_add_func("/poll/P8-due-is-jittered", test_due_is_jittered);
    g_test_add_func("/poll/extreme-numbers", test_extremes);
    return g_test_run();
}
