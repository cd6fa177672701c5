/* SPDX-License-Identifier: MIT */

#include "common/error.h"
#include "tests/unit/tree-fixture.h"
#include "tree/push.h"

#define PUSH PROVIDER_A "/Push"
#define PFN PUSH "/PFN"
#define URI PUSH "/ChannelURI"
#define STATE PUSH "/Status"

/* A back end that notes what it is asked, and answers when the test has it answer. */
static void
on_enrol(DmPush *push, const char *provider, const char *pfn, gpointer data)
{
    g_string_append_printf(data, "enrol %s %s|", provider, pfn);
}

static void
on_revoke(DmPush *push, const char *provider, const char *pfn, const char *uri, gpointer data)
{
    g_string_append_printf(data, "revoke %s %s %s|", provider, pfn, uri);
}

static const DmPushBackend backend = {.enrol = on_enrol, .revoke = on_revoke};

/* What the back end was asked since the last time. */
static void
assert_asked(DmPush *push, GString *asked, const char *expected)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_push_run(push, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(asked->str, ==, expected);
    g_string_truncate(asked, 0);
}

static void
answer(DmPush *push, const char *pfn, const char *uri, gint64 status)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_push_report(push, "A", pfn, uri, status, &error));
    g_assert_no_error(error);
}

static DmTree *
new_tree(void)
{
    DmTree *tree = fixture_tree(NULL, "A", NULL);

    g_assert_cmpuint(RUN(tree, "A", ADD(PUSH, NULL)), ==, 200);
    return tree;
}

static void
test_null_back_end(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(DmPush) push = dm_push_new(tree, dm_push_get_null_backend(), NULL);
    g_autoptr(GString) heard = g_string_new(NULL);

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "family")), ==, 200);
    dm_tree_add_listener(tree, fixture_listen, heard);
    g_assert_true(dm_push_run(push, NULL));
    ASSERT_READS(tree, URI, "");
    ASSERT_READS(tree, STATE, "4");
    /* Nothing is news in that. */
    g_assert_cmpstr(heard->str, ==, "");
    g_assert_cmpuint(RUN(tree, "A", DELETE(PFN)), ==, 200);
    g_assert_true(dm_push_run(push, NULL));
    ASSERT_READS(tree, STATE, "4");
}

/* V9: local root may fill in what a push service of its own assigned. */
static void
test_null_back_end_and_root(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(DmPush) push = dm_push_new(tree, dm_push_get_null_backend(), NULL);

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "family")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(URI, "https://push/own")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(STATE, "0")), ==, 200);
    g_assert_true(dm_push_run(push, NULL));
    ASSERT_READS(tree, URI, "https://push/own");
    ASSERT_READS(tree, STATE, "0");
    g_assert_cmpuint(RUN(tree, "A", DELETE(PFN)), ==, 200);
    g_assert_true(dm_push_run(push, NULL));
    ASSERT_READS(tree, URI, "");
    ASSERT_READS(tree, STATE, "4");
}

static void
test_registers(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(GString) asked = g_string_new(NULL);
    g_autoptr(DmPush) push = dm_push_new(tree, &backend, asked);

    assert_asked(push, asked, "");
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "one")), ==, 200);
    assert_asked(push, asked, "enrol A one|");
    ASSERT_READS(tree, STATE, "4");
    answer(push, "one", "https://push/1", 0);
    ASSERT_READS(tree, URI, "https://push/1");
    ASSERT_READS(tree, STATE, "0");
    /* The same PFN again, and what is not about it, asks for nothing. */
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "one")), ==, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/UPN", "u")), ==, 200);
    assert_asked(push, asked, "");
    /* A failure, and a channel that comes later. */
    answer(push, "one", NULL, 5);
    ASSERT_READS(tree, URI, "");
    ASSERT_READS(tree, STATE, "5");
    answer(push, "one", "https://push/2", 0);
    ASSERT_READS(tree, URI, "https://push/2");
}

static void
test_other_pfn(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(GString) asked = g_string_new(NULL);
    g_autoptr(DmPush) push = dm_push_new(tree, &backend, asked);

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "one")), ==, 200);
    assert_asked(push, asked, "enrol A one|");
    answer(push, "one", "https://push/1", 0);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "two")), ==, 200);
    assert_asked(push, asked, "revoke A one https://push/1|enrol A two|");
    ASSERT_READS(tree, URI, "");
    /* An answer for the one before has no effect any more. */
    answer(push, "one", "https://push/late", 0);
    ASSERT_READS(tree, URI, "");
    /* Nor does its revocation, while the new one is under way. */
    g_assert_true(dm_push_report_revoked(push, "A", false, NULL));
    ASSERT_READS(tree, STATE, "4");
}

static void
test_revokes(void)
{
    static const char *const removals[] = {PFN, PUSH, PROVIDER_A};

    for (gsize i = 0; i < G_N_ELEMENTS(removals); i++) {
        g_autoptr(DmTree) tree = new_tree();
        g_autoptr(GString) asked = g_string_new(NULL);
        g_autoptr(DmPush) push = dm_push_new(tree, &backend, asked);

        g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "one")), ==, 200);
        assert_asked(push, asked, "enrol A one|");
        answer(push, "one", "https://push/1", 0);
        g_assert_cmpuint(RUN(tree, NULL, DELETE(removals[i])), ==, 200);
        assert_asked(push, asked, "revoke A one https://push/1|");
        assert_asked(push, asked, "");
        g_assert_true(dm_push_report_revoked(push, "A", false, NULL));
        if (i == 0) {
            ASSERT_READS(tree, URI, "");
            ASSERT_READS(tree, STATE, "6");
        }
    }
}

/* After a restart what is set is asked for again, and a channel that outlived its PFN given back.
 */
static void
test_restart(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(GString) asked = g_string_new(NULL);
    DmPush *push = dm_push_new(tree, &backend, asked);

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "one")), ==, 200);
    assert_asked(push, asked, "enrol A one|");
    answer(push, "one", "https://push/1", 0);
    dm_push_free(push);
    push = dm_push_new(tree, &backend, asked);
    assert_asked(push, asked, "enrol A one|");
    ASSERT_READS(tree, URI, "https://push/1");
    dm_push_free(push);
    g_assert_cmpuint(RUN(tree, "A", DELETE(PFN)), ==, 200);
    push = dm_push_new(tree, &backend, asked);
    assert_asked(push, asked, "revoke A  https://push/1|");
    ASSERT_READS(tree, URI, "");
    dm_push_free(push);
}

static void
test_hostile_back_end(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(GString) asked = g_string_new(NULL);
    g_autoptr(DmPush) push = dm_push_new(tree, &backend, asked);
    g_autofree char *endless = g_strnfill(1025, 'x');
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PFN, "one")), ==, 200);
    assert_asked(push, asked, "enrol A one|");
    g_assert_false(dm_push_report(push, "A", "one", endless, 0, NULL));
    g_assert_false(dm_push_report(push, "A", "one", "\x01", 0, NULL));
    g_assert_false(dm_push_report(push, "A", "one", "", 9, NULL));
    g_assert_false(dm_push_report(push, "A", "one", "", -1, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_true(dm_push_report(push, "X", "one", "", 0, NULL));
    ASSERT_READS(tree, STATE, "4");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/push/U1-null-back-end", test_null_back_end);
    g_test_add_func("/push/U1-V9-null-back-end-and-local-root", test_null_back_end_and_root);
    g_test_add_func("/push/U1-registers-after-the-commit", test_registers);
    g_test_add_func("/push/U1-U2-another-pfn", test_other_pfn);
    g_test_add_func("/push/U2-revokes", test_revokes);
    g_test_add_func("/push/U1-restart", test_restart);
    g_test_add_func("/push/U1-hostile-back-end", test_hostile_back_end);
    return g_test_run();
}
