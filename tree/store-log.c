/* SPDX-License-Identifier: MIT */

/* The log that commits go to first (WAL): when it is written back, and how far it is laid out. */

#include <errno.h>

#include "tree/store-private.h"

/* Pages in the log after which it is written back: 4 MB, SQLite's own measure. Fewer make a run of
 * commits slower (a third at a quarter of it), more make the next start read more. */
#define LOG_PAGES 1000

/* A page in the log, with what SQLite writes before it. */
#define FRAME_BYTES (4096 + 24)

/* Frames that are laid out at a time (SQLite writes no more than 128 KB in one piece), and how few
 * are left when that is done: more than most messages write. */
#define STEP_FRAMES 31
#define SPARE_FRAMES 10

void
dm_store_log_write_back(DmStore *store)
{
    int n_log = 0, n_done = 0;
    int rc;

    errno = 0;
    rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &n_log, &n_done);
    store->system_errno = errno;
    if (rc != SQLITE_OK)
        dm_store_note_failure(store, rc);
}

/* Writes zeros past the log's end: a commit that overwrites blocks of the file waits for its data
 * alone, one that makes the file longer for the file system's journal too. To SQLite they are, like
 * what an older log left behind, frames that were never committed. On a full disk they are taken
 * back. */
static void
lay_out(DmStore *store)
{
    const sqlite3_int64 used = (sqlite3_int64)store->log_pages * FRAME_BYTES;
    g_autofree char *zeros = NULL;
    sqlite3_file *log = NULL;
    sqlite3_int64 size = 0;
    int rc;

    if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK ||
        log == NULL || log->pMethods == NULL || log->pMethods->xFileSize(log, &size) != SQLITE_OK ||
        size - used >= SPARE_FRAMES * FRAME_BYTES)
        return;
    zeros = g_malloc0(STEP_FRAMES * FRAME_BYTES);
    errno = 0;
    rc = log->pMethods->xWrite(log, zeros, STEP_FRAMES * FRAME_BYTES, size);
    store->system_errno = errno;
    if (rc == SQLITE_OK)
        return;
    dm_store_note_failure(store, rc);
    if (store->failure == NULL)
        (void)log->pMethods->xTruncate(log, size);
}

void
dm_store_log_tend(DmStore *store)
{
    if (store->log_pages >= LOG_PAGES)
        dm_store_log_write_back(store);
    else if (store->log_pages != 0)
        lay_out(store);
}
