/* SPDX-License-Identifier: MIT */

#include "tests/unit/tree-fixture.h"

static void
test_v7_certificates(void)
{
    gint64 now_us = YEAR_2030_US;
    const DmClock clock = fixture_clock(&now_us);
    const DmTreeOptions options = {.clock = &clock};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    g_autofree char *large = g_strnfill(16385, 'A');
    static const char cert[] = PROVIDER_A "/EnhancedAppLayerSecurity/Cert0";

    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, CERTIFICATE_BASE64)), ==, 200);
    ASSERT_READS(tree, cert, CERTIFICATE_BASE64);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, "\n" CERTIFICATE_PEM)), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, large)), ==, 413);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, "")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, "AAAA")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, "no certificate")), ==, 415);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(cert, CERTIFICATE_BASE64 "AAAA")), ==, 415);
    g_assert_cmpuint(
        RUN(tree, "A",
            REPLACE(cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
        ==, 415);
    ASSERT_READS(tree, cert, "\n" CERTIFICATE_PEM);
}

static void
test_v8_get_reads_what_was_just_written(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char second[] = PROVIDER_A "/Poll/NumberOfSecondRetries";
    const DmCommand commands[] = {
        ADD(PROVIDER_A "/Poll/IntervalForFirstSetOfRetries", "1"),
        REPLACE(PROVIDER_A "/Poll/NumberOfFirstRetries", "0"),
        REPLACE(PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "60"),
        REPLACE(second, "10"),
        GET(second),
        GET(PROVIDER_A "/Poll/IntervalForSecondSetOfRetries"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 200, 200, 200, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 4)->data, ==, "10"); /* uncorrected */
    g_assert_cmpstr(dm_reply_get_items(reply, 5)->data, ==, "60");
    /* P2, when the message commits: the first set never ends, so the second never comes. */
    ASSERT_READS(tree, second, "0");
    ASSERT_READS(tree, PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "0");
    ASSERT_READS(tree, PROVIDER_A "/Poll/IntervalForFirstSetOfRetries", "1");
}

static void
test_v8_six_of_poll_are_seen_together(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand infinite[] = {
        ADD(PROVIDER_A "/Poll/IntervalForFirstSetOfRetries", "1"),
        ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "0"),
    };
    /* In this order the first set is infinite for a moment only. */
    const DmCommand finite[] = {
        REPLACE(PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "5"),
        REPLACE(PROVIDER_A "/Poll/NumberOfSecondRetries", "6"),
        REPLACE(PROVIDER_A "/Poll/NumberOfFirstRetries", "3"),
    };
    g_autoptr(DmReply) first = APPLY(tree, "A", infinite);
    g_autoptr(DmReply) second = APPLY(tree, "A", finite);

    ASSERT_STATUSES(first, 200, 200);
    ASSERT_STATUSES(second, 200, 200, 200);
    ASSERT_READS(tree, PROVIDER_A "/Poll/NumberOfSecondRetries", "6");
    ASSERT_READS(tree, PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "5");
}

static void
test_v8_only_the_last_command_is_undone(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char mode[] = PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode";
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/UPN", "before"),
        REPLACE(mode, "1"),
        REPLACE(mode, "3"), /* no certificate: cannot work (S4) */
        GET(mode),
        REPLACE(PROVIDER_A "/EntDMID", "after"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 406, 200, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 3)->data, ==, "3");
    ASSERT_READS(tree, mode, "1");
    ASSERT_READS(tree, PROVIDER_A "/UPN", "before");
    ASSERT_READS(tree, PROVIDER_A "/EntDMID", "after");
}

static void
test_v8_undone_until_it_may_stand(void)
{
    gint64 now_us = YEAR_2030_US;
    const DmClock clock = fixture_clock(&now_us);
    const DmTreeOptions options = {.clock = &clock};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    static const char mode[] = PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode";
    static const char cert0[] = PROVIDER_A "/EnhancedAppLayerSecurity/Cert0";
    const DmCommand set[] = {REPLACE(mode, "2"), REPLACE(cert0, CERTIFICATE_BASE64)};
    /* Taking away what it works with is refused, whatever was written last. */
    const DmCommand take[] = {DELETE(cert0), REPLACE(mode, "2"), REPLACE(mode, "3")};
    g_autoptr(DmReply) reply = APPLY(tree, "A", set);
    g_autoptr(DmReply) taken = APPLY(tree, "A", take);

    ASSERT_STATUSES(reply, 200, 200); /* judged together */
    ASSERT_STATUSES(taken, 406, 406, 406);
    ASSERT_READS(tree, mode, "2");
    ASSERT_READS(tree, cert0, CERTIFICATE_BASE64);
    /* With the mode off it may go, in one message. */
    {
        const DmCommand off[] = {DELETE(cert0), REPLACE(mode, "0")};
        g_autoptr(DmReply) done = APPLY(tree, "A", off);

        ASSERT_STATUSES(done, 200, 200);
        ASSERT_READS(tree, cert0, "404");
    }
}

static void
test_s4_expired_certificate_is_unusable(void)
{
    gint64 now_us = YEAR_2040_US;
    const DmClock clock = fixture_clock(&now_us);
    const DmTreeOptions options = {.clock = &clock};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    static const char mode[] = PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode";

    g_assert_cmpuint(
        RUN(tree, "A", REPLACE(PROVIDER_A "/EnhancedAppLayerSecurity/Cert1", CERTIFICATE_PEM)), ==,
        200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(mode, "2")), ==, 406);
    now_us = 0; /* not yet valid */
    g_assert_cmpuint(RUN(tree, "A", REPLACE(mode, "2")), ==, 406);
    now_us = YEAR_2030_US;
    g_assert_cmpuint(RUN(tree, "A", REPLACE(mode, "2")), ==, 200);
}

/* Nobody judges a provider that is not there any more. */
static void
test_v8_a_deleted_provider_is_not_judged(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode", "2"),
        DELETE(PROVIDER_A),
    };
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);

    ASSERT_STATUSES(reply, 200, 200);
}

static void
test_s1_version_does_not_go_back(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char version[] = PROVIDER_A "/SyncApplicationVersion";
    const DmCommand commands[] = {
        REPLACE(version, "1.9"), REPLACE(version, "0.5"),
        DELETE(version),         REPLACE(version, "2"),
        REPLACE(version, "1.9"), DELETE(version),
        REPLACE(version, "5.0"), REPLACE(version, "2.0"),
        REPLACE(version, "1"),   GET(version),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 200, 200, 405, 405, 200, 200, 405, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 9)->data, ==, "2.0");
}

static void
test_l1_addresses(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char one[] = PROVIDER_A "/ManagementServiceAddress";
    static const char list[] = PROVIDER_A "/ManagementServerAddressList";
    static const char two[] = "<https://server1><https:// server2> ";

    g_assert_cmpuint(RUN(tree, "A", REPLACE(one, ADDRESS)), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(one, "")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(one, "http://a.example")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(one, "https://u:p@a.example")), ==, 400);
    ASSERT_READS(tree, one, ADDRESS);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(list, two)), ==, 200);
    ASSERT_READS(tree, list, two); /* as sent */
    /* L2: there is no Delete, an empty Replace clears it. */
    g_assert_cmpuint(RUN(tree, "A", DELETE(list)), ==, 405);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(list, "")), ==, 200);
    ASSERT_READS(tree, list, "404");
    g_assert_cmpuint(RUN(tree, "A", REPLACE(list, "")), ==, 200);
    ASSERT_READS(tree, list, "404");
}

static void
test_l1_http_where_it_is_allowed(void)
{
    const DmTreeOptions options = {.allow_http = true};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);

    g_assert_cmpuint(
        RUN(tree, "A", REPLACE(PROVIDER_A "/ManagementServiceAddress", "http://127.0.0.1:8080/x")),
        ==, 200);
    g_assert_cmpuint(
        RUN(tree, "A", REPLACE(PROVIDER_A "/ManagementServerToUpgradeTo", "http://127.0.0.1/x")),
        ==, 400);
}

static void
test_l6_update(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);
    static const char update[] = ROOT "/UpdateManagementServiceAddress";
    static const char one[] = PROVIDER_A "/ManagementServiceAddress";
    static const char list[] = PROVIDER_A "/ManagementServerAddressList";
    static const char other[] = ROOT "/Provider/B/ManagementServiceAddress";

    g_assert_cmpuint(RUN(tree, NULL, REPLACE(one, "<https://1><https://2><https://3>")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(other, "<https://4><https://3>")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "https://9")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "https://1;https://4")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "https://3")), ==, 400); /* both know it */
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "https://3; https://1")), ==, 200);
    ASSERT_READS(tree, update, "https://3; https://1");
    ASSERT_READS(tree, one, "<https://3><https://1>");
    ASSERT_READS(tree, other, "<https://4><https://3>");
    /* The list in force is the other row once it is set. */
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(list, "<https://5><https://6>")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "https://1")), ==, 400);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(update, "https://6;https://5")), ==, 200);
    ASSERT_READS(tree, list, "<https://6><https://5>");
    ASSERT_READS(tree, one, "<https://3><https://1>");
}

static void
test_l7_server_to_upgrade_to(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char to[] = PROVIDER_A "/ManagementServerToUpgradeTo";

    g_assert_cmpuint(RUN(tree, "A", ADD(to, "https://new.example/discovery")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(to, "new.example")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(to, "<https://new.example>")), ==, 400);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(to, "")), ==, 400);
    ASSERT_READS(tree, to, "https://new.example/discovery");
    g_assert_cmpuint(RUN(tree, "A", DELETE(to)), ==, 200);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/topics/V7-certificates", test_v7_certificates);
    g_test_add_func("/topics/V8-get-reads-uncorrected", test_v8_get_reads_what_was_just_written);
    g_test_add_func("/topics/V8-six-of-poll-are-seen-together",
                    test_v8_six_of_poll_are_seen_together);
    g_test_add_func("/topics/V8-only-the-last-command-is-undone",
                    test_v8_only_the_last_command_is_undone);
    g_test_add_func("/topics/V8-undone-until-it-may-stand", test_v8_undone_until_it_may_stand);
    g_test_add_func("/topics/S4-expired-certificate-is-unusable",
                    test_s4_expired_certificate_is_unusable);
    g_test_add_func("/topics/S1-version-does-not-go-back", test_s1_version_does_not_go_back);
    g_test_add_func("/topics/L1-addresses", test_l1_addresses);
    g_test_add_func("/topics/L1-http-where-it-is-allowed", test_l1_http_where_it_is_allowed);
    g_test_add_func("/topics/L6-update", test_l6_update);
    g_test_add_func("/topics/L7-server-to-upgrade-to", test_l7_server_to_upgrade_to);
    g_test_add_func("/topics/V8-a-deleted-provider-is-not-judged",
                    test_v8_a_deleted_provider_is_not_judged);
    return g_test_run();
}
