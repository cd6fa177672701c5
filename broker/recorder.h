/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/journal.h"

/* Whole messages in a file, for root who has to see what a server and this device say to each other
 * (dmclientctl monitor --raw): 0600 in the broker's own directory, for an hour. It holds what no
 * log may have (security.md section 3), so it does not stay: it goes a day after it was begun, with
 * the next one, and when a broker starts. */
typedef struct DmRecorder DmRecorder;

#define DM_RECORDER_FILE "messages.txt"
#define DM_RECORDER_HOUR_US (60 * 60 * G_GINT64_CONSTANT(1000000))
#define DM_RECORDER_MAX_BYTES (64 * 1024 * 1024)

/* Removes what an earlier process left in `directory`. The journal is borrowed, and outlives it.
 * `hour_us`: DM_RECORDER_HOUR_US; shorter in tests. */
DmRecorder *dm_recorder_new(const char *directory, DmJournal *journal, gint64 hour_us,
                            GMainContext *context);

/* Ends a recording; its file stays. NULL is fine. */
void dm_recorder_free(DmRecorder *recorder);

/* Records from now on, for an hour, to the file at `*ret_path` (borrowed); one that is under way
 * goes on as it is. `*ret_until_us` is when it ends, wall clock. False and DM_ERROR: DENIED, FULL,
 * STORAGE. */
bool dm_recorder_start(DmRecorder *recorder, const char **ret_path, gint64 *ret_until_us,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRecorder, dm_recorder_free)
