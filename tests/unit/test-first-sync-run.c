/* SPDX-License-Identifier: MIT */

/* A run of a first sync (F3–F5, F7). */

#include "tests/unit/first-sync-fixture.h"

/* -- success ------------------------------------------------------------------------------------
 */

static void
test_outcome_completes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autoptr(GString) heard = g_string_new(NULL);

    begin_session(tree);
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    ASSERT_RUN(tree, "open 2");
    report(tree, -1, POLICY, DM_STATUS_ACCEPTED);
    ASSERT_RUN(tree, "open 2");
    report(tree, -1, POLICY, DM_STATUS_NOT_FOUND);
    ASSERT_RUN(tree, "open 2");
    dm_tree_add_listener(tree, on_changes, heard);
    report(tree, -1, POLICY "/Below", DM_STATUS_OK);
    ASSERT_RUN(tree, "done 1");
    /* Both in one commit, and told once. */
    report(tree, -1, POLICY, DM_STATUS_OK);
    g_assert_cmpstr(heard->str, ==, "IsSyncDone WasDeviceSuccessfullyProvisioned | ");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, -1);
}

static void
test_server_completes(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    report(tree, -1, POLICY, DM_STATUS_OK);
    ASSERT_RUN(tree, "open 2");
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    ASSERT_RUN(tree, "done 1");
    /* What is decided stays. */
    report(tree, -1, POLICY, DM_STATUS_FAILED);
    pass_min(100000);
    expire(tree);
    ASSERT_RUN(tree, "done 1");
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_REPLACE, FSS "/IsSyncDone", "true"), ==, 405);
    g_assert_cmpuint(
        run(tree, "P", -1, DM_VERB_REPLACE, FSS "/WasDeviceSuccessfullyProvisioned", "0"), ==, 405);
}

/* The server's commands of the very message count (F6), and nothing expected is nothing pending. */
static void
test_own_commands_complete(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    set(tree, FSS "/ExpectedPolicies", P "/HelpPhoneNumber");
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    ASSERT_RUN(tree, "open 2");
    set(tree, P "/HelpPhoneNumber", "1");
    ASSERT_RUN(tree, "done 1");
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_DELETE, FSS, NULL), ==, 200);
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_ADD, FSS, NULL), ==, 200);
    ASSERT_RUN(tree, "open 2");
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    ASSERT_RUN(tree, "done 1");
}

static void
test_server_forces(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    begin_session(tree);
    set(tree, FSS "/WasDeviceSuccessfullyProvisioned", "0");
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    report(tree, -1, POLICY, DM_STATUS_OK);
    ASSERT_RUN(tree, "open 0");
    set(tree, FSS "/IsSyncDone", "true");
    ASSERT_RUN(tree, "done 0");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, -1);
}

/* -- time ---------------------------------------------------------------------------------------
 */

static void
test_times_out(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    expire(tree);
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, -1);
    begin_session(tree);
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 60 * MINUTE_US);
    pass_min(59);
    /* The wall clock has no say while the machine is up. */
    wall_us += 400 * DAY_US;
    begin_session(tree);
    expire(tree);
    ASSERT_RUN(tree, "open 2");
    pass_min(1);
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us);
    expire(tree);
    ASSERT_RUN(tree, "open 0");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, -1);
    /* Decided: a success that comes later is too late. */
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    report(tree, -1, POLICY, DM_STATUS_OK);
    ASSERT_RUN(tree, "open 0");
}

static void
test_timeout_may_change(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    begin_session(tree);
    pass_min(50);
    set(tree, FSS "/TimeOutUntilSyncFailure", "90");
    pass_min(39);
    expire(tree);
    ASSERT_RUN(tree, "open 2");
    set(tree, FSS "/TimeOutUntilSyncFailure", "30");
    expire(tree);
    ASSERT_RUN(tree, "open 0");
}

/* F5: a new run has all its time again; one that the server makes begins in its session. */
static void
test_new_run(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    begin_session(tree);
    pass_min(60);
    expire(tree);
    ASSERT_RUN(tree, "open 0");
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_DELETE, FSS, NULL), ==, 200);
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, -1);
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_ADD, FSS, NULL), ==, 200);
    ASSERT_RUN(tree, "open 2");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 60 * MINUTE_US);
}

static void
test_user_tree(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    begin_session(tree);
    set(tree, FSS "/TimeOutUntilSyncFailure", "20");
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    report(tree, -1, POLICY, DM_STATUS_OK);
    g_assert_cmpuint(run(tree, "P", 1000, DM_VERB_ADD, USER_P, NULL), ==, 200);
    g_assert_cmpuint(run(tree, "P", 1000, DM_VERB_ADD, USER_FSS, NULL), ==, 200);
    set(tree, USER_FSS "/ExpectedPolicies", "./User/Vendor/MSFT/Policy/A");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 20 * MINUTE_US);
    pass_min(20);
    expire(tree);
    ASSERT_RUN(tree, "done 1");
    assert_run(tree, DM_SCOPE_USER, "open 0");
}

/* -- restarts (F7, G3) --------------------------------------------------------------------------
 */

static void
test_restart_of_the_process(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    begin_session(tree);
    pass_min(10);
    wall_us += DAY_US; /* set while it was down: of no account */
    tree = restart(fixture, tree, "one");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 50 * MINUTE_US);
    dm_tree_free(tree);
}

static void
test_reboot(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    begin_session(tree);
    pass_min(10);
    wall_us += 5 * MINUTE_US; /* it was off */
    tree = restart(fixture, tree, "two");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 45 * MINUTE_US);
    /* What was carried over is kept: a second restart does not count it by the wall again. */
    wall_us += 7 * DAY_US;
    pass_min(5);
    tree = restart(fixture, tree, "two");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 40 * MINUTE_US);
    dm_tree_free(tree);
}

/* At least 0 and at most the time left. */
static void
test_reboot_with_another_clock(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    begin_session(tree);
    wall_us -= 900 * DAY_US;
    tree = restart(fixture, tree, "two");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 60 * MINUTE_US);
    wall_us += 2000 * DAY_US;
    tree = restart(fixture, tree, "three");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us);
    ASSERT_RUN(tree, "open 2");
    /* With more time granted there is only that. */
    set(tree, FSS "/TimeOutUntilSyncFailure", "70");
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 10 * MINUTE_US);
    dm_tree_free(tree);
}

static void
test_kernel_without_a_name(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    dm_tree_free(tree);
    boot_id = NULL;
    tree = open_tree(fixture);
    begin_session(tree);
    dm_tree_free(tree);
    wall_us += 20 * MINUTE_US;
    tree = open_tree(fixture);
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 40 * MINUTE_US);
    dm_tree_free(tree);
}

static void
test_latches_survive(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);
    g_autoptr(GString) heard = g_string_new(NULL);

    report(tree, -1, POLICY, DM_STATUS_OK);
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    tree = restart(fixture, tree, "two");
    ASSERT_RUN(tree, "done 1");
    /* Decided once: nothing is told again. */
    dm_tree_add_listener(tree, on_changes, heard);
    report(tree, -1, POLICY, DM_STATUS_OK);
    expire(tree);
    g_assert_cmpstr(heard->str, ==, "");
    g_assert_cmpuint(
        run(tree, "P", -1, DM_VERB_REPLACE, FSS "/ServerHasFinishedProvisioning", "false"), ==,
        405);
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_REPLACE, FSS "/ExpectedPolicies", "./x"), ==, 405);
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_REPLACE, FSS "/IsSyncDone", "true"), ==, 405);
    g_assert_cmpuint(
        run(tree, "P", -1, DM_VERB_REPLACE, FSS "/WasDeviceSuccessfullyProvisioned", "2"), ==, 405);
    dm_tree_free(tree);
}

#define TEST(NAME, FUNC) g_test_add("/first-sync-run/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("F4-an-outcome-completes-it", test_outcome_completes);
    TEST("F4-the-servers-word-completes-it", test_server_completes);
    TEST("F4-F6-own-commands-complete-it", test_own_commands_complete);
    TEST("F4-the-server-forces-it", test_server_forces);
    TEST("F4-times-out", test_times_out);
    TEST("F5-timeout-may-change", test_timeout_may_change);
    TEST("F5-new-run", test_new_run);
    TEST("F4-user-tree-has-the-devices-timeout", test_user_tree);
    TEST("F7-restart-of-the-process", test_restart_of_the_process);
    TEST("F7-reboot", test_reboot);
    TEST("F7-reboot-with-another-clock", test_reboot_with_another_clock);
    TEST("F7-kernel-without-a-name", test_kernel_without_a_name);
    TEST("G3-F2-F3-F4-latches-survive", test_latches_survive);
    return g_test_run();
}
