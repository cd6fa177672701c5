/* SPDX-License-Identifier: MIT */
#pragma once

#include "common/account.h"
#include "tests/unit/store-fixture.h"
#include "tree/session.h"

/* A tree over a store of its own, with provider P and a clock that stands still, for the tests of
 * sessions. */

#define ROOT "./Device/Vendor/MSFT/DMClient/Provider/"
#define START_US G_GINT64_CONSTANT(1772445600000000) /* 2026-03-02 10:00 UTC */

static gint64 now_us;
static const char *hw_dev_id = "ABCDEF";

static inline gint64
get_now_us(gpointer data)
{
    return now_us;
}

static const DmClock test_clock = {.wall_us = get_now_us, .boot_us = get_now_us};

static inline DmTree *
open_tree(Fixture *fixture)
{
    const DmTreeOptions options = {.clock = &test_clock, .hw_dev_id = hw_dev_id};
    g_autoptr(GError) error = NULL;
    DmTree *tree = dm_tree_new(open_store(fixture), &options, &error);

    g_assert_no_error(error);
    return tree;
}

/* One command by local root on a node of provider `id`. */
static inline void
apply(DmTree *tree, DmVerb verb, const char *id, const char *node, const char *data)
{
    const DmContext context = {.uid = -1};
    g_autofree char *loc_uri = g_strconcat(ROOT, id, node, NULL);
    const DmCommand command = {.verb = verb,
                               .loc_uri = loc_uri,
                               .data = data,
                               .data_size = data != NULL ? strlen(data) : 0};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

static inline void
replace(DmTree *tree, const char *node, const char *data)
{
    apply(tree, DM_VERB_REPLACE, "P", node, data);
}

/* A tree with provider P at one address. */
static inline DmTree *
new_tree(Fixture *fixture)
{
    DmTree *tree;

    now_us = START_US;
    tree = open_tree(fixture);
    apply(tree, DM_VERB_ADD, "P", "", NULL);
    replace(tree, "/ManagementServiceAddress", "https://one");
    return tree;
}

/* The same, provisioned with an account that has one value. */
static inline DmTree *
new_provisioned_tree(Fixture *fixture, const char *name, const char *value)
{
    g_autoptr(GHashTable) account = dm_account_new();
    const DmCommand settings[] = {{.verb = DM_VERB_REPLACE,
                                   .loc_uri = ROOT "P/ManagementServiceAddress",
                                   .data = "https://one",
                                   .data_size = 11}};
    g_autoptr(DmReply) reply = NULL;
    DmTree *tree;

    now_us = START_US;
    tree = open_tree(fixture);
    g_hash_table_insert(account, g_strdup(name), g_strdup(value));
    reply = dm_tree_provision(tree, "P", account, settings, 1, 0);
    g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_OK);
    return tree;
}

static inline DmProvider *
find(DmTree *tree)
{
    return dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");
}

static inline DmSessionStart
begin_session(DmTree *tree, const char *origin)
{
    DmSessionStart start = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_begin(tree, "P", origin, &start, &error));
    g_assert_no_error(error);
    return start;
}

/* The same where what it starts with does not matter. */
static inline void
begin_only(DmTree *tree, const char *origin)
{
    DmSessionStart start = begin_session(tree, origin);

    dm_session_start_clear(&start);
}

static inline void
report(DmTree *tree, const DmSessionReport *what)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_report(tree, "P", what, &error));
    g_assert_no_error(error);
}

static inline void
end_session(DmTree *tree, const char *address)
{
    const DmSessionReport good = {
        .state = -1, .ended = 1, .address = address, .certificate_expires_us = -1};

    report(tree, &good);
}
