/* SPDX-License-Identifier: MIT */

/* A run of a first sync that failed, and that a person wants to try again (RetryFirstSync). */

#include "tests/unit/first-sync-fixture.h"

static void
assert_retry_refused(DmTree *tree, const char *id, DmScope scope, guint32 uid, DmErrorCode code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(dm_first_sync_retry(tree, id, scope, uid, &error));
    g_assert_error(error, DM_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, id));
}

static void
retry(DmTree *tree, DmScope scope)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_first_sync_retry(tree, "P", scope, 1000, &error));
    g_assert_no_error(error);
}

/* The phase and the numbers of the policies, "running 2 1 0": all, done, failed. */
static void
assert_progress(DmTree *tree, DmScope scope, const char *expected)
{
    g_auto(DmFirstSyncProgress) progress = {0};
    g_autofree char *text = NULL;

    g_assert_true(
        dm_first_sync_get_progress(dm_tree_find_provider(tree, scope, 1000, "P"), &progress));
    text = g_strdup_printf("%s %u %u %u", progress.phase, progress.categories[0].total,
                           progress.categories[0].done, progress.categories[0].failed);
    g_assert_cmpstr(text, ==, expected);
    g_assert_cmpuint(g_strv_length(progress.failed_items), ==, progress.categories[0].failed);
}

/* A tree whose run has timed out: one policy is there, one has failed, one is pending. */
static DmTree *
new_failed_tree(Fixture *fixture)
{
    DmTree *tree = new_tree(fixture);

    set(tree, FSS "/ExpectedPolicies",
        POLICY "\xef\x80\x80./Vendor/MSFT/Policy/B\xef\x80\x80./Vendor/MSFT/Policy/C");
    set(tree, FSS "/TimeOutUntilSyncFailure", "20");
    set(tree, FSS "/CustomErrorText", "call us");
    begin_session(tree);
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    report(tree, -1, POLICY, DM_STATUS_OK);
    report(tree, -1, "./Vendor/MSFT/Policy/B", DM_STATUS_FAILED);
    report(tree, -1, "./Vendor/MSFT/Policy/C", DM_STATUS_ACCEPTED);
    pass_min(20);
    expire(tree);
    ASSERT_RUN(tree, "open 0");
    assert_progress(tree, DM_SCOPE_DEVICE, "failed 3 1 1");
    return tree;
}

static void
test_retry_is_a_new_run(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_failed_tree(fixture);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmProvider *provider;
    gint64 left_us;
    DmValue value;

    set(tree, FSS "/IsSyncDone", "true"); /* the server wants the failure shown */
    dm_tree_add_listener(tree, on_changes, heard);
    retry(tree, DM_SCOPE_DEVICE);
    ASSERT_RUN(tree, "open 2");
    assert_progress(tree, DM_SCOPE_DEVICE, "running 3 1 0");
    g_assert_cmpstr(heard->str, ==, "IsSyncDone WasDeviceSuccessfullyProvisioned | ");
    /* Its time begins with its first session. */
    provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");
    g_assert_false(dm_first_sync_get_left(provider, &left_us));
    pass_min(1000);
    expire(tree);
    ASSERT_RUN(tree, "open 2");
    tree = restart(fixture, tree, "two");
    ASSERT_RUN(tree, "open 2");
    begin_session(tree);
    g_assert_cmpint(dm_first_sync_get_due_us(tree), ==, boot_us + 20 * MINUTE_US);
    /* What the server had set stands, and its lists stay frozen (F2). */
    provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");
    g_assert_true(dm_provider_get(provider, DM_NODE_FIRST_SYNC_CUSTOM_ERROR_TEXT, &value));
    g_assert_cmpstr(value.u.chr, ==, "call us");
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_REPLACE, FSS "/ExpectedPolicies", "./x"), ==, 405);
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    /* The latches hold in this run too (G3, F3, F4). */
    report(tree, -1, "./Vendor/MSFT/Policy/B", DM_STATUS_OK);
    ASSERT_RUN(tree, "open 2");
    report(tree, -1, "./Vendor/MSFT/Policy/C", DM_STATUS_OK);
    ASSERT_RUN(tree, "done 1");
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_REPLACE, FSS "/IsSyncDone", "true"), ==, 405);
    assert_retry_refused(tree, "P", DM_SCOPE_DEVICE, 0, DM_ERROR_INVALID);
    dm_tree_free(tree);
}

static void
test_retry_may_fail_again(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_failed_tree(fixture);

    for (int i = 0; i < 2; i++) {
        retry(tree, DM_SCOPE_DEVICE);
        assert_retry_refused(tree, "P", DM_SCOPE_DEVICE, 0, DM_ERROR_INVALID);
        begin_session(tree);
        pass_min(20);
        expire(tree);
        ASSERT_RUN(tree, "open 0");
    }
}

/* F4: a failure that the server forced, with nothing left to wait for. */
static void
test_retry_of_a_forced_failure(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    set(tree, FSS "/WasDeviceSuccessfullyProvisioned", "0");
    report(tree, -1, POLICY, DM_STATUS_OK);
    retry(tree, DM_SCOPE_DEVICE);
    ASSERT_RUN(tree, "open 2");
    set(tree, FSS "/WasDeviceSuccessfullyProvisioned", "0");
    set(tree, FSS "/ServerHasFinishedProvisioning", "true");
    set(tree, FSS "/IsSyncDone", "true");
    retry(tree, DM_SCOPE_DEVICE);
    ASSERT_RUN(tree, "done 1");
}

static void
test_retry_where_there_is_none(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    assert_retry_refused(tree, "Q", DM_SCOPE_DEVICE, 0, DM_ERROR_NOT_FOUND);
    assert_retry_refused(tree, "P", DM_SCOPE_USER, 1000, DM_ERROR_NOT_FOUND);
    assert_retry_refused(tree, "P", DM_SCOPE_DEVICE, 0, DM_ERROR_INVALID);
    g_assert_cmpuint(run(tree, "P", -1, DM_VERB_DELETE, FSS, NULL), ==, 200);
    assert_retry_refused(tree, "P", DM_SCOPE_DEVICE, 0, DM_ERROR_NOT_FOUND);
}

/* BlockInStatusPage of the device: 0 holds nobody, otherwise 2 is the button. */
static void
test_retry_as_the_server_lets(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_failed_tree(fixture);

    g_assert_cmpuint(run(tree, "P", 1000, DM_VERB_ADD, USER_P, NULL), ==, 200);
    g_assert_cmpuint(run(tree, "P", 1000, DM_VERB_ADD, USER_FSS, NULL), ==, 200);
    set(tree, USER_FSS "/ExpectedPolicies", "./User/Vendor/MSFT/Policy/A");
    for (int flags = 0; flags <= 7; flags++) {
        g_autofree char *text = g_strdup_printf("%d", flags);
        bool is_blocked = flags == 1 || flags == 4 || flags == 5;

        set(tree, FSS "/BlockInStatusPage", text);
        set(tree, USER_FSS "/WasDeviceSuccessfullyProvisioned", "0");
        g_assert_cmpuint(
            run(tree, "P", -1, DM_VERB_REPLACE, FSS "/WasDeviceSuccessfullyProvisioned", "0"), ==,
            200);
        if (is_blocked) {
            assert_retry_refused(tree, "P", DM_SCOPE_DEVICE, 0, DM_ERROR_DENIED);
            assert_retry_refused(tree, "P", DM_SCOPE_USER, 1000, DM_ERROR_DENIED);
        } else {
            retry(tree, DM_SCOPE_DEVICE);
            retry(tree, DM_SCOPE_USER);
            assert_run(tree, DM_SCOPE_USER, "open 2");
            assert_progress(tree, DM_SCOPE_USER, "running 1 0 0");
        }
    }
}

#define TEST(NAME, FUNC)                                                                           \
    g_test_add("/first-sync-retry/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("F5-is-a-new-run", test_retry_is_a_new_run);
    TEST("F4-may-fail-again", test_retry_may_fail_again);
    TEST("F4-of-a-forced-failure", test_retry_of_a_forced_failure);
    TEST("where-there-is-none", test_retry_where_there_is_none);
    TEST("as-the-server-lets", test_retry_as_the_server_lets);
    return g_test_run();
}
