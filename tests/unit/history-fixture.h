/* SPDX-License-Identifier: MIT */
#pragma once

#include "tests/unit/clock-fixture.h"
#include "tree/history.h"
#include "tree/session.h"

/* The sessions of provider P over a store, with a wall clock, a boot-time clock and a kernel that
 * the tests set. */

#define P "./Device/Vendor/MSFT/DMClient/Provider/P"
#define SECOND_US G_GINT64_CONSTANT(1000000)

static inline void
pass_s(gint64 seconds)
{
    pass_us(seconds * SECOND_US);
}

static inline void
apply(DmTree *tree, DmVerb verb, const char *loc_uri, const char *data)
{
    const DmContext context = {.uid = -1};
    const DmCommand command = {.verb = verb,
                               .loc_uri = loc_uri,
                               .data = data,
                               .data_size = data != NULL ? strlen(data) : 0};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

static inline void
enrol(DmTree *tree)
{
    apply(tree, DM_VERB_ADD, P, NULL);
    apply(tree, DM_VERB_REPLACE, P "/ManagementServiceAddress", "https://one");
}

static inline DmTree *
new_tree(Fixture *fixture)
{
    DmTree *tree;

    wall_us = START_US;
    boot_us = 1000 * SECOND_US;
    boot_id = "one";
    tree = open_tree(fixture);
    enrol(tree);
    return tree;
}

static inline DmTree *
restart(Fixture *fixture, DmTree *tree, const char *id)
{
    dm_tree_free(tree);
    if (strcmp(id, boot_id) != 0)
        boot_us = SECOND_US;
    boot_id = id;
    return open_tree(fixture);
}

static inline DmProvider *
find(DmTree *tree)
{
    return dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");
}

/* Begins a session; its token, for g_free(). */
static inline char *
begin_session(DmTree *tree, const char *origin)
{
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_begin(tree, "P", origin, &start, &error));
    g_assert_no_error(error);
    return g_steal_pointer(&start.token);
}

static inline void
report(DmTree *tree, const DmSessionReport *what)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_report(tree, "P", what, &error));
    g_assert_no_error(error);
}

static inline void
end_session(DmTree *tree, int ended, const char *name, const char *message)
{
    DmSessionReport what = DM_SESSION_REPORT_INIT;

    what.ended = ended;
    what.error = name;
    what.message = message;
    report(tree, &what);
}

/* A session from its begin to its end, which takes a second. */
static inline void
run_session(DmTree *tree, const char *origin)
{
    g_free(begin_session(tree, origin));
    pass_s(1);
    end_session(tree, 1, "", "");
}

static inline GPtrArray *
get(DmTree *tree, guint max)
{
    GPtrArray *entries = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_history_get(tree, "P", max, &entries, &error));
    g_assert_no_error(error);
    return entries;
}

/* The results and reasons, newest first: "ok:|tls:expired". */
static inline void
assert_results(DmTree *tree, const char *expected)
{
    g_autoptr(GPtrArray) entries = get(tree, DM_HISTORY_MAX);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < entries->len; i++) {
        const DmHistoryEntry *entry = g_ptr_array_index(entries, i);

        g_string_append_printf(text, "%s%s:%s", i == 0 ? "" : "|", entry->result, entry->reason);
    }
    g_assert_cmpstr(text->str, ==, expected);
}

#define TEST(NAME, FUNC) g_test_add("/history/" NAME, Fixture, NULL, set_up, FUNC, tear_down)
