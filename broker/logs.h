/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/channel.h"
#include "broker/journal.h"
#include "broker/self-check.h"

/* Hands the tree what somebody collects logs for: the session journal and a check of itself. */
typedef struct DmLogs DmLogs;

/* Fills all but `providers`. */
typedef void (*DmLogsFill)(DmSelfCheck *check, gpointer data);

/* Channel and journal are borrowed, and outlive it. */
DmLogs *dm_logs_new(DmChannel *channel, const DmJournal *journal, DmLogsFill fill, gpointer data);

/* NULL is fine. */
void dm_logs_free(DmLogs *logs);

/* Answers LogsRequested. One request at a time: what comes meanwhile waits, up to a few. */
void dm_logs_answer(DmLogs *logs, const char *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLogs, dm_logs_free)
