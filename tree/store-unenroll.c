/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "common/error.h"
#include "tree/store-private.h"

static void
bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

bool
dm_store_put_unenrollment(DmStore *store, const DmStoreUnenrollment *unenrollment, GError **error)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_PUT_UNENROLLMENT];

    g_assert(store->in_transaction && unenrollment->enrolment > 0);
    sqlite3_bind_int64(statement, 1, unenrollment->enrolment);
    bind_text(statement, 2, unenrollment->provider);
    bind_text(statement, 3, unenrollment->session);
    sqlite3_bind_int64(statement, 4, unenrollment->requested_us);
    sqlite3_bind_int64(statement, 5, unenrollment->done_us);
    bind_text(statement, 6, unenrollment->by);
    bind_text(statement, 7, unenrollment->reason);
    bind_text(statement, 8, unenrollment->thumbprint);
    if (!dm_store_write(store, DM_STATEMENT_PUT_UNENROLLMENT, "noting an unenrolment", error))
        return false;
    sqlite3_bind_int(store->statements[DM_STATEMENT_EVICT_UNENROLLMENTS], 1,
                     DM_STORE_MAX_UNENROLLMENTS);
    return dm_store_write(store, DM_STATEMENT_EVICT_UNENROLLMENTS, "forgetting old unenrolments",
                          error);
}

bool
dm_store_delete_replies(DmStore *store, const char *id, const char *session, GError **error)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_DELETE_REPLIES];

    g_assert(store->in_transaction);
    bind_text(statement, 1, id);
    bind_text(statement, 2, session);
    return dm_store_write(store, DM_STATEMENT_DELETE_REPLIES, "deleting replies", error);
}

/* The text in `column`, borrowed until the next step; NULL if it is none that is written here. */
static const char *
get_text(sqlite3_stmt *row, int column)
{
    const char *text;

    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    text = (const char *)sqlite3_column_text(row, column);
    return text != NULL && strlen(text) == (gsize)sqlite3_column_bytes(row, column) &&
                   g_utf8_validate(text, -1, NULL)
               ? text
               : NULL;
}

static bool
read_row(sqlite3_stmt *row, DmStoreUnenrollment *unenrollment)
{
    *unenrollment = (DmStoreUnenrollment){
        .enrolment = sqlite3_column_int64(row, 0),
        .provider = get_text(row, 1),
        .session = get_text(row, 2),
        .requested_us = sqlite3_column_int64(row, 3),
        .done_us = sqlite3_column_int64(row, 4),
        .by = get_text(row, 5),
        .reason = get_text(row, 6),
        .thumbprint = get_text(row, 7),
    };
    return unenrollment->enrolment > 0 && unenrollment->provider != NULL &&
           *unenrollment->provider != '\0' && unenrollment->session != NULL &&
           unenrollment->requested_us >= 0 && unenrollment->done_us >= 0 &&
           unenrollment->by != NULL && unenrollment->reason != NULL &&
           unenrollment->thumbprint != NULL;
}

bool
dm_store_load_unenrollments(DmStore *store, DmStoreUnenrollmentFunc func, gpointer data,
                            GError **error)
{
    sqlite3_stmt *row = NULL;
    bool ok = true;
    int rc =
        sqlite3_prepare_v2(store->db,
                           "SELECT enrolment, provider, session, requested, done, actor, reason,"
                           " thumbprint FROM unenrollment ORDER BY enrolment",
                           -1, &row, NULL);

    while (ok && (rc == SQLITE_OK || rc == SQLITE_ROW)) {
        DmStoreUnenrollment unenrollment;

        rc = sqlite3_step(row);
        if (rc != SQLITE_ROW)
            break;
        ok = read_row(row, &unenrollment);
        if (ok)
            func(&unenrollment, data);
        else
            g_set_error(error, DM_ERROR, DM_ERROR_CORRUPT,
                        "%s: unenrollment %" G_GINT64_FORMAT
                        ": not text or not a time; the file is left alone: correct the row with "
                        "sqlite3, restore the file from a backup, or move it away and enrol anew",
                        store->path, unenrollment.enrolment);
    }
    if (ok && rc != SQLITE_DONE)
        ok = dm_store_fail(store, rc, DM_ERROR_CORRUPT, "reading it", error);
    sqlite3_finalize(row);
    if (!ok)
        dm_store_set_read_only(store, "it could not be read");
    return ok;
}
