/* SPDX-License-Identifier: MIT */

#include "tests/unit/session-fixture.h"
#include "tree/rules/poll.h"

#define MINUTE_US G_GINT64_CONSTANT(60000000)
#define DAY_US (24 * 60 * MINUTE_US)

/* The next session is due `minutes` after the start, and the jitter of its interval (P8). */
static void
assert_due(DmTree *tree, gint64 minutes, gint64 interval_min, const char *expected)
{
    gint64 expected_us =
        START_US + minutes * MINUTE_US + dm_poll_jitter_us(hw_dev_id, interval_min);
    const char *reason = NULL;

    g_assert_cmpint(dm_session_get_due(tree, find(tree), &reason), ==, expected_us);
    g_assert_cmpstr(reason, ==, expected);
    g_assert_cmpint(dm_session_get_info(find(tree)).next_us, ==, expected_us);
}

/* A session of `origin` that begins now, and ends now. */
static void
run_session(DmTree *tree, const char *origin)
{
    begin_only(tree, origin);
    end_session(tree, NULL);
}

static void
fail_session(DmTree *tree)
{
    const DmSessionReport bad = {
        .state = -1, .ended = 0, .error = "network", .certificate_expires_us = -1};

    report(tree, &bad);
}

/* Minutes after the start. */
static void
set_time(gint64 minutes)
{
    now_us = START_US + minutes * MINUTE_US;
}

/* Runs the poll session that is due after `minutes` and the jitter. */
static void
run_poll(DmTree *tree, gint64 minutes, gint64 interval_min)
{
    now_us = START_US + minutes * MINUTE_US + dm_poll_jitter_us(hw_dev_id, interval_min);
    run_session(tree, DM_SESSION_ORIGIN_SCHEDULE);
}

/* Several commands of the server of P as one message; all succeed. */
static void
apply_message(DmTree *tree, const char *const (*leaves)[2], gsize n)
{
    const DmContext context = {.provider = "P", .uid = -1};
    g_autofree DmCommand *commands = g_new0(DmCommand, n);
    g_autoptr(GPtrArray) uris = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(DmReply) reply = NULL;

    for (gsize i = 0; i < n; i++) {
        char *uri = g_strconcat(ROOT "P/Poll", leaves[i][0], NULL);

        g_ptr_array_add(uris, uri);
        commands[i] = (DmCommand){.verb = leaves[i][1] == NULL ? DM_VERB_ADD : DM_VERB_REPLACE,
                                  .loc_uri = uri,
                                  .data = leaves[i][1],
                                  .data_size = leaves[i][1] != NULL ? strlen(leaves[i][1]) : 0};
    }
    reply = dm_tree_apply(tree, &context, commands, n);
    for (gsize i = 0; i < n; i++)
        g_assert_cmpint(dm_reply_get(reply, i)->status, ==, DM_STATUS_OK);
}

/* What a server sends in each session of its own. */
static const char *const sigmoid[][2] = {
    {"/IntervalForFirstSetOfRetries", "15"},           {"/NumberOfFirstRetries", "2"},
    {"/IntervalForSecondSetOfRetries", "60"},          {"/NumberOfSecondRetries", "3"},
    {"/IntervalForRemainingScheduledRetries", "1440"}, {"/NumberOfRemainingScheduledRetries", "0"},
};

static DmTree *
new_polled_tree(Fixture *fixture)
{
    static const char *const poll[][2] = {{"", NULL}};
    DmTree *tree = new_tree(fixture);

    apply_message(tree, poll, 1);
    apply_message(tree, sigmoid, G_N_ELEMENTS(sigmoid));
    return tree;
}

/* -- P2, P3, P4: the specification's four tables, through the tree ------------------------------
 */

/* Sends the six numbers as one message in the order of the table; they then read as `expected`. */
static void
assert_table(Fixture *fixture, const char *const *sent, const gint64 *expected)
{
    static const DmNodeId nodes[] = {
        DM_NODE_POLL_INTERVAL_FOR_FIRST_SET_OF_RETRIES,
        DM_NODE_POLL_NUMBER_OF_FIRST_RETRIES,
        DM_NODE_POLL_INTERVAL_FOR_SECOND_SET_OF_RETRIES,
        DM_NODE_POLL_NUMBER_OF_SECOND_RETRIES,
        DM_NODE_POLL_INTERVAL_FOR_REMAINING_SCHEDULED_RETRIES,
        DM_NODE_POLL_NUMBER_OF_REMAINING_SCHEDULED_RETRIES,
    };
    const char *leaves[G_N_ELEMENTS(sigmoid)][2];
    DmTree *tree = new_polled_tree(fixture);

    for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++) {
        leaves[i][0] = sigmoid[i][0];
        leaves[i][1] = sent[i];
    }
    apply_message(tree, (const char *const(*)[2])(gconstpointer)leaves, G_N_ELEMENTS(leaves));
    dm_tree_free(tree);
    tree = open_tree(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++) {
        DmValue value;

        g_assert_true(dm_provider_get(find(tree), nodes[i], &value));
        g_assert_cmpint(value.u.integer, ==, expected[i]);
    }
    dm_tree_free(tree);
}

static void
test_tables(Fixture *fixture, gconstpointer data)
{
    static const struct {
        const char *sent[6];
        gint64 expected[6];
    } tables[] = {
        {{"15", "5", "60", "10", "1440", "0"}, {15, 5, 60, 10, 1440, 0}},
        {{"15", "5", "60", "10", "0", "0"}, {15, 5, 60, 10, 0, 0}},
        {{"0", "0", "0", "0", "0", "0"}, {0, 0, 0, 0, 0, 0}},
        {{"15", "5", "1440", "0", "1440", "0"}, {15, 5, 1440, 0, 0, 0}},
    };
    gsize table = (gsize)GPOINTER_TO_UINT(data);

    assert_table(fixture, tables[table].sent, tables[table].expected);
}

#define ADD_TABLE(path, table)                                                                     \
    g_test_add(path, Fixture, GUINT_TO_POINTER(table), set_up, test_tables, tear_down)

/* -- P6 -----------------------------------------------------------------------------------------
 */

static void
test_chain(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_polled_tree(fixture);

    assert_due(tree, 15, 15, "first");
    run_poll(tree, 15, 15);
    assert_due(tree, 30, 15, "first");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_due(tree, 30, 15, "first");
    /* A failed one counts too, from its begin on. */
    set_time(32);
    begin_only(tree, DM_SESSION_ORIGIN_SCHEDULE);
    assert_due(tree, 90, 60, "second");
    fail_session(tree);
    assert_due(tree, 90, 60, "second");
    run_poll(tree, 90, 60);
    run_poll(tree, 150, 60);
    run_poll(tree, 210, 60);
    assert_due(tree, 210 + 1440, 1440, "third");
    dm_tree_free(tree);
}

static void
test_other_sessions_do_not_count(Fixture *fixture, gconstpointer data)
{
    static const char *const origins[] = {"push", "login", "user", "api", "csp", "enrolment"};
    g_autoptr(DmTree) tree = new_polled_tree(fixture);

    for (gsize i = 0; i < G_N_ELEMENTS(origins); i++) {
        set_time((gint64)i + 1);
        run_session(tree, origins[i]);
        begin_only(tree, origins[i]);
        fail_session(tree);
        assert_due(tree, 15, 15, "first");
    }
}

static void
count_session_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    for (gsize i = 0; i < n_changes; i++)
        *(guint *)data += changes[i].kind == DM_CHANGE_SESSION;
}

static void
test_restarts_on_change_only(Fixture *fixture, gconstpointer data)
{
    static const char *const twice[][2] = {{"/NumberOfSecondRetries", "7"},
                                           {"/NumberOfSecondRetries", "3"}};
    g_autoptr(DmTree) tree = new_polled_tree(fixture);
    guint n = 0;

    run_poll(tree, 15, 15);
    dm_tree_add_listener(tree, count_session_changes, &n);
    set_time(20);
    apply_message(tree, sigmoid, G_N_ELEMENTS(sigmoid));
    apply_message(tree, twice, G_N_ELEMENTS(twice));
    assert_due(tree, 30, 15, "first");
    g_assert_cmpuint(n, ==, 0);
    /* Of the topic, but none of the six. */
    replace(tree, "/Poll/PollOnLogin", "true");
    assert_due(tree, 30, 15, "first");
    n = 0;
    replace(tree, "/Poll/NumberOfFirstRetries", "5");
    assert_due(tree, 35, 15, "first");
    g_assert_cmpuint(n, ==, 1);
    /* An unset leaf that reads as its default, and then is set to it (P5). */
    apply(tree, DM_VERB_DELETE, "P", "/Poll/NumberOfFirstRetries", NULL);
    set_time(25);
    replace(tree, "/Poll/NumberOfFirstRetries", "10");
    assert_due(tree, 35, 15, "first");
}

/* What P2 corrects is compared as corrected. */
static void
test_corrected_again_is_no_change(Fixture *fixture, gconstpointer data)
{
    static const char *const two_infinite[][2] = {
        {"/IntervalForFirstSetOfRetries", "15"},
        {"/NumberOfFirstRetries", "5"},
        {"/IntervalForSecondSetOfRetries", "1440"},
        {"/NumberOfSecondRetries", "0"},
        {"/IntervalForRemainingScheduledRetries", "1440"},
        {"/NumberOfRemainingScheduledRetries", "0"},
    };
    g_autoptr(DmTree) tree = new_polled_tree(fixture);

    apply_message(tree, two_infinite, G_N_ELEMENTS(two_infinite));
    run_poll(tree, 15, 15);
    assert_due(tree, 30, 15, "first");
    apply_message(tree, two_infinite, G_N_ELEMENTS(two_infinite));
    assert_due(tree, 30, 15, "first");
}

/* The chain is part of the commit: a kill after it finds the new one. */
static void
test_restart_is_in_the_commit(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_polled_tree(fixture);

    run_poll(tree, 15, 15);
    set_time(20);
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "30");
    dm_tree_free(tree);
    set_time(40);
    tree = open_tree(fixture);
    assert_due(tree, 50, 30, "first");
    dm_tree_free(tree);
}

static void
test_delete_and_add(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_polled_tree(fixture);
    const char *reason = NULL;

    run_poll(tree, 15, 15);
    apply(tree, DM_VERB_DELETE, "P", "/Poll", NULL);
    (void)dm_session_get_due(tree, find(tree), &reason);
    g_assert_cmpstr(reason, ==, "daily");
    set_time(60);
    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    assert_due(tree, 75, 15, "first"); /* P5: 15 minutes, ten times */
}

/* A refused message leaves the chain alone. */
static void
test_atomic_that_fails(Fixture *fixture, gconstpointer data)
{
    const DmContext context = {.uid = -1};
    const DmCommand commands[] = {
        {.verb = DM_VERB_ATOMIC, .span = 2},
        {.verb = DM_VERB_REPLACE,
         .loc_uri = ROOT "P/Poll/NumberOfFirstRetries",
         .data = "9",
         .data_size = 1},
        {.verb = DM_VERB_DELETE, .loc_uri = ROOT "Q"},
    };
    g_autoptr(DmTree) tree = new_polled_tree(fixture);
    g_autoptr(DmReply) reply = NULL;

    set_time(5);
    reply = dm_tree_apply(tree, &context, commands, G_N_ELEMENTS(commands));
    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_ATOMIC_FAILED);
    assert_due(tree, 15, 15, "first");
}

static void
test_new_provider_of_the_same_name(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_polled_tree(fixture);

    run_poll(tree, 15, 15);
    apply(tree, DM_VERB_DELETE, "P", "", NULL);
    set_time(60);
    apply(tree, DM_VERB_ADD, "P", "", NULL);
    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    assert_due(tree, 75, 15, "first");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_due(tree, 75, 15, "first");
    dm_tree_free(tree);
}

static void
test_provisioned(Fixture *fixture, gconstpointer data)
{
    const DmCommand settings[] = {
        {.verb = DM_VERB_REPLACE,
         .loc_uri = ROOT "Q/ManagementServiceAddress",
         .data = "https://q",
         .data_size = 9},
        {.verb = DM_VERB_REPLACE,
         .loc_uri = ROOT "Q/Poll/IntervalForFirstSetOfRetries",
         .data = "8",
         .data_size = 1},
    };
    DmTree *tree = new_tree(fixture);
    g_autoptr(DmReply) reply =
        dm_tree_provision(tree, "Q", NULL, settings, G_N_ELEMENTS(settings), 0);
    const char *reason = NULL;

    g_assert_cmpint(dm_reply_get(reply, 2)->status, ==, DM_STATUS_OK);
    dm_tree_free(tree);
    set_time(3);
    tree = open_tree(fixture);
    g_assert_cmpint(
        dm_session_get_due(tree, dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "Q"), &reason), ==,
        START_US + 8 * MINUTE_US + dm_poll_jitter_us(hw_dev_id, 8));
    dm_tree_free(tree);
}

/* -- P5, P7 -------------------------------------------------------------------------------------
 */

static void
test_no_poll_is_daily(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    const char *reason = NULL;
    gint64 due_us = dm_session_get_due(tree, find(tree), &reason);

    g_assert_cmpstr(reason, ==, "daily");
    /* 2026-03-03 00:00 to 06:00 UTC. */
    g_assert_cmpint(due_us, >=, START_US + 14 * 60 * MINUTE_US);
    g_assert_cmpint(due_us, <, START_US + 20 * 60 * MINUTE_US);
    now_us = due_us;
    run_session(tree, DM_SESSION_ORIGIN_SCHEDULE);
    g_assert_cmpint(dm_session_get_due(tree, find(tree), &reason), ==, due_us + DAY_US);
}

/* One that becomes due while another session runs is that one, and no other follows (P7). */
static void
test_merged(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_polled_tree(fixture);

    set_time(14);
    begin_only(tree, "user");
    set_time(17);
    end_session(tree, NULL);
    assert_due(tree, 30, 15, "first");
    /* The schedule's own, that takes longer than two intervals. */
    set_time(31);
    replace(tree, "/Poll/IntervalForSecondSetOfRetries", "1");
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "1");
    set_time(33);
    begin_only(tree, DM_SESSION_ORIGIN_SCHEDULE);
    set_time(40);
    end_session(tree, NULL);
    assert_due(tree, 41, 1, "second");
}

static void
test_one_catches_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_polled_tree(fixture);

    set_time(5000);
    assert_due(tree, 15, 15, "first"); /* overdue */
    run_session(tree, DM_SESSION_ORIGIN_SCHEDULE);
    assert_due(tree, 5015, 15, "first");
}

/* A store that lost the record, or holds nonsense: one session is due at once, and begins the chain
 * (P4). */
static void
test_damaged_record(Fixture *fixture, gconstpointer data)
{
    static const char *const damages[] = {
        "DELETE FROM text WHERE name LIKE 'chain%'",
        "DELETE FROM text WHERE name LIKE 'chain%' OR name = 'clock'",
        "UPDATE text SET value = '' WHERE name LIKE 'chain%'",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        DmTree *tree = i == 0 ? new_polled_tree(fixture) : open_tree(fixture);
        const char *reason = NULL;

        dm_tree_free(tree);
        sql(fixture, damages[i]);
        tree = open_tree(fixture);
        g_assert_cmpint(dm_session_get_due(tree, find(tree), &reason), <, now_us);
        run_session(tree, "user");
        assert_due(tree, 15, 15, "first");
        dm_tree_free(tree);
        sql(fixture, damages[i]);
        tree = open_tree(fixture);
        run_session(tree, DM_SESSION_ORIGIN_SCHEDULE);
        assert_due(tree, 15, 15, "first");
        dm_tree_free(tree);
    }
}

#define HUGE "9223372036854775807"

static void
test_nonsense_in_the_record(Fixture *fixture, gconstpointer data)
{
    static const char *const damages[] = {
        "UPDATE text SET value = '-1' WHERE name IN ('chain-start', 'chain-done', 'chain-last')",
        "UPDATE text SET value = '" HUGE "' WHERE name LIKE 'chain-%'",
        "UPDATE text SET value = 'x' WHERE name LIKE 'chain-%' OR name = 'clock'",
        "UPDATE text SET value = '1 2 3' WHERE name = 'clock'",
        "UPDATE text SET value = '" HUGE " " HUGE " " HUGE " " HUGE " " HUGE
        " ' WHERE name = 'clock'",
        "UPDATE text SET value = '-1 -1 -1 -1 -1 x' WHERE name = 'clock'",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        DmTree *tree = i == 0 ? new_polled_tree(fixture) : open_tree(fixture);
        const char *reason = NULL;

        run_poll(tree, 15 * ((gint64)i + 1), 15);
        dm_tree_free(tree);
        sql(fixture, damages[i]);
        tree = open_tree(fixture);
        /* No silence (P4), and a session puts an end to it. */
        run_session(tree, DM_SESSION_ORIGIN_SCHEDULE);
        g_assert_cmpint(dm_session_get_due(tree, find(tree), &reason), <=, now_us + 2 * DAY_US);
        (void)dm_session_is_contact_lost(find(tree));
        dm_tree_free(tree);
    }
}

static void
assert_noted(DmTree *tree, guint uid, bool is_new, const char *expected)
{
    g_auto(GStrv) providers = NULL;
    g_autofree char *joined = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_note_login(tree, uid, is_new, &providers, &error));
    g_assert_no_error(error);
    joined = g_strjoinv("|", providers);
    g_assert_cmpstr(joined, ==, expected);
}

static void
assert_login(DmTree *tree, guint uid, const char *expected)
{
    assert_noted(tree, uid, true, expected);
}

static void
test_user_tree_has_none(Fixture *fixture, gconstpointer data)
{
    const DmContext context = {.provider = "P", .uid = 1000};
    const DmCommand command = {.verb = DM_VERB_ADD,
                               .loc_uri = "./User/Vendor/MSFT/DMClient/Provider/P"};
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, &command, 1);
    const DmProvider *user = dm_tree_find_provider(tree, DM_SCOPE_USER, 1000, "P");
    const char *reason = NULL;

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
    g_assert_nonnull(user);
    g_assert_cmpint(dm_session_get_due(tree, user, &reason), ==, 0);
    g_assert_false(dm_session_is_contact_lost(user));
    g_assert_cmpint(dm_session_get_info(user).unenroll_deadline_us, ==, 0);
    assert_login(tree, 1000, "");
    g_assert_true(dm_session_note_time(tree, DM_SESSION_AT_START, NULL));
    g_assert_true(dm_session_note_time(tree, DM_SESSION_AT_STOP, NULL));
}

/* -- P4, P8, P9 ---------------------------------------------------------------------------------
 */

static void
test_warnings(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_auto(GStrv) none = dm_session_get_poll_warnings(find(tree));
    g_auto(GStrv) off = NULL;

    g_assert_cmpuint(g_strv_length(none), ==, 0);
    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "0");
    replace(tree, "/Poll/NumberOfFirstRetries", "0");
    off = dm_session_get_poll_warnings(find(tree));
    g_assert_cmpuint(g_strv_length(off), ==, 1);
    g_assert_nonnull(strstr(off[0], "maintenance window"));
}

static void
test_logins(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    assert_login(tree, 999, "");
    apply(tree, DM_VERB_ADD, "Q", "", NULL);
    apply(tree, DM_VERB_ADD, "Q", "/Poll", NULL);
    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    assert_login(tree, 1000, "");
    replace(tree, "/Poll/AllUsersPollOnFirstLogin", "true");
    assert_login(tree, 1000, ""); /* that was not the first */
    assert_login(tree, 999, "");
    assert_login(tree, 1001, "P");
    assert_login(tree, 1001, "");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_login(tree, 1001, "");
    assert_login(tree, 4294967294, "P");
    apply(tree, DM_VERB_REPLACE, "Q", "/Poll/PollOnLogin", "true");
    assert_login(tree, 1001, "Q");
    assert_login(tree, 1001, "Q");
    assert_login(tree, 0, "P|Q");
    assert_login(tree, 0, "Q");
    /* One that was there before anybody watched. */
    assert_noted(tree, 0, false, "");
    assert_noted(tree, 2000, false, "P");
    assert_login(tree, 2000, "Q");
    dm_tree_free(tree);
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD_TABLE("/session/S-table-sigmoid-with-infinite", 0);
    ADD_TABLE("/session/S-table-initial-enrollment-only", 1);
    ADD_TABLE("/session/S-table-all-disabled", 2);
    ADD_TABLE("/session/P2-S-table-two-infinite", 3);
    ADD("/session/P6-poll-sessions-count", test_chain);
    ADD("/session/P6-other-sessions-do-not-count", test_other_sessions_do_not_count);
    ADD("/session/P6-restarts-on-change-only", test_restarts_on_change_only);
    ADD("/session/P6-P2-corrected-again-is-no-change", test_corrected_again_is_no_change);
    ADD("/session/P6-restart-is-in-the-commit", test_restart_is_in_the_commit);
    ADD("/session/P6-delete-and-add", test_delete_and_add);
    ADD("/session/P6-refused-atomic-restarts-nothing", test_atomic_that_fails);
    ADD("/session/P6-new-provider-of-the-same-name", test_new_provider_of_the_same_name);
    ADD("/session/P6-provisioned", test_provisioned);
    ADD("/session/P5-no-poll-is-daily", test_no_poll_is_daily);
    ADD("/session/P7-due-in-a-session-is-merged", test_merged);
    ADD("/session/P7-one-session-catches-up", test_one_catches_up);
    ADD("/session/P4-record-that-is-lost", test_damaged_record);
    ADD("/session/P4-record-of-nonsense", test_nonsense_in_the_record);
    ADD("/session/P6-user-trees-have-no-schedule", test_user_tree_has_none);
    ADD("/session/P4-P8-warnings", test_warnings);
    ADD("/session/P9-logins", test_logins);
    return g_test_run();
}
