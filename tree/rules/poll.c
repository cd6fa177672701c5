/* SPDX-License-Identifier: MIT */

#include "tree/rules/poll.h"

#define MINUTE_US (60 * G_GINT64_CONSTANT(1000000))
#define DAY_MIN 1440
#define WINDOW_MIN 360 /* 00:00–06:00 */

/* Lateness of a session that does not move the ones after it: what jitter (P8) and the start of a
 * session may take. */
#define MAX_LATENESS_US (6 * MINUTE_US)

static const char *const reasons[DM_POLL_SETS] = {"first", "second", "third"};

static bool
is_on(const DmPollSettings *settings, int set)
{
    return settings->interval_min[set] > 0;
}

static bool
is_infinite(const DmPollSettings *settings, int set)
{
    return is_on(settings, set) && settings->count[set] <= 0;
}

bool
dm_poll_correct(DmPollSettings *settings)
{
    bool infinite_before = false, changed = false;

    for (int i = 0; i < DM_POLL_SETS; i++) {
        if (infinite_before && is_on(settings, i)) {
            settings->interval_min[i] = 0;
            settings->count[i] = 0;
            changed = true;
        }
        infinite_before |= is_infinite(settings, i);
    }
    return changed;
}

/* `start_us` and `n` times `minutes`, at most the end of time. */
static gint64
add_minutes(gint64 start_us, gint64 minutes, guint64 n)
{
    gint64 span, sum;

    if (n > G_MAXINT64 || __builtin_mul_overflow(minutes, (gint64)n, &span) ||
        __builtin_mul_overflow(span, MINUTE_US, &span) ||
        __builtin_add_overflow(start_us, span, &sum))
        return G_MAXINT64;
    return sum;
}

/* When the local clock shows `window_min` on the day of `local`; 0 outside of the calendar. Where
 * the clock skips it, the time the skip ends. */
static gint64
window_of_day(GDateTime *local, guint window_min, GTimeZone *time_zone)
{
    g_autoptr(GDateTime) window =
        g_date_time_new(time_zone, g_date_time_get_year(local), g_date_time_get_month(local),
                        g_date_time_get_day_of_month(local), (int)(window_min / 60 % 24),
                        (int)(window_min % 60), 0);

    return window != NULL ? g_date_time_to_unix(window) * G_TIME_SPAN_SECOND : 0;
}

/* The first time after `base_us` that the local clock shows `window_min` (P3): a day of 23 or 25
 * hours moves it with the clock on the wall. */
static gint64
next_window(gint64 base_us, guint window_min, GTimeZone *time_zone)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(base_us / G_TIME_SPAN_SECOND);
    g_autoptr(GDateTime) today = utc != NULL ? g_date_time_to_timezone(utc, time_zone) : NULL;
    g_autoptr(GDateTime) tomorrow = today != NULL ? g_date_time_add_days(today, 1) : NULL;
    gint64 window_us;

    if (tomorrow == NULL)
        return add_minutes(base_us, DAY_MIN, 1); /* outside of the calendar */
    window_us = window_of_day(today, window_min, time_zone);
    if (window_us <= base_us)
        window_us = window_of_day(tomorrow, window_min, time_zone);
    return window_us > base_us ? window_us : add_minutes(base_us, DAY_MIN, 1);
}

static DmPollDue
daily(gint64 chain_start_us, gint64 last_us, gint64 now_us, guint window_min, GTimeZone *time_zone)
{
    gint64 base_us = MAX(chain_start_us, last_us);

    /* The clock was set back: waiting for the old time would be silence (P4). */
    if (base_us > add_minutes(now_us, DAY_MIN, 1))
        base_us = now_us;
    return (DmPollDue){next_window(base_us, window_min, time_zone), "daily"};
}

/* The session whose place in the chain is `nominal_us`, one interval after the one before. */
static gint64
settle(gint64 nominal_us, gint64 interval_min, gint64 chain_start_us, gint64 last_us, gint64 now_us)
{
    gint64 interval_us = add_minutes(0, interval_min, 1);
    gint64 before_us = nominal_us == G_MAXINT64 ? G_MAXINT64 : nominal_us - interval_us;
    gint64 horizon_us = add_minutes(now_us, interval_min, 1);

    /* A clock that was set back by more than an interval: one session catches up (P7). */
    if (last_us > horizon_us || (last_us == 0 && chain_start_us > horizon_us))
        return now_us;
    /* Suspended, off, or set forward: the chain goes on from the session that caught up. */
    if (last_us != 0 && (chain_start_us > horizon_us ||
                         last_us - MIN(before_us, last_us) > MIN(interval_us / 5, MAX_LATENESS_US)))
        return add_minutes(last_us, interval_min, 1);
    return MAX(nominal_us, last_us);
}

DmPollDue
dm_poll_next(const DmPollSettings *settings, gint64 chain_start_us, guint64 n_done, gint64 last_us,
             gint64 now_us, guint window_min, GTimeZone *time_zone)
{
    gint64 start_us = chain_start_us;

    for (int i = 0; settings != NULL && i < DM_POLL_SETS; i++) {
        gint64 interval_min = settings->interval_min[i];
        guint64 count = is_infinite(settings, i) ? G_MAXUINT64 : (guint64)settings->count[i];

        if (!is_on(settings, i))
            continue;
        if (n_done < count) {
            gint64 nominal_us = add_minutes(start_us, interval_min, n_done + 1);

            return (DmPollDue){settle(nominal_us, interval_min, chain_start_us, last_us, now_us),
                               reasons[i]};
        }
        start_us = add_minutes(start_us, interval_min, count);
        n_done -= count;
    }
    return daily(chain_start_us, last_us, now_us, window_min, time_zone);
}

guint
dm_poll_window(const char *machine_seed)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, machine_seed, -1);

    digest[8] = '\0';
    return (guint)(g_ascii_strtoull(digest, NULL, 16) % WINDOW_MIN);
}
