/* SPDX-License-Identifier: MIT */

/* Unchanged is free: for each node that can be set, the same again costs neither a write to the
 * database nor a call of a listener; something else costs one of each. */

#include <sqlite3.h>

#include "tests/unit/node-values.h"
#include "tree/store-private.h"
#undef ADD /* the store's fixture has one of its own */
#include "tests/unit/store-fixture.h"

/* What was spent so far. */
typedef struct {
    gint64 n_rows; /* written, by all statements */
    int n_pages;   /* in the log */
    guint n_calls; /* of the listener */
} Cost;

typedef struct {
    Fixture files;
    DmStore *store; /* the tree's */
    DmTree *tree;
    guint n_calls;
} Device;

static void
on_change(const DmChange *changes, gsize n_changes, gpointer data)
{
    Device *device = data;

    g_assert_cmpuint(n_changes, >, 0);
    device->n_calls++;
}

static void
device_open(Device *device)
{
    g_autoptr(GError) error = NULL;

    set_up(&device->files, NULL);
    device->store = open_store(&device->files);
    device->tree = dm_tree_new(device->store, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(RUN(device->tree, NULL, {.verb = DM_VERB_ADD, .loc_uri = PROVIDER_A}), ==,
                     200);
    dm_tree_add_listener(device->tree, on_change, device);
}

static void
device_close(Device *device)
{
    dm_tree_free(device->tree);
    tear_down(&device->files, NULL);
}

static Cost
get_cost(const Device *device)
{
    return (Cost){.n_rows = sqlite3_total_changes64(device->store->db),
                  .n_pages = device->store->log_pages,
                  .n_calls = device->n_calls};
}

static void
assert_free(const Device *device, const Cost *before)
{
    Cost now = get_cost(device);

    g_assert_cmpint(now.n_rows, ==, before->n_rows);
    g_assert_cmpint(now.n_pages, ==, before->n_pages);
    g_assert_cmpuint(now.n_calls, ==, before->n_calls);
}

static void
replace(const Device *device, const char *uri, const char *data)
{
    g_assert_cmpuint(RUN(device->tree, NULL, REPLACE(uri, data)), ==, 200);
}

static void
check_row(Device *device, const Row *row)
{
    g_autofree char *uri = make_uri(row->fact, false);
    g_autofree char *parent = g_path_get_dirname(uri);
    const char *sample = row->data[VALUE_SAMPLE];
    const char *other = row->data[VALUE_OTHER];
    Cost before;

    if (can_be_orphan(row->fact) && RUN(device->tree, NULL, GET(parent)) != 200)
        g_assert_cmpuint(RUN(device->tree, NULL, {.verb = DM_VERB_ADD, .loc_uri = parent}), ==,
                         200);
    before = get_cost(device);
    replace(device, uri, sample);
    g_assert_cmpint(get_cost(device).n_rows, >, before.n_rows);
    if (ends_with(row->fact, "/IsSyncDone"))
        return; /* F3: not to be said again */
    before = get_cost(device);
    replace(device, uri, sample);
    assert_free(device, &before);
    /* There and back in one message is no change either. */
    if (strcmp(sample, other) != 0 && RUN(device->tree, NULL, REPLACE(uri, other)) == 200) {
        const DmCommand commands[] = {REPLACE(uri, sample), REPLACE(uri, other)};
        g_autoptr(DmReply) reply = NULL;

        g_assert_cmpint(get_cost(device).n_rows, >, before.n_rows);
        g_assert_cmpuint(get_cost(device).n_calls, ==, before.n_calls + 1);
        before = get_cost(device);
        reply = APPLY(device->tree, NULL, commands);
        if (STATUS(reply, 0) == 200 && STATUS(reply, 1) == 200)
            assert_free(device, &before);
    }
}

static void
test_each_row(gconstpointer data)
{
    Row row = {0};
    Device device = {0};

    fill_row(&row, data);
    device_open(&device);
    if (ends_with(row.fact, "UpdateManagementServiceAddress"))
        replace(&device, PROVIDER_A "/ManagementServiceAddress", "<" ADDRESS ">");
    check_row(&device, &row);
    device_close(&device);
    clear_row(&row);
}

/* A message that is refused or rolled back whole is free as well. */
static void
test_refused(void)
{
    Device device = {0};
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/Nothing", "x"),
        REPLACE(PROVIDER_A "/RequireMessageSigning", "x"),
        REPLACE(PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode", "3"), /* S4, at the commit */
        ATOMIC(2),
        REPLACE(PROVIDER_A "/UPN", "u"),
        REPLACE(PROVIDER_A "/Nothing", "x"),
        GET(PROVIDER_A),
    };
    g_autoptr(DmReply) reply = NULL;
    Cost before;

    device_open(&device);
    before = get_cost(&device);
    reply = APPLY(device.tree, "A", commands);
    ASSERT_STATUSES(reply, 404, 415, 406, 507, 216, 404, 200);
    assert_free(&device, &before);
    device_close(&device);
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) facts = read_facts();

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < facts->len; i++) {
        const Fact *fact = facts->pdata[i];
        g_autofree char *name = g_strdup_printf("/unchanged/%s", fact->path);

        if (!is_interior(fact) && can_be_set(fact))
            g_test_add_data_func(name, fact, test_each_row);
    }
    g_test_add_func("/unchanged/refused", test_refused);
    return g_test_run();
}
