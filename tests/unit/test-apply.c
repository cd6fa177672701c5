/* SPDX-License-Identifier: MIT */

#include "tests/unit/tree-fixture.h"

static void
test_v1_add_existing_is_418(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, NULL, ADD(PROVIDER_A, NULL)), ==, 418);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A, NULL)), ==, 418);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/HelpWebsite", "a")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/HelpWebsite", "b")), ==, 418);
    ASSERT_READS(tree, PROVIDER_A "/HelpWebsite", "a");
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/FirstSyncStatus", NULL)), ==, 418);
    /* Set to what is the default anyway is set. */
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/RequireMessageSigning", "false")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/RequireMessageSigning", "true")), ==, 418);
}

static void
test_v1_add_makes_missing_parents(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    ASSERT_READS(tree, PROVIDER_A "/Poll", "404");
    /* All or nothing: a bad value leaves no parent behind. */
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "x")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "-1")), ==, 400);
    ASSERT_READS(tree, PROVIDER_A "/Poll", "404");
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "8")), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/Poll", "NumberOfFirstRetries");
}

static void
test_v1_who_makes_providers(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    /* Never as a missing parent, never by Replace. */
    g_assert_cmpuint(RUN(tree, NULL, ADD(ROOT "/Provider/B/UPN", "u")), ==, 404);
    g_assert_cmpuint(RUN(tree, NULL, ADD(ROOT "/Provider/B/Poll", NULL)), ==, 404);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(ROOT "/Provider/B/UPN", "u")), ==, 404);
    /* By local root, not by a server. */
    g_assert_cmpuint(RUN(tree, "B", ADD(ROOT "/Provider/B", NULL)), ==, 404);
    g_assert_cmpuint(RUN(tree, NULL, ADD(ROOT "/Provider/B", NULL)), ==, 200);
    /* In the user's tree a server adds its own; there too never as a missing parent. */
    g_assert_cmpuint(RUN_USER(tree, "A", 7, ADD(USER_A "/FirstSyncStatus", NULL)), ==, 404);
    g_assert_cmpuint(RUN_USER(tree, "A", 7, ADD(USER_A, NULL)), ==, 200);
    ASSERT_USER_READS(tree, 7, USER_A, "");
    ASSERT_USER_READS(tree, 7, "./User/Vendor/MSFT/DMClient/Provider", "A");
}

static void
test_v1_add_without_data(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/HelpWebsite", NULL)), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/HelpWebsite", "");
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", NULL)), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/Poll/NumberOfFirstRetries", "10");
    g_assert_cmpuint(
        RUN(tree, "A", ADD(PROVIDER_A "/NumberOfDaysAfterLostContactToUnenroll", NULL)), ==, 412);
    /* The empty string of a chr still has to be what the row takes. */
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/SyncApplicationVersion", NULL)), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/ManagementServiceAddress", NULL)), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/EnhancedAppLayerSecurity/Cert0", NULL)), ==,
                     415);
}

static void
test_v1_interior_node_takes_no_value(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, "A", ITEM(ADD, PROVIDER_A "/Poll", "node", "x")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", ITEM(ADD, PROVIDER_A "/Poll", "what", NULL)), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", ITEM(ADD, PROVIDER_A "/Poll", "node", "")), ==, 200);
}

static void
test_v2_replace(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    /* Sets, and creates a leaf whose parent is there. */
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/HelpWebsite", "a")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/HelpWebsite", "b")), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/HelpWebsite", "b");
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/Poll/PollOnLogin", "true")), ==, 404);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/FirstSyncStatus", "x")), ==, 405);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/HelpWebsite", NULL)), ==, 412);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/HelpWebsite", "")), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/HelpWebsite", "");
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/RequireMessageSigning", "")), ==, 415);
}

static void
test_v3_delete(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ADD(PROVIDER_A "/Poll/PollOnLogin", "true"),
        DELETE(PROVIDER_A "/Poll"),
        GET(PROVIDER_A "/Poll/PollOnLogin"),
        DELETE(PROVIDER_A "/Poll"),
        ADD(PROVIDER_A "/Poll", NULL),
        GET(PROVIDER_A "/Poll/PollOnLogin"),
        /* ZeroOrOne: gone is gone. One: back to the default, or to unset, however often. */
        DELETE(PROVIDER_A "/Poll/PollOnLogin"),
        REPLACE(PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode", "1"),
        DELETE(PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode"),
        DELETE(PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode"),
        GET(PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode"),
        DELETE(PROVIDER_A "/EnhancedAppLayerSecurity/Cert0"),
        GET(PROVIDER_A "/EnhancedAppLayerSecurity/Cert0"),
        /* Permanent, the root, and what a server must not. */
        DELETE(PROVIDER_A "/FirstSyncStatus/IsSyncDone"),
        DELETE(ROOT),
        DELETE(ROOT "/Provider"),
        DELETE(PROVIDER_A),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 404, 404, 200, 200, 404, 200, 200, 200, 200, 200, 404, 405,
                    405, 405, 405);
    g_assert_cmpstr(dm_reply_get_items(reply, 5)->data, ==, "false");
    g_assert_cmpstr(dm_reply_get_items(reply, 10)->data, ==, "0");
}

static void
test_v3_local_root_deletes_providers(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);
    static const char user_b[] = "./User/Vendor/MSFT/DMClient/Provider/B";

    g_assert_cmpuint(RUN_USER(tree, NULL, 7, ADD(USER_A, NULL)), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, NULL, 8, ADD(USER_A, NULL)), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, NULL, 8, ADD(user_b, NULL)), ==, 200);
    /* A user tree's provider goes alone … */
    g_assert_cmpuint(RUN_USER(tree, NULL, 7, DELETE(USER_A)), ==, 200);
    ASSERT_USER_READS(tree, 7, USER_A, "404");
    ASSERT_USER_READS(tree, 8, USER_A, "");
    ASSERT_READS(tree, ROOT "/Provider", "A/B");
    /* … the device tree's with those in all users' trees (E3), and no other. */
    g_assert_cmpuint(RUN(tree, NULL, DELETE(PROVIDER_A)), ==, 200);
    ASSERT_READS(tree, ROOT "/Provider", "B");
    ASSERT_USER_READS(tree, 8, USER_A, "404");
    ASSERT_USER_READS(tree, 8, user_b, "");
    /* Added again it is a new one. */
    g_assert_cmpuint(RUN(tree, NULL, ADD(PROVIDER_A, NULL)), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "404");
}

static void
test_v4_get(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW1"};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);

    ASSERT_READS(tree, PROVIDER_A "/RequireMessageSigning", "false");
    ASSERT_READS(tree, PROVIDER_A "/MaxSyncApplicationVersion", "2.0");
    ASSERT_READS(tree, PROVIDER_A "/EntDMID", "404");
    ASSERT_READS(tree, PROVIDER_A "/Poll/PollOnLogin", "404"); /* the parent is absent */
    ASSERT_READS(tree, PROVIDER_A "/FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "2");
    ASSERT_READS(tree, PROVIDER_A "/FirstSyncStatus/ExpectedPolicies", "");
    ASSERT_READS(tree, PROVIDER_A "/Push/ChannelURI", "404");
    g_assert_cmpuint(RUN(tree, "A", ADD(PROVIDER_A "/Push", NULL)), ==, 200);
    ASSERT_READS(tree, PROVIDER_A "/Push/ChannelURI", "");
    ASSERT_READS(tree, PROVIDER_A "/Push/Status", "4");
    ASSERT_READS(tree, PROVIDER_A "/Push/PFN", "404");
    /* S6: both places. */
    ASSERT_READS(tree, PROVIDER_A "/HWDevID", "HW1");
    ASSERT_READS(tree, ROOT "/HWDevID", "HW1");
}

static void
test_v5_verbs_that_are_not_here(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ITEM(COPY, PROVIDER_A, NULL, NULL), ITEM(SEARCH, PROVIDER_A, NULL, NULL),
        ITEM(MAP, PROVIDER_A, NULL, NULL),  ITEM(PUT, PROVIDER_A, NULL, NULL),
        ITEM(SYNC, NULL, NULL, NULL),       ITEM(ALERT, NULL, NULL, NULL),
        ITEM(NONE, PROVIDER_A, NULL, NULL), EXEC(PROVIDER_A, NULL),
        EXEC(PROVIDER_A "/UPN", NULL),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 501, 501, 501, 501, 501, 501, 400, 405, 405);
}

/* How an Exec ends that is the first of its session. */
static guint
exec(const char *provider, const char *uri, const char *data)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);

    return RUN(tree, provider, EXEC(uri, data));
}

static void
test_e1_exec_unenroll(void)
{
    /* The path decides, Data is ignored. */
    g_assert_cmpuint(exec("A", PROVIDER_A "/Unenroll", "whatever"), ==, 200);
    g_assert_cmpuint(exec(NULL, PROVIDER_A "/Unenroll", NULL), ==, 200);
    g_assert_cmpuint(exec("A", ROOT "/Provider/B/Unenroll", NULL), ==, 425);
    /* The root's: Data names it, and it is the session's own. */
    g_assert_cmpuint(exec("A", ROOT "/Unenroll", "A"), ==, 200);
    g_assert_cmpuint(exec("A", ROOT "/Unenroll", ""), ==, 200);
    g_assert_cmpuint(exec("A", ROOT "/Unenroll", NULL), ==, 200);
    g_assert_cmpuint(exec("A", ROOT "/Unenroll", "B"), ==, 404);
    g_assert_cmpuint(exec("A", ROOT "/Unenroll", "C"), ==, 404);
    g_assert_cmpuint(exec(NULL, ROOT "/Unenroll", "B"), ==, 200);
    g_assert_cmpuint(exec(NULL, ROOT "/Unenroll", "C"), ==, 404);
    g_assert_cmpuint(exec(NULL, ROOT "/Unenroll", NULL), ==, 404);
}

static void
test_v6_formats(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char timeout[] = PROVIDER_A "/FirstSyncStatus/TimeOutUntilSyncFailure";
    static const char buttons[] = PROVIDER_A "/FirstSyncStatus/BlockInStatusPage";
    static const char signing[] = PROVIDER_A "/RequireMessageSigning";
    static const char upn[] = PROVIDER_A "/UPN";

    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, signing, "chr", "TRUE")), ==, 200);
    ASSERT_READS(tree, signing, "true");
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, signing, NULL, "yes")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, signing, "integer", "1")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, buttons, "bool", "true")), ==, 200);
    ASSERT_READS(tree, buttons, "1");
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, timeout, "int", " +30\n")), ==, 200);
    ASSERT_READS(tree, timeout, "30");
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, timeout, NULL, "1.5")), ==, 415);
    /* Out of range: the old value stays. */
    g_assert_cmpuint(RUN(tree, "A", REPLACE(timeout, "0")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(timeout, "1441")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(timeout, "99999999999999999999")), ==, 400);
    ASSERT_READS(tree, timeout, "30");
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, upn, "b64", "w6Q=")), ==, 200);
    ASSERT_READS(tree, upn, "\xc3\xa4");
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, upn, "b64", "/w==")), ==, 415);
    /* A Format comes before the value that is not there. */
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, upn, "what", NULL)), ==, 415);
}

static void
test_v6_pattern_and_enumeration(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char version[] = PROVIDER_A "/SyncApplicationVersion";
    static const char type[] = PROVIDER_A "/EnrollmentType";
    static const char *const bad[] = {"", "x", "10", "1.", ".1", "1.00", "1,0", "1.0 ", "-1"};

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_cmpuint(RUN(tree, "A", REPLACE(version, bad[i])), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(version, "5.0")), ==, 200);
    ASSERT_READS(tree, version, "5.0"); /* S1: as sent */
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(type, "Device")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(type, "Full")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(type, "full")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(type, "Device|Full")), ==, 400);
    ASSERT_READS(tree, type, "Full");
}

static void
test_v7_text_and_caps(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autofree char *fits = g_strnfill(64, '1');
    g_autofree char *over = g_strnfill(65, '1');
    g_autofree char *fits_default = g_strnfill(1024, 'x');
    g_autofree char *over_default = g_strnfill(1025, 'x');
    g_autofree char *base64 = g_base64_encode((const guchar *)over, 65);
    static const char phone[] = PROVIDER_A "/HelpPhoneNumber";

    g_assert_cmpuint(RUN(tree, "A", REPLACE(phone, fits)), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(phone, over)), ==, 413);
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, phone, "b64", base64)), ==, 413);
    ASSERT_READS(tree, phone, fits); /* never cut */
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/EntDMID", fits_default)), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/EntDMID", over_default)), ==, 413);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/UPN", "\xff")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/UPN", "a\x01")), ==, 415);
    /* In base64 the text inside counts: 64 bytes, though it takes more to write them. */
    g_free(base64);
    base64 = g_base64_encode((const guchar *)fits, 64);
    g_assert_cmpuint(RUN(tree, "A", ITEM(REPLACE, phone, "b64", base64)), ==, 200);
    {
        const DmCommand nul = {
            .verb = DM_VERB_REPLACE, .loc_uri = PROVIDER_A "/UPN", .data = "a\0b", .data_size = 3};

        g_assert_cmpuint(fixture_run(tree, "A", nul), ==, 415);
    }
}

static void
test_v10_children_of_a_new_provider(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    ASSERT_READS(tree, PROVIDER_A, "FirstSyncStatus/EnhancedAppLayerSecurity/Unenroll");
    ASSERT_READS(tree, PROVIDER_A "/EnhancedAppLayerSecurity/Cert0", "404");
    ASSERT_READS(tree, PROVIDER_A "/Poll", "404");
    ASSERT_READS(tree, PROVIDER_A "/Push", "404");
    /* In a user's tree nothing comes with it. */
    g_assert_cmpuint(RUN_USER(tree, NULL, 7, ADD(USER_A, NULL)), ==, 200);
    ASSERT_USER_READS(tree, 7, USER_A, "");
}

static void
test_v11_wider_than_the_specification(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ADD(PROVIDER_A "/HelpPhoneNumber", "1"),
        ADD(PROVIDER_A "/RequireMessageSigning", "true"),
        ADD(PROVIDER_A "/SyncApplicationVersion", "1"),
        ADD(PROVIDER_A "/UPN", "u"),
        ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "1"),
        DELETE(PROVIDER_A "/Poll/NumberOfFirstRetries"),
        REPLACE(PROVIDER_A "/Poll/PollOnLogin", "true"),
        DELETE(PROVIDER_A "/Poll/PollOnLogin"),
        ADD(PROVIDER_A "/Poll/AllUsersPollOnFirstLogin", "true"),
        DELETE(PROVIDER_A "/Poll/AllUsersPollOnFirstLogin"),
        DELETE(PROVIDER_A "/Poll"),
        ADD(PROVIDER_A "/Push/PFN", "pfn"),
        DELETE(PROVIDER_A "/Push/PFN"),
        GET(PROVIDER_A "/Push"),
        REPLACE(PROVIDER_A "/EntDeviceName", "n"),
        DELETE(PROVIDER_A "/EntDeviceName"),
        REPLACE(PROVIDER_A "/EntDMID", "i"),
        DELETE(PROVIDER_A "/EntDMID"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_assert_cmpuint(STATUS(reply, i), ==, 200);
}

static void
test_m1_a_failing_command_leaves_the_others(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/UPN", "u"),
        REPLACE(PROVIDER_A "/Nothing", "x"),
        REPLACE(PROVIDER_A "/EntDMID", "i"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 404, 200);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "u");
    ASSERT_READS(tree, PROVIDER_A "/EntDMID", "i");
}

static void
test_m3_sequence(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        SEQUENCE(5),
        ADD(PROVIDER_A "/Poll", NULL),
        REPLACE(PROVIDER_A "/Poll/PollOnLogin", "x"),
        SEQUENCE(1),
        REPLACE(PROVIDER_A "/Poll/PollOnLogin", "1"),
        GET(PROVIDER_A "/Poll/PollOnLogin"),
        SEQUENCE(0),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 415, 200, 200, 200, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 5)->data, ==, "true");
}

static void
test_broken_batches(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand outside[] = {ATOMIC(2), REPLACE(PROVIDER_A "/UPN", "u")};
    const DmCommand leaf[] = {{.verb = DM_VERB_REPLACE,
                               .span = 1,
                               .loc_uri = PROVIDER_A "/UPN",
                               .data = "u",
                               .data_size = 1},
                              REPLACE(PROVIDER_A "/EntDMID", "u")};
    g_autoptr(DmReply) first = APPLY(tree, NULL, outside);
    g_autoptr(DmReply) second = APPLY(tree, NULL, leaf);
    g_autoptr(DmReply) none = fixture_apply(tree, NULL, -1, NULL, 0);

    ASSERT_STATUSES(first, 400, 400);
    ASSERT_STATUSES(second, 400, 400);
    g_assert_cmpuint(dm_reply_get_size(none), ==, 0);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "404");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apply/V1-add-existing-is-418", test_v1_add_existing_is_418);
    g_test_add_func("/apply/V1-add-makes-missing-parents", test_v1_add_makes_missing_parents);
    g_test_add_func("/apply/V1-who-makes-providers", test_v1_who_makes_providers);
    g_test_add_func("/apply/V1-add-without-data", test_v1_add_without_data);
    g_test_add_func("/apply/V1-interior-node-takes-no-value", test_v1_interior_node_takes_no_value);
    g_test_add_func("/apply/V2-replace", test_v2_replace);
    g_test_add_func("/apply/V3-delete", test_v3_delete);
    g_test_add_func("/apply/V3-local-root-deletes-providers", test_v3_local_root_deletes_providers);
    g_test_add_func("/apply/V4-get", test_v4_get);
    g_test_add_func("/apply/V5-verbs-that-are-not-here", test_v5_verbs_that_are_not_here);
    g_test_add_func("/apply/E1-exec-unenroll", test_e1_exec_unenroll);
    g_test_add_func("/apply/V6-formats", test_v6_formats);
    g_test_add_func("/apply/V6-pattern-and-enumeration", test_v6_pattern_and_enumeration);
    g_test_add_func("/apply/V7-text-and-caps", test_v7_text_and_caps);
    g_test_add_func("/apply/V10-children-of-a-new-provider", test_v10_children_of_a_new_provider);
    g_test_add_func("/apply/V11-wider-than-the-specification",
                    test_v11_wider_than_the_specification);
    g_test_add_func("/apply/M1-a-failing-command-leaves-the-others",
                    test_m1_a_failing_command_leaves_the_others);
    g_test_add_func("/apply/M3-sequence", test_m3_sequence);
    g_test_add_func("/apply/broken-batches", test_broken_batches);
    return g_test_run();
}
