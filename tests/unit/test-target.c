/* SPDX-License-Identifier: MIT */

#include "tests/unit/tree-fixture.h"
#include "tree/tree-private.h"

static void
assert_item(const DmResultItem *item, const char *loc_uri, DmFormat format, const char *data)
{
    g_assert_cmpstr(item->loc_uri, ==, loc_uri);
    g_assert_cmpint(item->format, ==, format);
    g_assert_cmpstr(item->data, ==, data);
}

static void
test_a1_without_scope_is_the_device(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, NULL, REPLACE(PROVIDER_A "/UPN", "a@b")), ==, 200);
    ASSERT_READS(tree, "./Device/Vendor/MSFT/DMClient/Provider/A/UPN", "a@b");
    ASSERT_READS(tree, "./Vendor/MSFT/DMClient/Provider/A/UPN", "a@b");
}

static void
test_a1_user_needs_a_user(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, NULL, GET("./User/Vendor/MSFT/DMClient")), ==, 405);
    g_assert_cmpuint(RUN(tree, "A", ADD(USER_A, NULL)), ==, 405);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, ADD(USER_A, NULL)), ==, 200);
    /* uids are unsigned 32 bit. */
    g_assert_cmpuint(RUN_USER(tree, "A", G_GINT64_CONSTANT(1) << 32, GET(USER_A)), ==, 405);
}

static void
test_a1_one_tree_a_user(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char done[] = USER_A "/FirstSyncStatus/IsSyncDone";

    g_assert_cmpuint(RUN_USER(tree, "A", 1000, ADD(USER_A, NULL)), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, ADD(USER_A "/FirstSyncStatus", NULL)), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, REPLACE(done, "true")), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, "A", 1001, REPLACE(done, "true")), ==, 404);
    ASSERT_USER_READS(tree, 1000, done, "true");
    ASSERT_USER_READS(tree, 1001, done, "404");
    ASSERT_READS(tree, PROVIDER_A "/FirstSyncStatus/IsSyncDone", "false");
    /* Rows of the device only are not there at all. */
    ASSERT_USER_READS(tree, 1000, USER_A "/UPN", "404");
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, REPLACE(USER_A "/UPN", "x")), ==, 404);
    g_assert_cmpuint(RUN_USER(tree, "A", 1000, EXEC(USER_A "/Unenroll", NULL)), ==, 404);
    ASSERT_USER_READS(tree, 1000, USER_A "/FirstSyncStatus/TimeOutUntilSyncFailure", "404");
}

static void
test_a1_bad_loc_uris(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autofree char *deep = g_strdup("./1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17");
    g_autofree char *longer = g_strnfill(1025, 'a');

    longer[0] = '.';
    longer[1] = '/';
    g_assert_cmpuint(RUN(tree, NULL, GET(NULL)), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, GET("")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, GET("/Vendor/MSFT/DMClient")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, GET(PROVIDER_A "/")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, GET(PROVIDER_A "/../A")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, ADD(ROOT "/Provider/*", NULL)), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, GET(deep)), ==, 414);
    g_assert_cmpuint(RUN(tree, NULL, GET(longer)), ==, 414);
}

static void
test_a2_names_of_providers(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "MS DM Server", "b", NULL);

    ASSERT_READS(tree, ROOT "/Provider/MS DM Server/HWDevID", "404");
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(ROOT "/Provider/MS DM Server/UPN", "u")), ==, 200);
    ASSERT_READS(tree, ROOT "/Provider/MS%20DM%20Server/UPN", "u");
    ASSERT_READS(tree, ROOT "/Provider/ms dm server/UPN", "u");
    /* Exact before all, and another case only where it is unique. Add finds the one that is there,
     * so two such names come from a file only. */
    g_assert_cmpuint(RUN(tree, NULL, ADD(ROOT "/Provider/B", NULL)), ==, 418);
    dm_tree_insert_provider(tree, dm_provider_new(tree, DM_SCOPE_DEVICE, 0, "bB"));
    dm_tree_insert_provider(tree, dm_provider_new(tree, DM_SCOPE_DEVICE, 0, "Bb"));
    dm_tree_insert_provider(tree, dm_provider_new(tree, DM_SCOPE_DEVICE, 0, "B"));
    g_assert_cmpuint(RUN(tree, NULL, GET(ROOT "/Provider/bb")), ==, 404);
    g_assert_cmpuint(RUN(tree, NULL, GET(ROOT "/Provider/bB")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(ROOT "/Provider/b/UPN", "small")), ==, 200);
    ASSERT_READS(tree, ROOT "/Provider/b/UPN", "small");
    ASSERT_READS(tree, ROOT "/Provider/B/UPN", "404");
    /* It names the same node: there already. */
    g_assert_cmpuint(RUN(tree, NULL, ADD(ROOT "/Provider/Ms Dm Server", NULL)), ==, 418);
}

static void
test_a2_encoded_slash_is_a_name(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "a/b", NULL);

    g_assert_cmpuint(RUN(tree, NULL, REPLACE(ROOT "/Provider/a%2Fb/UPN", "u")), ==, 200);
    ASSERT_READS(tree, ROOT "/Provider", "a%2Fb");
    ASSERT_READS(tree, ROOT "/Provider/a/b", "404");
}

static void
test_a3_white_space_and_query(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        REPLACE("\n   " PROVIDER_A "/UPN  \r\n", "u"),
        GET("\n " PROVIDER_A "/UPN\t"),
        GET(PROVIDER_A "/UPN?list=TNDS"),
        GET(PROVIDER_A "/UPN?prop=ACL"),
        GET(PROVIDER_A "/UPN?prop=Size"),
        REPLACE(PROVIDER_A "/UPN?prop=Name", "v"),
        GET(" " PROVIDER_A "/UPN?prop=Format "),
    };
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);

    ASSERT_STATUSES(reply, 200, 200, 406, 406, 406, 406, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 1)->loc_uri, ==, PROVIDER_A "/UPN");
    g_assert_cmpstr(dm_reply_get_items(reply, 6)->loc_uri, ==, PROVIDER_A "/UPN");
    g_assert_cmpstr(dm_reply_get_items(reply, 6)->data, ==, "chr");
}

static void
test_a3_properties(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "MS DM Server", NULL);

    ASSERT_READS(tree, ROOT "?prop=Name", "DMClient");
    ASSERT_READS(tree, ROOT "?prop=Format", "node");
    ASSERT_READS(tree, ROOT "?prop=Type", "");
    ASSERT_READS(tree, ROOT "/Provider/ms%20dm%20server?prop=Name", "MS DM Server");
    ASSERT_READS(tree, ROOT "/Provider/MS DM Server/RequireMessageSigning?prop=Format", "bool");
    ASSERT_READS(tree, ROOT "/Provider/MS DM Server/RequireMessageSigning?prop=Type", "text/plain");
    ASSERT_READS(tree, ROOT "/Provider/MS DM Server/Unenroll?prop=Format", "null");
    ASSERT_READS(tree, ROOT "/Provider/MS DM Server/UPN?prop=Format", "404");
}

static void
test_a3_list_struct(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ADD(PROVIDER_A "/CustomEnrollmentCompletePage/Title", "Done"),
        ADD(PROVIDER_A "/CustomEnrollmentCompletePage/HyperlinkText", "More"),
        GET(PROVIDER_A "/CustomEnrollmentCompletePage?list=Struct"),
        GET(PROVIDER_A "/CustomEnrollmentCompletePage?list=StructData"),
        GET(PROVIDER_A "/CustomEnrollmentCompletePage/Title?list=StructData"),
        GET(PROVIDER_A "/CustomEnrollmentCompletePage/BodyText?list=StructData"),
        GET(PROVIDER_A "/Poll?list=Struct"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);
    static const char page[] = PROVIDER_A "/CustomEnrollmentCompletePage";
    static const char title[] = PROVIDER_A "/CustomEnrollmentCompletePage/Title";
    static const char text[] = PROVIDER_A "/CustomEnrollmentCompletePage/HyperlinkText";

    ASSERT_STATUSES(reply, 200, 200, 200, 200, 200, 404, 404);
    g_assert_cmpuint(dm_reply_get(reply, 2)->n_items, ==, 3);
    assert_item(&dm_reply_get_items(reply, 2)[0], page, DM_FORMAT_NODE, NULL);
    assert_item(&dm_reply_get_items(reply, 2)[1], title, DM_FORMAT_CHR, NULL);
    assert_item(&dm_reply_get_items(reply, 2)[2], text, DM_FORMAT_CHR, NULL);
    g_assert_cmpuint(dm_reply_get(reply, 3)->n_items, ==, 3);
    assert_item(&dm_reply_get_items(reply, 3)[0], page, DM_FORMAT_NODE, NULL);
    assert_item(&dm_reply_get_items(reply, 3)[1], title, DM_FORMAT_CHR, "Done");
    assert_item(&dm_reply_get_items(reply, 3)[2], text, DM_FORMAT_CHR, "More");
    g_assert_cmpuint(dm_reply_get(reply, 4)->n_items, ==, 1);
    assert_item(dm_reply_get_items(reply, 4), title, DM_FORMAT_CHR, "Done");
}

static void
test_a3_list_of_the_whole_tree(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "b b", "A", NULL);
    const DmCommand commands[] = {GET(ROOT "?list=StructData")};
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);
    g_autoptr(DmReply) own = APPLY(tree, "A", commands);
    const DmResultItem *items = dm_reply_get_items(reply, 0);
    guint n = dm_reply_get(reply, 0)->n_items;

    assert_item(&items[0], ROOT, DM_FORMAT_NODE, NULL);
    assert_item(&items[1], ROOT "/Provider", DM_FORMAT_NODE, NULL);
    assert_item(&items[2], ROOT "/Provider/A", DM_FORMAT_NODE, NULL);
    assert_item(&items[3], ROOT "/Provider/A/FirstSyncStatus", DM_FORMAT_NODE, NULL);
    assert_item(&items[4], ROOT "/Provider/A/FirstSyncStatus/ExpectedPolicies", DM_FORMAT_CHR, "");
    assert_item(&items[n - 2], ROOT "/Provider/b%20b/Unenroll", DM_FORMAT_NULL, "");
    assert_item(&items[n - 1], ROOT "/Unenroll", DM_FORMAT_NULL, "");
    /* 3 of the root; of each provider itself, 16 of the first sync, 3 of security, Unenroll. */
    g_assert_cmpuint(n, ==, 3 + 2 * (1 + 16 + 3 + 1));
    g_assert_cmpuint(dm_reply_get(own, 0)->n_items, ==, 3 + (1 + 16 + 3 + 1)); /* V9 */
}

static void
test_a4_interior_get(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "x y", "A", NULL);
    const DmCommand commands[] = {GET(ROOT "/Provider"), ADD(PROVIDER_A "/Poll", NULL),
                                  GET(PROVIDER_A "/Poll")};
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);

    ASSERT_STATUSES(reply, 200, 200, 200);
    assert_item(dm_reply_get_items(reply, 0), ROOT "/Provider", DM_FORMAT_NODE, "A/x%20y");
    assert_item(dm_reply_get_items(reply, 2), PROVIDER_A "/Poll", DM_FORMAT_NODE, "");
    ASSERT_READS(tree, ROOT, "Provider/Unenroll");
    ASSERT_READS(tree, PROVIDER_A, "Poll/FirstSyncStatus/EnhancedAppLayerSecurity/Unenroll");
    ASSERT_READS(tree, PROVIDER_A "/EnhancedAppLayerSecurity",
                 "SecurityMode/UseCertIfRevocationCheckOffline");
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(PROVIDER_A "/Poll/PollOnLogin", "1")), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/Poll", "PollOnLogin");
}

static void
test_v4_get_of_unenroll(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {GET(PROVIDER_A "/Unenroll"), GET(ROOT "/Unenroll")};
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200);
    assert_item(dm_reply_get_items(reply, 0), PROVIDER_A "/Unenroll", DM_FORMAT_NULL, "");
    assert_item(dm_reply_get_items(reply, 1), ROOT "/Unenroll", DM_FORMAT_NULL, "");
}

static void
test_v9_other_providers(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);
    static const char *const others[] = {
        ROOT "/Provider/B",           ROOT "/Provider/b",      ROOT "/Provider/B/UPN",
        ROOT "/Provider/B/HWDevID",   ROOT "/Provider/absent", ROOT "/Provider/absent/UPN",
        ROOT "/Provider/B/Not/There",
    };

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_assert_cmpuint(RUN(tree, "A", GET(others[i])), ==, 404);
        g_assert_cmpuint(RUN(tree, "A", ADD(others[i], "x")), ==, 425);
        g_assert_cmpuint(RUN(tree, "A", REPLACE(others[i], "x")), ==, 425);
        g_assert_cmpuint(RUN(tree, "A", DELETE(others[i])), ==, 425);
        g_assert_cmpuint(RUN(tree, "A", EXEC(others[i], NULL)), ==, 425);
    }
    g_assert_cmpuint(RUN(tree, "A", GET(PROVIDER_A)), ==, 200);
    g_assert_cmpuint(RUN(tree, "a", GET(PROVIDER_A)), ==, 404); /* the session's name is exact */
    {
        g_autofree char *names = fixture_read(tree, "A", -1, ROOT "/Provider");

        g_assert_cmpstr(names, ==, "A");
    }
}

static void
test_v9_own_provider_in_other_words(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "Fleet", NULL);

    g_assert_cmpuint(RUN(tree, "Fleet", REPLACE(ROOT "/Provider/FLEET/UPN", "u")), ==, 200);
    ASSERT_READS(tree, ROOT "/Provider/Fleet/UPN", "u");
    /* In the user's tree it gets the name that it has. */
    g_assert_cmpuint(
        RUN_USER(tree, "Fleet", 7, ADD("./User/Vendor/MSFT/DMClient/Provider/fleet", NULL)), ==,
        200);
    ASSERT_USER_READS(tree, 7, "./User/Vendor/MSFT/DMClient/Provider", "Fleet");
    /* Where another has that very name, it is not one's own. */
    dm_tree_insert_provider(tree, dm_provider_new(tree, DM_SCOPE_DEVICE, 0, "fleet"));
    g_assert_cmpuint(RUN(tree, "Fleet", GET(ROOT "/Provider/fleet")), ==, 404);
    g_assert_cmpuint(RUN(tree, "Fleet", REPLACE(ROOT "/Provider/fleet/UPN", "u")), ==, 425);
}

static void
test_v9_root_leaves(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    static const char update[] = ROOT "/UpdateManagementServiceAddress";

    g_assert_cmpuint(RUN(tree, NULL, REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS)), ==,
                     200);
    g_assert_cmpuint(RUN(tree, "A", GET(update)), ==, 404);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(update, ADDRESS)), ==, 405);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, ADDRESS)), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", GET(update)), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", GET(ROOT "/HWDevID")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(ROOT "/HWDevID", "x")), ==, 405);
}

static void
test_v9_client_filled(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char *const rows[] = {"ExchangeID", "PublisherDeviceID", "SignedEntDMID",
                                       "CertRenewTimeStamp", "AADDeviceID"};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *uri = g_strconcat(PROVIDER_A "/", rows[i], NULL);

        g_assert_cmpuint(RUN(tree, "A", REPLACE(uri, "x")), ==, 405);
        g_assert_cmpuint(RUN(tree, "A", GET(uri)), ==, 404); /* S6: until it is set */
        g_assert_cmpuint(RUN(tree, NULL, REPLACE(uri, "x")), ==, 200);
        g_assert_cmpuint(RUN(tree, "A", GET(uri)), ==, 200);
        g_assert_cmpuint(RUN(tree, "A", DELETE(uri)), ==, 405);
    }
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(PROVIDER_A "/MaxSyncApplicationVersion", "9.0")), ==,
                     405);
}

static void
test_order_of_checks(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);
    g_autofree char *large = g_strnfill(2000, '\xff');
    const DmCommand commands[] = {
        ITEM(COPY, "no LocURI", NULL, NULL),                            /* verb, URI */
        GET(ROOT "/Provider/B/"),                                       /* URI, scope */
        REPLACE(ROOT "/Provider/B/Nothing", "x"),                       /* scope, row */
        REPLACE(PROVIDER_A "/Nothing", NULL),                           /* row, value */
        REPLACE(PROVIDER_A "/Push", NULL),                              /* verb, parent */
        REPLACE(PROVIDER_A "/Push/Status", "x"),                        /* verb, parent */
        ITEM(REPLACE, PROVIDER_A "/Poll/PollOnLogin", "what", "x"),     /* parent, Format */
        ITEM(ADD, PROVIDER_A "/FirstSyncStatus", "what", NULL),         /* node, Format */
        ITEM(REPLACE, PROVIDER_A "/UPN", "what", NULL),                 /* Format, value */
        REPLACE(PROVIDER_A "/UPN", large),                              /* cap, UTF-8 */
        REPLACE(PROVIDER_A "/FirstSyncStatus/BlockInStatusPage", "8x"), /* format, range */
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 501, 400, 425, 404, 405, 405, 404, 418, 415, 413, 415);
}

static void
test_answers_are_bounded(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autofree char *large = g_strnfill(60000, ' ');
    const gsize n = 1000;
    g_autofree DmCommand *commands = g_new0(DmCommand, n);
    g_autoptr(DmReply) reply = NULL;
    gsize n_good = 0;

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/FirstSyncStatus/ExpectedPolicies", large)),
                     ==, 200);
    for (gsize i = 0; i < n; i++)
        commands[i] = (DmCommand)GET(PROVIDER_A "?list=StructData");
    reply = fixture_apply(tree, "A", -1, commands, n);
    while (n_good < n && STATUS(reply, n_good) == 200)
        n_good++;
    g_assert_cmpuint(n_good, >, 100);
    g_assert_cmpuint(n_good, <, 200);
    for (gsize i = n_good; i < n; i++) {
        g_assert_cmpuint(STATUS(reply, i), ==, 416);
        g_assert_null(dm_reply_get_items(reply, i));
    }
    /* The next message has its own bound. */
    g_assert_cmpuint(RUN(tree, "A", GET(PROVIDER_A "?list=StructData")), ==, 200);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/target/A1-without-scope-is-the-device", test_a1_without_scope_is_the_device);
    g_test_add_func("/target/A1-user-needs-a-user", test_a1_user_needs_a_user);
    g_test_add_func("/target/A1-one-tree-a-user", test_a1_one_tree_a_user);
    g_test_add_func("/target/A1-bad-loc-uris", test_a1_bad_loc_uris);
    g_test_add_func("/target/A2-names-of-providers", test_a2_names_of_providers);
    g_test_add_func("/target/A2-encoded-slash-is-a-name", test_a2_encoded_slash_is_a_name);
    g_test_add_func("/target/A3-white-space-and-query", test_a3_white_space_and_query);
    g_test_add_func("/target/A3-properties", test_a3_properties);
    g_test_add_func("/target/A3-list-struct", test_a3_list_struct);
    g_test_add_func("/target/A3-list-of-the-whole-tree", test_a3_list_of_the_whole_tree);
    g_test_add_func("/target/A4-interior-get", test_a4_interior_get);
    g_test_add_func("/target/V4-get-of-unenroll", test_v4_get_of_unenroll);
    g_test_add_func("/target/V9-other-providers", test_v9_other_providers);
    g_test_add_func("/target/V9-own-provider-in-other-words", test_v9_own_provider_in_other_words);
    g_test_add_func("/target/V9-root-leaves", test_v9_root_leaves);
    g_test_add_func("/target/V9-client-filled", test_v9_client_filled);
    g_test_add_func("/target/order-of-checks", test_order_of_checks);
    g_test_add_func("/target/G7-answers-are-bounded", test_answers_are_bounded);
    return g_test_run();
}
