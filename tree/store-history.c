/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "common/error.h"
#include "tree/store-private.h"

static void
bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* NULL stands for what is not known. */
static void
bind_count(sqlite3_stmt *statement, int index, gint64 count)
{
    if (count < 0)
        sqlite3_bind_null(statement, index);
    else
        sqlite3_bind_int64(statement, index, count);
}

bool
dm_store_put_history(DmStore *store, gint64 key, const DmStoreHistory *row, GError **error)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_PUT_HISTORY];

    g_assert(store->in_transaction && key > 0);
    sqlite3_bind_int64(statement, 1, key);
    bind_text(statement, 2, row->id);
    bind_text(statement, 3, row->origin);
    bind_text(statement, 4, row->address);
    sqlite3_bind_int64(statement, 5, row->start_us);
    sqlite3_bind_int64(statement, 6, row->end_us);
    bind_count(statement, 7, row->duration_us);
    bind_count(statement, 8, row->messages_sent);
    bind_count(statement, 9, row->messages_received);
    bind_count(statement, 10, row->bytes_sent);
    bind_count(statement, 11, row->bytes_received);
    bind_text(statement, 12, row->commands);
    bind_text(statement, 13, row->result);
    bind_text(statement, 14, row->reason);
    if (!dm_store_write(store, DM_STATEMENT_PUT_HISTORY, "noting a session", error))
        return false;
    statement = store->statements[DM_STATEMENT_EVICT_HISTORY];
    sqlite3_bind_int64(statement, 1, key);
    sqlite3_bind_int(statement, 2, DM_STORE_MAX_HISTORY);
    return dm_store_write(store, DM_STATEMENT_EVICT_HISTORY, "forgetting old sessions", error);
}

/* The text in `column`, borrowed until the next step; NULL if it is none that is written here. */
static const char *
get_text(sqlite3_stmt *row, int column, gsize max)
{
    const char *text;
    gsize size;

    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    text = (const char *)sqlite3_column_text(row, column);
    size = (gsize)sqlite3_column_bytes(row, column);
    return text != NULL && size <= max && g_utf8_validate_len(text, size, NULL) ? text : NULL;
}

/* A number from 0 on, or -1 where it is not known; false: something else. */
static bool
get_count(sqlite3_stmt *row, int column, gint64 *ret_count)
{
    int type = sqlite3_column_type(row, column);

    *ret_count = type == SQLITE_NULL ? -1 : sqlite3_column_int64(row, column);
    return type == SQLITE_NULL || (type == SQLITE_INTEGER && *ret_count >= 0);
}

static bool
read_row(sqlite3_stmt *row, DmStoreHistory *entry)
{
    entry->id = get_text(row, 0, DM_STORE_HISTORY_MAX_ID);
    entry->origin = get_text(row, 1, DM_STORE_HISTORY_MAX_WORD);
    entry->address = get_text(row, 2, DM_STORE_HISTORY_MAX_ADDRESS);
    entry->commands = get_text(row, 10, DM_STORE_HISTORY_MAX_COMMANDS);
    entry->result = get_text(row, 11, DM_STORE_HISTORY_MAX_WORD);
    entry->reason = get_text(row, 12, DM_STORE_HISTORY_MAX_REASON);
    return get_count(row, 3, &entry->start_us) && entry->start_us >= 0 &&
           get_count(row, 4, &entry->end_us) && entry->end_us >= 0 &&
           get_count(row, 5, &entry->duration_us) && get_count(row, 6, &entry->messages_sent) &&
           get_count(row, 7, &entry->messages_received) && get_count(row, 8, &entry->bytes_sent) &&
           get_count(row, 9, &entry->bytes_received) && entry->id != NULL && *entry->id != '\0' &&
           entry->origin != NULL && entry->address != NULL && entry->commands != NULL &&
           entry->result != NULL && *entry->result != '\0' && entry->reason != NULL;
}

bool
dm_store_load_history(DmStore *store, gint64 key, DmStoreHistoryFunc func, gpointer data,
                      GError **error)
{
    static const char sql[] =
        "SELECT id, origin, address, started, ended, duration, messages_sent, messages_received,"
        " bytes_sent, bytes_received, commands, result, reason FROM session"
        " WHERE provider = ?1 ORDER BY number DESC LIMIT ?2";
    sqlite3_stmt *row = NULL;
    bool goes_on = true, is_done = false;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &row, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, key);
        sqlite3_bind_int(row, 2, DM_STORE_MAX_HISTORY);
        while (goes_on && (rc = sqlite3_step(row)) == SQLITE_ROW) {
            DmStoreHistory entry = {0};

            if (read_row(row, &entry))
                goes_on = func(&entry, data);
        }
        is_done = !goes_on || rc == SQLITE_DONE;
    }
    if (!is_done)
        (void)dm_store_fail(store, rc, DM_ERROR_CORRUPT, "reading the history", error);
    sqlite3_finalize(row);
    /* The pages will not be asked for again soon. */
    (void)sqlite3_db_release_memory(store->db);
    return is_done;
}
