/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The poll schedule: three chained sets (rules section 5). Pure: no clock, no tree. */

#define DM_POLL_SETS 3

typedef struct {
    gint64 interval_min[DM_POLL_SETS];
    gint64 count[DM_POLL_SETS];
} DmPollSettings;

/* Stores 0/0 in each set that is on after the first infinite one (P1, P2). True if that changed
 * something. */
bool dm_poll_correct(DmPollSettings *settings);

/* The schedule's answer. */
typedef struct {
    gint64 due_us;      /* wall clock, µs since the epoch; 0 never */
    const char *reason; /* "first", "second", "third", "daily"; const */
} DmPollDue;

/* When the session after `n_done` poll sessions of the chain that began at `chain_start_us` is due,
 * and which set it belongs to; after the last finite set every 1,440 minutes at
 * `window_min` minutes after local midnight of `time_zone` (P1, P3, P5). Not earlier than the chain
 * start, never earlier than `last_us` (the last poll session's time; 0 none). Where sessions were
 * missed the chain goes on from the one that caught up; where `now_us` is before both by more than
 * an interval, because the clock was set back, a session is due at once (P4, P7). `settings` NULL:
 * Poll is absent. */
DmPollDue dm_poll_next(const DmPollSettings *settings, gint64 chain_start_us, guint64 n_done,
                       gint64 last_us, gint64 now_us, guint window_min, GTimeZone *time_zone);

/* A minute of 00:00–06:00 that is stable for this seed (P3). */
guint dm_poll_window(const char *machine_seed);
