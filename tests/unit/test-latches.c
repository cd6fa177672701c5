/* SPDX-License-Identifier: MIT */

#include "tests/unit/tree-fixture.h"

#define FIRST_SYNC PROVIDER_A "/FirstSyncStatus"
#define FINISHED FIRST_SYNC "/ServerHasFinishedProvisioning"
#define DONE FIRST_SYNC "/IsSyncDone"
#define SUCCESS FIRST_SYNC "/WasDeviceSuccessfullyProvisioned"
#define SEPARATOR "\xef\x80\x80" /* U+F000 */

static const char *const lists[] = {
    FIRST_SYNC "/ExpectedPolicies",       FIRST_SYNC "/ExpectedNetworkProfiles",
    FIRST_SYNC "/ExpectedMSIAppPackages", FIRST_SYNC "/ExpectedModernAppPackages",
    FIRST_SYNC "/ExpectedPFXCerts",       FIRST_SYNC "/ExpectedSCEPCerts",
};

static void
test_f1_original_text(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char text[] = "./User/Vendor/MSFT/X/MSI/1/Status;4\"" SEPARATOR "\" ./X;2";

    g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[2], text)), ==, 200);
    ASSERT_READS(tree, lists[2], text);
}

/* `n` items of `size` bytes. */
static char *
make_list(gsize n, gsize size)
{
    g_autofree char *item = g_strnfill(size, 'x');
    GString *list = g_string_new(NULL);

    for (gsize i = 0; i < n; i++)
        g_string_append_printf(list, "%s%s", i == 0 ? "" : SEPARATOR, item);
    return g_string_free(list, FALSE);
}

static void
test_f1_limits(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autofree char *many = make_list(1000, 10);
    g_autofree char *too_many = make_list(1001, 10);
    g_autofree char *longest = make_list(2, 1024);
    g_autofree char *too_long = make_list(2, 1025);
    g_autofree char *large = make_list(65, 1010);

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], many)), ==, 200);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], longest)), ==, 200);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], too_many)), ==, 400);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], too_long)), ==, 400);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], large)), ==, 413);
        ASSERT_READS(tree, lists[i], longest);
    }
}

static void
test_f2_finished_does_not_go_back(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, "A", REPLACE(FINISHED, "false")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(FINISHED, "true")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(FINISHED, "true")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(FINISHED, "false")), ==, 405);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(FINISHED, "0")), ==, 405);
    ASSERT_READS(tree, FINISHED, "true");
}

static void
test_f2_lists_are_frozen(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autofree char *too_many = make_list(1001, 10);

    g_assert_cmpuint(RUN(tree, "A", ADD(lists[0], "./a")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(FINISHED, "true")), ==, 200);
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_assert_cmpuint(RUN(tree, "A", ADD(lists[i], "./b")), ==, i == 0 ? 418 : 405);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], "./b")), ==, 405);
        g_assert_cmpuint(RUN(tree, "A", DELETE(lists[i])), ==, 405);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(lists[i], too_many)), ==, 400); /* values first */
    }
    ASSERT_READS(tree, lists[0], "./a");
}

/* F5: what is not a list stays changeable. */
static void
test_f5_the_rest_is_not_frozen(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        REPLACE(FINISHED, "true"),
        REPLACE(FIRST_SYNC "/TimeOutUntilSyncFailure", "90"),
        REPLACE(FIRST_SYNC "/BlockInStatusPage", "7"),
        REPLACE(FIRST_SYNC "/CustomErrorText", "call us"),
        DELETE(FIRST_SYNC "/CustomErrorText"),
        REPLACE(FIRST_SYNC "/AllowCollectLogsButton", "true"),
        REPLACE(FIRST_SYNC "/SkipDeviceStatusPage", "false"),
        REPLACE(FIRST_SYNC "/SkipUserStatusPage", "false"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_assert_cmpuint(STATUS(reply, i), ==, 200);
}

static void
test_f3_done_once(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autoptr(GString) heard = g_string_new(NULL);

    dm_tree_add_listener(tree, fixture_listen, heard);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(DONE, "false")), ==, 200);
    g_assert_cmpstr(heard->str, ==, "");
    g_assert_cmpuint(RUN(tree, "A", REPLACE(DONE, "true")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(DONE, "true")), ==, 405);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(DONE, "false")), ==, 405);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(DONE, "true")), ==, 405);
    ASSERT_READS(tree, DONE, "true");
    /* One signal in a run. */
    g_assert_cmpstr(heard->str, ==,
                    "value device A Provider/{ProviderID}/FirstSyncStatus/IsSyncDone\n"
                    "progress device A Provider/{ProviderID}/FirstSyncStatus\n-\n");
}

static void
test_f4_decided_once(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, "A", REPLACE(SUCCESS, "2")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(SUCCESS, "3")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(SUCCESS, "0")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(SUCCESS, "0")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(SUCCESS, "1")), ==, 405);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(SUCCESS, "2")), ==, 405);
    ASSERT_READS(tree, SUCCESS, "0");
}

static void
test_f4_within_a_message(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {REPLACE(SUCCESS, "1"), REPLACE(DONE, "true"),
                                  REPLACE(SUCCESS, "0"), REPLACE(DONE, "true")};
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 405, 405);
}

static void
test_f5_a_new_run(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand run[] = {REPLACE(lists[0], "./a"), REPLACE(FINISHED, "true"),
                             REPLACE(SUCCESS, "1"), REPLACE(DONE, "true")};
    const DmCommand again[] = {DELETE(FIRST_SYNC),    GET(DONE),
                               ADD(FIRST_SYNC, NULL), GET(DONE),
                               GET(FINISHED),         GET(SUCCESS),
                               GET(lists[0]),         REPLACE(DONE, "1"),
                               REPLACE(SUCCESS, "0"), REPLACE(lists[0], "./new")};
    g_autoptr(DmReply) first = APPLY(tree, "A", run);
    g_autoptr(DmReply) second = APPLY(tree, "A", again);

    ASSERT_STATUSES(first, 200, 200, 200, 200);
    ASSERT_STATUSES(second, 200, 404, 200, 200, 200, 200, 200, 200, 200, 200);
    g_assert_cmpstr(dm_reply_get_items(second, 3)->data, ==, "false");
    g_assert_cmpstr(dm_reply_get_items(second, 4)->data, ==, "false");
    g_assert_cmpstr(dm_reply_get_items(second, 5)->data, ==, "2");
    g_assert_cmpstr(dm_reply_get_items(second, 6)->data, ==, "");
}

/* G3: a latch that was set in what is rolled back was never set. */
static void
test_g3_rolled_back(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(4),
        REPLACE(DONE, "true"),
        REPLACE(FINISHED, "true"),
        REPLACE(SUCCESS, "0"),
        REPLACE(PROVIDER_A "/Nothing", "x"),
        REPLACE(lists[1], "./a"),
        REPLACE(DONE, "true"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 507, 216, 216, 216, 404, 200, 200);
    ASSERT_READS(tree, FINISHED, "false");
    ASSERT_READS(tree, SUCCESS, "2");
}

/* Each user's tree has latches of its own. */
static void
test_f_user_trees(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char done[] = USER_A "/FirstSyncStatus/IsSyncDone";
    static const char finished[] = USER_A "/FirstSyncStatus/ServerHasFinishedProvisioning";
    static const char list[] = USER_A "/FirstSyncStatus/ExpectedPolicies";

    for (gint64 uid = 1000; uid < 1002; uid++) {
        g_assert_cmpuint(RUN_USER(tree, "A", uid, ADD(USER_A, NULL)), ==, 200);
        g_assert_cmpuint(RUN_USER(tree, "A", uid, ADD(list, "./a")), ==, 200);
    }
    g_assert_cmpuint(RUN(tree, "A", REPLACE(FINISHED, "true")), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, REPLACE(finished, "true")), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, REPLACE(done, "true")), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, REPLACE(done, "true")), ==, 405);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, REPLACE(list, "./b")), ==, 405);
    g_assert_cmpuint(RUN_USER(tree, "A", 1001, REPLACE(list, "./b")), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1001, REPLACE(done, "true")), ==, 200);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/latches/F1-original-text", test_f1_original_text);
    g_test_add_func("/latches/F1-V7-limits", test_f1_limits);
    g_test_add_func("/latches/F2-finished-does-not-go-back", test_f2_finished_does_not_go_back);
    g_test_add_func("/latches/F2-lists-are-frozen", test_f2_lists_are_frozen);
    g_test_add_func("/latches/F5-the-rest-is-not-frozen", test_f5_the_rest_is_not_frozen);
    g_test_add_func("/latches/F3-done-once", test_f3_done_once);
    g_test_add_func("/latches/F4-decided-once", test_f4_decided_once);
    g_test_add_func("/latches/F4-within-a-message", test_f4_within_a_message);
    g_test_add_func("/latches/F5-a-new-run", test_f5_a_new_run);
    g_test_add_func("/latches/G3-rolled-back", test_g3_rolled_back);
    g_test_add_func("/latches/F-user-trees", test_f_user_trees);
    return g_test_run();
}
