/* SPDX-License-Identifier: MIT */

#include <glib/gstdio.h>

#include "common/account.h"
#include "tests/unit/tree-fixture.h"
#include "tree/tree-private.h"

/* -- reading ------------------------------------------------------------------------------------
 */

static void
test_providers_are_sorted(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "b", "a", "C", NULL);
    static const char *const expected[] = {"device C", "device a",  "device b",
                                           "user 9 b", "user 10 C", "user 10 a"};
    DmProvider *const *providers;
    gsize n;

    g_assert_cmpuint(RUN_USER(tree, NULL, 10, ADD("./User/Vendor/MSFT/DMClient/Provider/a", NULL)),
                     ==, 200);
    g_assert_cmpuint(RUN_USER(tree, NULL, 10, ADD("./User/Vendor/MSFT/DMClient/Provider/C", NULL)),
                     ==, 200);
    g_assert_cmpuint(RUN_USER(tree, NULL, 9, ADD("./User/Vendor/MSFT/DMClient/Provider/b", NULL)),
                     ==, 200);
    providers = dm_tree_get_providers(tree, &n);
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(expected));
    for (gsize i = 0; i < n; i++) {
        g_autofree char *place =
            dm_provider_get_scope(providers[i]) == DM_SCOPE_USER
                ? g_strdup_printf("user %u %s", dm_provider_get_uid(providers[i]),
                                  dm_provider_get_id(providers[i]))
                : g_strdup_printf("device %s", dm_provider_get_id(providers[i]));

        g_assert_cmpstr(place, ==, expected[i]);
    }
    g_assert_true(dm_tree_find_provider(tree, DM_SCOPE_USER, 10, "a") == providers[5]);
    g_assert_true(dm_tree_match_provider(tree, DM_SCOPE_USER, 9, "B") == providers[3]);
    g_assert_null(dm_tree_find_provider(tree, DM_SCOPE_USER, 9, "a"));
    g_assert_null(dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A"));
    g_assert_null(dm_tree_match_provider(tree, DM_SCOPE_USER, 11, "a"));
}

static void
test_reading(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");
    DmValue value;

    g_assert_true(dm_provider_has(provider, DM_NODE_PROVIDER));
    g_assert_true(dm_provider_has(provider, DM_NODE_SECURITY));
    g_assert_true(dm_provider_has(provider, DM_NODE_UNENROLL));
    g_assert_true(dm_provider_has(provider, DM_NODE_FIRST_SYNC));
    g_assert_false(dm_provider_has(provider, DM_NODE_POLL));
    g_assert_false(dm_provider_has(provider, DM_NODE_SECURITY_SECURITY_MODE));
    g_assert_true(dm_provider_get(provider, DM_NODE_SECURITY_SECURITY_MODE, &value));
    g_assert_cmpint(value.u.integer, ==, 0);
    g_assert_false(dm_provider_get(provider, DM_NODE_POLL_POLL_ON_LOGIN, &value));
    g_assert_false(dm_provider_get(provider, DM_NODE_POLL, &value));
    g_assert_true(dm_provider_get(provider, DM_NODE_HW_DEV_ID, &value));
    g_assert_cmpstr(value.u.chr, ==, "HW");
    g_assert_true(dm_tree_get_root(tree, DM_NODE_ROOT_HW_DEV_ID, &value));
    g_assert_cmpstr(value.u.chr, ==, "HW");
    g_assert_false(dm_tree_get_root(tree, DM_NODE_ROOT_UPDATE_MANAGEMENT_SERVICE_ADDRESS, &value));
    g_assert_true(dm_tree_get_root(tree, DM_NODE_ROOT_UNENROLL, &value));
    g_assert_cmpint(value.format, ==, DM_FORMAT_NULL);
    g_assert_cmpstr(dm_tree_get_health(tree), ==, "ok");
}

static void
test_user_trees_have_no_device_rows(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    const DmProvider *provider;
    DmValue value;

    g_assert_cmpuint(RUN_USER(tree, NULL, 5, ADD(USER_A "", NULL)), ==, 200);
    g_assert_cmpuint(RUN_USER(tree, NULL, 5, ADD(USER_A "/FirstSyncStatus", NULL)), ==, 200);
    provider = dm_tree_find_provider(tree, DM_SCOPE_USER, 5, "A");
    for (guint id = DM_NODE_PROVIDER; id < DM_NODE_N; id++) {
        if (dm_schema_get((DmNodeId)id)->roots == DM_ROOTS_BOTH)
            continue;
        g_assert_false(dm_provider_has(provider, (DmNodeId)id));
        g_assert_false(dm_provider_get(provider, (DmNodeId)id, &value));
    }
    g_assert_true(dm_provider_get(provider, DM_NODE_FIRST_SYNC_IS_SYNC_DONE, &value));
}

/* -- telling (M1, G4) ---------------------------------------------------------------------------
 */

#define PATH "Provider/{ProviderID}"

static void
test_g4_net_changes_in_order(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "b", "A", NULL);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmCommand commands[] = {
        REPLACE(ROOT "/Provider/b/UPN", "u"),
        REPLACE(PROVIDER_A "/UPN", "1"),
        REPLACE(PROVIDER_A "/EntDMID", "i"),
        REPLACE(PROVIDER_A "/UPN", "2"),
        REPLACE(PROVIDER_A "/HelpWebsite", "w"),
        DELETE(PROVIDER_A "/HelpWebsite"),
        REPLACE(PROVIDER_A "/RequireMessageSigning", "false"), /* reads as before */
        REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
        REPLACE(ROOT "/UpdateManagementServiceAddress", ADDRESS),
    };
    g_autoptr(DmReply) reply = NULL;

    dm_tree_add_listener(tree, fixture_listen, heard);
    reply = APPLY(tree, NULL, commands);
    g_assert_cmpstr(heard->str, ==,
                    "value device - UpdateManagementServiceAddress\n"
                    "value device A " PATH "/EntDMID\n"
                    "value device A " PATH "/ManagementServiceAddress\n"
                    "value device A " PATH "/UPN\n"
                    "session device A " PATH "\n"
                    "value device b " PATH "/UPN\n"
                    "-\n");
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_assert_cmpuint(STATUS(reply, i), ==, 200);
}

static void
test_g4_nothing_changed_is_not_told(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmCommand commands[] = {
        GET(PROVIDER_A),
        REPLACE(PROVIDER_A "/UPN", "u"),
        DELETE(PROVIDER_A "/Poll"),
    };
    const DmCommand back[] = {
        REPLACE(PROVIDER_A "/UPN", "v"), REPLACE(PROVIDER_A "/UPN", "u"),
        ADD(PROVIDER_A "/Poll", NULL),   DELETE(PROVIDER_A "/Poll"),
        ADD(ROOT "/Provider/B", NULL),   DELETE(ROOT "/Provider/B"),
    };
    g_autoptr(DmReply) first = APPLY(tree, NULL, commands);
    g_autoptr(DmReply) again = NULL;
    g_autoptr(DmReply) second = NULL;

    dm_tree_add_listener(tree, fixture_listen, heard);
    again = APPLY(tree, NULL, commands);
    second = APPLY(tree, NULL, back);
    ASSERT_STATUSES(first, 200, 200, 404);
    ASSERT_STATUSES(again, 200, 200, 404);
    ASSERT_STATUSES(second, 200, 200, 200, 200, 200, 200);
    g_assert_cmpstr(heard->str, ==, "");
}

static void
test_g4_interior_nodes(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmCommand add[] = {
        ADD(PROVIDER_A "/Poll/PollOnLogin", "true"),
        ADD(PROVIDER_A "/CustomEnrollmentCompletePage/Title", "t"),
        ADD(PROVIDER_A "/CustomEnrollmentCompletePage/BodyText", "b"),
    };
    const DmCommand change[] = {
        DELETE(PROVIDER_A "/Poll"),
        REPLACE(PROVIDER_A "/CustomEnrollmentCompletePage/Title", "t2"),
        DELETE(PROVIDER_A "/FirstSyncStatus"),
    };
    g_autoptr(DmReply) reply = NULL;

    dm_tree_add_listener(tree, fixture_listen, heard);
    reply = APPLY(tree, "A", add);
    g_assert_cmpstr(heard->str, ==,
                    "added device A " PATH "/Poll\n"
                    "added device A " PATH "/CustomEnrollmentCompletePage\n"
                    "session device A " PATH "\n"
                    "-\n");
    g_string_truncate(heard, 0);
    g_clear_pointer(&reply, dm_reply_free);
    reply = APPLY(tree, "A", change);
    g_assert_cmpstr(heard->str, ==,
                    "removed device A " PATH "/Poll\n"
                    "value device A " PATH "/CustomEnrollmentCompletePage/Title\n"
                    "removed device A " PATH "/FirstSyncStatus\n"
                    "session device A " PATH "\n"
                    "-\n");
}

static void
test_g4_providers(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmCommand commands[] = {
        DELETE(PROVIDER_A),
        ADD(PROVIDER_A, NULL),
        REPLACE(PROVIDER_A "/UPN", "u"),
    };
    g_autoptr(DmReply) reply = NULL;

    g_assert_cmpuint(RUN_USER(tree, NULL, 7, ADD(USER_A, NULL)), ==, 200);
    dm_tree_add_listener(tree, fixture_listen, heard);
    reply = APPLY(tree, NULL, commands);
    g_assert_cmpstr(heard->str, ==,
                    "removed device A " PATH "\n"
                    "added device A " PATH "\n"
                    "added device A " PATH "/FirstSyncStatus\n"
                    "added device A " PATH "/EnhancedAppLayerSecurity\n"
                    "removed user 7 A " PATH "\n"
                    "-\n");
}

static void
test_listeners_come_and_go(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);
    guint id = dm_tree_add_listener(tree, fixture_listen, first);

    dm_tree_add_listener(tree, fixture_listen, second);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/UPN", "1")), ==, 200);
    g_assert_cmpuint(first->len, >, 0);
    g_assert_cmpstr(first->str, ==, second->str);
    dm_tree_remove_listener(tree, id);
    g_string_truncate(first, 0);
    g_string_truncate(second, 0);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/UPN", "2")), ==, 200);
    g_assert_cmpuint(first->len, ==, 0);
    g_assert_cmpuint(second->len, >, 0);
}

/* -- with a store -------------------------------------------------------------------------------
 */

typedef struct {
    char *path;
} Dir;

static Dir
make_dir(void)
{
    g_autoptr(GError) error = NULL;
    Dir dir = {.path = g_dir_make_tmp("dm-tree-XXXXXX", &error)};

    g_assert_no_error(error);
    return dir;
}

static void
remove_dir(Dir *dir)
{
    g_autoptr(GDir) entries = g_dir_open(dir->path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *path = g_build_filename(dir->path, name, NULL);

        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(dir->path), ==, 0);
    g_clear_pointer(&dir->path, g_free);
}

static DmTree *
open_tree(const Dir *dir)
{
    g_autoptr(GError) error = NULL;
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    DmStore *store = dm_store_open(dir->path, &error);
    DmTree *tree;

    g_assert_no_error(error);
    tree = dm_tree_new(store, &options, &error);
    g_assert_no_error(error);
    return tree;
}

/* All that can be read, as text. */
static char *
read_all(DmTree *tree, gint64 uid)
{
    static const char *const roots[] = {"./Device/Vendor/MSFT/DMClient?list=StructData",
                                        "./User/Vendor/MSFT/DMClient?list=StructData"};
    GString *all = g_string_new(NULL);

    for (guint r = 0; r < G_N_ELEMENTS(roots); r++) {
        const DmCommand command = GET(roots[r]);
        g_autoptr(DmReply) reply = fixture_apply(tree, NULL, uid, &command, 1);
        const DmResultItem *items = dm_reply_get_items(reply, 0);

        for (guint i = 0; i < dm_reply_get(reply, 0)->n_items; i++)
            g_string_append_printf(all, "%s %s %s\n", items[i].loc_uri,
                                   dm_format_to_name(items[i].format),
                                   items[i].data == NULL ? "-" : items[i].data);
    }
    return g_string_free(all, FALSE);
}

static void
test_m1_is_there_after_a_restart(void)
{
    Dir dir = make_dir();
    g_autoptr(DmTree) tree = open_tree(&dir);
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    const DmCommand commands[] = {
        ADD(PROVIDER_A, NULL),
        ADD(ROOT "/Provider/Z", NULL),
        ADD(PROVIDER_A "/Poll/NumberOfFirstRetries", "3"),
        REPLACE(PROVIDER_A "/Poll/PollOnLogin", "true"),
        REPLACE(PROVIDER_A "/UPN", "\xc3\xa4\n<&>"),
        REPLACE(PROVIDER_A "/HelpWebsite", ""),
        REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
        REPLACE(ROOT "/UpdateManagementServiceAddress", ADDRESS),
        DELETE(ROOT "/Provider/Z/FirstSyncStatus"),
        ADD(USER_A "", NULL),
        ADD(USER_A "/FirstSyncStatus/ExpectedPolicies", "./a"),
    };
    g_autoptr(DmReply) reply = fixture_apply(tree, NULL, 1000, commands, G_N_ELEMENTS(commands));

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_assert_cmpuint(STATUS(reply, i), ==, 200);
    before = read_all(tree, 1000);
    g_assert_nonnull(strstr(before, "NumberOfFirstRetries int 3"));
    g_clear_pointer(&tree, dm_tree_free);
    tree = open_tree(&dir);
    after = read_all(tree, 1000);
    g_assert_cmpstr(after, ==, before);
    {
        DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");

        /* protocol.md 7: what the device calls itself was fixed when the provider was made. */
        g_assert_cmpstr(g_hash_table_lookup(provider->account, DM_ACCOUNT_DEV_ID), ==, "HW");
    }
    /* What is changed and deleted is so on disk, too. */
    g_assert_cmpuint(RUN(tree, NULL, DELETE(PROVIDER_A "/Poll/PollOnLogin")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, DELETE(ROOT "/Provider/Z")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, DELETE(ROOT "/UpdateManagementServiceAddress")), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(PROVIDER_A "/UPN", "new")), ==, 200);
    g_free(before);
    before = read_all(tree, 1000);
    g_clear_pointer(&tree, dm_tree_free);
    tree = open_tree(&dir);
    g_free(after);
    after = read_all(tree, 1000);
    g_assert_cmpstr(after, ==, before);
    g_clear_pointer(&tree, dm_tree_free);
    remove_dir(&dir);
}

static DmReply *
apply_in_session(DmTree *tree, const char *session, guint64 message, const DmCommand *commands,
                 gsize n)
{
    const DmContext context = {.session = session, .message = message, .provider = "A", .uid = -1};

    return dm_tree_apply(tree, &context, commands, n);
}

static void
test_exactly_once(void)
{
    Dir dir = make_dir();
    g_autoptr(DmTree) tree = open_tree(&dir);
    const DmCommand add[] = {ADD(PROVIDER_A "/HelpWebsite", "w"), GET(PROVIDER_A "/HelpWebsite")};
    const DmCommand other[] = {REPLACE(PROVIDER_A "/UPN", "u")};
    g_autoptr(DmReply) first = NULL;
    g_autoptr(DmReply) resent = NULL;
    g_autoptr(DmReply) restarted = NULL;
    g_autoptr(DmReply) next = NULL;
    g_autoptr(DmReply) older = NULL;
    g_autoptr(DmReply) longer = NULL;
    g_autoptr(DmReply) elsewhere = NULL;

    g_assert_cmpuint(RUN(tree, NULL, ADD(PROVIDER_A, NULL)), ==, 200);
    first = apply_in_session(tree, "s", 1, add, 2);
    ASSERT_STATUSES(first, 200, 200);
    resent = apply_in_session(tree, "s", 1, add, 2);
    ASSERT_STATUSES(resent, 200, 200); /* not 418: it did not run */
    g_assert_cmpstr(dm_reply_get_items(resent, 1)->data, ==, "w");
    g_clear_pointer(&tree, dm_tree_free);
    tree = open_tree(&dir);
    restarted = apply_in_session(tree, "s", 1, add, 2);
    ASSERT_STATUSES(restarted, 200, 200);
    longer = apply_in_session(tree, "s", 1, add, 1);
    ASSERT_STATUSES(longer, 400); /* not the message that it was */
    next = apply_in_session(tree, "s", 2, other, 1);
    ASSERT_STATUSES(next, 200);
    older = apply_in_session(tree, "s", 1, add, 2);
    ASSERT_STATUSES(older, 400, 400);
    elsewhere = apply_in_session(tree, "t", 1, add, 2);
    ASSERT_STATUSES(elsewhere, 418, 200);
    g_clear_pointer(&tree, dm_tree_free);
    remove_dir(&dir);
}

/* A message that changes nothing leaves nothing on disk, and is answered the same again. */
static void
test_exactly_once_in_memory(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);
    const DmCommand read[] = {GET(PROVIDER_A "/UPN")};
    g_autoptr(DmReply) first = apply_in_session(tree, "s", 7, read, 1);
    g_autoptr(DmReply) resent = NULL;
    g_autoptr(DmReply) next = NULL;
    g_autoptr(DmReply) older = NULL;

    ASSERT_STATUSES(first, 404);
    g_assert_cmpuint(RUN(tree, NULL, REPLACE(PROVIDER_A "/UPN", "u")), ==, 200);
    resent = apply_in_session(tree, "s", 7, read, 1);
    ASSERT_STATUSES(resent, 404);
    next = apply_in_session(tree, "s", 8, read, 1);
    ASSERT_STATUSES(next, 200);
    older = apply_in_session(tree, "s", 7, read, 1);
    ASSERT_STATUSES(older, 400);
    /* Many sessions: the newest are remembered. */
    for (guint i = 0; i < 100; i++) {
        g_autofree char *session = g_strdup_printf("session-%u", i);
        g_autoptr(DmReply) reply = apply_in_session(tree, session, 1, read, 1);

        ASSERT_STATUSES(reply, 200);
    }
    g_assert_cmpuint(g_hash_table_size(tree->replies), <=, 16);
    g_assert_cmpuint(g_hash_table_size(tree->replies), ==, tree->reply_order->length);
    g_assert_true(g_hash_table_contains(tree->replies, "session-99"));
}

static bool
write_text(DmStore *store, gpointer data, GError **error)
{
    const DmProvider *provider = data;

    return dm_store_put_text(store, provider->key, DM_STORE_SESSION, "name", "value", error);
}

static void
test_commit_text(void)
{
    Dir dir = make_dir();
    g_autoptr(DmTree) tree = open_tree(&dir);
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    DmProvider *provider;
    DmChange change = {.kind = DM_CHANGE_SESSION, .provider = "A", .node = DM_NODE_PROVIDER};
    bool is_done;

    g_assert_cmpuint(RUN(tree, NULL, ADD(PROVIDER_A, NULL)), ==, 200);
    provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");
    dm_tree_add_listener(tree, fixture_listen, heard);
    is_done = dm_tree_commit_text(tree, write_text, provider, &change, 1, &error);
    g_assert_no_error(error);
    g_assert_true(is_done);
    g_assert_cmpstr(heard->str, ==, "session device A " PATH "\n-\n");
    g_clear_pointer(&tree, dm_tree_free);
    tree = open_tree(&dir);
    provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");
    g_assert_cmpstr(g_hash_table_lookup(provider->session, "name"), ==, "value");
    g_clear_pointer(&tree, dm_tree_free);
    remove_dir(&dir);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tree/providers-are-sorted", test_providers_are_sorted);
    g_test_add_func("/tree/reading", test_reading);
    g_test_add_func("/tree/A1-user-trees-have-no-device-rows", test_user_trees_have_no_device_rows);
    g_test_add_func("/tree/G4-net-changes-in-order", test_g4_net_changes_in_order);
    g_test_add_func("/tree/G4-nothing-changed-is-not-told", test_g4_nothing_changed_is_not_told);
    g_test_add_func("/tree/G4-interior-nodes", test_g4_interior_nodes);
    g_test_add_func("/tree/G4-providers", test_g4_providers);
    g_test_add_func("/tree/listeners-come-and-go", test_listeners_come_and_go);
    g_test_add_func("/tree/M1-is-there-after-a-restart", test_m1_is_there_after_a_restart);
    g_test_add_func("/tree/exactly-once", test_exactly_once);
    g_test_add_func("/tree/exactly-once-in-memory", test_exactly_once_in_memory);
    g_test_add_func("/tree/commit-text", test_commit_text);
    return g_test_run();
}
