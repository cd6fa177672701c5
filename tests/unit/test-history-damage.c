/* SPDX-License-Identifier: MIT */

/* The history in files that somebody damaged or edited: what cannot be read of it is left out, and
 * everything else goes on. */

#include "tests/unit/history-fixture.h"

/* What cannot have been written. */
static const char *const damages[] = {
    "id = ''",
    "id = x'00'",
    "id = 'a' || char(0) || 'b'",
    "id = hex(zeroblob(2000))",
    "origin = 'a' || char(10) || 'b'",
    "origin = CAST(x'ff' AS TEXT)",
    "origin = hex(zeroblob(40))",
    "address = hex(zeroblob(2000))",
    "address = char(27)",
    "started = -1",
    "started = 'now'",
    "started = NULL",
    "ended = 1.5",
    "duration = -5",
    "duration = 'long'",
    "messages_sent = -1",
    "messages_received = x'01'",
    "bytes_sent = 0.5",
    "bytes_received = 'many'",
    "commands = 'Fetch 200: 1'",
    "commands = 'Get 20: 1'",
    "commands = 'Get 1000: 1'",
    "commands = 'Get 200'",
    "commands = 'Get 200: '",
    "commands = 'Get -200: 1'",
    "commands = 'Get 200: 4294967296'",
    "commands = 'Get 200: 1; Get 200: 1'",
    "commands = 'Get'",
    "commands = replace(hex(zeroblob(150)), '00', 'Get 200: 1, ') || "
    "replace(hex(zeroblob(150)),"
    " '00', 'Get 200: 1, ')",
    "commands = hex(zeroblob(5000))",
    "result = ''",
    "result = char(8)",
    "reason = NULL",
    "reason = hex(zeroblob(600))",
    "reason = char(127)",
};

/* One row is damaged, and those around it are read. */
static void
test_rows_that_do_not_fit(Fixture *fixture, gconstpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_autofree char *text = g_strdup_printf(
            /* As a file may be that was made without the constraints. */
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' STRICT,', ''),"
            " ' NOT NULL', ''), 'number INTEGER', 'number INTEGER NOT NULL')"
            " WHERE name = 'session';"
            "PRAGMA writable_schema = RESET;"
            "UPDATE session SET %s WHERE number = 2",
            damages[i]);
        DmTree *tree = new_tree(fixture);

        for (int j = 0; j < 3; j++)
            run_session(tree, "api");
        dm_tree_free(tree);
        sql(fixture, text);
        tree = open_tree(fixture);
        assert_results(tree, "ok:|ok:");
        /* And it goes on. */
        run_session(tree, "api");
        assert_results(tree, "ok:|ok:|ok:");
        g_assert_cmpstr(dm_tree_get_health(tree), ==, "ok");
        dm_tree_free(tree);
        tear_down(fixture, NULL);
        set_up(fixture, NULL);
    }
}

/* Numbers at their end: the newest stays the newest, and nothing grows. */
static void
test_numbers_at_their_end(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    for (int i = 0; i < 2; i++)
        run_session(tree, "api");
    dm_tree_free(tree);
    sql(fixture, "UPDATE session SET number = 9223372036854775807 WHERE number = 2");
    tree = open_tree(fixture);
    for (int i = 0; i < 2; i++) {
        g_free(begin_session(tree, "api"));
        end_session(tree, 0, "http", i == 0 ? "one" : "two");
    }
    assert_results(tree, "http:two|ok:");
    dm_tree_free(tree);
}

/* What is said to be under way without the form of a token is not. */
static void
test_tokens_that_do_not_fit(Fixture *fixture, gconstpointer data)
{
    static const char *const tokens[] = {
        "x",
        "P-0123456789abcdef0123456789abcdeX",
        "Q-0123456789abcdef0123456789abcdef",
        "P 0123456789abcdef0123456789abcdef",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++) {
        DmTree *tree = new_tree(fixture);
        g_autofree char *text =
            g_strdup_printf("UPDATE text SET value = '%s' WHERE name = 'token'", tokens[i]);

        g_free(begin_session(tree, "api"));
        dm_tree_free(tree);
        sql(fixture, text);
        boot_id = "two";
        tree = open_tree(fixture);
        g_assert_null(dm_session_get_current(find(tree)));
        run_session(tree, "api");
        assert_results(tree, "ok:");
        dm_tree_free(tree);
        tear_down(fixture, NULL);
        set_up(fixture, NULL);
    }
}

/* When it began is not known: it is lost, and the next one goes on. */
static void
test_begin_that_cannot_be_read(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    g_free(begin_session(tree, "api"));
    dm_tree_free(tree);
    sql(fixture, "UPDATE text SET value = 'x' WHERE name IN ('begun', 'attempt')");
    tree = open_tree(fixture);
    assert_results(tree, "lost:the machine was started again before the session's end was "
                         "reported");
    dm_tree_free(tree);
}

/* A page of the table that cannot be read: the history says so, everything else goes on. */
static void
test_damaged_page(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);
    g_autofree char *bytes = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) error = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    gsize size = 0, page;

    run_session(tree, "api");
    dm_tree_free(tree);
    g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db,
                                       "SELECT rootpage FROM sqlite_schema WHERE name = 'session'",
                                       -1, &row, NULL),
                    ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(row), ==, SQLITE_ROW);
    page = (gsize)sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    bytes = read_file(fixture->db, &size);
    g_assert_cmpuint(size, >=, page * 4096);
    memset(bytes + (page - 1) * 4096, 0xee, 4096);
    g_assert_true(g_file_set_contents_full(fixture->db, bytes, (gssize)size,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    tree = open_tree(fixture);
    g_assert_false(dm_history_get(tree, "P", 10, &entries, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CORRUPT);
    g_assert_nonnull(strstr(error->message, fixture->db));
    apply(tree, DM_VERB_REPLACE, P "/UPN", "still@here");
    g_assert_cmpstr(dm_tree_get_health(tree), ==, "ok");
    dm_tree_free(tree);
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    TEST("rows-that-do-not-fit", test_rows_that_do_not_fit);
    TEST("numbers-at-their-end", test_numbers_at_their_end);
    TEST("tokens-that-do-not-fit", test_tokens_that_do_not_fit);
    TEST("begin-that-cannot-be-read", test_begin_that_cannot_be_read);
    TEST("damaged-page", test_damaged_page);
    return g_test_run();
}
