/* SPDX-License-Identifier: MIT */

#include "tests/unit/session-fixture.h"

#define MINUTE_US G_GINT64_CONSTANT(60000000)

static void
assert_due(DmTree *tree, gint64 expected_us, const char *expected)
{
    const char *reason = NULL;

    g_assert_cmpint(dm_session_get_due(tree, find(tree), &reason), ==, expected_us);
    g_assert_cmpstr(reason, ==, expected);
}

static void
note_schedules(DmTree *tree)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_note_schedules(tree, &error));
    g_assert_no_error(error);
}

/* A session of `origin` that begins now. */
static void
run_session(DmTree *tree, const char *origin)
{
    begin_only(tree, origin);

    end_session(tree, NULL);
}

/* -- schedule -----------------------------------------------------------------------------------
 */

static void
test_chain(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "15");
    replace(tree, "/Poll/NumberOfFirstRetries", "2");
    replace(tree, "/Poll/IntervalForSecondSetOfRetries", "60");
    note_schedules(tree);
    assert_due(tree, START_US + 15 * MINUTE_US, "first");
    /* Other sessions do not count (P6). */
    now_us = START_US + 10 * MINUTE_US;
    run_session(tree, "push");
    assert_due(tree, START_US + 15 * MINUTE_US, "first");
    now_us = START_US + 15 * MINUTE_US;
    run_session(tree, "schedule");
    assert_due(tree, START_US + 30 * MINUTE_US, "first");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_due(tree, START_US + 30 * MINUTE_US, "first");
    /* A failed one counts too. */
    now_us = START_US + 30 * MINUTE_US;
    begin_only(tree, "schedule");
    assert_due(tree, START_US + 90 * MINUTE_US, "second");
    g_assert_cmpint(dm_session_get_info(find(tree)).next_us, ==, START_US + 90 * MINUTE_US);
    dm_tree_free(tree);
}

static void
test_chain_restarts_on_change_only(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "15");
    note_schedules(tree);
    now_us += 5 * MINUTE_US;
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "15");
    replace(tree, "/Poll/NumberOfFirstRetries", "10"); /* the default it had */
    note_schedules(tree);
    assert_due(tree, START_US + 15 * MINUTE_US, "first");
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "20");
    note_schedules(tree);
    assert_due(tree, START_US + 25 * MINUTE_US, "first");
    /* A session's end notes what its server changed. */
    begin_only(tree, "push");
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "30");
    now_us += MINUTE_US;
    end_session(tree, NULL);
    assert_due(tree, START_US + 36 * MINUTE_US, "first");
}

static void
count_session_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    for (gsize i = 0; i < n_changes; i++)
        *(guint *)data += changes[i].kind == DM_CHANGE_SESSION;
}

static void
test_noting_tells_once(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    guint n = 0;

    dm_tree_add_listener(tree, count_session_changes, &n);
    note_schedules(tree);
    g_assert_cmpuint(n, ==, 1);
    note_schedules(tree);
    g_assert_cmpuint(n, ==, 1);
}

static void
test_change_not_yet_noted(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    run_session(tree, "api");
    now_us += 5 * MINUTE_US;
    apply(tree, DM_VERB_ADD, "P", "/Poll", NULL);
    replace(tree, "/Poll/IntervalForFirstSetOfRetries", "15");
    assert_due(tree, START_US + 15 * MINUTE_US, "first");
    now_us += 5 * MINUTE_US;
    assert_due(tree, START_US + 15 * MINUTE_US, "first");
}

static void
test_no_poll_is_daily(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    const char *reason = NULL;
    gint64 due_us;

    note_schedules(tree);
    due_us = dm_session_get_due(tree, find(tree), &reason);
    g_assert_cmpstr(reason, ==, "daily");
    /* 2026-03-03 00:00 to 06:00 UTC. */
    g_assert_cmpint(due_us, >=, START_US + 14 * 60 * MINUTE_US);
    g_assert_cmpint(due_us, <, START_US + 20 * 60 * MINUTE_US);
    now_us = due_us;
    run_session(tree, "schedule");
    assert_due(tree, due_us + 24 * 60 * MINUTE_US, "daily");
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD("/session/P6-poll-sessions-count", test_chain);
    ADD("/session/P6-restarts-on-change-only", test_chain_restarts_on_change_only);
    ADD("/session/P6-noting-tells-once", test_noting_tells_once);
    ADD("/session/P6-change-not-yet-noted", test_change_not_yet_noted);
    ADD("/session/P5-no-poll-is-daily", test_no_poll_is_daily);
    return g_test_run();
}
