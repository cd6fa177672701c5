/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "plugin/socket.h"
#include "tree/tree.h"

/* Archives of what a help desk needs to see (design section 5, CollectLogs): the plug-in's report
 * and what the broker hands over. */
typedef struct DmLogs DmLogs;

/* How long the broker has to hand over its part. */
#define DM_LOGS_PATIENCE_MS 5000

/* Archives that may be in the making. */
#define DM_LOGS_MAX 16

/* `fd` is for close(); -1 with `error`: DM_ERROR BUSY (too many are being made), DENIED, FULL,
 * STORAGE. */
typedef void (*DmLogsFunc)(int fd, const GError *error, gpointer data);

/* `tree` outlives it; archives are made in `directory`. */
DmLogs *dm_logs_new(DmTree *tree, const char *directory, GMainContext *context);

/* Drops what is in the making: functions are not called, their data is freed. NULL is fine. */
void dm_logs_free(DmLogs *logs);

/* Where brokers attend; NULL: nowhere. Borrowed. */
void dm_logs_set_socket(DmLogs *logs, DmSocket *socket);

/* Makes an archive; `func` is called once, maybe before this returns. */
void dm_logs_collect(DmLogs *logs, DmLogsFunc func, gpointer data, GDestroyNotify free_data);

/* What a broker hands over for `request` (DmSocketOptions.on_logs): DmTreeFiles. */
void dm_logs_take(DmLogs *logs, const char *request, const GArray *files);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLogs, dm_logs_free)
