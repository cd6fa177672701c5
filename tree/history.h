/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* What has become of a provider's sessions (protocol.md 8): the last DM_HISTORY_MAX that are over.
 * Kept in the store, written by the commit that ends the session, not kept in memory. They go with
 * the enrolment (E3). Device tree only.
 *
 * `sqlite3 dmclient.db 'SELECT * FROM history'` shows them to an administrator. */

#define DM_HISTORY_MAX 200
#define DM_HISTORY_MAX_COMMANDS 256

/* The results of tree/; all others are short names of errors, as the broker reports them. */
#define DM_HISTORY_OK "ok"
#define DM_HISTORY_FAILED "failed" /* failed, and nobody said why */
#define DM_HISTORY_LOST "lost"     /* began, and nobody reported the end */

/* How many commands of a session ended with one status. */
typedef struct {
    const char *verb; /* as in SyncML, "Replace" */
    guint status;
    guint count;
} DmHistoryCommand;

/* One session. Text is valid UTF-8 without control characters, "" where there is nothing. */
struct DmHistoryEntry {
    char *id;           /* the token of dm_session_begin() */
    char *origin;       /* as DmSessionInfo.origin */
    char *address;      /* that answered */
    gint64 start_us;    /* wall clock, µs since the epoch */
    gint64 end_us;      /* the same; of one that was lost: when that was noticed */
    gint64 duration_us; /* on the boot-time clock if it ended in the boot in which it began, else by
                           the wall clock; -1 not known */
    gint64 messages_sent, messages_received; /* -1 not reported, as the next two */
    gint64 bytes_sent, bytes_received;
    DmHistoryCommand *commands; /* verbs are const */
    gsize n_commands;           /* up to DM_HISTORY_MAX_COMMANDS */
    char *result;               /* "ok", or the short name of an error */
    char *reason;               /* in words */
};

void dm_history_entry_free(DmHistoryEntry *entry);

/* The entries of a provider, newest first, at most `max` of them: a DmHistoryEntry array in
 * `*ret_entries` for g_ptr_array_unref(). A tree without a store has none. Rows that do not fit,
 * which only a damaged or edited file has, are left out. False and DM_ERROR: NOT_FOUND, CORRUPT or
 * STORAGE (the file cannot be read; the tree goes on). */
bool dm_history_get(DmTree *tree, const char *provider_id, guint max, GPtrArray **ret_entries,
                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmHistoryEntry, dm_history_entry_free)
