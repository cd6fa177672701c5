/* SPDX-License-Identifier: MIT */

/* Options that an administrator changes while the tree runs (Reload on the bus). */

#include "tests/unit/session-fixture.h"
#include "tree/rules/poll.h"

#define MINUTE_US G_GINT64_CONSTANT(60000000)
#define DAY_MIN 1440

static void
on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    for (gsize i = 0; i < n_changes; i++) {
        g_assert_cmpint(changes[i].kind, ==, DM_CHANGE_SESSION);
        g_assert_cmpint(changes[i].scope, ==, DM_SCOPE_DEVICE);
        g_assert_null(changes[i].ended);
        g_string_append_printf(data, "%s ", changes[i].provider);
    }
}

static gint64
get_due(DmTree *tree, const char *id)
{
    const char *reason;

    return dm_session_get_due(tree, dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, id), &reason);
}

static gint64
get_next(gint64 minutes_after_midnight)
{
    const gint64 midnight_us = START_US - 600 * MINUTE_US + DAY_MIN * MINUTE_US;

    return midnight_us + minutes_after_midnight * MINUTE_US + dm_poll_jitter_us(hw_dev_id, DAY_MIN);
}

/* P3: the daily session moves into the window; where a schedule goes on for ever nothing does. */
static void
test_window(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autoptr(GString) heard = g_string_new(NULL);
    DmTreeOptions options = {.has_window = true, .window_min = 150};
    gint64 due_us, polled_us;

    apply(tree, DM_VERB_ADD, "Q", "", NULL);
    apply(tree, DM_VERB_ADD, "Q", "/Poll", NULL);
    apply(tree, DM_VERB_REPLACE, "Q", "/Poll/NumberOfFirstRetries", "0");
    begin_only(tree, "user"); /* the chain of daily sessions goes on from here */
    due_us = get_due(tree, "P");
    polled_us = get_due(tree, "Q");
    dm_tree_add_listener(tree, on_changes, heard);
    dm_tree_set_options(tree, &options);
    g_assert_cmpint(get_due(tree, "P"), ==, get_next(150));
    g_assert_cmpint(get_due(tree, "Q"), ==, polled_us);
    g_assert_cmpstr(heard->str, ==, "P ");
    dm_tree_set_options(tree, &options); /* nothing new */
    options.allow_http = true;
    dm_tree_set_options(tree, &options);
    g_assert_cmpstr(heard->str, ==, "P ");
    options.window_min = 300;
    dm_tree_set_options(tree, &options);
    g_assert_cmpint(get_due(tree, "P"), ==, get_next(300));
    options.has_window = false;
    dm_tree_set_options(tree, &options);
    g_assert_cmpint(get_due(tree, "P"), ==, due_us);
    g_assert_cmpstr(heard->str, ==, "P P P ");
}

static guint
set_address(DmTree *tree, const char *address)
{
    const DmContext context = {.uid = -1};
    const DmCommand command = {.verb = DM_VERB_REPLACE,
                               .loc_uri = ROOT "P/ManagementServiceAddress",
                               .data = address,
                               .data_size = strlen(address)};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, &command, 1);

    return dm_reply_get(reply, 0)->status;
}

/* L1; what is set stays as it is. */
static void
test_http(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    DmTreeOptions options = {.allow_http = true, .hw_dev_id = "another", .boot_id = "another"};
    DmValue value;

    g_assert_cmpuint(set_address(tree, "http://127.0.0.1/"), ==, DM_STATUS_BAD_REQUEST);
    dm_tree_set_options(tree, &options);
    g_assert_cmpuint(set_address(tree, "http://127.0.0.1/"), ==, DM_STATUS_OK);
    options.allow_http = false;
    dm_tree_set_options(tree, &options);
    g_assert_cmpuint(set_address(tree, "http://127.0.0.1/b"), ==, DM_STATUS_BAD_REQUEST);
    g_assert_true(dm_provider_get(find(tree), DM_NODE_MANAGEMENT_SERVICE_ADDRESS, &value));
    g_assert_nonnull(strstr(value.u.chr, "http://127.0.0.1/"));
    /* Who the machine is does not change. */
    g_assert_true(dm_tree_get_root(tree, DM_NODE_ROOT_HW_DEV_ID, &value));
    g_assert_cmpstr(value.u.chr, ==, hw_dev_id);
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD("/tree-options/P3-the-window-moves", test_window);
    ADD("/tree-options/L1-http", test_http);
    return g_test_run();
}
