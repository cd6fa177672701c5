/* SPDX-License-Identifier: MIT */
#pragma once

#include "tests/unit/clock-fixture.h"
#include "tree/rules/first-sync.h"
#include "tree/session.h"

/* A run of a first sync (F3–F5, F7) over a store, with a wall clock, a boot-time clock and a kernel
 * that the tests set. */

#define P "./Device/Vendor/MSFT/DMClient/Provider/P"
#define USER_P "./User/Vendor/MSFT/DMClient/Provider/P"
#define FSS P "/FirstSyncStatus"
#define USER_FSS USER_P "/FirstSyncStatus"
#define POLICY "./Vendor/MSFT/Policy/A"
#define MINUTE_US (60 * G_GINT64_CONSTANT(1000000))
#define DAY_US (24 * 60 * MINUTE_US)

static inline void
pass_min(gint64 minutes)
{
    pass_us(minutes * MINUTE_US);
}

static inline guint
run(DmTree *tree, const char *provider, gint64 uid, DmVerb verb, const char *loc_uri,
    const char *data)
{
    const DmContext context = {.provider = provider, .uid = uid};
    const DmCommand command = {.verb = verb,
                               .loc_uri = loc_uri,
                               .data = data,
                               .data_size = data != NULL ? strlen(data) : 0};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, &command, 1);

    return dm_reply_get(reply, 0)->status;
}

static inline void
set(DmTree *tree, const char *loc_uri, const char *data)
{
    g_assert_cmpuint(run(tree, "P", 1000, DM_VERB_REPLACE, loc_uri, data), ==, 200);
}

static inline void
report(DmTree *tree, gint64 uid, const char *loc_uri, DmStatus status)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_report_outcome(tree, "P", uid, loc_uri, status, "why", &error));
    g_assert_no_error(error);
}

static inline void
begin_session(DmTree *tree)
{
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_begin(tree, "P", "schedule", &start, &error));
    g_assert_no_error(error);
}

/* A tree with provider P, whose server expects one policy. */
static inline DmTree *
new_tree(Fixture *fixture)
{
    DmTree *tree;

    wall_us = START_US;
    boot_us = 5 * MINUTE_US;
    boot_id = "one";
    tree = open_tree(fixture);
    g_assert_cmpuint(run(tree, NULL, -1, DM_VERB_ADD, P, NULL), ==, 200);
    g_assert_cmpuint(
        run(tree, NULL, -1, DM_VERB_REPLACE, P "/ManagementServiceAddress", "https://one"), ==,
        200);
    set(tree, FSS "/ExpectedPolicies", POLICY);
    return tree;
}

/* IsSyncDone and WasDeviceSuccessfullyProvisioned, as "done 1". */
static inline void
assert_run(DmTree *tree, DmScope scope, const char *expected)
{
    const DmProvider *provider = dm_tree_find_provider(tree, scope, 1000, "P");
    g_autofree char *text = NULL;
    DmValue done, success;

    g_assert_true(dm_provider_get(provider, DM_NODE_FIRST_SYNC_IS_SYNC_DONE, &done));
    g_assert_true(dm_provider_get(provider, DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED,
                                  &success));
    text = g_strdup_printf("%s %d", done.u.boolean ? "done" : "open", (int)success.u.integer);
    g_assert_cmpstr(text, ==, expected);
}

#define ASSERT_RUN(TREE, EXPECTED) assert_run(TREE, DM_SCOPE_DEVICE, EXPECTED)

static inline void
expire(DmTree *tree)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_first_sync_expire(tree, &error));
    g_assert_no_error(error);
}

static inline DmTree *
restart(Fixture *fixture, DmTree *tree, const char *id)
{
    dm_tree_free(tree);
    if (strcmp(id, boot_id) != 0)
        boot_us = MINUTE_US;
    boot_id = id;
    return open_tree(fixture);
}

static inline void
on_changes(const DmChange *changes, gsize n, gpointer data)
{
    GString *heard = data;

    for (gsize i = 0; i < n; i++)
        if (changes[i].kind == DM_CHANGE_VALUE)
            g_string_append_printf(heard, "%s ", dm_schema_get(changes[i].node)->name);
    g_string_append(heard, "| ");
}
