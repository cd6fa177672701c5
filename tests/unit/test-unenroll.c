/* SPDX-License-Identifier: MIT */

#include "common/account.h"
#include "tests/unit/session-fixture.h"
#include "tree/unenroll.h"

/* The end of an enrolment (rules section 9) over a store. */

#define P ROOT "P"
#define THUMBPRINT "0123abcd"

static DmContext
server(const char *session, guint64 message)
{
    return (DmContext){.session = session, .message = message, .provider = "P", .uid = 1000};
}

static DmCommand
command(DmVerb verb, const char *loc_uri, const char *data)
{
    return (DmCommand){.verb = verb,
                       .loc_uri = loc_uri,
                       .data = data,
                       .data_size = data != NULL ? strlen(data) : 0};
}

/* What became of a message: its statuses, "stop" at the end if it stops the session. */
static char *
run(DmTree *tree, DmContext context, const DmCommand *commands, gsize n)
{
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, n);
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize i = 0; i < n; i++)
        g_string_append_printf(text, "%u ", (guint)dm_reply_get(reply, i)->status);
    if (dm_reply_is_stopped(reply))
        g_string_append(text, "stop");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

#define ASSERT_RUNS(TREE, CONTEXT, COMMANDS, EXPECTED)                                             \
    do {                                                                                           \
        g_autofree char *got_ = run(TREE, CONTEXT, COMMANDS, G_N_ELEMENTS(COMMANDS));              \
                                                                                                   \
        g_assert_cmpstr(got_, ==, EXPECTED);                                                       \
    } while (0)

static const DmCommand exec_own[] = {{.verb = DM_VERB_EXEC, .loc_uri = P "/Unenroll"}};

/* Provider P with a user's tree, an account and sessions, and Q beside it. */
static DmTree *
fill(Fixture *fixture)
{
    g_autoptr(GHashTable) account = dm_account_new();
    const DmCommand address =
        command(DM_VERB_REPLACE, P "/ManagementServiceAddress", "https://one");
    const DmCommand user[] = {
        command(DM_VERB_ADD, "./User/Vendor/MSFT/DMClient/Provider/P", NULL),
        command(DM_VERB_ADD, "./User/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus", NULL)};
    g_autoptr(DmReply) reply = NULL;
    DmTree *tree;

    now_us = START_US;
    tree = open_tree(fixture);
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_NAME), g_strdup("Server"));
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_THUMBPRINT), g_strdup(THUMBPRINT));
    reply = dm_tree_provision(tree, "P", account, &address, 1, 0);
    g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_OK);
    begin_only(tree, "schedule");
    ASSERT_RUNS(tree, server("s", 1), user, "200 200 ");
    apply(tree, DM_VERB_ADD, "Q", "", NULL);
    return tree;
}

static gsize
count_providers(DmTree *tree)
{
    gsize n;

    (void)dm_tree_get_providers(tree, &n);
    return n;
}

/* The last record of P, as "by, requested, done". */
static void
assert_record(DmTree *tree, const char *by, bool is_done)
{
    const DmUnenrollment *one = dm_tree_find_unenrollment(tree, "P");

    g_assert_nonnull(one);
    g_assert_cmpstr(one->by, ==, by);
    g_assert_cmpstr(one->reason, !=, "");
    g_assert_cmpstr(one->thumbprint, ==, THUMBPRINT);
    g_assert_cmpint(one->requested_us, >=, START_US);
    g_assert_cmpint(one->done_us != 0, ==, is_done);
}

static int
count_rows(Fixture *fixture, const char *query)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int n;

    g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, query, -1, &statement, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
    n = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return n;
}

/* -- the message --------------------------------------------------------------------------------
 */

static void
test_stops_the_message(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);
    const DmCommand commands[] = {
        command(DM_VERB_REPLACE, P "/UPN", "before"),
        exec_own[0],
        command(DM_VERB_REPLACE, P "/UPN", "after"),
        command(DM_VERB_GET, P "/UPN", NULL),
    };
    const DmCommand late[] = {command(DM_VERB_REPLACE, P "/UPN", "late")};
    DmValue upn;

    ASSERT_RUNS(tree, server("s", 2), commands, "200 200 215 215 stop");
    /* What came before is committed with the intent, nothing after. */
    g_assert_true(dm_provider_get(find(tree), DM_NODE_UPN, &upn));
    g_assert_cmpstr(upn.u.chr, ==, "before");
    assert_record(tree, "server", false);
    /* The same again gets the same; later messages, of other sessions too, are not run. */
    ASSERT_RUNS(tree, server("s", 2), commands, "200 200 215 215 stop");
    ASSERT_RUNS(tree, server("s", 3), late, "215 stop");
    ASSERT_RUNS(tree, server("t", 1), late, "215 stop");
    g_assert_true(dm_provider_get(find(tree), DM_NODE_UPN, &upn));
    g_assert_cmpstr(upn.u.chr, ==, "before");
    dm_tree_free(tree);
}

static void
test_atomic_runs_it_last(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);
    const DmCommand bad[] = {{.verb = DM_VERB_ATOMIC, .span = 2},
                             exec_own[0],
                             command(DM_VERB_REPLACE, P "/Nothing", "1")};
    const DmCommand good[] = {{.verb = DM_VERB_ATOMIC, .span = 2},
                              exec_own[0],
                              command(DM_VERB_REPLACE, P "/UPN", "in"),
                              command(DM_VERB_REPLACE, P "/UPN", "after")};
    DmValue upn;

    ASSERT_RUNS(tree, server("s", 2), bad, "507 215 404 ");
    g_assert_null(dm_tree_find_unenrollment(tree, "P"));
    ASSERT_RUNS(tree, server("s", 3), good, "200 200 200 215 stop");
    g_assert_true(dm_provider_get(find(tree), DM_NODE_UPN, &upn));
    g_assert_cmpstr(upn.u.chr, ==, "in");
    dm_tree_free(tree);
}

/* E1: the root's node, with Data and without. */
static void
test_both_nodes(Fixture *fixture, gconstpointer data)
{
    static const char root_node[] = "./Vendor/MSFT/DMClient/Unenroll";
    const DmCommand other[] = {command(DM_VERB_EXEC, root_node, "Q")};
    const DmCommand own[] = {command(DM_VERB_EXEC, root_node, "")};
    DmTree *tree = fill(fixture);

    ASSERT_RUNS(tree, server("s", 2), other, "404 ");
    g_assert_null(dm_tree_find_unenrollment(tree, "P"));
    ASSERT_RUNS(tree, server("s", 3), own, "200 stop");
    assert_record(tree, "server", false);
    g_assert_null(dm_tree_find_unenrollment(tree, "Q"));
    dm_tree_free(tree);
}

static void
test_only_the_last_session_begins(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    ASSERT_RUNS(tree, server("s", 2), exec_own, "200 stop");
    g_assert_false(dm_session_begin(tree, "P", "schedule", &start, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    begin_only(tree, DM_SESSION_ORIGIN_UNENROLL);
    dm_tree_free(tree);
}

/* -- the clean-up -------------------------------------------------------------------------------
 */

static void
test_everything_goes(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);
    DmSessionStart start = begin_session(tree, "schedule");
    g_autoptr(GError) error = NULL;

    ASSERT_RUNS(tree, server(start.token, 1), exec_own, "200 stop");
    g_assert_cmpuint(count_providers(tree), ==, 3);
    now_us += 5000000;
    g_assert_true(dm_tree_finish_unenroll(tree, "P", &error));
    g_assert_no_error(error);
    g_assert_cmpuint(count_providers(tree), ==, 1);
    assert_record(tree, "server", true);
    g_assert_cmpint(dm_tree_find_unenrollment(tree, "P")->done_us, ==, START_US + 5000000);
    /* Idempotent; and of a provider that nobody asked for there is nothing to finish. */
    g_assert_true(dm_tree_finish_unenroll(tree, "P", &error));
    g_assert_false(dm_tree_finish_unenroll(tree, "Q", &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    /* The session of old is refused, whatever it sends. */
    ASSERT_RUNS(tree, server(start.token, 1), exec_own, "215 stop");
    dm_tree_free(tree);
    g_assert_cmpint(count_rows(fixture, "SELECT count(*) FROM provider WHERE id = 'P'"), ==, 0);
    g_assert_cmpint(count_rows(fixture, "SELECT count(*) FROM leaf WHERE provider NOT IN"
                                        " (SELECT key FROM provider)"),
                    ==, 0);
    g_assert_cmpint(count_rows(fixture, "SELECT count(*) FROM text WHERE provider NOT IN"
                                        " (SELECT key FROM provider)"),
                    ==, 0);
    g_assert_cmpint(count_rows(fixture, "SELECT count(*) FROM reply WHERE session LIKE 'P-%'"), ==,
                    0);
    /* The record stays readable. */
    tree = open_tree(fixture);
    assert_record(tree, "server", true);
    dm_session_start_clear(&start);
    dm_tree_free(tree);
}

static void
test_finished_at_the_next_start(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);

    ASSERT_RUNS(tree, server("s", 2), exec_own, "200 stop");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    g_assert_cmpuint(count_providers(tree), ==, 1);
    assert_record(tree, "server", true);
    dm_tree_free(tree);
}

static void
test_same_name_is_a_new_enrolment(Fixture *fixture, gconstpointer data)
{
    const DmCommand late[] = {command(DM_VERB_REPLACE, P "/UPN", "late")};
    DmTree *tree = fill(fixture);
    gint64 before;

    ASSERT_RUNS(tree, server("s", 2), exec_own, "200 stop");
    g_assert_true(dm_tree_finish_unenroll(tree, "P", NULL));
    before = dm_tree_find_unenrollment(tree, "P")->enrolment;
    apply(tree, DM_VERB_ADD, "P", "", NULL);
    replace(tree, "/ManagementServiceAddress", "https://two");
    /* Asking again to finish the old one does not touch it, nor does a restart. */
    g_assert_false(dm_tree_finish_unenroll(tree, "P", NULL));
    dm_tree_free(tree);
    tree = open_tree(fixture);
    g_assert_nonnull(find(tree));
    g_assert_cmpint(dm_session_get_info(find(tree)).last_attempt_us, ==, 0);
    ASSERT_RUNS(tree, server("s", 3), late, "215 stop");
    ASSERT_RUNS(tree, server("new", 1), late, "200 ");
    /* And it ends as the first did. */
    g_assert_true(dm_tree_unenroll(tree, "P", "user", "uid 1000 disconnected", NULL));
    g_assert_null(find(tree));
    g_assert_cmpint(dm_tree_find_unenrollment(tree, "P")->enrolment, >, before);
    dm_tree_free(tree);
}

static void
test_disconnect(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);
    g_autofree char *endless = g_strnfill(5000, 'x');
    g_autoptr(GError) error = NULL;
    const DmUnenrollment *one;

    g_assert_false(dm_tree_unenroll(tree, "X", "user", "", &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_true(dm_tree_request_unenroll(tree, "P", "user\n", endless, NULL));
    g_assert_true(dm_tree_request_unenroll(tree, "P", "somebody else", "", NULL));
    one = dm_tree_find_unenrollment(tree, "P");
    g_assert_cmpstr(one->by, ==, "user ");
    g_assert_cmpuint(strlen(one->reason), ==, 512);
    g_assert_nonnull(find(tree));
    g_assert_true(dm_tree_unenroll(tree, "P", "user", "", NULL));
    assert_record(tree, "user ", true);
    dm_tree_free(tree);
}

/* V3: local root's Delete is the clean-up, and its Exec ends in it. */
static void
test_local_root(Fixture *fixture, gconstpointer data)
{
    const DmContext root = {.uid = -1};
    const DmCommand commands[] = {exec_own[0], command(DM_VERB_ADD, ROOT "R", NULL)};
    DmTree *tree = fill(fixture);

    ASSERT_RUNS(tree, root, commands, "200 200 ");
    g_assert_null(find(tree));
    g_assert_cmpuint(count_providers(tree), ==, 2);
    assert_record(tree, "root", true);
    apply(tree, DM_VERB_DELETE, "Q", "", NULL);
    g_assert_cmpstr(dm_tree_find_unenrollment(tree, "Q")->by, ==, "root");
    g_assert_cmpint(dm_tree_get_unenroll_due_us(tree), ==, -1);
    dm_tree_free(tree);
}

/* A session that never ends does not keep it waiting for ever. */
static void
test_patience(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);

    g_assert_cmpint(dm_tree_get_unenroll_due_us(tree), ==, -1);
    ASSERT_RUNS(tree, server("s", 2), exec_own, "200 stop");
    g_assert_cmpint(dm_tree_get_unenroll_due_us(tree), ==, now_us + DM_UNENROLL_PATIENCE_US);
    g_assert_true(dm_tree_finish_unenrolls(tree, now_us, NULL));
    g_assert_nonnull(find(tree));
    now_us += DM_UNENROLL_PATIENCE_US;
    g_assert_true(dm_tree_finish_unenrolls(tree, now_us, NULL));
    g_assert_null(find(tree));
    g_assert_cmpint(dm_tree_get_unenroll_due_us(tree), ==, -1);
    dm_tree_free(tree);
}

static void
on_changes(const DmChange *changes, gsize n, gpointer data)
{
    GString *heard = data;

    for (gsize i = 0; i < n; i++)
        if (changes[i].kind == DM_CHANGE_REMOVED)
            g_string_append_printf(heard, "%s %s ",
                                   changes[i].scope == DM_SCOPE_USER ? "user" : "device",
                                   changes[i].provider);
    g_string_append(heard, "| ");
}

static void
test_told_once(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = fill(fixture);
    g_autoptr(GString) heard = g_string_new(NULL);

    dm_tree_add_listener(tree, on_changes, heard);
    ASSERT_RUNS(tree, server("s", 2), exec_own, "200 stop");
    g_assert_cmpstr(heard->str, ==, "");
    g_assert_true(dm_tree_finish_unenroll(tree, "P", NULL));
    g_assert_true(dm_tree_finish_unenroll(tree, "P", NULL));
    g_assert_cmpstr(heard->str, ==, "device P user P | ");
    dm_tree_free(tree);
}

static void
test_records_are_bounded(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);
    gsize n;

    for (int i = 0; i < 40; i++) {
        g_autofree char *id = g_strdup_printf("N%d", i);

        apply(tree, DM_VERB_ADD, id, "", NULL);
        now_us++;
        apply(tree, DM_VERB_DELETE, id, "", NULL);
    }
    for (int i = 0; i < 2; i++) {
        (void)dm_tree_get_unenrollments(tree, &n);
        g_assert_cmpuint(n, ==, 16);
        g_assert_cmpstr(dm_tree_get_unenrollments(tree, &n)[0]->provider, ==, "N24");
        g_assert_cmpstr(dm_tree_get_unenrollments(tree, &n)[15]->provider, ==, "N39");
        dm_tree_free(tree);
        tree = open_tree(fixture);
    }
    dm_tree_free(tree);
}

/* A row that nothing here writes, and one whose enrolment is gone. */
static void
test_edited_file(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    DmTree *tree = fill(fixture);

    dm_tree_free(tree);
    sql(fixture, "INSERT INTO unenrollment VALUES(900, 'P', '', 5, 0, 'x', 'y', '')");
    tree = open_tree(fixture);
    g_assert_nonnull(find(tree));
    g_assert_cmpint(dm_tree_get_unenroll_due_us(tree), ==, -1);
    dm_tree_free(tree);
    sql(fixture, "UPDATE unenrollment SET done = -1");
    g_assert_null(dm_tree_new(open_store(fixture), NULL, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CORRUPT);
    g_assert_nonnull(strstr(error->message, "unenrollment 900"));
}

#define TEST(NAME, FUNC) g_test_add("/unenroll/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("E2-stops-the-message-and-the-session", test_stops_the_message);
    TEST("E2-M2-atomic-runs-it-last", test_atomic_runs_it_last);
    TEST("E1-both-nodes", test_both_nodes);
    TEST("E2-only-the-last-session-begins", test_only_the_last_session_begins);
    TEST("E3-everything-goes", test_everything_goes);
    TEST("E3-finished-at-the-next-start", test_finished_at_the_next_start);
    TEST("E3-same-name-is-a-new-enrolment", test_same_name_is_a_new_enrolment);
    TEST("E4-disconnect", test_disconnect);
    TEST("V3-E3-local-root", test_local_root);
    TEST("E2-patience", test_patience);
    TEST("G4-E3-told-once", test_told_once);
    TEST("E3-records-are-bounded", test_records_are_bounded);
    TEST("E3-edited-file", test_edited_file);
    return g_test_run();
}
