/* SPDX-License-Identifier: MIT */

/* The tree when SQLite fails at any point of a device's life: what was refused is 510 or an error,
 * and what is in memory is what is on disk (M4, G1). */

#include "tests/unit/failing-sqlite.h"
#include "tests/unit/tree-fixture.h"
#include "tree/rules/first-sync.h"
#include "tree/session.h"
#undef ADD /* the store's fixture has one of its own */
#include "tests/unit/store-fixture.h"

#define LIST PROVIDER_A "/FirstSyncStatus/ExpectedPolicies"

/* Every LocURI of the tree with its Data, as local root reads it; NULL if there is no tree. */
static char *
read_all(DmTree *tree)
{
    const DmCommand command = GET(ROOT "?list=StructData");
    g_autoptr(DmReply) reply = fixture_apply(tree, NULL, -1, &command, 1);
    const DmResultItem *items = dm_reply_get_items(reply, 0);
    GString *all = g_string_new(NULL);

    g_assert_cmpuint(STATUS(reply, 0), ==, 200);
    for (guint i = 0; i < dm_reply_get(reply, 0)->n_items; i++)
        g_string_append_printf(all, "%s=%s\n", items[i].loc_uri,
                               items[i].data == NULL ? "" : items[i].data);
    return g_string_free(all, FALSE);
}

static void
apply(DmTree *tree, guint64 message, const DmCommand *commands, gsize n)
{
    const DmContext context = {.session = "s", .message = message, .uid = -1};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, n);

    for (gsize i = 0; i < n; i++) {
        guint status = STATUS(reply, i);

        /* 400, 404: what it rests on was refused before. */
        if (status != 200 && (!has_failed || (status != 510 && status != 400 && status != 404)))
            g_error("%s is %u", commands[i].loc_uri, status);
    }
}

#define APPLY_ALL(TREE, MESSAGE, COMMANDS) apply(TREE, MESSAGE, COMMANDS, G_N_ELEMENTS(COMMANDS))

/* An error only if something failed, and then one of storage; or of a provider that was not made.
 */
static void
check(bool good, GError **error)
{
    if (good) {
        g_assert_no_error(*error);
        return;
    }
    g_assert_true(has_failed);
    g_assert_nonnull(*error);
    if ((*error)->code != DM_ERROR_NOT_FOUND)
        g_assert_error(*error, DM_ERROR, DM_ERROR_STORAGE);
    g_clear_error(error);
}

static void
run_session(DmTree *tree)
{
    const DmSessionReport report = {.state = -1,
                                    .ended = 1,
                                    .address = ADDRESS,
                                    .error = "",
                                    .message = "",
                                    .certificate_expires_us = YEAR_2040_US};
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(DmSessionStart) start = {0};

    check(dm_session_begin(tree, "A", "schedule", &start, &error), &error);
    check(dm_session_report_outcome(tree, "A", -1, "./a/b", DM_STATUS_FAILED, "no", &error),
          &error);
    check(dm_session_report_outcome(tree, "A", -1, "./c", DM_STATUS_OK, NULL, &error), &error);
    check(dm_session_report(tree, "A", &report, &error), &error);
    check(dm_history_get(tree, "A", 10, &entries, &error), &error);
}

/* One that is lost as the next begins, and that is given up; and a run that is begun anew. */
static void
run_lost_sessions(DmTree *tree)
{
    const DmCommand fail[] = {
        REPLACE(PROVIDER_A "/FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "0")};
    g_autoptr(GError) error = NULL;
    g_auto(DmSessionStart) first = {0};
    g_auto(DmSessionStart) second = {0};

    check(dm_session_begin(tree, "A", "api", &first, &error), &error);
    check(dm_session_begin(tree, "A", "api", &second, &error), &error);
    check(dm_session_abandon(tree, "A", second.token, "gone", &error), &error);
    APPLY_ALL(tree, 2, fail);
    if (!dm_first_sync_retry(tree, "A", DM_SCOPE_DEVICE, 0, &error))
        g_assert_true(has_failed);
}

static void
run_tree(DmTree *tree)
{
    const DmCommand make[] = {
        ITEM(ADD, PROVIDER_A, NULL, NULL),
        REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
        REPLACE(LIST, "./a\xef\x80\x80./c"),
        ITEM(ADD, PROVIDER_A "/Poll/PollOnLogin", NULL, "true"),
    };
    const DmCommand change[] = {
        REPLACE(PROVIDER_A "/UPN", "u"),
        DELETE(PROVIDER_A "/Poll"),
        REPLACE(ROOT "/UpdateManagementServiceAddress", ADDRESS),
    };
    const DmCommand new_run[] = {DELETE(PROVIDER_A "/FirstSyncStatus"),
                                 ITEM(ADD, PROVIDER_A "/FirstSyncStatus", NULL, NULL)};
    const DmCommand settings[] = {REPLACE(ROOT "/Provider/B/ManagementServiceAddress", ADDRESS),
                                  REPLACE(ROOT "/Provider/B/UPN", "b")};
    const DmCommand leave[] = {DELETE(ROOT "/Provider/B")};
    g_autoptr(DmReply) reply = NULL;

    APPLY_ALL(tree, 1, make);
    run_session(tree);
    run_lost_sessions(tree);
    APPLY_ALL(tree, 3, change);
    APPLY_ALL(tree, 4, new_run);
    reply = dm_tree_provision(tree, "B", NULL, settings, G_N_ELEMENTS(settings), 0);
    g_assert_true(STATUS(reply, 2) == 200 || (has_failed && STATUS(reply, 2) == 510));
    APPLY_ALL(tree, 5, leave);
}

/* A life in which allocation `n` fails; whether it was reached. */
static bool
live(Fixture *fixture, gint64 n)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autofree char *memory = NULL;
    g_autofree char *disk = NULL;
    DmStore *store = open_store(fixture);
    DmTree *tree = dm_tree_new(store, &options, NULL);

    g_assert_nonnull(tree);
    has_failed = false;
    n_left = n;
    run_tree(tree);
    n_left = -1;
    memory = read_all(tree);
    dm_tree_free(tree);

    tree = dm_tree_new(open_store(fixture), &options, NULL);
    g_assert_nonnull(tree);
    disk = read_all(tree);
    dm_tree_free(tree);
    g_assert_cmpstr(memory, ==, disk);
    return has_failed;
}

static void
test_life(gconstpointer data)
{
    bool reached = true;

    and_all_after = GPOINTER_TO_INT(data);
    for (gint64 n = 0; reached; n += 1 + n / 64) {
        Fixture fixture;

        set_up(&fixture, NULL);
        reached = live(&fixture, n);
        tear_down(&fixture, NULL);
    }
}

int
main(int argc, char **argv)
{
    install();
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/tree/M4-sqlite-fails/once", GINT_TO_POINTER(false), test_life);
    g_test_add_data_func("/tree/M4-sqlite-fails/from-then-on", GINT_TO_POINTER(true), test_life);
    return g_test_run();
}
