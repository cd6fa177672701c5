/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

#include "common/error.h"
#include "tests/unit/add-test.h"
#include "tree/store.h"

/* A state directory of its own for each test of the store, and ways to look into it. */

#define DB "dmclient.db"

typedef struct {
    char *dir;
    char *db;
} Fixture;

static inline void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->dir = g_dir_make_tmp("store-XXXXXX", NULL);
    fixture->db = g_build_filename(fixture->dir, DB, NULL);
}

static inline void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

        g_remove(path);
    }
    g_rmdir(fixture->dir);
    g_free(fixture->dir);
    g_free(fixture->db);
}

static inline void
assert_same(const void *a, gsize size_a, const void *b, gsize size_b)
{
    g_assert_cmpuint(size_a, ==, size_b);
    g_assert_true(size_a == 0 || memcmp(a, b, size_a) == 0);
}

static inline DmStore *
open_store(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    DmStore *store = dm_store_open(fixture->dir, &error);

    g_assert_no_error(error);
    g_assert_nonnull(store);
    return store;
}

/* The store refuses to open with `code` and a message that holds `part` and the file's path. */
static inline void
assert_refuses(Fixture *fixture, DmErrorCode code, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(dm_store_open(fixture->dir, &error));
    g_assert_error(error, DM_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, fixture->dir));
    if (strstr(error->message, part) == NULL)
        g_error("“%s” is not in: %s", part, error->message);
}

static inline void
sql(Fixture *fixture, const char *text)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
    (void)sqlite3_exec(db, text, NULL, NULL, &message);
    g_assert_cmpstr(message, ==, NULL);
    sqlite3_close(db);
}

static inline char *
read_file(const char *path, gsize *ret_size)
{
    char *bytes = NULL;

    g_assert_true(g_file_get_contents(path, &bytes, ret_size, NULL));
    return bytes;
}

/* Everything in the store as lines of text. */
static inline void
on_provider(gint64 key, DmScope scope, guint32 uid, const char *id, gpointer data)
{
    g_string_append_printf(data, "%d provider %s %u %s\n", (int)key,
                           scope == DM_SCOPE_USER ? "user" : "device", uid, id);
}

static inline void
on_node(gint64 key, DmNodeId node, const DmValue *value, gpointer data)
{
    char buffer[DM_VALUE_TEXT_MAX];

    g_string_append_printf(data, "%d %s %s\n", (int)key, dm_schema_get(node)->name,
                           value == NULL ? "-" : dm_value_to_text(value, buffer));
}

static inline void
on_text(gint64 key, DmStoreKind kind, const char *name, const char *value, gpointer data)
{
    g_string_append_printf(data, "%d text %d %s=%s\n", (int)key, (int)kind, name, value);
}

static inline void
on_root(DmNodeId node, const DmValue *value, gpointer data)
{
    on_node(0, node, value, data);
}

static const DmStoreReader reader = {on_provider, on_node, on_text, on_root};

static inline void
assert_content(DmStore *store, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_store_load(store, &reader, text, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(text->str, ==, expected);
}

/* What is in the file fails to load, naming the file and `part`. */
static inline void
assert_load_refuses(Fixture *fixture, const char *part)
{
    g_autoptr(DmStore) store = open_store(fixture);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(dm_store_load(store, &reader, text, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CORRUPT);
    g_assert_nonnull(strstr(error->message, fixture->db));
    if (strstr(error->message, part) == NULL)
        g_error("“%s” is not in: %s", part, error->message);
}

static inline void
begin(DmStore *store)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_store_begin(store, &error));
    g_assert_no_error(error);
}

static inline void
commit(DmStore *store)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_store_commit(store, &error));
    g_assert_no_error(error);
}

static inline gint64
add_provider(DmStore *store, DmScope scope, guint32 uid, const char *id)
{
    gint64 key = 0;

    g_assert_true(dm_store_add_provider(store, scope, uid, id, &key, NULL));
    g_assert_cmpint(key, >, 0);
    return key;
}

static inline void
put_chr(DmStore *store, gint64 key, DmNodeId node, const char *text)
{
    g_auto(DmValue) value = dm_value_new_chr(text);

    g_assert_true(dm_store_put_node(store, key, node, &value, NULL));
}

static inline void
put_int(DmStore *store, gint64 key, DmNodeId node, gint64 number)
{
    const DmValue value = dm_value_new_int(number);

    g_assert_true(dm_store_put_node(store, key, node, &value, NULL));
}

static inline void
put_bool(DmStore *store, gint64 key, DmNodeId node, bool boolean)
{
    const DmValue value = dm_value_new_bool(boolean);

    g_assert_true(dm_store_put_node(store, key, node, &value, NULL));
}

static inline void
put_text(DmStore *store, gint64 key, DmStoreKind kind, const char *name, const char *value)
{
    g_assert_true(dm_store_put_text(store, key, kind, name, value, NULL));
}

/* A store with one provider that has a UPN. */
static inline void
make_one(Fixture *fixture)
{
    g_autoptr(DmStore) store = open_store(fixture);
    gint64 key;

    begin(store);
    key = add_provider(store, DM_SCOPE_DEVICE, 0, "One");
    put_chr(store, key, DM_NODE_UPN, "a@b");
    commit(store);
}

static inline void
put_reply(DmStore *store, const char *session, guint64 message, const char *reply)
{
    g_autoptr(GBytes) bytes = g_bytes_new(reply, strlen(reply));

    begin(store);
    g_assert_true(dm_store_put_reply(store, session, message, bytes, NULL));
    commit(store);
}

/* The first layout, as its SQL was, with ids of another order than the table's. */
G_GNUC_UNUSED static const char first_layout[] =
    "PRAGMA application_id = 1145914161; PRAGMA user_version = 1;"
    "CREATE TABLE node(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE provider(key INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  scope TEXT NOT NULL CHECK(scope IN ('root', 'device', 'user')), uid INTEGER NOT NULL,"
    "  id TEXT NOT NULL, UNIQUE(scope, uid, id)) STRICT;"
    "INSERT INTO provider VALUES(0, 'root', 0, '');"
    "CREATE TABLE leaf(provider INTEGER NOT NULL REFERENCES provider(key),"
    "  node INTEGER NOT NULL REFERENCES node(id), value ANY,"
    "  PRIMARY KEY(provider, node)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE account(provider INTEGER NOT NULL REFERENCES provider(key),"
    "  name TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY(provider, name)) STRICT, WITHOUT ROWID;"
    "INSERT INTO node VALUES(3, 'Provider/{ProviderID}/UPN');"
    "INSERT INTO node VALUES(5, 'Provider/{ProviderID}/Poll');"
    "INSERT INTO provider VALUES(9, 'device', 0, 'Old');"
    "INSERT INTO leaf VALUES(9, 3, 'old@example');"
    "INSERT INTO leaf VALUES(9, 5, NULL);"
    "INSERT INTO account VALUES(9, 'NAME', 'Old server');"
    "INSERT INTO account VALUES(9, 'APPSRV/AAUTHNAME', 'user');";
