/* SPDX-License-Identifier: MIT */

#include "tests/unit/store-fixture.h"

/* -- versions -----------------------------------------------------------------------------------
 */

static void
test_migration(Fixture *fixture, gconstpointer data)
{
    const char *content = "9 provider device 0 Old\n9 UPN old@example\n9 Poll -\n"
                          "9 text 0 APPSRV/AAUTHNAME=user\n9 text 0 NAME=Old server\n";
    DmStore *store;

    sql(fixture, first_layout);
    store = open_store(fixture);
    assert_content(store, content);
    put_reply(store, "s", 1, "reply");
    begin(store);
    put_int(store, 9, DM_NODE_POLL_NUMBER_OF_FIRST_RETRIES, 3);
    put_text(store, 9, DM_STORE_SESSION, "counter", "1");
    commit(store);
    dm_store_free(store);
    store = open_store(fixture);
    assert_content(store, "9 provider device 0 Old\n9 UPN old@example\n9 Poll -\n"
                          "9 NumberOfFirstRetries 3\n"
                          "9 text 0 APPSRV/AAUTHNAME=user\n9 text 0 NAME=Old server\n"
                          "9 text 1 counter=1\n");
    dm_store_free(store);
}

/* The third layout, as its SQL was, with a row of everything. */
static const char third_layout[] =
    "PRAGMA application_id = 1145914161; PRAGMA user_version = 3;"
    "CREATE TABLE node(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE provider(key INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  scope TEXT NOT NULL CHECK(scope IN ('root', 'device', 'user')), uid INTEGER NOT NULL,"
    "  id TEXT NOT NULL, UNIQUE(scope, uid, id)) STRICT;"
    "INSERT INTO provider VALUES(0, 'root', 0, '');"
    "CREATE TABLE leaf(provider INTEGER NOT NULL REFERENCES provider(key),"
    "  node INTEGER NOT NULL REFERENCES node(id), value ANY,"
    "  PRIMARY KEY(provider, node)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE text(provider INTEGER NOT NULL REFERENCES provider(key), kind TEXT NOT NULL,"
    "  name TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY(provider, kind, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE reply(id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE,"
    "  message INTEGER NOT NULL, used INTEGER NOT NULL, reply BLOB NOT NULL) STRICT;"
    "CREATE VIEW tree(scope, uid, provider, path, value) AS"
    "  SELECT p.scope, p.uid, p.id, n.path, l.value FROM leaf AS l"
    "  JOIN provider AS p ON p.key = l.provider JOIN node AS n ON n.id = l.node"
    "  ORDER BY p.scope, p.uid, p.id, n.path;"
    "CREATE TABLE unenrollment(enrolment INTEGER PRIMARY KEY, provider TEXT NOT NULL,"
    "  session TEXT NOT NULL, requested INTEGER NOT NULL, done INTEGER NOT NULL,"
    "  actor TEXT NOT NULL, reason TEXT NOT NULL, thumbprint TEXT NOT NULL) STRICT;"
    "INSERT INTO node VALUES(3, 'Provider/{ProviderID}/UPN');"
    "INSERT INTO provider VALUES(9, 'device', 0, 'Old');"
    "INSERT INTO leaf VALUES(9, 3, 'old@example');"
    "INSERT INTO text VALUES(9, 'session', 'counter', '7');"
    "INSERT INTO reply VALUES(1, 's', 4, 1, x'00');"
    "INSERT INTO unenrollment VALUES(2, 'Gone', '', 1, 2, 'root', 'sold', '');";

static bool
on_history(const DmStoreHistory *row, gpointer data)
{
    g_string_append_printf(data, "%s %s %" G_GINT64_FORMAT "\n", row->id, row->result,
                           row->messages_sent);
    return true;
}

static void
on_unenrollment(const DmStoreUnenrollment *one, gpointer data)
{
    g_string_append_printf(data, "%s %s\n", one->provider, one->reason);
}

/* To sessions that are over; nothing is known of those before. */
static void
test_migration_from_3(Fixture *fixture, gconstpointer data)
{
    const char *content = "9 provider device 0 Old\n9 UPN old@example\n9 text 1 counter=7\n";
    const DmStoreHistory row = {.id = "Old-1",
                                .origin = "api",
                                .address = "",
                                .duration_us = -1,
                                .messages_sent = -1,
                                .messages_received = 0,
                                .commands = "",
                                .result = "ok",
                                .reason = ""};
    g_autoptr(GString) history = g_string_new(NULL);
    g_autoptr(GString) others = g_string_new(NULL);
    g_autoptr(GBytes) reply = NULL;
    g_autoptr(GError) error = NULL;
    guint64 message = 0;
    DmStore *store;

    sql(fixture, third_layout);
    store = open_store(fixture);
    assert_content(store, content);
    g_assert_true(dm_store_load_history(store, 9, on_history, history, &error));
    g_assert_cmpstr(history->str, ==, "");
    begin(store);
    g_assert_true(dm_store_put_history(store, 9, &row, &error));
    commit(store);
    dm_store_free(store);
    store = open_store(fixture);
    assert_content(store, content);
    g_assert_true(dm_store_load_history(store, 9, on_history, history, &error));
    g_assert_cmpstr(history->str, ==, "Old-1 ok -1\n");
    g_assert_true(dm_store_load_unenrollments(store, on_unenrollment, others, &error));
    g_assert_cmpstr(others->str, ==, "Gone sold\n");
    reply = dm_store_find_reply(store, "s", &message);
    g_assert_nonnull(reply);
    g_assert_cmpuint(message, ==, 4);
    dm_store_free(store);
}

static void
test_migration_of_damaged(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before, size_after;
    FILE *file;

    sql(fixture, first_layout);
    /* A page of leaves becomes nonsense. */
    file = g_fopen(fixture->db, "r+");
    g_assert_cmpint(fseek(file, -4096, SEEK_END), ==, 0);
    for (int i = 0; i < 4096; i++)
        g_assert_cmpint(fputc(0xa5, file), ==, 0xa5);
    fclose(file);
    before = read_file(fixture->db, &size_before);
    assert_refuses(fixture, DM_ERROR_CORRUPT, "left alone");
    after = read_file(fixture->db, &size_after);
    assert_same(before, size_before, after, size_after);
}

static void
test_grown_table(Fixture *fixture, gconstpointer data)
{
    DmStore *store;

    make_one(fixture);
    /* As if a version had written it whose table had less, in another order. */
    sql(fixture, "UPDATE node SET id = 1000 + id; UPDATE leaf SET node = 1000 + node;"
                 "DELETE FROM node WHERE path LIKE '%/Push%'");
    store = open_store(fixture);
    assert_content(store, "1 provider device 0 One\n1 UPN a@b\n");
    begin(store);
    put_chr(store, 1, DM_NODE_PUSH_PFN, "pfn");
    commit(store);
    assert_content(store, "1 provider device 0 One\n1 UPN a@b\n1 PFN pfn\n");
    dm_store_free(store);
}

static void
test_newer(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before, size_after;

    make_one(fixture);
    sql(fixture, "PRAGMA user_version = 99; CREATE TABLE future(a)");
    before = read_file(fixture->db, &size_before);
    assert_refuses(fixture, DM_ERROR_NEWER, "layout 99");
    assert_refuses(fixture, DM_ERROR_NEWER, "move the file away");
    after = read_file(fixture->db, &size_after);
    assert_same(before, size_before, after, size_after);
}

static void
test_not_a_database(Fixture *fixture, gconstpointer data)
{
    g_autofree char *letter = g_strnfill(10000, 'x');
    g_autofree char *after = NULL;
    gsize size;

    g_assert_true(g_file_set_contents(fixture->db, letter, -1, NULL));
    assert_refuses(fixture, DM_ERROR_CORRUPT, "move it away");
    after = read_file(fixture->db, &size);
    assert_same(letter, strlen(letter), after, size);
}

static void
test_other_program(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before, size_after;

    sql(fixture, "CREATE TABLE bookmarks(url); INSERT INTO bookmarks VALUES('https://a')");
    before = read_file(fixture->db, &size_before);
    assert_refuses(fixture, DM_ERROR_CORRUPT, "another program");
    after = read_file(fixture->db, &size_after);
    assert_same(before, size_before, after, size_after);
}

static void
test_lost_file(Fixture *fixture, gconstpointer data)
{
    g_autofree char *log = g_strconcat(fixture->db, "-wal", NULL);
    g_autofree char *after = NULL;
    gsize size;

    g_assert_true(g_file_set_contents(log, "commits", -1, NULL));
    assert_refuses(fixture, DM_ERROR_CORRUPT, "restore it");
    after = read_file(log, &size);
    assert_same(after, size, "commits", strlen("commits"));
    g_assert_false(g_file_test(fixture->db, G_FILE_TEST_EXISTS));
}

/* -- damaged or edited rows ---------------------------------------------------------------------
 */

static void
test_damaged_rows(Fixture *fixture, gconstpointer data)
{
    static const char upn[] = "(SELECT id FROM node WHERE path = 'Provider/{ProviderID}/UPN')";
    static const struct {
        const char *value, *part;
    } values[] = {
        {"5", "UPN"},
        {"NULL", "UPN"},
        {"x'4142'", "UPN"},
        {"1.5", "UPN"},
        {"CAST(x'ff' AS TEXT)", "UPN"},
        {"CAST(x'610062' AS TEXT)", "UPN"},
        {"char(7)", "UPN"},
        {"printf('%2000d', 1)", "too long"},
    };

    make_one(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autofree char *update =
            g_strdup_printf("UPDATE leaf SET value = %s WHERE node = %s", values[i].value, upn);

        sql(fixture, update);
        assert_load_refuses(fixture, values[i].part);
    }
}

static void
test_misplaced_rows(Fixture *fixture, gconstpointer data)
{
    static const char *const changes[][2] = {
        {"INSERT INTO leaf VALUES(77, 1, 'x')", "no such provider"},
        {"INSERT INTO leaf VALUES(1, 30000, 'x')", "no such node"},
        {"INSERT INTO node VALUES(500, 'Provider/{ProviderID}/New');"
         "INSERT INTO leaf VALUES(1, 500, 'x')",
         "no such node"},
        {"INSERT INTO leaf SELECT 1, id, NULL FROM node WHERE path = 'Provider'", "cannot be"},
        {"INSERT INTO leaf SELECT 0, id, 'x' FROM node WHERE path LIKE '%/UPN'", "cannot be"},
        {"INSERT INTO leaf SELECT 1, id, NULL FROM node WHERE path LIKE '%}/Unenroll'",
         "cannot be"},
        {"INSERT INTO leaf SELECT 1, id, 1 FROM node WHERE path LIKE '%/Poll'", "another format"},
        {"INSERT INTO leaf SELECT 1, id, 9 FROM node WHERE path LIKE '%/Push/Status'", "range"},
        {"INSERT INTO leaf SELECT 1, id, 2 FROM node WHERE path LIKE '%/AADSendDeviceToken'",
         "format"},
        {"INSERT INTO provider VALUES(5, 'user', -1, 'x')", "uid"},
        {"INSERT INTO provider VALUES(5, 'user', 4294967295, 'x')", "uid"},
        {"INSERT INTO provider VALUES(5, 'device', 1, 'x')", "device"},
        {"INSERT INTO provider VALUES(5, 'root', 1, 'x')", "device"},
        {"INSERT INTO provider VALUES(5, 'device', 0, '')", "provider id"},
        {"INSERT INTO provider VALUES(5, 'user', 7, 'x');"
         "INSERT INTO leaf SELECT 5, id, 'x' FROM node WHERE path LIKE '%/UPN'",
         "cannot be"},
        {"INSERT INTO text VALUES(1, 'other', 'a', 'b')", "kind"},
        {"INSERT INTO text VALUES(2, 'session', 'a', 'b')", "no such provider"},
        {"INSERT INTO text VALUES(1, 'session', 'a', CAST(x'ff' AS TEXT))", "text"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_remove(fixture->db);
        make_one(fixture);
        sql(fixture, changes[i][0]);
        assert_load_refuses(fixture, changes[i][1]);
    }
}

static void
test_failed_load_changes_nothing(Fixture *fixture, gconstpointer data)
{
    DmStore *store;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *before = NULL, *after = NULL;
    gsize size_before, size_after;

    make_one(fixture);
    sql(fixture, "UPDATE leaf SET value = 5");
    before = read_file(fixture->db, &size_before);
    store = open_store(fixture);
    g_assert_false(dm_store_load(store, &reader, text, NULL));
    g_assert_false(dm_store_begin(store, NULL));
    dm_store_free(store);
    after = read_file(fixture->db, &size_after);
    assert_same(before, size_before, after, size_after);
}

static void
test_tampered_schema(Fixture *fixture, gconstpointer data)
{
    DmStore *store;

    make_one(fixture);
    sql(fixture, "CREATE TRIGGER t AFTER UPDATE ON leaf BEGIN DELETE FROM provider; END");
    store = open_store(fixture);
    begin(store);
    put_chr(store, 1, DM_NODE_UPN, "changed");
    commit(store);
    assert_content(store, "1 provider device 0 One\n1 UPN changed\n");
    dm_store_free(store);
    sql(fixture, "DROP TRIGGER t; ALTER TABLE leaf RENAME TO l;"
                 "CREATE VIEW leaf AS SELECT provider, node, value FROM l");
    assert_refuses(fixture, DM_ERROR_CORRUPT, "left alone");
    sql(fixture,
        "DROP VIEW leaf; ALTER TABLE l RENAME TO leaf; ALTER TABLE reply DROP COLUMN used");
    assert_refuses(fixture, DM_ERROR_CORRUPT, "left alone");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/store/migration-from-version-1", test_migration);
    ADD("/store/migration-from-version-3", test_migration_from_3);
    ADD("/store/migration-of-a-damaged-file-is-refused", test_migration_of_damaged);
    ADD("/store/node-table-grown", test_grown_table);
    ADD("/store/newer-is-left-alone", test_newer);
    ADD("/store/not-a-database-is-left-alone", test_not_a_database);
    ADD("/store/another-programs-is-left-alone", test_other_program);
    ADD("/store/lost-file-with-its-log-is-left-alone", test_lost_file);
    ADD("/store/damaged-rows-are-named", test_damaged_rows);
    ADD("/store/misplaced-rows-are-named", test_misplaced_rows);
    ADD("/store/failed-load-changes-nothing", test_failed_load_changes_nothing);
    ADD("/store/tampered-schema", test_tampered_schema);
    return g_test_run();
}
