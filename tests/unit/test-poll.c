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

static DmPollDue
next_at(const DmPollSettings *settings, guint64 n_done, gint64 last_us, gint64 now_us)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();

    return dm_poll_next(settings, START_US, n_done, last_us, now_us, 90, utc);
}

/* The due time and set of the session after `n_done`, all before having been in time. */
static void
assert_due(const DmPollSettings *settings, guint64 n_done, gint64 last_min, gint64 expected_min,
           const char *reason)
{
    gint64 last_us = n_done == 0 ? 0 : START_US + last_min * MINUTE_US;
    DmPollDue due = next_at(settings, n_done, last_us, MAX(START_US, last_us));

    g_assert_cmpint(due.due_us, ==, START_US + expected_min * MINUTE_US);
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
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 3, 1, 30));
    g_assert_cmpstr(due.reason, ==, "daily");
    due = next_at(&settings, 16, due.due_us, due.due_us);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 4, 1, 30));
}

static void
test_table_all_off(void)
{
    DmPollSettings settings = {{0, 0, 0}, {0, 0, 0}};
    DmPollDue due;

    g_assert_false(dm_poll_correct(&settings));
    assert_settings(&settings, 0, 0, 0, 0, 0, 0);
    due = next_at(&settings, 0, 0, START_US);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 3, 1, 30));
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

    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 3, 1, 30));
    g_assert_cmpstr(due.reason, ==, "daily");
    /* Strictly after the last one, also when that was in its very minute. */
    due = next_at(NULL, 1, due.due_us, due.due_us);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 4, 1, 30));
    due = next_at(NULL, 1, utc_us(2026, 3, 4, 1, 29), utc_us(2026, 3, 4, 1, 29));
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 4, 1, 30));
}

static void
test_daylight_saving(void)
{
    g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("Europe/Berlin");
    gint64 last_us = utc_us(2026, 3, 28, 2, 30); /* 03:30 in winter */
    DmPollDue due;

    if (berlin == NULL) {
        g_test_skip("no time zone data");
        return;
    }
    /* A day of 23 hours: 03:30 in summer is 01:30 UTC. */
    due = dm_poll_next(NULL, START_US, 0, last_us, last_us, 210, berlin);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 29, 1, 30));
    due = dm_poll_next(NULL, START_US, 0, due.due_us, due.due_us, 210, berlin);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 30, 1, 30));
    /* 02:30 is not on the clock that day: once, still before 06:00 (04:00 UTC). */
    last_us = utc_us(2026, 3, 28, 1, 30);
    due = dm_poll_next(NULL, START_US, 0, last_us, last_us, 150, berlin);
    g_assert_cmpint(due.due_us, >, utc_us(2026, 3, 28, 23, 0));
    g_assert_cmpint(due.due_us, <, utc_us(2026, 3, 29, 4, 0));
    due = dm_poll_next(NULL, START_US, 0, due.due_us, due.due_us, 150, berlin);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 3, 30, 0, 30));
    /* 02:30 is twice on the clock that day: once. */
    last_us = utc_us(2026, 10, 24, 0, 30);
    due = dm_poll_next(NULL, START_US, 0, last_us, last_us, 150, berlin);
    g_assert_cmpint(due.due_us, >=, utc_us(2026, 10, 25, 0, 30));
    g_assert_cmpint(due.due_us, <=, utc_us(2026, 10, 25, 1, 30));
    due = dm_poll_next(NULL, START_US, 0, due.due_us, due.due_us, 150, berlin);
    g_assert_cmpint(due.due_us, ==, utc_us(2026, 10, 26, 1, 30));
}

static void
test_window_is_stable(void)
{
    guint first = dm_poll_window("machine 0"), n_other = 0;

    for (int i = 0; i < 200; i++) {
        g_autofree char *seed = g_strdup_printf("machine %d", i);
        guint window = dm_poll_window(seed);

        g_assert_cmpuint(window, <, 360);
        g_assert_cmpuint(window, ==, dm_poll_window(seed));
        n_other += window != first;
    }
    g_assert_cmpuint(n_other, >, 190);
}

/* -- P7 -----------------------------------------------------------------------------------------
 */

static void
test_one_catch_up_session(void)
{
    DmPollSettings settings = {{15, 0, 0}, {0, 0, 0}};
    gint64 woken_us = START_US + 10 * HOUR_US;
    /* Two sessions, then ten hours of suspend: the third is overdue… */
    DmPollDue due = next_at(&settings, 2, START_US + 30 * MINUTE_US, woken_us);

    g_assert_cmpint(due.due_us, ==, START_US + 45 * MINUTE_US);
    /* …runs, and the fourth comes one interval after it. */
    due = next_at(&settings, 3, woken_us, woken_us);
    g_assert_cmpint(due.due_us, ==, woken_us + 15 * MINUTE_US);
    due = next_at(&settings, 4, due.due_us, due.due_us);
    g_assert_cmpint(due.due_us, ==, woken_us + 30 * MINUTE_US);
}

static void
test_lateness_does_not_add_up(void)
{
    DmPollSettings settings = {{60, 0, 0}, {0, 0, 0}};
    gint64 last_us = 0;

    for (guint64 n_done = 0; n_done < 100; n_done++) {
        DmPollDue due = next_at(&settings, n_done, last_us, START_US + (gint64)n_done * HOUR_US);

        g_assert_cmpint(due.due_us, ==, START_US + (gint64)(n_done + 1) * HOUR_US);
        last_us = due.due_us + 90 * G_TIME_SPAN_SECOND;
    }
}

static void
test_clock_set_back(void)
{
    DmPollSettings settings = {{15, 0, 0}, {0, 0, 0}};
    gint64 now_us = START_US - 1000 * 24 * HOUR_US;
    DmPollDue due = next_at(&settings, 3, START_US + HOUR_US, now_us);

    g_assert_cmpint(due.due_us, ==, now_us);
    /* That session done, the next one is an interval later, not in three years. */
    due = next_at(&settings, 4, now_us, now_us);
    g_assert_cmpint(due.due_us, ==, now_us + 15 * MINUTE_US);
    /* The same before any session, and where only the daily one is. */
    due = next_at(&settings, 0, 0, now_us);
    g_assert_cmpint(due.due_us, ==, now_us);
    due = next_at(NULL, 0, START_US, now_us);
    g_assert_cmpint(due.due_us, >, now_us);
    g_assert_cmpint(due.due_us, <=, now_us + 24 * HOUR_US);
}

static void
test_extremes(void)
{
    const DmPollSettings settings = {{525600, 525600, 525600}, {2147483647, 2147483647, 0}};

    g_assert_cmpint(next_at(&settings, 4294967290, 0, START_US).due_us, >, START_US);
    g_assert_cmpint(next_at(&settings, G_MAXUINT64 - 1, 0, START_US).due_us, >, START_US);
    g_assert_cmpint(next_at(NULL, 0, G_MAXINT64 / 4, G_MAXINT64 / 4).due_us, >, G_MAXINT64 / 4);
    g_assert_cmpint(next_at(&settings, 1, G_MAXINT64 / 4, G_MAXINT64 / 4).due_us, >,
                    G_MAXINT64 / 4);
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
    g_test_add_func("/poll/P5-absent-poll-is-daily", test_absent_is_daily);
    g_test_add_func("/poll/P3-window-follows-daylight-saving", test_daylight_saving);
    g_test_add_func("/poll/P3-window-is-stable-per-machine", test_window_is_stable);
    g_test_add_func("/poll/P7-one-session-catches-up", test_one_catch_up_session);
    g_test_add_func("/poll/P7-lateness-does-not-add-up", test_lateness_does_not_add_up);
    g_test_add_func("/poll/P4-clock-set-back-is-no-silence", test_clock_set_back);
    g_test_add_func("/poll/extreme-numbers", test_extremes);
    return g_test_run();
}
