/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "tree/store.h"

/* What the files of the store share; nobody else includes it.
 *
 * store.c         transactions
 * store-log.c     the log: laid out in advance, written back
 * store-load.c    reading everything, and a session's reply
 * store-history.c sessions that are over
 * store-open.c    taking the directory, opening and configuring the database
 * store-unenroll.c  unenrolments, asked for and done
 * store-layout.c  tables, migration steps, the dictionary of node paths
 * store-lock.c    one owner at a time */

#define DM_STORE_FILE "dmclient.db"
#define DM_STORE_LOCK_FILE "lock"
#define DM_STORE_APPLICATION_ID 0x444d4331 /* "DMC1", in the file's header */
#define DM_STORE_VERSION 4
#define DM_STORE_MAX_REPLIES 64
#define DM_STORE_MAX_UNENROLLMENTS 16

/* Largest text or blob that is written or read: a reply to a message of the largest size fits many
 * times, a damaged length does not ask for gigabytes. */
#define DM_STORE_MAX_BYTES (64 * 1024 * 1024)

/* SQLite's cache, in kB: it holds the pages of a message. */
#define DM_STORE_CACHE "PRAGMA cache_size = -1024"

typedef enum {
    DM_STATEMENT_BEGIN,
    DM_STATEMENT_COMMIT,
    DM_STATEMENT_ROLLBACK,
    DM_STATEMENT_ADD_PROVIDER,
    DM_STATEMENT_DELETE_LEAVES,
    DM_STATEMENT_DELETE_TEXTS,
    DM_STATEMENT_DELETE_HISTORY,
    DM_STATEMENT_DELETE_PROVIDER,
    DM_STATEMENT_PUT_LEAF,
    DM_STATEMENT_DELETE_LEAF,
    DM_STATEMENT_PUT_TEXT,
    DM_STATEMENT_DELETE_TEXT,
    DM_STATEMENT_DELETE_KIND,
    DM_STATEMENT_FIND_REPLY,
    DM_STATEMENT_UPDATE_REPLY,
    DM_STATEMENT_ADD_REPLY,
    DM_STATEMENT_EVICT_REPLIES,
    DM_STATEMENT_DELETE_REPLIES,
    DM_STATEMENT_PUT_UNENROLLMENT,
    DM_STATEMENT_EVICT_UNENROLLMENTS,
    DM_STATEMENT_PUT_HISTORY,
    DM_STATEMENT_EVICT_HISTORY,
    DM_STATEMENT_N,
} DmStoreStatement;

struct DmStore {
    char *path; /* of the database, no symbolic link in it */
    int lock_fd;
    sqlite3 *db;
    sqlite3_stmt *statements[DM_STATEMENT_N];
    gint64 ids[DM_NODE_N]; /* node → its id in the dictionary */
    GArray *nodes;         /* id → DmNodeId, DM_NODE_NONE where this version knows none */
    gint64 last_used;      /* counts the replies put, newest highest */
    int log_pages;         /* in the WAL after the last commit */
    int system_errno;      /* after the last statement; 0: none */
    bool in_transaction;
    bool is_full;  /* no room for the last write */
    char *failure; /* why it is read-only (G5); NULL: it is not */
};

/* Sets `error` for the SQLite result `rc` of doing `what` ("commit", …): FULL for a full disk or
 * quota, otherwise `code`. Returns false, so that callers can return it. */
bool dm_store_fail(DmStore *store, int rc, int code, const char *what, GError **error);

/* The same for `errno` and the file `path`: FULL, DENIED or STORAGE. */
bool dm_store_fail_errno(int number, const char *path, const char *what, GError **error);

/* Notes that the disk or the file cannot be trusted any more: read-only, no checkpoint on close. */
void dm_store_set_read_only(DmStore *store, const char *why);

/* Notes that writing outside a transaction failed with `rc`: on a full disk a later commit tries
 * again; after anything else the store is read-only (G5): what is committed stays readable from the
 * log, but nothing is added to it. */
void dm_store_note_failure(DmStore *store, int rc);

/* Steps a statement without a result and makes it ready for the next use; SQLITE_OK or the error.
 */
int dm_store_run(DmStore *store, DmStoreStatement statement);

/* What is wrong with `value` (NULL: interior present) of `node` under a provider of `scope`, or at
 * the root with `is_root`, in words; NULL if it fits. One judgement for writing and for reading, so
 * that nothing is written that would not be read back (a writer gives DM_SCOPE_DEVICE, which has
 * all nodes). */
const char *dm_store_check_value(DmNodeId node, bool is_root, DmScope scope, const DmValue *value);

/* The name of a kind of text in the file, and back; false if there is none. */
const char *dm_store_kind_to_name(DmStoreKind kind);
bool dm_store_kind_from_name(const char *name, DmStoreKind *ret_kind);

/* Runs a write of a transaction; false and STORAGE or FULL, noting in the store what that says of
 * the disk. */
bool dm_store_write(DmStore *store, DmStoreStatement statement, const char *what, GError **error);

/* -- store-log.c ------------------------------------------------------------------------------- */

/* Writes the log back to the database. A failure is noted (dm_store_note_failure()). */
void dm_store_log_write_back(DmStore *store);

/* To be called after each commit: writes the log back once it is long, else keeps it laid out for
 * the commits that come. A failure is noted; the commit stands. */
void dm_store_log_tend(DmStore *store);

/* -- store-lock.c ------------------------------------------------------------------------------ */

/* Takes the lock of `directory` without waiting: its descriptor; -1 and BUSY naming the holder,
 * DENIED, STORAGE or FULL. Holds against other openers in this process too. */
int dm_store_lock_take(const char *directory, GError **error);

/* Lets go of it; with `tidy` the holder's name is removed first. */
void dm_store_lock_release(int fd, bool tidy);

/* -- store-layout.c ---------------------------------------------------------------------------- */

/* Brings the database to DM_STORE_VERSION: makes the tables of a new one, migrates an older one,
 * refuses another program's or a newer one (CORRUPT, NEWER) without a change, and reads the
 * dictionary of node paths. */
bool dm_store_layout_prepare(DmStore *store, GError **error);
