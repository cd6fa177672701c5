/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/status.h"
#include "common/uri.h"
#include "common/value.h"
#include "tree/schema.h"

/* What is on disk: a SQLite database in the state directory (WAL, synchronous=FULL, exclusive
 * locking), owned by one process at a time. Knows rows of the node table and text under them, no
 * rules. One transaction at a time: begin, put and delete, commit. */
typedef struct DmStore DmStore;

/* Kinds of text that belong to a provider beside its nodes. */
typedef enum {
    DM_STORE_ACCOUNT, /* common/account.h */
    DM_STORE_SESSION, /* tree/session.c */
    DM_STORE_OUTCOME, /* tree/rules/first-sync.c */
} DmStoreKind;

/* Takes `state_dir` (made 0700 if absent) and opens the database in it, migrating an older one.
 * NULL and DM_ERROR: BUSY (the message names the holder's pid and program), NEWER or CORRUPT (the
 * file is left as it is, the message says the way out), DENIED, FULL, STORAGE. */
DmStore *dm_store_open(const char *state_dir, GError **error);

/* Closes it and lets go of the lock. After a failed write nothing more is written. NULL is fine. */
void dm_store_free(DmStore *store);

/* Receives what is in the store; text is borrowed for the call. A provider comes before all that
 * belongs to it; nodes of it in any order. */
typedef struct {
    void (*on_provider)(gint64 key, DmScope scope, guint32 uid, const char *id, gpointer data);
    void (*on_node)(gint64 key, DmNodeId node, const DmValue *value,
                    gpointer data); /* NULL: interior */
    void (*on_text)(gint64 key, DmStoreKind kind, const char *name, const char *value,
                    gpointer data);
    void (*on_root)(DmNodeId node, const DmValue *value, gpointer data); /* leaves of the root */
} DmStoreReader;

/* Reads everything, and judges every row: ranges, caps and text as well. Rows that are not of the
 * node table, or do not fit it (a damaged or edited file), fail it with CORRUPT, naming them; then
 * nothing is written to the file any more. */
bool dm_store_load(DmStore *store, const DmStoreReader *reader, gpointer data, GError **error);

/* An enrolment that is to end, or has ended (E2, E3). */
typedef struct {
    gint64 enrolment;       /* the key that the provider has or had: never used again */
    const char *provider;   /* its id */
    const char *session;    /* whose Exec asked for it; "" none */
    gint64 requested_us;    /* wall clock */
    gint64 done_us;         /* 0: still to be cleaned up */
    const char *by;         /* in a word */
    const char *reason;     /* in words */
    const char *thumbprint; /* of the certificate that goes with it; "" none */
} DmStoreUnenrollment;

/* Hands over each unenrolment, in the order of the enrolments; text is borrowed for the call.
 * Judges every row as dm_store_load(). */
typedef void (*DmStoreUnenrollmentFunc)(const DmStoreUnenrollment *unenrollment, gpointer data);
bool dm_store_load_unenrollments(DmStore *store, DmStoreUnenrollmentFunc func, gpointer data,
                                 GError **error);

/* A session that is over (tree/history.h). */
typedef struct {
    const char *id, *origin, *address;
    gint64 start_us, end_us; /* wall clock */
    gint64 duration_us;      /* -1: not known, as the counts */
    gint64 messages_sent, messages_received, bytes_sent, bytes_received;
    const char *commands; /* as text */
    const char *result, *reason;
} DmStoreHistory;

/* Sessions kept of a provider, and the most bytes that their text has. */
#define DM_STORE_MAX_HISTORY 200
#define DM_STORE_HISTORY_MAX_WORD 64 /* origin, result */
#define DM_STORE_HISTORY_MAX_ID (DM_URI_MAX_BYTES + 33)
#define DM_STORE_HISTORY_MAX_ADDRESS 2048
#define DM_STORE_HISTORY_MAX_COMMANDS 8192
#define DM_STORE_HISTORY_MAX_REASON 1024

/* Hands over the sessions of the provider `key`, newest first, until `func` says false; text is
 * borrowed for the call. Rows that do not fit are left out: nothing is decided by them, unlike by
 * all others, so they neither keep the tree from being read nor stop it. False and DM_ERROR CORRUPT
 * or STORAGE if the table cannot be read. */
typedef bool (*DmStoreHistoryFunc)(const DmStoreHistory *row, gpointer data);
bool dm_store_load_history(DmStore *store, gint64 key, DmStoreHistoryFunc func, gpointer data,
                           GError **error);

/* The reply stored with the last message of `session`, and that message's number into
 * `*ret_message`; NULL if the session is unknown. A stored number without a reply cannot be. */
GBytes *dm_store_find_reply(DmStore *store, const char *session, guint64 *ret_message);

/* -- one transaction; each call false with `error` STORAGE or FULL, after which only rollback ----
 */

bool dm_store_begin(DmStore *store, GError **error);

/* Adds a provider; `*ret_key` names it from now on. */
bool dm_store_add_provider(DmStore *store, DmScope scope, guint32 uid, const char *id,
                           gint64 *ret_key, GError **error);

/* Deletes a provider with all that belongs to it. */
bool dm_store_delete_provider(DmStore *store, gint64 key, GError **error);

/* Sets a leaf, or with NULL value notes that an interior node is present; key 0 and a root's leaf:
 * the root. */
bool dm_store_put_node(DmStore *store, gint64 key, DmNodeId node, const DmValue *value,
                       GError **error);

/* Deletes that row alone, not what is below the node; nothing if it is not there. */
bool dm_store_delete_node(DmStore *store, gint64 key, DmNodeId node, GError **error);

/* Sets text; NULL value deletes it; NULL name with NULL value deletes all of the kind. */
bool dm_store_put_text(DmStore *store, gint64 key, DmStoreKind kind, const char *name,
                       const char *value, GError **error);

/* Keeps the reply of the session's newest message; replies of the 64 most recent sessions of
 * servers are kept, and as many of others. */
bool dm_store_put_reply(DmStore *store, const char *session, guint64 message, GBytes *reply,
                        GError **error);

/* Adds one, or notes in one that is there that it is done; of those done the last 16 are kept. */
bool dm_store_put_unenrollment(DmStore *store, const DmStoreUnenrollment *unenrollment,
                               GError **error);

/* Adds a session that is over, of the provider `key`; the last DM_STORE_MAX_HISTORY are kept. The
 * text is valid UTF-8 of at most the sizes above. */
bool dm_store_put_history(DmStore *store, gint64 key, const DmStoreHistory *row, GError **error);

/* Deletes the replies of the sessions of the provider called `id`, and of `session`. */
bool dm_store_delete_replies(DmStore *store, const char *id, const char *session, GError **error);

/* On disk when it returns true (G2). False: rolled back already; after a full disk the next one may
 * succeed (G6), after an I/O error the store is read-only from then on (G5), and it is unknown
 * which of the two states the next start finds. */
bool dm_store_commit(DmStore *store, GError **error);
void dm_store_rollback(DmStore *store);

/* Whether the last write found no room on the disk (G6): the next one may. */
bool dm_store_is_full(const DmStore *store);

/* Whether an I/O error made it read-only (G5): begin fails with STORAGE. */
bool dm_store_is_read_only(const DmStore *store);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmStore, dm_store_free)
