/* SPDX-License-Identifier: MIT */

#include "tree/history.h"

#include "tests/unit/history-fixture.h"
#include "tree/unenroll.h"

/* -- what an entry says -------------------------------------------------------------------------
 */

static void
test_entry(Fixture *fixture, gconstpointer data)
{
    const DmHistoryCommand commands[] = {{"Replace", 200, 12}, {"Get", 404, 1}, {"Add", 418, 0}};
    DmSessionReport what = DM_SESSION_REPORT_INIT;
    DmTree *tree = new_tree(fixture);
    g_autofree char *token = begin_session(tree, "push");

    pass_s(7);
    wall_us += 3600 * SECOND_US; /* set meanwhile: of no account to the duration */
    what.ended = 0;
    what.address = "https://one:8443/dm";
    what.error = "tls";
    what.message = "the certificate has expired";
    what.messages_sent = 3;
    what.messages_received = 2;
    what.bytes_sent = G_GINT64_CONSTANT(5000000000);
    what.bytes_received = 0;
    what.commands = commands;
    what.n_commands = G_N_ELEMENTS(commands);
    report(tree, &what);
    tree = restart(fixture, tree, "two");
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
        const DmHistoryEntry *entry;

        g_assert_cmpuint(entries->len, ==, 1);
        entry = g_ptr_array_index(entries, 0);
        g_assert_cmpstr(entry->id, ==, token);
        g_assert_cmpstr(entry->origin, ==, "push");
        g_assert_cmpstr(entry->address, ==, "https://one:8443/dm");
        g_assert_cmpint(entry->start_us, ==, START_US);
        g_assert_cmpint(entry->end_us, ==, START_US + 3607 * SECOND_US);
        g_assert_cmpint(entry->duration_us, ==, 7 * SECOND_US);
        g_assert_cmpint(entry->messages_sent, ==, 3);
        g_assert_cmpint(entry->messages_received, ==, 2);
        g_assert_cmpint(entry->bytes_sent, ==, G_GINT64_CONSTANT(5000000000));
        g_assert_cmpint(entry->bytes_received, ==, 0);
        g_assert_cmpstr(entry->result, ==, "tls");
        g_assert_cmpstr(entry->reason, ==, "the certificate has expired");
        g_assert_cmpuint(entry->n_commands, ==, G_N_ELEMENTS(commands));
        for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
            g_assert_cmpstr(entry->commands[i].verb, ==, commands[i].verb);
            g_assert_cmpuint(entry->commands[i].status, ==, commands[i].status);
            g_assert_cmpuint(entry->commands[i].count, ==, commands[i].count);
        }
    }
    dm_tree_free(tree);
}

static void
test_nothing_reported(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autofree char *token = begin_session(tree, "api");

    end_session(tree, 0, NULL, NULL);
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
        const DmHistoryEntry *entry = g_ptr_array_index(entries, 0);

        g_assert_cmpuint(entries->len, ==, 1);
        g_assert_cmpstr(entry->id, ==, token);
        g_assert_cmpstr(entry->address, ==, "");
        g_assert_cmpint(entry->messages_sent, ==, -1);
        g_assert_cmpint(entry->messages_received, ==, -1);
        g_assert_cmpint(entry->bytes_sent, ==, -1);
        g_assert_cmpint(entry->bytes_received, ==, -1);
        g_assert_cmpuint(entry->n_commands, ==, 0);
        g_assert_cmpstr(entry->result, ==, "failed");
        g_assert_cmpstr(entry->reason, ==, "");
    }
}

/* A session's own words, not those of the one before; an end without a begin is none. */
static void
test_results(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    end_session(tree, 0, "tls", "before any");
    assert_results(tree, "");
    g_free(begin_session(tree, "api"));
    end_session(tree, 0, "http", "503");
    end_session(tree, 0, "http", "twice");
    g_free(begin_session(tree, "api"));
    end_session(tree, 0, "", "");
    run_session(tree, "api");
    g_free(begin_session(tree, "api"));
    end_session(tree, 1, NULL, "went on by itself");
    assert_results(tree, "ok:went on by itself|ok:|failed:|http:503");
}

/* L5: the record of a session with the fallback says so. */
static void
test_fallback_is_said(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    DmSessionReport what = DM_SESSION_REPORT_INIT;

    what.ended = 1;
    what.address = "https://one";
    g_free(begin_session(tree, "api"));
    report(tree, &what);
    assert_results(tree, "ok:");
    apply(tree, DM_VERB_REPLACE, P "/ManagementServiceAddress", "https://two");
    g_free(begin_session(tree, "api"));
    report(tree, &what);
    assert_results(tree,
                   "ok:none of the listed addresses answered, the last one that worked before did"
                   "|ok:");
}

static void
test_hostile_report(Fixture *fixture, gconstpointer data)
{
    g_autofree char *endless = g_strnfill(100000, 'x');
    g_autofree DmHistoryCommand *many = g_new0(DmHistoryCommand, DM_HISTORY_MAX_COMMANDS + 1);
    const DmHistoryCommand no_verb = {"Fetch", 200, 1}, no_status = {"Get", 99, 1},
                           large_status = {"Get", 1000, 1};
    const DmHistoryCommand *bad[] = {&no_verb, &no_status, &large_status};
    g_autoptr(DmTree) tree = new_tree(fixture);
    DmSessionReport what = DM_SESSION_REPORT_INIT;
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i <= DM_HISTORY_MAX_COMMANDS; i++)
        many[i] = (DmHistoryCommand){"Sequence", 500, G_MAXUINT};
    g_free(begin_session(tree, endless));
    what.ended = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        what.commands = bad[i];
        what.n_commands = 1;
        g_assert_false(dm_session_report(tree, "P", &what, &error));
        g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
        g_clear_error(&error);
    }
    what.commands = many;
    what.n_commands = DM_HISTORY_MAX_COMMANDS + 1;
    g_assert_false(dm_session_report(tree, "P", &what, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(dm_session_get_current(find(tree)));
    what.n_commands = DM_HISTORY_MAX_COMMANDS;
    what.address = endless;
    what.error = "a\xff\n\x1b";
    what.message = endless;
    what.messages_sent = G_MININT64;
    what.bytes_sent = G_MAXINT64;
    report(tree, &what);
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
        const DmHistoryEntry *entry = g_ptr_array_index(entries, 0);

        g_assert_cmpuint(entries->len, ==, 1);
        g_assert_cmpuint(entry->n_commands, ==, DM_HISTORY_MAX_COMMANDS);
        g_assert_cmpuint(entry->commands[DM_HISTORY_MAX_COMMANDS - 1].count, ==, G_MAXUINT);
        g_assert_cmpuint(strlen(entry->origin), ==, 64);
        g_assert_cmpuint(strlen(entry->address), ==, 2048);
        g_assert_cmpuint(strlen(entry->reason), ==, 1024);
        g_assert_cmpstr(entry->result, ==, "a\xef\xbf\xbd  ");
        g_assert_cmpint(entry->messages_sent, ==, -1);
        g_assert_cmpint(entry->bytes_sent, ==, G_MAXINT64);
    }
}

/* -- which session is under way -----------------------------------------------------------------
 */

static void
test_current(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autofree char *token = NULL;

    g_assert_null(dm_session_get_current(find(tree)));
    token = begin_session(tree, "api");
    g_assert_cmpstr(dm_session_get_current(find(tree)), ==, token);
    end_session(tree, -1, NULL, "only a word");
    g_assert_cmpstr(dm_session_get_current(find(tree)), ==, token);
    end_session(tree, 1, "", "");
    g_assert_null(dm_session_get_current(find(tree)));
}

static void
test_reserve(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autofree char *reserved = NULL;
    g_autofree char *begun = NULL;
    g_autofree char *next = NULL;
    g_autoptr(GError) error = NULL;
    const char *token = NULL;

    g_assert_false(dm_session_reserve(tree, "Q", &token, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(token);
    g_assert_true(dm_session_reserve(tree, "P", &token, &error));
    reserved = g_strdup(token);
    g_assert_true(dm_session_reserve(tree, "P", &token, &error));
    g_assert_cmpstr(token, ==, reserved);
    g_assert_null(dm_session_get_current(find(tree)));
    begun = begin_session(tree, "api");
    g_assert_cmpstr(begun, ==, reserved);
    /* While it is under way the next one is reserved. */
    g_assert_true(dm_session_reserve(tree, "P", &token, &error));
    g_assert_cmpstr(token, !=, reserved);
    g_clear_pointer(&reserved, g_free);
    reserved = g_strdup(token);
    end_session(tree, 1, "", "");
    next = begin_session(tree, "api");
    g_assert_cmpstr(next, ==, reserved);
}

/* Also where no session can begin, the id stays. */
static void
test_reserve_survives_a_refusal(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_auto(DmSessionStart) start = {0};
    g_autofree char *reserved = NULL;
    g_autoptr(GError) error = NULL;
    const char *token = NULL;

    apply(tree, DM_VERB_ADD, "./Device/Vendor/MSFT/DMClient/Provider/Q", NULL);
    g_assert_true(dm_session_reserve(tree, "Q", &token, &error));
    reserved = g_strdup(token);
    g_assert_false(dm_session_begin(tree, "Q", "api", &start, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_clear_error(&error);
    apply(tree, DM_VERB_REPLACE,
          "./Device/Vendor/MSFT/DMClient/Provider/Q/ManagementServiceAddress", "https://q");
    g_assert_true(dm_session_begin(tree, "Q", "api", &start, &error));
    g_assert_cmpstr(start.token, ==, reserved);
}

static void
test_abandon(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autofree char *first = begin_session(tree, "api");
    g_autofree char *second = NULL;
    g_autoptr(GError) error = NULL;

    pass_s(3);
    g_assert_true(dm_session_abandon(tree, "P", "P-0", "gone", &error));
    g_assert_true(dm_session_abandon(tree, "P", NULL, "gone", &error));
    g_assert_true(dm_session_abandon(tree, "Q", first, "gone", &error));
    g_assert_cmpstr(dm_session_get_current(find(tree)), ==, first);
    g_assert_true(dm_session_abandon(tree, "P", first, "the broker went\naway", &error));
    g_assert_null(dm_session_get_current(find(tree)));
    g_assert_cmpint(dm_session_get_info(find(tree)).state, ==, DM_SESSION_IDLE);
    g_assert_cmpstr(dm_session_get_info(find(tree)).last_error, ==, "lost");
    second = begin_session(tree, "api");
    g_assert_true(dm_session_abandon(tree, "P", first, "gone", &error)); /* over already */
    g_assert_cmpstr(dm_session_get_current(find(tree)), ==, second);
    end_session(tree, 1, "", "");
    g_assert_true(dm_session_abandon(tree, "P", second, "gone", &error));
    assert_results(tree, "ok:|lost:the broker went away");
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
        const DmHistoryEntry *entry = g_ptr_array_index(entries, 1);

        g_assert_cmpstr(entry->id, ==, first);
        g_assert_cmpint(entry->duration_us, ==, 3 * SECOND_US);
    }
}

/* -- sessions that nobody ends ------------------------------------------------------------------
 */

static void
test_lost_at_the_next_begin(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autofree char *lost = begin_session(tree, "push");
    g_autofree char *next = NULL;

    pass_s(60);
    next = begin_session(tree, "user");
    g_assert_cmpstr(dm_session_get_current(find(tree)), ==, next);
    assert_results(tree, "lost:another session began before its end was reported");
    end_session(tree, 1, "", "");
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
        const DmHistoryEntry *entry = g_ptr_array_index(entries, 1);

        g_assert_cmpuint(entries->len, ==, 2);
        g_assert_cmpstr(entry->id, ==, lost);
        g_assert_cmpstr(entry->origin, ==, "push");
        g_assert_cmpint(entry->start_us, ==, START_US);
        g_assert_cmpint(entry->end_us, ==, START_US + 60 * SECOND_US);
        g_assert_cmpint(entry->duration_us, ==, -1);
    }
}

/* The tree's restart alone loses nothing: the broker goes on, and reports the end. */
static void
test_restart_of_the_process(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);
    g_autofree char *token = begin_session(tree, "push");

    pass_s(5);
    tree = restart(fixture, tree, "one");
    g_assert_cmpstr(dm_session_get_current(find(tree)), ==, token);
    assert_results(tree, "");
    pass_s(5);
    end_session(tree, 1, "", "");
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
        const DmHistoryEntry *entry = g_ptr_array_index(entries, 0);

        g_assert_cmpuint(entries->len, ==, 1);
        g_assert_cmpstr(entry->result, ==, "ok");
        g_assert_cmpint(entry->duration_us, ==, 10 * SECOND_US);
    }
    dm_tree_free(tree);
}

static void
test_lost_with_the_machine(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    g_free(begin_session(tree, "push"));
    wall_us += 60 * SECOND_US;
    tree = restart(fixture, tree, "two");
    g_assert_null(dm_session_get_current(find(tree)));
    assert_results(tree, "lost:the machine was started again before the session's end was "
                         "reported");
    g_assert_cmpstr(dm_session_get_info(find(tree)).last_error, ==, "lost");
    /* Once. */
    tree = restart(fixture, tree, "three");
    run_session(tree, "user");
    assert_results(tree, "ok:|lost:the machine was started again before the session's end was "
                         "reported");
    dm_tree_free(tree);
}

/* A boot that nobody knows, and clocks that go back: the wall clock says what it can. */
static void
test_duration_by_the_wall_clock(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    for (int i = 0; i < 2; i++) {
        g_free(begin_session(tree, "push"));
        boot_us -= 10 * SECOND_US;
        wall_us += (i == 0 ? 20 : -20) * SECOND_US;
        end_session(tree, 1, "", "");
    }
    {
        g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);

        g_assert_cmpint(((DmHistoryEntry *)g_ptr_array_index(entries, 0))->duration_us, ==, -1);
        g_assert_cmpint(((DmHistoryEntry *)g_ptr_array_index(entries, 1))->duration_us, ==,
                        20 * SECOND_US);
    }
}

/* -- how many, and whose ------------------------------------------------------------------------
 */

static void
test_last_200(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);
    g_autoptr(GPtrArray) tokens = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < DM_HISTORY_MAX + 5; i++) {
        g_ptr_array_add(tokens, begin_session(tree, "api"));
        end_session(tree, 1, "", "");
        if (i == DM_HISTORY_MAX - 1) {
            g_autoptr(GPtrArray) entries = get(tree, G_MAXUINT);

            g_assert_cmpuint(entries->len, ==, DM_HISTORY_MAX);
        }
    }
    tree = restart(fixture, tree, "one");
    {
        g_autoptr(GPtrArray) entries = get(tree, G_MAXUINT);
        g_autoptr(GPtrArray) few = get(tree, 3);
        g_autoptr(GPtrArray) none = get(tree, 0);

        g_assert_cmpuint(entries->len, ==, DM_HISTORY_MAX);
        for (guint i = 0; i < entries->len; i++)
            g_assert_cmpstr(((DmHistoryEntry *)g_ptr_array_index(entries, i))->id, ==,
                            g_ptr_array_index(tokens, tokens->len - 1 - i));
        g_assert_cmpuint(few->len, ==, 3);
        g_assert_cmpstr(((DmHistoryEntry *)g_ptr_array_index(few, 0))->id, ==,
                        g_ptr_array_index(tokens, tokens->len - 1));
        g_assert_cmpuint(none->len, ==, 0);
    }
    dm_tree_free(tree);
}

static void
test_unknown_provider_and_no_store(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) error = NULL;

    boot_id = "one";
    tree = open_over(NULL);
    enrol(tree);
    g_assert_false(dm_history_get(tree, "Q", 10, &entries, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_null(entries);
    run_session(tree, "api");
    assert_results(tree, "");
}

/* E3: the history goes with the enrolment, its record stays; the same name again begins anew. */
static void
test_unenrolment(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);
    g_autoptr(GError) error = NULL;
    gsize n = 0;

    run_session(tree, "api");
    g_assert_true(dm_tree_unenroll(tree, "P", "root", "sold", &error));
    g_assert_no_error(error);
    (void)dm_tree_get_unenrollments(tree, &n);
    g_assert_cmpuint(n, ==, 1);
    enrol(tree);
    assert_results(tree, "");
    run_session(tree, "api");
    assert_results(tree, "ok:");
    dm_tree_free(tree);
    {
        sqlite3 *db = NULL;
        sqlite3_stmt *row = NULL;

        g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT count(*) FROM session", -1, &row, NULL), ==,
                        SQLITE_OK);
        g_assert_cmpint(sqlite3_step(row), ==, SQLITE_ROW);
        g_assert_cmpint(sqlite3_column_int(row, 0), ==, 1);
        sqlite3_finalize(row);
        sqlite3_close(db);
    }
}

/* -- listeners ----------------------------------------------------------------------------------
 */

static void
on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    GString *heard = data;

    for (gsize i = 0; i < n_changes; i++) {
        if (changes[i].kind != DM_CHANGE_SESSION)
            g_assert_null(changes[i].ended);
        else if (changes[i].ended == NULL)
            g_string_append(heard, "session ");
        else
            g_string_append_printf(heard, "%s:%s:%s ", changes[i].ended->id,
                                   changes[i].ended->origin, changes[i].ended->result);
    }
}

static void
test_listeners(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autofree char *expected = NULL;
    g_autofree char *lost = NULL;
    g_autofree char *good = NULL;

    dm_tree_add_listener(tree, on_changes, heard);
    lost = begin_session(tree, "push");
    good = begin_session(tree, "user");
    end_session(tree, 1, "", "");
    end_session(tree, 0, "tls", "no session's");
    expected = g_strdup_printf("session %s:push:lost %s:user:ok session ", lost, good);
    g_assert_cmpstr(heard->str, ==, expected);
}

/* -- for administrators -------------------------------------------------------------------------
 */

static void
test_view(Fixture *fixture, gconstpointer data)
{
    const DmHistoryCommand commands[] = {{"Replace", 200, 12}, {"Get", 404, 1}};
    DmSessionReport what = DM_SESSION_REPORT_INIT;
    DmTree *tree = new_tree(fixture);
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    static const char *const expected[] = {
        "P",
        "2026-03-02T10:00:00Z",
        "2026-03-02T10:00:07Z",
        "7.0",
        "api",
        "http",
        "the server is busy",
        "",
        "Replace 200: 12, Get 404: 1",
    };

    g_free(begin_session(tree, "api"));
    pass_s(7);
    what.ended = 0;
    what.error = "http";
    what.message = "the server is busy";
    what.commands = commands;
    what.n_commands = G_N_ELEMENTS(commands);
    report(tree, &what);
    dm_tree_free(tree);
    g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT * FROM history", -1, &row, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(row), ==, SQLITE_ROW);
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpstr((const char *)sqlite3_column_text(row, (int)i), ==, expected[i]);
    g_assert_cmpint(sqlite3_step(row), ==, SQLITE_DONE);
    sqlite3_finalize(row);
    sqlite3_close(db);
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    TEST("an-entry-says-what-happened", test_entry);
    TEST("what-nobody-reported-is-not-known", test_nothing_reported);
    TEST("results-are-the-sessions-own", test_results);
    TEST("L5-fallback-is-said", test_fallback_is_said);
    TEST("hostile-report", test_hostile_report);
    TEST("the-one-under-way", test_current);
    TEST("reserved-id-is-the-next-sessions", test_reserve);
    TEST("reserved-id-survives-a-refusal", test_reserve_survives_a_refusal);
    TEST("abandoned-is-lost", test_abandon);
    TEST("lost-at-the-next-begin", test_lost_at_the_next_begin);
    TEST("not-lost-with-the-process", test_restart_of_the_process);
    TEST("lost-with-the-machine", test_lost_with_the_machine);
    TEST("duration-by-the-wall-clock", test_duration_by_the_wall_clock);
    TEST("the-last-200", test_last_200);
    TEST("unknown-provider-and-no-store", test_unknown_provider_and_no_store);
    TEST("E3-goes-with-the-enrolment", test_unenrolment);
    TEST("G4-listeners-are-told-which-ended", test_listeners);
    TEST("the-table-for-people", test_view);
    return g_test_run();
}
