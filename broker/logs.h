/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/channel.h"
#include "broker/journal.h"
#include "broker/self-check.h"

/* Hands the tree what somebody collects logs for: the session journal and a check. */
typedef struct DmLogs DmLogs;

/* Fills all but the limit. */
typedef void (*DmLogsFill)(DmSelfCheckOptions *check, gpointer data);

/* How long a check may take: whoever asks has 5 s (DM_LOGS_PATIENCE_MS of the plug-in). */
#define DM_LOGS_CHECK_MS 3500

/* Channel and journal are borrowed, and outlive it; runs on `context`. */
DmLogs *dm_logs_new(DmChannel *channel, const DmJournal *journal, GMainContext *context,
                    DmLogsFill fill, gpointer data);

/* NULL is fine. */
void dm_logs_free(DmLogs *logs);

/* Answers LogsRequested. One request at a time: what comes meanwhile waits, up to a few. */
void dm_logs_answer(DmLogs *logs, const char *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLogs, dm_logs_free)
