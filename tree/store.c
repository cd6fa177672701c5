/* SPDX-License-Identifier: MIT */

#include "tree/store.h"

#include <errno.h>
#include <string.h>

#include "common/error.h"
#include "tree/store-private.h"

static int
code_of(DmStore *store, int rc, int code)
{
    /* A full file system is SQLITE_FULL; a quota only shows in errno. */
    if (rc == SQLITE_FULL || (rc == SQLITE_IOERR_WRITE && store->system_errno == EDQUOT))
        return DM_ERROR_FULL;
    switch (rc & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_NOMEM: /* says nothing about the file */
        return DM_ERROR_STORAGE;
    case SQLITE_BUSY:
        return DM_ERROR_BUSY;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return DM_ERROR_DENIED;
    default:
        return code;
    }
}

static const char *
way_out_of(int code)
{
    switch (code) {
    case DM_ERROR_FULL:
        return "make room on its file system";
    case DM_ERROR_BUSY:
        return "close the program that has it open (fuser shows it)";
    case DM_ERROR_DENIED:
        return "check the owner and mode of it and of its directory";
    case DM_ERROR_CORRUPT:
        return "it is left alone; restore it from a backup, try sqlite3's .recover, or move it "
               "away and enrol anew";
    default:
        return "check the disk (dmesg), then start again";
    }
}

bool
dm_store_fail(DmStore *store, int rc, int code, const char *what, GError **error)
{
    int chosen = code_of(store, rc, code);

    g_set_error(error, DM_ERROR, chosen, "%s: %s failed: %s: %s", store->path, what,
                sqlite3_errstr(rc), way_out_of(chosen));
    return false;
}

bool
dm_store_fail_errno(int number, const char *path, const char *what, GError **error)
{
    int code = DM_ERROR_STORAGE;

    if (number == ENOSPC || number == EDQUOT)
        code = DM_ERROR_FULL;
    else if (number == EACCES || number == EPERM || number == ELOOP || number == EROFS)
        code = DM_ERROR_DENIED;
    g_set_error(error, DM_ERROR, code, "%s: %s failed: %s", path, what, g_strerror(number));
    return false;
}

void
dm_store_set_read_only(DmStore *store, const char *why)
{
    if (store->failure == NULL)
        store->failure = g_strdup(why);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
}

void
dm_store_note_failure(DmStore *store, int rc)
{
    if (code_of(store, rc, DM_ERROR_STORAGE) != DM_ERROR_FULL)
        dm_store_set_read_only(store, sqlite3_errstr(rc));
}

bool
dm_store_is_full(const DmStore *store)
{
    return store->is_full;
}

bool
dm_store_is_read_only(const DmStore *store)
{
    return store->failure != NULL;
}

int
dm_store_run(DmStore *store, DmStoreStatement statement)
{
    int rc;

    errno = 0;
    rc = sqlite3_step(store->statements[statement]);
    store->system_errno = errno; /* sqlite3_system_errno() knows nothing of COMMIT */
    (void)sqlite3_reset(store->statements[statement]);
    /* What was bound is borrowed, and may be secret. */
    (void)sqlite3_clear_bindings(store->statements[statement]);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* A write of a transaction failed. Only a full disk leaves the file trustworthy: of anything else
 * it is unknown what is on disk (G5). */
static bool
fail_write(DmStore *store, int rc, const char *what, GError **error)
{
    int code = code_of(store, rc, DM_ERROR_STORAGE);

    store->is_full = code == DM_ERROR_FULL;
    if (code != DM_ERROR_FULL && (rc & 0xff) != SQLITE_TOOBIG && (rc & 0xff) != SQLITE_NOMEM &&
        (rc & 0xff) != SQLITE_CONSTRAINT)
        dm_store_set_read_only(store, sqlite3_errstr(rc));
    g_set_error(error, DM_ERROR, code == DM_ERROR_FULL ? DM_ERROR_FULL : DM_ERROR_STORAGE,
                "%s: %s failed: %s: %s", store->path, what, sqlite3_errstr(rc), way_out_of(code));
    return false;
}

bool
dm_store_write(DmStore *store, DmStoreStatement statement, const char *what, GError **error)
{
    int rc = dm_store_run(store, statement);

    return rc == SQLITE_OK || fail_write(store, rc, what, error);
}

/* Text that could not be read back is not written; the layers above have refused it (V7). */
static bool
refuse_value(DmStore *store, const char *name, const char *why, GError **error)
{
    g_set_error(error, DM_ERROR, DM_ERROR_STORAGE, "%s: %s not written: %s", store->path, name,
                why);
    return false;
}

bool
dm_store_begin(DmStore *store, GError **error)
{
    g_assert(!store->in_transaction);
    if (store->failure != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_STORAGE,
                    "%s is read-only since the disk failed (%s): check the disk, then start again",
                    store->path, store->failure);
        return false;
    }
    if (!dm_store_write(store, DM_STATEMENT_BEGIN, "starting a transaction", error))
        return false;
    store->in_transaction = true;
    return true;
}

bool
dm_store_add_provider(DmStore *store, DmScope scope, guint32 uid, const char *id, gint64 *ret_key,
                      GError **error)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_ADD_PROVIDER];

    g_assert(store->in_transaction);
    if (*id == '\0' || !dm_text_is_valid(id, strlen(id)))
        return refuse_value(store, "a provider's id", "invalid text", error);
    sqlite3_bind_text(statement, 1, scope == DM_SCOPE_USER ? "user" : "device", -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, scope == DM_SCOPE_USER ? uid : 0);
    sqlite3_bind_text(statement, 3, id, -1, SQLITE_STATIC);
    if (!dm_store_write(store, DM_STATEMENT_ADD_PROVIDER, "adding a provider", error))
        return false;
    *ret_key = sqlite3_last_insert_rowid(store->db);
    return true;
}

bool
dm_store_delete_provider(DmStore *store, gint64 key, GError **error)
{
    static const DmStoreStatement all[] = {DM_STATEMENT_DELETE_LEAVES, DM_STATEMENT_DELETE_TEXTS,
                                           DM_STATEMENT_DELETE_HISTORY,
                                           DM_STATEMENT_DELETE_PROVIDER};

    g_assert(store->in_transaction && key > 0);
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        sqlite3_bind_int64(store->statements[all[i]], 1, key);
        if (!dm_store_write(store, all[i], "deleting a provider", error))
            return false;
    }
    return true;
}

static void
bind_value(sqlite3_stmt *statement, int index, const DmValue *value)
{
    if (value == NULL)
        sqlite3_bind_null(statement, index);
    else if (value->format == DM_FORMAT_CHR)
        sqlite3_bind_text(statement, index, value->u.chr != NULL ? value->u.chr : "", -1,
                          SQLITE_STATIC);
    else if (value->format == DM_FORMAT_BOOL)
        sqlite3_bind_int(statement, index, value->u.boolean);
    else
        sqlite3_bind_int64(statement, index, value->u.integer);
}

bool
dm_store_put_node(DmStore *store, gint64 key, DmNodeId node, const DmValue *value, GError **error)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_PUT_LEAF];
    const char *wrong = dm_store_check_value(node, key == 0, DM_SCOPE_DEVICE, value);

    g_assert(store->in_transaction);
    if (wrong != NULL)
        return refuse_value(store, dm_schema_get(node)->path, wrong, error);
    sqlite3_bind_int64(statement, 1, key);
    sqlite3_bind_int64(statement, 2, store->ids[node]);
    bind_value(statement, 3, value);
    return dm_store_write(store, DM_STATEMENT_PUT_LEAF, "writing a node", error);
}

bool
dm_store_delete_node(DmStore *store, gint64 key, DmNodeId node, GError **error)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_DELETE_LEAF];

    g_assert(store->in_transaction);
    sqlite3_bind_int64(statement, 1, key);
    sqlite3_bind_int64(statement, 2, store->ids[node]);
    return dm_store_write(store, DM_STATEMENT_DELETE_LEAF, "deleting a node", error);
}

bool
dm_store_put_text(DmStore *store, gint64 key, DmStoreKind kind, const char *name, const char *value,
                  GError **error)
{
    DmStoreStatement which = name == NULL    ? DM_STATEMENT_DELETE_KIND
                             : value == NULL ? DM_STATEMENT_DELETE_TEXT
                                             : DM_STATEMENT_PUT_TEXT;
    sqlite3_stmt *statement = store->statements[which];

    g_assert(store->in_transaction && key > 0 && (name != NULL || value == NULL));
    if ((name != NULL && !g_utf8_validate(name, -1, NULL)) ||
        (value != NULL && !g_utf8_validate(value, -1, NULL)))
        return refuse_value(store, dm_store_kind_to_name(kind), "invalid UTF-8", error);
    sqlite3_bind_int64(statement, 1, key);
    sqlite3_bind_text(statement, 2, dm_store_kind_to_name(kind), -1, SQLITE_STATIC);
    if (name != NULL)
        sqlite3_bind_text(statement, 3, name, -1, SQLITE_STATIC);
    if (value != NULL)
        sqlite3_bind_text(statement, 4, value, -1, SQLITE_STATIC);
    return dm_store_write(store, which, "writing text", error);
}

static bool
run_put_reply(DmStore *store, DmStoreStatement which, const char *session, guint64 message,
              GBytes *reply, GError **error)
{
    sqlite3_stmt *statement = store->statements[which];
    gsize size = 0;
    const void *bytes = g_bytes_get_data(reply, &size);

    sqlite3_bind_text(statement, 1, session, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (gint64)message);
    sqlite3_bind_int64(statement, 3, store->last_used);
    sqlite3_bind_blob64(statement, 4, size != 0 ? bytes : "", size, SQLITE_STATIC);
    return dm_store_write(store, which, "writing a reply", error);
}

bool
dm_store_put_reply(DmStore *store, const char *session, guint64 message, GBytes *reply,
                   GError **error)
{
    g_assert(store->in_transaction);
    store->last_used++;
    if (!run_put_reply(store, DM_STATEMENT_UPDATE_REPLY, session, message, reply, error))
        return false;
    if (sqlite3_changes(store->db) != 0)
        return true;
    if (!run_put_reply(store, DM_STATEMENT_ADD_REPLY, session, message, reply, error))
        return false;
    sqlite3_bind_int(store->statements[DM_STATEMENT_EVICT_REPLIES], 1, DM_STORE_MAX_REPLIES);
    return dm_store_write(store, DM_STATEMENT_EVICT_REPLIES, "removing old replies", error);
}

bool
dm_store_commit(DmStore *store, GError **error)
{
    g_assert(store->in_transaction);
    store->log_pages = 0;
    if (dm_store_write(store, DM_STATEMENT_COMMIT, "committing", error)) {
        store->in_transaction = false;
        store->is_full = false;
        dm_store_log_tend(store);
        return true;
    }
    dm_store_rollback(store);
    /* Full: what the log holds can go to the database, and the next commit reuses its blocks. */
    if (store->failure == NULL)
        dm_store_log_write_back(store);
    return false;
}

void
dm_store_rollback(DmStore *store)
{
    if (!store->in_transaction)
        return;
    store->in_transaction = false;
    /* SQLite has already rolled back after some errors. */
    if (!sqlite3_get_autocommit(store->db))
        (void)dm_store_run(store, DM_STATEMENT_ROLLBACK);
}
