/* SPDX-License-Identifier: MIT */

#include "tests/unit/tree-fixture.h"

static void
test_m2_good(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(2),
        ADD(PROVIDER_A "/Poll", NULL),
        REPLACE(PROVIDER_A "/Poll/PollOnLogin", "true"),
        GET(PROVIDER_A "/Poll/PollOnLogin"),
        ATOMIC(0),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 200, 200, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 3)->data, ==, "true");
}

static void
test_m2_all_or_nothing(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/UPN", "before"),
        ATOMIC(5),
        REPLACE(PROVIDER_A "/UPN", "inside"),
        ADD(PROVIDER_A "/Poll/PollOnLogin", "true"),
        DELETE(PROVIDER_A "/FirstSyncStatus"),
        REPLACE(PROVIDER_A "/RequireMessageSigning", "maybe"),
        REPLACE(PROVIDER_A "/EntDMID", "never"),
        REPLACE(PROVIDER_A "/EntDeviceName", "after"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 507, 216, 216, 216, 415, 215, 200);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "before");
    ASSERT_READS(tree, PROVIDER_A "/Poll", "404");
    ASSERT_READS(tree, PROVIDER_A "/FirstSyncStatus/IsSyncDone", "false");
    ASSERT_READS(tree, PROVIDER_A "/EntDMID", "404");
    ASSERT_READS(tree, PROVIDER_A "/EntDeviceName", "after");
}

static void
test_m2_get_inside(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(3),
        REPLACE(PROVIDER_A "/UPN", "u"),
        GET(PROVIDER_A "/UPN"),
        REPLACE(PROVIDER_A "/EntDMID", "u"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 507, 216, 500, 215);
    g_assert_null(dm_reply_get_items(reply, 2));
    ASSERT_READS(tree, PROVIDER_A "/UPN", "404");
}

static void
test_m2_atomic_inside(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(4),
        REPLACE(PROVIDER_A "/UPN", "u"),
        ATOMIC(1),
        REPLACE(PROVIDER_A "/EntDMID", "u"),
        REPLACE(PROVIDER_A "/EntDeviceName", "u"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 507, 216, 500, 215, 215);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "404");
}

/* In an Atomic all of a Sequence's members must do. */
static void
test_m2_sequence_inside(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand good[] = {
        ATOMIC(2),
        SEQUENCE(1),
        REPLACE(PROVIDER_A "/UPN", "u"),
    };
    const DmCommand bad[] = {
        ATOMIC(5),
        SEQUENCE(2),
        REPLACE(PROVIDER_A "/UPN", "v"),
        REPLACE(PROVIDER_A "/Nothing", "v"),
        SEQUENCE(1),
        REPLACE(PROVIDER_A "/EntDMID", "v"),
    };
    g_autoptr(DmReply) first = APPLY(tree, "A", good);
    g_autoptr(DmReply) second = APPLY(tree, "A", bad);

    ASSERT_STATUSES(first, 200, 200, 200);
    ASSERT_STATUSES(second, 507, 216, 216, 404, 215, 215);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "u");
}

static void
test_m3_atomic_in_sequence(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        SEQUENCE(5),
        ATOMIC(2),
        REPLACE(PROVIDER_A "/UPN", "u"),
        REPLACE(PROVIDER_A "/Nothing", "u"),
        ATOMIC(1),
        REPLACE(PROVIDER_A "/EntDMID", "u"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 507, 216, 404, 200, 200);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "404");
    ASSERT_READS(tree, PROVIDER_A "/EntDMID", "u");
}

static void
test_m2_exec_is_validated_first(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);
    const DmCommand bad[] = {
        ATOMIC(3),
        REPLACE(PROVIDER_A "/UPN", "u"),
        EXEC(ROOT "/Provider/B/Unenroll", NULL),
        EXEC(PROVIDER_A "/Unenroll", NULL),
    };
    const DmCommand late[] = {
        ATOMIC(3),
        EXEC(PROVIDER_A "/Unenroll", NULL),
        REPLACE(PROVIDER_A "/UPN", "u"),
        REPLACE(PROVIDER_A "/Nothing", "u"),
    };
    const DmCommand good[] = {
        ATOMIC(2),
        EXEC(PROVIDER_A "/Unenroll", NULL),
        REPLACE(PROVIDER_A "/UPN", "u"),
    };
    g_autoptr(DmReply) first = APPLY(tree, "A", bad);
    g_autoptr(DmReply) second = APPLY(tree, "A", late);
    g_autoptr(DmReply) third = APPLY(tree, "A", good);

    ASSERT_STATUSES(first, 507, 215, 425, 215);  /* nothing was run */
    ASSERT_STATUSES(second, 507, 215, 216, 404); /* it was to run last */
    ASSERT_STATUSES(third, 200, 200, 200);
}

static void
test_m2_unknown_verb_inside(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(2),
        REPLACE(PROVIDER_A "/UPN", "u"),
        ITEM(COPY, PROVIDER_A "/UPN", NULL, NULL),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 507, 216, 501);
}

/* Local root's providers come and go with it. */
static void
test_m2_providers_come_and_go(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/UPN", "kept"),
        ATOMIC(6),
        DELETE(PROVIDER_A),
        ADD(PROVIDER_A, NULL),
        REPLACE(PROVIDER_A "/UPN", "new"),
        DELETE(PROVIDER_A),
        ADD(ROOT "/Provider/C", NULL),
        ADD(ROOT "/Provider/B", NULL),
    };
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);

    ASSERT_STATUSES(reply, 200, 507, 216, 216, 216, 216, 216, 418);
    ASSERT_READS(tree, ROOT "/Provider", "A/B");
    ASSERT_READS(tree, PROVIDER_A "/UPN", "kept");
}

/* What was made in it is not there for the rest of the message either. */
static void
test_m2_the_rest_of_the_message(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(3),
        ADD(ROOT "/Provider/C", NULL),
        REPLACE(ROOT "/Provider/C/UPN", "u"),
        GET(ROOT "/Provider/C"),
        GET(ROOT "/Provider/C"),
        REPLACE(ROOT "/Provider/C/UPN", "u"),
        ADD(ROOT "/Provider/C", NULL),
        ATOMIC(2),
        DELETE(ROOT "/Provider/C"),
        GET(ROOT "/Provider/C"),
        GET(ROOT "/Provider/C"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);

    ASSERT_STATUSES(reply, 507, 216, 216, 500, 404, 404, 200, 507, 216, 500, 200);
}

/* V8: an Atomic is judged when it commits, and then all of it falls. */
static void
test_v8_judged_when_the_atomic_commits(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    static const char mode[] = PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode";
    const DmCommand commands[] = {
        ATOMIC(4),          REPLACE(PROVIDER_A "/UPN", "u"),     REPLACE(mode, "1"),
        REPLACE(mode, "2"), REPLACE(PROVIDER_A "/EntDMID", "u"), GET(mode),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 507, 216, 216, 406, 216, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 5)->data, ==, "0");
    ASSERT_READS(tree, PROVIDER_A "/UPN", "404");
    ASSERT_READS(tree, PROVIDER_A "/EntDMID", "404");
}

static void
test_v8_poll_is_corrected_when_the_atomic_commits(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand commands[] = {
        ATOMIC(3),
        ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "0"),
        ADD(PROVIDER_A "/Poll/NumberOfSecondRetries", "4"),
        ADD(PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "60"),
        GET(PROVIDER_A "/Poll/NumberOfSecondRetries"),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 200, 200, 200);
    g_assert_cmpstr(dm_reply_get_items(reply, 4)->data, ==, "0");
}

/* What an Atomic committed is not undone by what comes after it in the message. */
static void
test_v8_a_settled_atomic_stands(void)
{
    gint64 now_us = YEAR_2030_US;
    const DmClock clock = fixture_clock(&now_us);
    const DmTreeOptions options = {.clock = &clock};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    static const char mode[] = PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode";
    static const char cert0[] = PROVIDER_A "/EnhancedAppLayerSecurity/Cert0";
    const DmCommand commands[] = {
        ATOMIC(2),
        REPLACE(mode, "2"),
        REPLACE(cert0, CERTIFICATE_PEM),
        DELETE(cert0),
    };
    g_autoptr(DmReply) reply = APPLY(tree, "A", commands);

    ASSERT_STATUSES(reply, 200, 200, 200, 406);
    ASSERT_READS(tree, mode, "2");
    ASSERT_READS(tree, cert0, CERTIFICATE_PEM);
}

/* A clock that jumps ten years ahead whenever somebody looks. */
static gint64
jump_us(gpointer data)
{
    gint64 *now_us = data;
    gint64 before_us = *now_us;

    *now_us += YEAR_2040_US - YEAR_2030_US;
    return before_us;
}

/* Judged once: the certificate expires just then, and that does not undo half of what stands. */
static void
test_v8_an_atomic_is_judged_once(void)
{
    gint64 now_us = YEAR_2030_US;
    const DmClock clock = {.wall_us = jump_us, .boot_us = jump_us, .data = &now_us};
    const DmTreeOptions options = {.clock = &clock};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    static const char mode[] = PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode";
    static const char cert0[] = PROVIDER_A "/EnhancedAppLayerSecurity/Cert0";
    const DmCommand commands[] = {
        REPLACE(mode, "1"),
        ATOMIC(2),
        REPLACE(cert0, CERTIFICATE_PEM),
        REPLACE(mode, "2"),
    };
    g_autoptr(DmReply) reply = NULL;

    now_us = YEAR_2030_US; /* making the provider looked at the clock */
    reply = APPLY(tree, "A", commands);
    ASSERT_STATUSES(reply, 200, 200, 200, 200);
    ASSERT_READS(tree, mode, "2");
}

static void
count_changes(const DmChange *changes, gsize n, gpointer data)
{
    *(gsize *)data += n;
}

static void
test_failed_atomic_is_not_told(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    gsize n = 0;
    const DmCommand commands[] = {
        ATOMIC(2),
        REPLACE(PROVIDER_A "/UPN", "u"),
        REPLACE(PROVIDER_A "/Nothing", "u"),
    };
    g_autoptr(DmReply) reply = NULL;

    dm_tree_add_listener(tree, count_changes, &n);
    reply = APPLY(tree, "A", commands);
    ASSERT_STATUSES(reply, 507, 216, 404);
    g_assert_cmpuint(n, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atomic/M2-good", test_m2_good);
    g_test_add_func("/atomic/M2-all-or-nothing", test_m2_all_or_nothing);
    g_test_add_func("/atomic/M2-get-inside", test_m2_get_inside);
    g_test_add_func("/atomic/M2-atomic-inside", test_m2_atomic_inside);
    g_test_add_func("/atomic/M2-sequence-inside", test_m2_sequence_inside);
    g_test_add_func("/atomic/M3-atomic-in-sequence", test_m3_atomic_in_sequence);
    g_test_add_func("/atomic/M2-exec-is-validated-first", test_m2_exec_is_validated_first);
    g_test_add_func("/atomic/M2-unknown-verb-inside", test_m2_unknown_verb_inside);
    g_test_add_func("/atomic/M2-providers-come-and-go", test_m2_providers_come_and_go);
    g_test_add_func("/atomic/V8-judged-when-the-atomic-commits",
                    test_v8_judged_when_the_atomic_commits);
    g_test_add_func("/atomic/V8-P2-poll-is-corrected-when-the-atomic-commits",
                    test_v8_poll_is_corrected_when_the_atomic_commits);
    g_test_add_func("/atomic/V8-a-settled-atomic-stands", test_v8_a_settled_atomic_stands);
    g_test_add_func("/atomic/V8-an-atomic-is-judged-once", test_v8_an_atomic_is_judged_once);
    g_test_add_func("/atomic/M2-the-rest-of-the-message", test_m2_the_rest_of_the_message);
    g_test_add_func("/atomic/M1-failed-atomic-is-not-told", test_failed_atomic_is_not_told);
    return g_test_run();
}
