/* SPDX-License-Identifier: MIT */

#include "tree/rules/poll.h"

#define MINUTE_US (60 * G_GINT64_CONSTANT(1000000))
#define DAY_MIN 1440
#define MAX_JITTER_MIN 5
#define WINDOW_MIN (360 - MAX_JITTER_MIN) /* 00:00–06:00 */

/* Between two daily sessions, so that setting the clock back does not repeat one (P7). */
#define MIN_DAILY_GAP_MIN 60

/* What the specification advises (P8): "not more than a few hours", "more than a day", "not smaller
 * than 1440". */
#define MAX_FIRST_TOTAL_MIN 360
#define MIN_SECOND_TOTAL_MIN DAY_MIN
#define MIN_THIRD_INTERVAL_MIN DAY_MIN

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

/* -- words --------------------------------------------------------------------------------------
 */

/* The whole time of a finite set. */
static gint64
get_total_min(const DmPollSettings *settings, int set)
{
    gint64 total;

    if (is_infinite(settings, set))
        return 0;
    return __builtin_mul_overflow(settings->interval_min[set], settings->count[set], &total)
               ? G_MAXINT64
               : total;
}

static void
advise(const DmPollSettings *settings, GStrvBuilder *warnings)
{
    gint64 first_min = get_total_min(settings, 0), second_min = get_total_min(settings, 1);

    if (first_min > MAX_FIRST_TOTAL_MIN)
        g_strv_builder_add(warnings, "the first set of poll sessions takes more than a few hours");
    if (second_min > 0 && second_min <= MIN_SECOND_TOTAL_MIN)
        g_strv_builder_add(warnings, "the second set of poll sessions takes no more than a day");
    if (is_on(settings, 0) && is_on(settings, 1) &&
        settings->interval_min[1] <= settings->interval_min[0])
        g_strv_builder_add(warnings,
                           "the second set's poll interval is not longer than the first's");
    if (is_on(settings, 2) && settings->interval_min[2] < MIN_THIRD_INTERVAL_MIN)
        g_strv_builder_add(warnings, "the remaining poll sessions are less than a day apart");
}

GStrv
dm_poll_get_warnings(const DmPollSettings *settings)
{
    g_autoptr(GStrvBuilder) warnings = g_strv_builder_new();
    bool any_on = false, any_count = false;

    for (int i = 0; i < DM_POLL_SETS; i++) {
        any_on |= is_on(settings, i);
        any_count |= settings->count[i] != 0;
    }
    if (!any_on)
        g_strv_builder_add(warnings, "all poll schedules are off: one session a day runs in the "
                                     "maintenance window");
    else if (!any_count)
        g_strv_builder_add(warnings, "all numbers of poll sessions are zero: the first schedule "
                                     "with an interval is taken as endless");
    advise(settings, warnings);
    return g_strv_builder_end(warnings);
}

/* -- jitter and window --------------------------------------------------------------------------
 */

enum { FOR_WINDOW = 1, FOR_JITTER };

/* 32 bits of a machine for one purpose, spread evenly: FNV-1a, and the end of MurmurHash3. They
 * hold for ever, so that an update of the program moves no fleet; they are no secret. */
static guint64
get_bits(const char *seed, guint64 purpose)
{
    guint64 hash = G_GUINT64_CONSTANT(0xcbf29ce484222325) ^ purpose;

    for (const char *c = seed; *c != '\0'; c++)
        hash = (hash ^ (guint8)*c) * G_GUINT64_CONSTANT(0x100000001b3);
    hash = (hash ^ (hash >> 33)) * G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
    return hash >> 32;
}

/* The most that a jitter may be, and a session late without moving those after it. */
static gint64
get_span_us(gint64 interval_min)
{
    return MIN(interval_min, 10 * MAX_JITTER_MIN) * MINUTE_US / 10;
}

gint64
dm_poll_jitter_us(const char *seed, gint64 interval_min)
{
    return (gint64)((guint64)get_span_us(interval_min) * get_bits(seed, FOR_JITTER) >> 32);
}

guint
dm_poll_window(const char *seed)
{
    return (guint)(get_bits(seed, FOR_WINDOW) % WINDOW_MIN);
}

/* -- the schedule -------------------------------------------------------------------------------
 */

/* At most the end of time. */
static gint64
add(gint64 a_us, gint64 b_us)
{
    gint64 sum;

    return __builtin_add_overflow(a_us, b_us, &sum) ? G_MAXINT64 : sum;
}

static gint64
add_minutes(gint64 start_us, gint64 minutes)
{
    return minutes > G_MAXINT64 / MINUTE_US ? G_MAXINT64 : add(start_us, minutes * MINUTE_US);
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

/* The first time after `base_us` of the wall clock that the local clock shows `window_min` (P3): a
 * day of 23 or 25 hours moves it with the clock on the wall. */
static gint64
next_window(gint64 base_us, guint window_min, GTimeZone *time_zone)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(base_us / G_TIME_SPAN_SECOND);
    g_autoptr(GDateTime) today = utc != NULL ? g_date_time_to_timezone(utc, time_zone) : NULL;
    g_autoptr(GDateTime) tomorrow = today != NULL ? g_date_time_add_days(today, 1) : NULL;
    gint64 window_us;

    if (tomorrow == NULL)
        return add_minutes(base_us, DAY_MIN); /* outside of the calendar */
    window_us = window_of_day(today, window_min, time_zone);
    if (window_us <= base_us)
        window_us = window_of_day(tomorrow, window_min, time_zone);
    return window_us > base_us ? window_us : add_minutes(base_us, DAY_MIN);
}

/* The set that the session after `n_done` belongs to; -1: all are through. */
static int
find_set(const DmPollSettings *settings, guint64 n_done)
{
    for (int i = 0; settings != NULL && i < DM_POLL_SETS; i++) {
        if (!is_on(settings, i))
            continue;
        if (is_infinite(settings, i) || n_done < (guint64)settings->count[i])
            return i;
        n_done -= (guint64)settings->count[i];
    }
    return -1;
}

/* P3: the wall clock says when, counted from where the chain is. */
static gint64
get_daily_us(const DmPollState *state, gint64 from_us)
{
    guint window_min = state->has_window ? state->window_min : dm_poll_window(state->seed);
    gint64 lead_us = state->wall_us - state->now_us;
    gint64 after_us = add_minutes(add(from_us, lead_us), MIN_DAILY_GAP_MIN);
    /* Only where it is needed: GLib reads a link each time to see that it is still the same. */
    g_autoptr(GTimeZone) time_zone =
        state->time_zone != NULL ? g_time_zone_ref(state->time_zone) : g_time_zone_new_local();

    return add(next_window(after_us - 1, window_min, time_zone), -lead_us);
}

static gint64
get_interval_min(const DmPollState *state, int set)
{
    return set < 0 ? DAY_MIN : state->settings->interval_min[set];
}

DmPollDue
dm_poll_next(const DmPollState *state)
{
    int set = find_set(state->settings, state->n_done);
    gint64 interval_min = get_interval_min(state, set);
    gint64 from_us = state->last_us != 0 ? state->last_us : state->start_us;
    DmPollDue due = {.reason = set < 0 ? "daily" : reasons[set]};

    /* From the future only by a damaged record: waiting for it would be silence (P4). */
    from_us = MIN(from_us, state->now_us);
    due.nominal_us = set < 0 ? get_daily_us(state, from_us) : add_minutes(from_us, interval_min);
    due.due_us = add(due.nominal_us, dm_poll_jitter_us(state->seed, interval_min));
    return due;
}

gint64
dm_poll_place(const DmPollState *state)
{
    gint64 interval_min = get_interval_min(state, find_set(state->settings, state->n_done));
    DmPollDue due = dm_poll_next(state);

    if (state->now_us >= due.nominal_us &&
        state->now_us <= add(due.due_us, get_span_us(interval_min)))
        return due.nominal_us;
    return state->now_us;
}
