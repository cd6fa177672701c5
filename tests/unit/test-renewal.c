/* SPDX-License-Identifier: MIT */

#include "common/account.h"
#include "tests/unit/session-fixture.h"
#include "tree/renewal.h"

#define OLD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEW "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* S5, and S1 over restarts. */

static void
assert_refused(DmTree *tree, const char *id, const char *thumbprint, const char *signature,
               int code)
{
    g_autoptr(GError) error = NULL;
    DmValue value;

    g_assert_false(dm_tree_renew_certificate(tree, id, thumbprint, signature, &error));
    g_assert_error(error, DM_ERROR, code);
    g_assert_false(dm_provider_get(find(tree), DM_NODE_SIGNED_ENT_DMID, &value));
}

static void
assert_certificates(DmTree *tree, const char *active, const char *before)
{
    DmSessionStart start = begin_session(tree, "user");
    g_auto(GStrv) thumbprints = dm_session_get_thumbprints(find(tree));

    g_assert_cmpstr(thumbprints[0], ==, active);
    g_assert_cmpstr(thumbprints[1], ==, before);
    g_assert_cmpstr(g_hash_table_lookup(start.account, DM_ACCOUNT_THUMBPRINT), ==, active);
    g_assert_cmpstr(g_hash_table_lookup(start.account, DM_ACCOUNT_OLD_THUMBPRINT), ==, before);
    dm_session_start_clear(&start);
}

static void
assert_leaf(DmTree *tree, DmNodeId node, const char *text)
{
    DmValue value;

    g_assert_true(dm_provider_get(find(tree), node, &value));
    g_assert_cmpstr(value.u.chr, ==, text);
}

static void
test_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_provisioned_tree(fixture, DM_ACCOUNT_THUMBPRINT, OLD);
    g_autofree char *endless = g_strnfill(400000, 'A');

    assert_refused(tree, "P", NEW, "AAAA", DM_ERROR_INVALID); /* EntDMID is not set */
    replace(tree, "/EntDMID", "id");
    assert_refused(tree, "X", NEW, "AAAA", DM_ERROR_NOT_FOUND);
    assert_refused(tree, "P", "bb", "AAAA", DM_ERROR_INVALID);
    assert_refused(tree, "P", NEW "b", "AAAA", DM_ERROR_INVALID);
    assert_refused(tree, "P", NEW, "", DM_ERROR_INVALID);
    assert_refused(tree, "P", NEW, "AAA", DM_ERROR_INVALID);
    assert_refused(tree, "P", NEW, "A===", DM_ERROR_INVALID);
    assert_refused(tree, "P", NEW, "AA\nA", DM_ERROR_INVALID);
    assert_refused(tree, "P", NEW, endless, DM_ERROR_INVALID);
    assert_certificates(tree, OLD, NULL);
}

static void
test_renewal(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_provisioned_tree(fixture, DM_ACCOUNT_THUMBPRINT, OLD);
    g_autoptr(GError) error = NULL;

    replace(tree, "/EntDMID", "id");
    begin_only(tree, "user");
    g_assert_true(dm_tree_renew_certificate(tree, "P", NEW, "QUJDRA==", &error));
    g_assert_no_error(error);
    /* The session that was under way began with the old one. */
    end_session(tree, NULL);
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_leaf(tree, DM_NODE_SIGNED_ENT_DMID, "QUJDRA==");
    assert_leaf(tree, DM_NODE_CERT_RENEW_TIME_STAMP, "20260302T100000Z");
    assert_certificates(tree, NEW, OLD);
    end_session(tree, NULL);
    assert_certificates(tree, NEW, NULL);
    dm_tree_free(tree);
}

/* This client's highest is 2.0. */
static void
test_version(Fixture *fixture, gconstpointer data)
{
    static const struct {
        const char *wanted, *used;
    } cases[] = {{"1.0", "1.0"}, {"2", "2.0"}, {"5.0", "2.0"}, {"9.9", "2.0"}, {"2.0", "2.0"}};
    DmTree *tree = new_provisioned_tree(fixture, DM_ACCOUNT_THUMBPRINT, OLD);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DmSessionStart start;

        replace(tree, "/SyncApplicationVersion", cases[i].wanted);
        dm_tree_free(tree);
        tree = open_tree(fixture);
        start = begin_session(tree, "user");
        g_assert_cmpstr(start.version, ==, cases[i].used);
        assert_leaf(tree, DM_NODE_SYNC_APPLICATION_VERSION, cases[i].wanted);
        dm_session_start_clear(&start);
    }
    dm_tree_free(tree);
}

/* From 2.0 on it does not go back, after a restart neither. */
static void
test_one_way(Fixture *fixture, gconstpointer data)
{
    static const DmCommand commands[] = {
        {.verb = DM_VERB_REPLACE,
         .loc_uri = ROOT "P/SyncApplicationVersion",
         .data = "1.0",
         .data_size = 3},
        {.verb = DM_VERB_DELETE, .loc_uri = ROOT "P/SyncApplicationVersion"},
    };
    const DmContext root = {.uid = -1};
    DmTree *tree = new_provisioned_tree(fixture, DM_ACCOUNT_THUMBPRINT, OLD);
    g_autoptr(DmReply) reply = NULL;

    replace(tree, "/SyncApplicationVersion", "3.0");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    reply = dm_tree_apply(tree, &root, commands, G_N_ELEMENTS(commands));
    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_NOT_ALLOWED);
    g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_NOT_ALLOWED);
    replace(tree, "/SyncApplicationVersion", "2");
    assert_leaf(tree, DM_NODE_SYNC_APPLICATION_VERSION, "2");
    dm_tree_free(tree);
}

#define TEST(NAME, FUNC) g_test_add("/renewal/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("S5-refused", test_refused);
    TEST("S5-one-commit-and-the-old-one-until-it-worked", test_renewal);
    TEST("S1-clamped-and-kept-as-sent", test_version);
    TEST("S1-one-way-across-restarts", test_one_way);
    return g_test_run();
}
