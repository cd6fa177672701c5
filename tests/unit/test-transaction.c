/* SPDX-License-Identifier: MIT */

/* The undo journal by itself: what one command did is taken back as if it had not been there, and
 * later commands stand (V8). */

#include "tests/unit/tree-fixture.h"
#include "tree/transaction.h"

typedef struct {
    DmTree *tree;
    DmTransaction *transaction;
    DmProvider *provider;
    DmContext context;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->tree = fixture_tree(NULL, "A", NULL);
    g_assert_cmpuint(RUN(fixture->tree, NULL, REPLACE(PROVIDER_A "/UPN", "old")), ==, 200);
    fixture->transaction = fixture->tree->transaction;
    fixture->provider = dm_tree_find_provider(fixture->tree, DM_SCOPE_DEVICE, 0, "A");
    fixture->context.uid = -1;
    dm_transaction_begin(fixture->transaction, &fixture->context);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_transaction_end(fixture->transaction);
    dm_tree_free(fixture->tree);
}

static void
set_text(Fixture *fixture, guint command, DmNodeId node, const char *text)
{
    DmValue value = dm_value_new_chr(text);

    dm_transaction_set_command(fixture->transaction, command);
    dm_transaction_set(fixture->transaction, fixture->provider, node, text == NULL ? NULL : &value);
    dm_value_clear(&value);
}

static void
set_bool(Fixture *fixture, guint command, DmNodeId node)
{
    const DmValue value = dm_value_new_bool(true);

    dm_transaction_set_command(fixture->transaction, command);
    dm_transaction_set(fixture->transaction, fixture->provider, node, &value);
}

static void
assert_text(Fixture *fixture, DmNodeId node, const char *text)
{
    DmValue value = {0};

    g_assert_cmpint(dm_provider_get(fixture->provider, node, &value), ==, text != NULL);
    if (text != NULL)
        g_assert_cmpstr(value.u.chr, ==, text);
}

static void
test_last_writer(Fixture *fixture, gconstpointer data)
{
    set_text(fixture, 0, DM_NODE_UPN, "0");
    set_text(fixture, 1, DM_NODE_UPN, "1");
    dm_transaction_undo(fixture->transaction, 1);
    assert_text(fixture, DM_NODE_UPN, "0");
    dm_transaction_undo(fixture->transaction, 0);
    assert_text(fixture, DM_NODE_UPN, "old");
    g_assert_cmpuint(dm_transaction_collect(fixture->transaction), ==, 0);
}

/* The later value stays, and is a change against what there was before both. */
static void
test_earlier_writer(Fixture *fixture, gconstpointer data)
{
    set_text(fixture, 0, DM_NODE_UPN, NULL);
    set_text(fixture, 1, DM_NODE_UPN, "1");
    dm_transaction_undo(fixture->transaction, 0);
    assert_text(fixture, DM_NODE_UPN, "1");
    g_assert_cmpuint(dm_transaction_collect(fixture->transaction), ==, 1);
    dm_transaction_undo(fixture->transaction, 1);
    assert_text(fixture, DM_NODE_UPN, "old");
    g_assert_cmpuint(dm_transaction_collect(fixture->transaction), ==, 0);
}

static void
test_earlier_writer_then_all(Fixture *fixture, gconstpointer data)
{
    set_text(fixture, 0, DM_NODE_UPN, "0");
    set_text(fixture, 1, DM_NODE_UPN, NULL);
    set_text(fixture, 2, DM_NODE_UPN, "2");
    dm_transaction_undo(fixture->transaction, 1);
    assert_text(fixture, DM_NODE_UPN, "2");
    dm_transaction_undo(fixture->transaction, 2);
    assert_text(fixture, DM_NODE_UPN, "0");
    dm_transaction_roll_back(fixture->transaction, (DmMark){0});
    assert_text(fixture, DM_NODE_UPN, "old");
}

/* A parent that a command made stays while there is something of another below it. */
static void
test_parents(Fixture *fixture, gconstpointer data)
{
    dm_transaction_set_command(fixture->transaction, 0);
    dm_transaction_add_node(fixture->transaction, fixture->provider, DM_NODE_POLL);
    set_bool(fixture, 0, DM_NODE_POLL_ALL_USERS_POLL_ON_FIRST_LOGIN);
    set_bool(fixture, 1, DM_NODE_POLL_POLL_ON_LOGIN);
    dm_transaction_undo(fixture->transaction, 0);
    g_assert_true(dm_provider_has(fixture->provider, DM_NODE_POLL));
    g_assert_true(dm_provider_has(fixture->provider, DM_NODE_POLL_POLL_ON_LOGIN));
    g_assert_false(dm_provider_has(fixture->provider, DM_NODE_POLL_ALL_USERS_POLL_ON_FIRST_LOGIN));
    dm_transaction_undo(fixture->transaction, 1);
    dm_transaction_undo(fixture->transaction, 0);
    g_assert_false(dm_provider_has(fixture->provider, DM_NODE_POLL));
    g_assert_cmpuint(dm_transaction_collect(fixture->transaction), ==, 0);
}

/* A subtree comes back parent first; a leaf does not come back to a parent that went later. */
static void
test_deleted_subtrees(Fixture *fixture, gconstpointer data)
{
    dm_transaction_set_command(fixture->transaction, 0);
    dm_transaction_add_node(fixture->transaction, fixture->provider, DM_NODE_POLL);
    set_bool(fixture, 0, DM_NODE_POLL_POLL_ON_LOGIN);
    dm_transaction_set_command(fixture->transaction, 1);
    dm_transaction_remove_node(fixture->transaction, fixture->provider, DM_NODE_POLL);
    dm_transaction_undo(fixture->transaction, 1);
    g_assert_true(dm_provider_has(fixture->provider, DM_NODE_POLL));
    g_assert_true(dm_provider_has(fixture->provider, DM_NODE_POLL_POLL_ON_LOGIN));

    dm_transaction_set_command(fixture->transaction, 2);
    dm_transaction_set(fixture->transaction, fixture->provider, DM_NODE_POLL_POLL_ON_LOGIN, NULL);
    dm_transaction_set_command(fixture->transaction, 3);
    dm_transaction_remove_node(fixture->transaction, fixture->provider, DM_NODE_POLL);
    dm_transaction_undo(fixture->transaction, 2);
    g_assert_false(dm_provider_has(fixture->provider, DM_NODE_POLL_POLL_ON_LOGIN));
    g_assert_false(dm_provider_has(fixture->provider, DM_NODE_POLL));
    dm_transaction_roll_back(fixture->transaction, (DmMark){0});
    g_assert_false(dm_provider_has(fixture->provider, DM_NODE_POLL));
}

static void
test_outcomes(Fixture *fixture, gconstpointer data)
{
    g_hash_table_insert(fixture->provider->outcomes, g_strdup("./a"), g_strdup("200"));
    dm_transaction_set_command(fixture->transaction, 0);
    dm_transaction_remove_node(fixture->transaction, fixture->provider, DM_NODE_FIRST_SYNC);
    g_assert_cmpuint(g_hash_table_size(fixture->provider->outcomes), ==, 0);
    dm_transaction_undo(fixture->transaction, 0);
    g_assert_cmpuint(g_hash_table_size(fixture->provider->outcomes), ==, 1);
    g_assert_true(dm_provider_has(fixture->provider, DM_NODE_FIRST_SYNC));
    g_assert_cmpuint(dm_transaction_collect(fixture->transaction), ==, 0);
}

static void
test_roll_back_to_a_mark(Fixture *fixture, gconstpointer data)
{
    DmProvider *made;
    DmMark mark;

    set_text(fixture, 0, DM_NODE_UPN, "0");
    mark = dm_transaction_mark(fixture->transaction);
    set_text(fixture, 1, DM_NODE_UPN, "1");
    made = dm_transaction_add_provider(fixture->transaction, DM_SCOPE_DEVICE, 0, "B");
    dm_transaction_remove_provider(fixture->transaction, made);
    dm_transaction_remove_provider(fixture->transaction, fixture->provider);
    dm_transaction_roll_back(fixture->transaction, mark);
    assert_text(fixture, DM_NODE_UPN, "0");
    g_assert_true(dm_tree_find_provider(fixture->tree, DM_SCOPE_DEVICE, 0, "A") ==
                  fixture->provider);
    g_assert_null(dm_tree_find_provider(fixture->tree, DM_SCOPE_DEVICE, 0, "B"));
    g_assert_cmpuint(dm_transaction_collect(fixture->transaction), ==, 1);
}

#define TEST(NAME, FUNCTION)                                                                       \
    g_test_add("/transaction/" NAME, Fixture, NULL, set_up, FUNCTION, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("V8-last-writer", test_last_writer);
    TEST("V8-earlier-writer", test_earlier_writer);
    TEST("V8-earlier-writer-then-all", test_earlier_writer_then_all);
    TEST("V8-parents", test_parents);
    TEST("V8-deleted-subtrees", test_deleted_subtrees);
    TEST("F5-outcomes", test_outcomes);
    TEST("M2-roll-back-to-a-mark", test_roll_back_to_a_mark);
    return g_test_run();
}
