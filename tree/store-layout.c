/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "common/error.h"
#include "tree/store-private.h"

/* Rows name their node by an id of the dictionary `node`, which holds paths of the node table: the
 * order of tree/nodes.def may change. Keys of `provider` are never used again, so that an enrolment
 * has one that is its own; key 0 is the root. The views `tree` and `history` are for people:
 *
 *     sqlite3 dmclient.db 'SELECT * FROM tree'
 *
 * References are declared for people and tools (PRAGMA foreign_key_check) but not enforced: that
 * costs a third of a commit of 100 leaves; reading refuses a row whose provider or node is missing.
 *
 * steps[n] takes a database of version n to n + 1; a new one goes through all of them. A step that
 * has been released is never changed. */
static const char *const steps[DM_STORE_VERSION] = {
    /* 0 → 1 */
    "CREATE TABLE node(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE provider("
    "  key INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  scope TEXT NOT NULL CHECK(scope IN ('root', 'device', 'user')),"
    "  uid INTEGER NOT NULL,"
    "  id TEXT NOT NULL,"
    "  UNIQUE(scope, uid, id)) STRICT;"
    "INSERT INTO provider(key, scope, uid, id) VALUES(0, 'root', 0, '');"
    "CREATE TABLE leaf("
    "  provider INTEGER NOT NULL REFERENCES provider(key),"
    "  node INTEGER NOT NULL REFERENCES node(id),"
    "  value ANY," /* NULL: an interior node is present */
    "  PRIMARY KEY(provider, node)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE account("
    "  provider INTEGER NOT NULL REFERENCES provider(key),"
    "  name TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY(provider, name)) STRICT, WITHOUT ROWID;",
    /* 1 → 2: text of several kinds, and the last reply of each session for exactly-once */
    "CREATE TABLE text("
    "  provider INTEGER NOT NULL REFERENCES provider(key),"
    "  kind TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY(provider, kind, name)) STRICT, WITHOUT ROWID;"
    "INSERT INTO text(provider, kind, name, value)"
    "  SELECT provider, 'account', name, value FROM account;"
    "DROP TABLE account;"
    "CREATE TABLE reply("
    "  id INTEGER PRIMARY KEY,"
    "  session TEXT NOT NULL UNIQUE,"
    "  message INTEGER NOT NULL,"
    "  used INTEGER NOT NULL,"
    "  reply BLOB NOT NULL) STRICT;"
    "CREATE VIEW tree(scope, uid, provider, path, value) AS"
    "  SELECT p.scope, p.uid, p.id, n.path, l.value FROM leaf AS l"
    "  JOIN provider AS p ON p.key = l.provider JOIN node AS n ON n.id = l.node"
    "  ORDER BY p.scope, p.uid, p.id, n.path;",
    /* 2 → 3: enrolments that are to end or have ended; `enrolment` is the key that the provider has
     * or had, and `done` is 0 until everything of it is gone (E3) */
    "CREATE TABLE unenrollment("
    "  enrolment INTEGER PRIMARY KEY,"
    "  provider TEXT NOT NULL,"
    "  session TEXT NOT NULL,"
    "  requested INTEGER NOT NULL,"
    "  done INTEGER NOT NULL,"
    "  actor TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  thumbprint TEXT NOT NULL) STRICT;",
    /* 3 → 4: sessions that are over, `number` rising by one; times in µs since the epoch. What one
     * commit writes stands together: the newest of one provider. The view is for people. */
    "CREATE TABLE session("
    "  provider INTEGER NOT NULL REFERENCES provider(key),"
    "  number INTEGER NOT NULL,"
    "  id TEXT NOT NULL,"
    "  origin TEXT NOT NULL,"
    "  address TEXT NOT NULL,"
    "  started INTEGER NOT NULL,"
    "  ended INTEGER NOT NULL,"
    "  duration INTEGER," /* NULL here and below: not known */
    "  messages_sent INTEGER,"
    "  messages_received INTEGER,"
    "  bytes_sent INTEGER,"
    "  bytes_received INTEGER,"
    "  commands TEXT NOT NULL,"
    "  result TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  PRIMARY KEY(provider, number)) STRICT, WITHOUT ROWID;"
    "CREATE VIEW history(provider, started, ended, seconds, origin, result, reason, address,"
    "  commands, messages_sent, messages_received, bytes_sent, bytes_received, id) AS"
    "  SELECT p.id, strftime('%Y-%m-%dT%H:%M:%SZ', s.started / 1000000, 'unixepoch'),"
    "  strftime('%Y-%m-%dT%H:%M:%SZ', s.ended / 1000000, 'unixepoch'), s.duration / 1e6, s.origin,"
    "  s.result, s.reason, s.address, s.commands, s.messages_sent, s.messages_received,"
    "  s.bytes_sent, s.bytes_received, s.id"
    "  FROM session AS s JOIN provider AS p ON p.key = s.provider"
    "  ORDER BY p.id, s.number DESC;",
};

static bool
exec(DmStore *store, const char *sql, const char *what, GError **error)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK || dm_store_fail(store, rc, DM_ERROR_CORRUPT, what, error);
}

/* The one number that `sql` yields. */
static bool
query_int(DmStore *store, const char *sql, gint64 *ret_number, GError **error)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW || dm_store_fail(store, rc, DM_ERROR_CORRUPT, "reading it", error);
}

/* What file is this? Answers before anything is written to it. */
static bool
identify(DmStore *store, gint64 *ret_version, bool *ret_is_new, GError **error)
{
    gint64 application = 0, version = 0, n_tables = 0;

    if (!query_int(store, "PRAGMA application_id", &application, error) ||
        !query_int(store, "PRAGMA user_version", &version, error) ||
        !query_int(store, "SELECT count(*) FROM sqlite_schema", &n_tables, error))
        return false;
    *ret_is_new = application == 0 && version == 0 && n_tables == 0;
    *ret_version = version;
    if (*ret_is_new)
        return true;
    if (application != DM_STORE_APPLICATION_ID || version < 1) {
        g_set_error(error, DM_ERROR, DM_ERROR_CORRUPT,
                    "%s belongs to another program and is left alone: move it away to start afresh",
                    store->path);
        return false;
    }
    if (version > DM_STORE_VERSION) {
        g_set_error(error, DM_ERROR, DM_ERROR_NEWER,
                    "%s was written by a newer version (layout %" G_GINT64_FORMAT
                    ", this one knows up to %d) and is left alone: install that version again, or "
                    "move the file away and enrol anew",
                    store->path, version, DM_STORE_VERSION);
        return false;
    }
    return true;
}

/* Reads every page; only before this version changes an existing file beyond what commits do. The
 * ordinary start leaves it out: dm_store_load() reads and judges every row anyway, and this would
 * double the time of it. */
static bool
check_pages(DmStore *store, GError **error)
{
    sqlite3_stmt *statement = NULL;
    const char *finding = NULL;
    bool ok;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        finding = (const char *)sqlite3_column_text(statement, 0);
    ok = g_strcmp0(finding, "ok") == 0;
    if (!ok && finding != NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_CORRUPT,
                    "%s is damaged (%s) and is left alone: restore it from a backup, try "
                    "`sqlite3 %s .recover`, or move it away and enrol anew",
                    store->path, finding, store->path);
    else if (!ok)
        dm_store_fail(store, rc, DM_ERROR_CORRUPT, "checking it", error);
    sqlite3_finalize(statement);
    return ok;
}

/* Runs the steps from `version` on, all in one transaction. */
static bool
migrate(DmStore *store, gint64 version, GError **error)
{
    g_autofree char *stamp = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d",
                                             DM_STORE_APPLICATION_ID, DM_STORE_VERSION);

    for (gint64 i = version; i < DM_STORE_VERSION; i++)
        if (!exec(store, steps[i], "migrating it", error))
            return false;
    return exec(store, stamp, "migrating it", error);
}

static bool
read_dictionary(DmStore *store, GError **error)
{
    const guint16 none = DM_NODE_NONE;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(store->db, "SELECT id, path FROM node", -1, &statement, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        const char *path;
        gint64 id;
        DmNodeId node;

        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
            break;
        id = sqlite3_column_int64(statement, 0);
        path = (const char *)sqlite3_column_text(statement, 1);
        /* An id beyond what a dictionary can have grown to is not worth the memory: its rows then
         * fail as unknown. */
        if (id < 1 || id > G_MAXINT16 || path == NULL)
            continue;
        while (store->nodes->len <= id)
            g_array_append_val(store->nodes, none);
        node = dm_schema_find_path(path);
        g_array_index(store->nodes, guint16, id) = (guint16)node;
        if (node != DM_NODE_NONE)
            store->ids[node] = id;
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE || dm_store_fail(store, rc, DM_ERROR_CORRUPT, "reading it", error);
}

static bool
is_dictionary_complete(const DmStore *store)
{
    for (DmNodeId node = 0; node < DM_NODE_N; node++)
        if (store->ids[node] == 0)
            return false;
    return true;
}

/* Adds the paths that this version's table has and the file has not. */
static bool
grow_dictionary(DmStore *store, GError **error)
{
    sqlite3_stmt *statement = NULL;
    int rc =
        sqlite3_prepare_v2(store->db, "INSERT INTO node(path) VALUES(?1)", -1, &statement, NULL);

    for (DmNodeId node = 0; rc == SQLITE_OK && node < DM_NODE_N; node++) {
        if (store->ids[node] != 0)
            continue;
        sqlite3_bind_text(statement, 1, dm_schema_get(node)->path, -1, SQLITE_STATIC);
        rc = sqlite3_step(statement);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_OK || dm_store_fail(store, rc, DM_ERROR_CORRUPT, "extending it", error);
}

/* Everything that opening writes, in one transaction: a crash leaves the file as it was. */
static bool
update(DmStore *store, gint64 version, GError **error)
{
    bool ok = exec(store, "BEGIN IMMEDIATE", "migrating it", error) &&
              (version == DM_STORE_VERSION || migrate(store, version, error)) &&
              read_dictionary(store, error) && grow_dictionary(store, error) &&
              read_dictionary(store, error) && exec(store, "COMMIT", "migrating it", error);

    if (!ok && !sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

static bool
use_log(DmStore *store, GError **error)
{
    sqlite3_stmt *statement = NULL;
    const char *mode = NULL;
    bool ok;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        mode = (const char *)sqlite3_column_text(statement, 0);
    ok = g_strcmp0(mode, "wal") == 0;
    sqlite3_finalize(statement);
    return ok || dm_store_fail(store, rc == SQLITE_ROW ? SQLITE_IOERR : rc, DM_ERROR_STORAGE,
                               "starting its log", error);
}

bool
dm_store_layout_prepare(DmStore *store, GError **error)
{
    gint64 version = 0;
    bool is_new = false;

    if (!identify(store, &version, &is_new, error))
        return false;
    if (!is_new && version == DM_STORE_VERSION && !read_dictionary(store, error))
        return false;
    if (!is_new && (version < DM_STORE_VERSION || !is_dictionary_complete(store)) &&
        !check_pages(store, error))
        return false;
    if (!use_log(store, error))
        return false;
    if ((version < DM_STORE_VERSION || !is_dictionary_complete(store)) &&
        !update(store, version, error))
        return false;
    return query_int(store, "SELECT ifnull(max(used), 0) FROM reply", &store->last_used, error);
}
