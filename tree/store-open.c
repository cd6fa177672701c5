/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "tree/store-private.h"

/* Prepared once and kept: parsing SQL costs more than most of these statements. */
static const char *const statements[DM_STATEMENT_N] = {
    [DM_STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [DM_STATEMENT_COMMIT] = "COMMIT",
    [DM_STATEMENT_ROLLBACK] = "ROLLBACK",
    [DM_STATEMENT_ADD_PROVIDER] = "INSERT INTO provider(scope, uid, id) VALUES(?1, ?2, ?3)",
    [DM_STATEMENT_DELETE_LEAVES] = "DELETE FROM leaf WHERE provider = ?1",
    [DM_STATEMENT_DELETE_TEXTS] = "DELETE FROM text WHERE provider = ?1",
    [DM_STATEMENT_DELETE_HISTORY] = "DELETE FROM session WHERE provider = ?1",
    [DM_STATEMENT_DELETE_PROVIDER] = "DELETE FROM provider WHERE key = ?1",
    [DM_STATEMENT_PUT_LEAF] = "INSERT INTO leaf(provider, node, value) VALUES(?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET value = excluded.value",
    [DM_STATEMENT_DELETE_LEAF] = "DELETE FROM leaf WHERE provider = ?1 AND node = ?2",
    [DM_STATEMENT_PUT_TEXT] = "INSERT INTO text(provider, kind, name, value)"
                              " VALUES(?1, ?2, ?3, ?4)"
                              " ON CONFLICT DO UPDATE SET value = excluded.value",
    [DM_STATEMENT_DELETE_TEXT] = "DELETE FROM text WHERE provider = ?1 AND kind = ?2 AND name = ?3",
    [DM_STATEMENT_DELETE_KIND] = "DELETE FROM text WHERE provider = ?1 AND kind = ?2",
    [DM_STATEMENT_FIND_REPLY] = "SELECT message, reply FROM reply WHERE session = ?1",
    [DM_STATEMENT_UPDATE_REPLY] = "UPDATE reply SET message = ?2, used = ?3, reply = ?4"
                                  " WHERE session = ?1",
    [DM_STATEMENT_ADD_REPLY] = "INSERT INTO reply(session, message, used, reply)"
                               " VALUES(?1, ?2, ?3, ?4)",
    /* Servers' sessions are called by their provider's id, `-`, and 32 digits (tree/session.c), and
     * are many: names that others give are kept apart from them. */
    [DM_STATEMENT_EVICT_REPLIES] =
        "DELETE FROM reply WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER"
        " (PARTITION BY substr(session, -33, 1) = '-' AND substr(session, -32) NOT GLOB"
        " '*[^0-9a-f]*' ORDER BY used DESC) AS place FROM reply) WHERE place > ?1)",
    [DM_STATEMENT_DELETE_REPLIES] = "DELETE FROM reply WHERE session = ?2 OR"
                                    " (length(session) = length(?1) + 33"
                                    "  AND substr(session, 1, length(?1) + 1) = ?1 || '-')",
    [DM_STATEMENT_PUT_UNENROLLMENT] =
        "INSERT INTO unenrollment(enrolment, provider, session, requested, done, actor, reason,"
        " thumbprint) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        " ON CONFLICT DO UPDATE SET done = excluded.done",
    [DM_STATEMENT_EVICT_UNENROLLMENTS] =
        "DELETE FROM unenrollment WHERE enrolment IN (SELECT enrolment FROM unenrollment"
        " WHERE done != 0 ORDER BY done DESC, enrolment DESC LIMIT -1 OFFSET ?1)",
    /* Numbers of a damaged file may be at their end: then the last row is taken again. */
    [DM_STATEMENT_PUT_HISTORY] =
        "INSERT INTO session(provider, number, id, origin, address, started, ended, duration,"
        " messages_sent, messages_received, bytes_sent, bytes_received, commands, result, reason)"
        " VALUES(?1, (SELECT ifnull(max(number) + (max(number) < 9223372036854775807), 1)"
        " FROM session WHERE provider = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
        " ?14) ON CONFLICT DO UPDATE SET id = excluded.id, origin = excluded.origin,"
        " address = excluded.address, started = excluded.started, ended = excluded.ended,"
        " duration = excluded.duration, messages_sent = excluded.messages_sent,"
        " messages_received = excluded.messages_received, bytes_sent = excluded.bytes_sent,"
        " bytes_received = excluded.bytes_received, commands = excluded.commands,"
        " result = excluded.result, reason = excluded.reason",
    [DM_STATEMENT_EVICT_HISTORY] =
        "DELETE FROM session WHERE provider = ?1 AND number <= (SELECT number FROM session"
        " WHERE provider = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
};

/* A file that somebody else could have put there or can write is not ours (security.md 1). */
static bool
check_owner(const char *path, const struct stat *info, mode_t forbidden, GError **error)
{
    if (info->st_uid != geteuid() && info->st_uid != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s belongs to uid %u, neither to this process nor to root: use a state "
                    "directory of your own",
                    path, (guint)info->st_uid);
        return false;
    }
    if ((info->st_mode & forbidden) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s can be written by others (mode %04o): `chmod go-w %s` if nobody has", path,
                    (guint)(info->st_mode & 07777), path);
        return false;
    }
    return true;
}

/* The directory's own entry has to be on disk too before something in it counts as durable. */
static bool
make_directory(const char *state_dir, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(state_dir);
    int fd;

    if (g_file_test(state_dir, G_FILE_TEST_IS_DIR))
        return true;
    if (g_mkdir_with_parents(state_dir, 0700) != 0)
        return dm_store_fail_errno(errno, state_dir, "making the state directory", error);
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    return true;
}

/* The directory's path without symbolic links (SQLite is told to follow none), checked; NULL and
 * `error`. */
static char *
take_directory(const char *state_dir, GError **error)
{
    char resolved[PATH_MAX];
    struct stat info;

    if (!make_directory(state_dir, error))
        return NULL;
    if (realpath(state_dir, resolved) == NULL || stat(resolved, &info) != 0) {
        dm_store_fail_errno(errno, state_dir, "reading the state directory", error);
        return NULL;
    }
    if (!check_owner(resolved, &info, S_IWGRP | S_IWOTH, error))
        return NULL;
    return g_strdup(resolved);
}

/* The size of `path`, which is a plain file of ours or absent (0). */
static bool
check_file(const char *path, goffset *ret_size, GError **error)
{
    struct stat info;

    *ret_size = 0;
    if (lstat(path, &info) != 0)
        return errno == ENOENT || dm_store_fail_errno(errno, path, "reading its mode", error);
    if (!S_ISREG(info.st_mode)) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED, "%s is not a plain file: move it away", path);
        return false;
    }
    *ret_size = info.st_size;
    return check_owner(path, &info, S_IWGRP | S_IWOTH, error);
}

/* SQLite would make the file with the umask's mode, and its log with the mode of the file. */
static bool
make_file(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat info;
    int failed;

    if (fd < 0)
        return dm_store_fail_errno(errno, path, "opening it", error);
    failed = fstat(fd, &info);
    if (failed == 0 && (info.st_mode & 07777) != 0600)
        failed = fchmod(fd, 0600);
    if (failed != 0)
        dm_store_fail_errno(errno, path, "setting its mode", error);
    close(fd);
    return failed == 0;
}

static bool
check_files(const char *path, GError **error)
{
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    goffset size = 0, log_size = 0;

    if (!check_file(path, &size, error) || !check_file(log, &log_size, error))
        return false;
    /* The first page is on disk before there is a log; SQLite would delete the log with what it
     * holds. */
    if (size == 0 && log_size != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CORRUPT,
                    "%s is missing or empty but its log %s is not: restore it from a backup, or "
                    "move the log away and enrol anew",
                    path, log);
        return false;
    }
    return make_file(path, error);
}

/* What a file that somebody has tampered with could abuse is off: triggers, views, functions with
 * effects in the schema, other files. Nothing is checkpointed on close until all has been read. */
static void
harden(sqlite3 *db)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},   {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},          {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        (void)sqlite3_db_config(db, options[i].option, options[i].value, (int *)NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, DM_STORE_MAX_BYTES);
    (void)sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

/* Exclusive locking before the first access keeps the log's index in memory: no -shm file, and a
 * full disk shows as such. No mapping of the file: an I/O error would be a signal. Deleted text is
 * overwritten: credentials. */
static bool
configure(DmStore *store, GError **error)
{
    int rc = sqlite3_exec(store->db,
                          "PRAGMA locking_mode = EXCLUSIVE;"
                          "PRAGMA synchronous = FULL;"
                          "PRAGMA mmap_size = 0;"
                          "PRAGMA cell_size_check = ON;"
                          "PRAGMA secure_delete = ON;"
                          "PRAGMA temp_store = MEMORY;" DM_STORE_CACHE,
                          NULL, NULL, NULL);

    return rc == SQLITE_OK || dm_store_fail(store, rc, DM_ERROR_CORRUPT, "opening it", error);
}

static bool
prepare_statements(DmStore *store, GError **error)
{
    for (int i = 0; i < DM_STATEMENT_N; i++) {
        int rc = sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statements[i], NULL);

        if (rc != SQLITE_OK)
            return dm_store_fail(store, rc, DM_ERROR_CORRUPT, "reading its tables", error);
    }
    return true;
}

/* Called by SQLite after each commit in place of its own checkpointing: see dm_store_commit(). */
static int
on_log(void *data, sqlite3 *db, const char *name, int n_pages)
{
    DmStore *store = data;

    store->log_pages = n_pages;
    return SQLITE_OK;
}

static bool
open_database(DmStore *store, GError **error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(store->path, &store->db, flags, NULL);

    if (rc != SQLITE_OK)
        return dm_store_fail(store, rc, DM_ERROR_STORAGE, "opening it", error);
    harden(store->db);
    sqlite3_wal_hook(store->db, on_log, store);
    return configure(store, error) && dm_store_layout_prepare(store, error) &&
           prepare_statements(store, error);
}

DmStore *
dm_store_open(const char *state_dir, GError **error)
{
    g_autofree char *directory = take_directory(state_dir, error);
    g_autoptr(DmStore) store = NULL;

    if (directory == NULL)
        return NULL;
    store = g_new0(DmStore, 1);
    store->path = g_build_filename(directory, DM_STORE_FILE, NULL);
    store->nodes = g_array_new(FALSE, FALSE, sizeof(guint16));
    store->lock_fd = dm_store_lock_take(directory, error);
    if (store->lock_fd < 0 || !check_files(store->path, error) || !open_database(store, error))
        return NULL;
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
    return g_steal_pointer(&store);
}

void
dm_store_free(DmStore *store)
{
    if (store == NULL)
        return;
    if (store->db != NULL) {
        dm_store_rollback(store);
        for (int i = 0; i < DM_STATEMENT_N; i++)
            sqlite3_finalize(store->statements[i]);
        sqlite3_close(store->db);
    }
    dm_store_lock_release(store->lock_fd, store->failure == NULL);
    g_array_unref(store->nodes);
    g_free(store->failure);
    g_free(store->path);
    g_free(store);
}
