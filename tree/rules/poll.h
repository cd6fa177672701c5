/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The poll schedule: three chained sets (rules section 5). Pure: no clock, no tree.
 *
 * Its times are µs of a steady clock: one that no change of the wall clock moves, and that goes on
 * across restarts (P7). Only the daily session of P3 looks at the wall clock. */

#define DM_POLL_SETS 3

typedef struct {
    gint64 interval_min[DM_POLL_SETS];
    gint64 count[DM_POLL_SETS];
} DmPollSettings;

/* Stores 0/0 in each set that is on after the first infinite one (P1, P2). True if that changed
 * something. */
bool dm_poll_correct(DmPollSettings *settings);

/* What an administrator should know of corrected settings, a sentence each: a chain of no session
 * (P4), counts that the specification is of two minds about (P4), and its advice on totals and
 * order of the sets (P8). NULL-ended, often empty; free with g_strfreev(). */
GStrv dm_poll_get_warnings(const DmPollSettings *settings);

/* All that the schedule depends on. */
typedef struct {
    const DmPollSettings *settings; /* corrected; NULL: Poll is absent (P5) */
    gint64 start_us;                /* when the chain began (P6) */
    guint64 n_done;                 /* its poll sessions so far, whether they succeeded or not */
    gint64 last_us;                 /* dm_poll_place() of the last of them; 0 none */
    gint64 now_us;
    gint64 wall_us;       /* the wall clock at the same moment, since the epoch */
    const char *seed;     /* of this machine */
    bool has_window;      /* the administrator has chosen the maintenance window … */
    guint window_min;     /* … minutes after local midnight; else dm_poll_window() */
    GTimeZone *time_zone; /* NULL: the local one */
} DmPollState;

/* The schedule's answer. */
typedef struct {
    gint64 nominal_us;  /* the place in the chain */
    gint64 due_us;      /* that and the machine's jitter; in the past: overdue */
    const char *reason; /* "first", "second", "third", "daily"; const */
} DmPollDue;

/* When the next poll session is due, and which set it belongs to; after the last finite set daily
 * in the maintenance window (P1, P3, P5). However many were missed, one is due (P7). */
DmPollDue dm_poll_next(const DmPollState *state);

/* The place in the chain of its next session if that begins now: the one it was due at; now, where
 * it catches up or comes early, and the chain goes on from there (P7). */
gint64 dm_poll_place(const DmPollState *state);

/* A machine's jitter for sessions `interval_min` apart: less than a tenth of that and than 5
 * minutes (P8). */
gint64 dm_poll_jitter_us(const char *seed, gint64 interval_min);

/* A minute of 00:00–06:00 that is stable for this seed (P3), early enough for the jitter. */
guint dm_poll_window(const char *seed);
