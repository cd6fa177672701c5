/* SPDX-License-Identifier: MIT */

/* F6 within the tree: what a server's commands on nodes of this tree mean to its own first sync. */

#include <string.h>

#include "tests/unit/fixture.h"
#include "tree/rules/first-sync.h"
#include "tree/tree.h"

#define ROOT "./Device/Vendor/MSFT/DMClient"
#define P ROOT "/Provider/P"
#define FIRST_SYNC P "/FirstSyncStatus"
#define F000 "\xef\x80\x80"

static DmCommand
command(DmVerb verb, const char *loc_uri, const char *data)
{
    return (DmCommand){.verb = verb,
                       .loc_uri = loc_uri,
                       .data = data,
                       .data_size = data != NULL ? strlen(data) : 0};
}

/* Runs one message of P's server, or of local root with `provider` NULL. */
static void
run(DmTree *tree, const char *provider, gint64 uid, const DmCommand *commands, gsize n)
{
    const DmContext context = {.provider = provider, .uid = uid};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, n);

    g_assert_cmpuint(dm_reply_get_size(reply), ==, n);
}

static DmTree *
open_tree(DmStore *store)
{
    const DmTreeOptions options = {0};
    g_autoptr(GError) error = NULL;
    DmTree *tree = dm_tree_new(store, &options, &error);

    g_assert_no_error(error);
    return tree;
}

/* Provider P, which expects its phone number, its web site and a policy. */
static void
fill(DmTree *tree)
{
    const DmCommand commands[] = {
        command(DM_VERB_ADD, P, NULL),
        command(DM_VERB_REPLACE, FIRST_SYNC "/ExpectedPolicies",
                "./Vendor/MSFT/DMClient/Provider/P/HelpPhoneNumber" F000 P "/HelpWebsite" F000
                "./Vendor/MSFT/Policy/A"),
    };

    run(tree, NULL, -1, commands, G_N_ELEMENTS(commands));
}

static void
assert_counts(DmTree *tree, guint done, guint failed)
{
    g_auto(DmFirstSyncProgress) progress = {0};
    const DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");

    g_assert_true(dm_first_sync_get_progress(provider, &progress));
    g_assert_cmpuint(progress.categories[0].done, ==, done);
    g_assert_cmpuint(progress.categories[0].failed, ==, failed);
}

static void
test_command_counts(void)
{
    g_autoptr(DmTree) tree = open_tree(NULL);
    const DmCommand good = command(DM_VERB_REPLACE, P "/HelpPhoneNumber", "1");
    const DmCommand bad = command(DM_VERB_ADD, P "/HelpPhoneNumber", "2");
    const DmCommand other = command(DM_VERB_REPLACE, P "/HelpEmailAddress", "a@b");

    fill(tree);
    assert_counts(tree, 0, 0);
    run(tree, "P", -1, &other, 1);
    assert_counts(tree, 0, 0);
    run(tree, "P", -1, &good, 1);
    assert_counts(tree, 1, 0);
    /* 418: there already. A later success makes up for it. */
    run(tree, "P", -1, &bad, 1);
    assert_counts(tree, 0, 1);
    run(tree, "P", -1, &good, 1);
    assert_counts(tree, 1, 0);
}

/* "of the server": what local root sets on its own is no outcome. */
static void
test_local_root_does_not_count(void)
{
    g_autoptr(DmTree) tree = open_tree(NULL);
    const DmCommand good = command(DM_VERB_REPLACE, P "/HelpPhoneNumber", "1");

    fill(tree);
    run(tree, NULL, -1, &good, 1);
    assert_counts(tree, 0, 0);
}

/* The list may come after the setting, as long as it is in the same message. */
static void
test_list_in_the_same_message(void)
{
    g_autoptr(DmTree) tree = open_tree(NULL);
    const DmCommand add = command(DM_VERB_ADD, P, NULL);
    const DmCommand commands[] = {
        command(DM_VERB_REPLACE, P "/HelpPhoneNumber", "1"),
        command(DM_VERB_REPLACE, FIRST_SYNC "/ExpectedPolicies", P "/HelpPhoneNumber"),
    };

    run(tree, NULL, -1, &add, 1);
    run(tree, "P", -1, commands, G_N_ELEMENTS(commands));
    assert_counts(tree, 1, 0);
}

static void
test_rolled_back_atomic_failed(void)
{
    g_autoptr(DmTree) tree = open_tree(NULL);
    DmCommand commands[] = {
        command(DM_VERB_ATOMIC, NULL, NULL),
        command(DM_VERB_REPLACE, P "/HelpPhoneNumber", "1"),
        command(DM_VERB_REPLACE, P "/HelpWebsite/X", "2"),
    };

    commands[0].span = 2;
    fill(tree);
    run(tree, "P", -1, commands, G_N_ELEMENTS(commands));
    assert_counts(tree, 0, 2);
}

static void
on_changes(const DmChange *changes, gsize n, gpointer data)
{
    for (gsize i = 0; i < n; i++)
        *(guint *)data += changes[i].kind == DM_CHANGE_PROGRESS;
}

static void
test_told_once(void)
{
    g_autoptr(DmTree) tree = open_tree(NULL);
    const DmCommand policy = command(DM_VERB_REPLACE, "./Vendor/MSFT/Policy/A", "1");
    guint n = 0;

    fill(tree);
    (void)dm_tree_add_listener(tree, on_changes, &n);
    run(tree, "P", -1, &policy, 1);
    assert_counts(tree, 0, 1);
    g_assert_cmpuint(n, ==, 1);
    /* The same again is no news. */
    run(tree, "P", -1, &policy, 1);
    g_assert_cmpuint(n, ==, 1);
}

static DmTree *
open_at(const char *path)
{
    g_autoptr(GError) error = NULL;
    DmStore *store = dm_store_open(path, &error);

    g_assert_no_error(error);
    return open_tree(store);
}

static void
test_survives_restart_and_ends_with_the_run(void)
{
    g_autofree char *path = g_dir_make_tmp("dm-outcomes-XXXXXX", NULL);
    const DmCommand good = command(DM_VERB_REPLACE, P "/HelpPhoneNumber", "1");
    const DmCommand again[] = {
        command(DM_VERB_DELETE, FIRST_SYNC, NULL),
        command(DM_VERB_ADD, FIRST_SYNC, NULL),
        command(DM_VERB_REPLACE, FIRST_SYNC "/ExpectedPolicies", P "/HelpPhoneNumber"),
    };
    DmTree *tree = open_at(path);

    fill(tree);
    run(tree, "P", -1, &good, 1);
    dm_tree_free(tree);
    tree = open_at(path);
    assert_counts(tree, 1, 0);
    run(tree, "P", -1, again, G_N_ELEMENTS(again));
    assert_counts(tree, 0, 0);
    dm_tree_free(tree);
    tree = open_at(path);
    assert_counts(tree, 0, 0);
    dm_tree_free(tree);
    fixture_remove(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outcomes/F6-a-servers-command-counts", test_command_counts);
    g_test_add_func("/outcomes/F6-local-root-does-not-count", test_local_root_does_not_count);
    g_test_add_func("/outcomes/F6-list-in-the-same-message", test_list_in_the_same_message);
    g_test_add_func("/outcomes/F6-M2-rolled-back-is-failed", test_rolled_back_atomic_failed);
    g_test_add_func("/outcomes/F6-told-once", test_told_once);
    g_test_add_func("/outcomes/F5-F6-survives-restart-and-ends-with-the-run",
                    test_survives_restart_and_ends_with_the_run);
    return g_test_run();
}
