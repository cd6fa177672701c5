/* SPDX-License-Identifier: MIT */

#include "tree/rules/first-sync.h"

#include <string.h>

#include "tree/session.h"

#define F000 "\xef\x80\x80"
#define ROOT "./Device/Vendor/MSFT/DMClient"
#define FSS ROOT "/Provider/P/FirstSyncStatus"
#define NOW_US G_GINT64_CONSTANT(1772445600000000)

static gint64
fixed_us(gpointer data)
{
    return *(gint64 *)data;
}

static gint64 now_us = NOW_US;
static const DmClock test_clock = {.wall_us = fixed_us, .boot_us = fixed_us, .data = &now_us};

/* -- F1 -----------------------------------------------------------------------------------------
 */

static void
assert_items(const char *text, bool strip_count, const char *expected)
{
    g_auto(GStrv) items = dm_first_sync_split(text, strip_count);
    g_autofree char *joined = g_strjoinv("|", items);

    g_assert_cmpstr(joined, ==, expected);
}

static void
test_split_specification_sample(void)
{
    assert_items("./User/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/ProductID1/Status;4\"" F000
                 "\" ./User/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/ProductID2/Status;2",
                 true,
                 "./User/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/ProductID1/Status|"
                 "./User/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/ProductID2/Status");
    assert_items(
        "./Vendor/MSFT/EnterpriseModernAppManagement/AppManagement/AppStore/F/N/Name;4\"" F000
        "\" \n./Vendor/MSFT/EnterpriseModernAppManagement/Two/Name;2",
        true,
        "./Vendor/MSFT/EnterpriseModernAppManagement/AppManagement/AppStore/F/N/Name|"
        "./Vendor/MSFT/EnterpriseModernAppManagement/Two/Name");
}

static void
test_split_only_on_f000(void)
{
    assert_items("./a;b,c d|e\nf", false, "./a;b,c d|e\nf");
    /* Neighbours of U+F000 are text. */
    assert_items("./a\xef\x80\x81./b", false, "./a\xef\x80\x81./b");
    assert_items("./a" F000 "./b", false, "./a|./b");
}

static void
test_split_blanks_and_empty(void)
{
    assert_items("", false, "");
    assert_items(F000 F000, false, "");
    assert_items(" \" " F000 " ./a " F000 "\"./b\"" F000 "\t", false, "./a|./b");
    assert_items("./a\"b", false, "./a\"b");
}

static void
test_split_count(void)
{
    assert_items("./a;4", false, "./a;4");
    assert_items("./a;4", true, "./a");
    assert_items("\"./a\";4", true, "./a");
    assert_items("./a;", true, "./a;");
    assert_items("./a;4x", true, "./a;4x");
    assert_items("./a4", true, "./a4");
    assert_items("./a;1;2", true, "./a;1");
    assert_items(";4" F000 "12", true, "12");
}

/* -- F6: one way to write a LocURI --------------------------------------------------------------
 */

static void
test_canonical(void)
{
    static const char *const cases[][2] = {
        {"./Vendor/MSFT/Policy/A", "./Device/Vendor/MSFT/Policy/A"},
        {" ./device/vendor/msft/Policy/A\n", "./Device/Vendor/MSFT/Policy/A"},
        {"./User/Vendor/MSFT/Policy/A", "./User/Vendor/MSFT/Policy/A"},
        {"./Device/Vendor/MSFT/Policy/a%20b", "./Device/Vendor/MSFT/Policy/a%20b"},
        {"./Vendor/MSFT/Policy/a b?list=Struct", "./Device/Vendor/MSFT/Policy/a%20b"},
        {"./Vendor/MSFT/X/vendor/msft", "./Device/Vendor/MSFT/X/vendor/msft"},
        {"./DevDetail/SwV", "./Device/DevDetail/SwV"},
        {"Vendor/MSFT", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *canonical = dm_first_sync_canonical(cases[i][0]);

        g_assert_cmpstr(canonical, ==, cases[i][1]);
    }
}

/* -- F6: progress -------------------------------------------------------------------------------
 */

static void
apply(DmTree *tree, gint64 uid, DmVerb verb, const char *loc_uri, const char *data)
{
    const DmContext context = {.uid = uid};
    const DmCommand command = {.verb = verb,
                               .loc_uri = loc_uri,
                               .data = data,
                               .data_size = data != NULL ? strlen(data) : 0};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

/* A tree with provider P, whose FirstSyncStatus expects two policies and an application. */
static DmTree *
new_tree(void)
{
    const DmTreeOptions options = {.clock = &test_clock};
    DmTree *tree = dm_tree_new(NULL, &options, NULL);

    now_us = NOW_US;
    apply(tree, -1, DM_VERB_ADD, ROOT "/Provider/P", NULL);
    apply(tree, -1, DM_VERB_ADD, ROOT "/Provider/P/ManagementServiceAddress", "https://a");
    apply(tree, -1, DM_VERB_REPLACE, FSS "/ExpectedPolicies",
          "./Vendor/MSFT/Policy/A" F000 "./Device/Vendor/MSFT/Policy/B");
    apply(tree, -1, DM_VERB_REPLACE, FSS "/ExpectedMSIAppPackages",
          "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/Status;4");
    return tree;
}

static void
report(DmTree *tree, gint64 uid, const char *loc_uri, DmStatus status, const char *reason)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_report_outcome(tree, "P", uid, loc_uri, status, reason, &error));
    g_assert_no_error(error);
}

/* The counts of the list called `name`. */
static void
assert_counts(DmTree *tree, DmScope scope, const char *name, guint total, guint done, guint failed)
{
    g_auto(DmFirstSyncProgress) progress = {0};
    bool found = false;

    g_assert_true(
        dm_first_sync_get_progress(dm_tree_find_provider(tree, scope, 1000, "P"), &progress));
    for (gsize i = 0; i < DM_FIRST_SYNC_N_LISTS; i++) {
        if (strcmp(progress.categories[i].name, name) != 0)
            continue;
        found = true;
        g_assert_cmpuint(progress.categories[i].total, ==, total);
        g_assert_cmpuint(progress.categories[i].done, ==, done);
        g_assert_cmpuint(progress.categories[i].failed, ==, failed);
    }
    g_assert_true(found);
}

static void
test_category_names(void)
{
    static const char *const names[] = {"Policies",          "NetworkProfiles", "MSIAppPackages",
                                        "ModernAppPackages", "PFXCerts",        "SCEPCerts"};
    g_autoptr(DmTree) tree = new_tree();
    g_auto(DmFirstSyncProgress) progress = {0};

    g_assert_true(dm_first_sync_get_progress(dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P"),
                                             &progress));
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_cmpstr(progress.categories[i].name, ==, names[i]);
}

static void
test_outcomes(void)
{
    g_autoptr(DmTree) tree = new_tree();

    assert_counts(tree, DM_SCOPE_DEVICE, "Policies", 2, 0, 0);
    assert_counts(tree, DM_SCOPE_DEVICE, "MSIAppPackages", 1, 0, 0);
    /* Aliases of the same node, and a node below it. */
    report(tree, -1, "./Device/vendor/msft/Policy/A", DM_STATUS_OK, NULL);
    assert_counts(tree, DM_SCOPE_DEVICE, "Policies", 2, 1, 0);
    report(tree, -1, "./Vendor/MSFT/Policy/B/Config/One", DM_STATUS_OK, NULL);
    assert_counts(tree, DM_SCOPE_DEVICE, "Policies", 2, 2, 0);
    /* 202 is pending until something better or worse comes. */
    report(tree, -1, "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/Status",
           DM_STATUS_ACCEPTED, NULL);
    assert_counts(tree, DM_SCOPE_DEVICE, "MSIAppPackages", 1, 0, 0);
    report(tree, -1, "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/Status", DM_STATUS_FAILED,
           "exit code 3");
    assert_counts(tree, DM_SCOPE_DEVICE, "MSIAppPackages", 1, 0, 1);
    report(tree, -1, "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/X/Status", DM_STATUS_OK,
           NULL);
    assert_counts(tree, DM_SCOPE_DEVICE, "MSIAppPackages", 1, 1, 0);
}

static void
test_not_expected(void)
{
    g_autoptr(DmTree) tree = new_tree();

    /* Above, beside, or only alike. */
    report(tree, -1, "./Vendor/MSFT/Policy", DM_STATUS_OK, NULL);
    report(tree, -1, "./Vendor/MSFT/Policy/AB", DM_STATUS_OK, NULL);
    report(tree, -1, "./User/Vendor/MSFT/Policy/A", DM_STATUS_OK, NULL);
    report(tree, -1, "./Vendor/MSFT/Policy/a", DM_STATUS_OK, NULL);
    assert_counts(tree, DM_SCOPE_DEVICE, "Policies", 2, 0, 0);
}

static void
test_failed_items(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_auto(DmFirstSyncProgress) progress = {0};

    report(tree, -1, "./Vendor/MSFT/Policy/B/One", DM_STATUS_NOT_FOUND, "no such\npolicy");
    g_assert_true(dm_first_sync_get_progress(dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P"),
                                             &progress));
    g_assert_cmpuint(g_strv_length(progress.failed_items), ==, 1);
    g_assert_cmpstr(progress.failed_items[0], ==,
                    "./Device/Vendor/MSFT/Policy/B: 404 no such policy");
}

static void
test_user_tree(void)
{
    g_autoptr(DmTree) tree = new_tree();

    apply(tree, 1000, DM_VERB_ADD, "./User/Vendor/MSFT/DMClient/Provider/P", NULL);
    apply(tree, 1000, DM_VERB_ADD, "./User/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus", NULL);
    apply(tree, 1000, DM_VERB_REPLACE,
          "./User/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus/ExpectedPolicies",
          "./User/Vendor/MSFT/Policy/U");
    report(tree, 1001, "./User/Vendor/MSFT/Policy/U", DM_STATUS_OK, NULL);
    assert_counts(tree, DM_SCOPE_USER, "Policies", 1, 0, 0);
    report(tree, 1000, "./User/Vendor/MSFT/Policy/U", DM_STATUS_OK, NULL);
    assert_counts(tree, DM_SCOPE_USER, "Policies", 1, 1, 0);
    /* What a user's session does for the device counts there. */
    report(tree, 1000, "./Device/Vendor/MSFT/Policy/A", DM_STATUS_OK, NULL);
    assert_counts(tree, DM_SCOPE_DEVICE, "Policies", 2, 1, 0);
}

static void
assert_phase(DmTree *tree, const char *phase, gint64 deadline_us)
{
    g_auto(DmFirstSyncProgress) progress = {0};

    g_assert_true(dm_first_sync_get_progress(dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P"),
                                             &progress));
    g_assert_cmpstr(progress.phase, ==, phase);
    g_assert_cmpint(progress.deadline_us, ==, deadline_us);
}

static void
begin(DmTree *tree)
{
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_begin(tree, "P", "schedule", &start, &error));
    g_assert_no_error(error);
}

static void
test_deadline(void)
{
    g_autoptr(DmTree) tree = new_tree();

    assert_phase(tree, "running", 0);
    begin(tree);
    assert_phase(tree, "running", NOW_US + G_GINT64_CONSTANT(3600000000));
    /* It counts from the run's first session, with the time-out as it is now. */
    now_us += 1000000;
    begin(tree);
    apply(tree, -1, DM_VERB_REPLACE, FSS "/TimeOutUntilSyncFailure", "10");
    assert_phase(tree, "running", NOW_US + G_GINT64_CONSTANT(600000000));
    /* F5: a new run has a new clock and no outcomes. */
    report(tree, -1, "./Vendor/MSFT/Policy/A", DM_STATUS_OK, NULL);
    apply(tree, -1, DM_VERB_DELETE, FSS, NULL);
    apply(tree, -1, DM_VERB_ADD, FSS, NULL);
    assert_phase(tree, "none", 0);
    apply(tree, -1, DM_VERB_REPLACE, FSS "/ExpectedPolicies", "./Vendor/MSFT/Policy/A");
    assert_counts(tree, DM_SCOPE_DEVICE, "Policies", 1, 0, 0);
    begin(tree);
    assert_phase(tree, "running", NOW_US + 1000000 + G_GINT64_CONSTANT(3600000000));
}

static void
test_phase(void)
{
    g_autoptr(DmTree) tree = new_tree();
    g_autoptr(DmTree) other = new_tree();
    g_auto(DmFirstSyncProgress) progress = {0};

    begin(tree);
    apply(tree, -1, DM_VERB_REPLACE, FSS "/WasDeviceSuccessfullyProvisioned", "0");
    assert_phase(tree, "failed", 0);
    apply(tree, -1, DM_VERB_REPLACE, FSS "/IsSyncDone", "true");
    assert_phase(tree, "failed", 0);

    apply(other, -1, DM_VERB_REPLACE, FSS "/WasDeviceSuccessfullyProvisioned", "1");
    assert_phase(other, "succeeded", 0);
    apply(other, -1, DM_VERB_DELETE, FSS, NULL);
    g_assert_false(dm_first_sync_get_progress(dm_tree_find_provider(other, DM_SCOPE_DEVICE, 0, "P"),
                                              &progress));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/first-sync/F1-specification-sample", test_split_specification_sample);
    g_test_add_func("/first-sync/F1-split-on-U+F000-only", test_split_only_on_f000);
    g_test_add_func("/first-sync/F1-blanks-quotes-and-empty-items", test_split_blanks_and_empty);
    g_test_add_func("/first-sync/F1-count-is-optional", test_split_count);
    g_test_add_func("/first-sync/F6-scope-and-aliases-normalised", test_canonical);
    g_test_add_func("/first-sync/F6-lists-by-name", test_category_names);
    g_test_add_func("/first-sync/F6-200-202-and-errors", test_outcomes);
    g_test_add_func("/first-sync/F6-only-on-or-below-an-expected-one", test_not_expected);
    g_test_add_func("/first-sync/F6-failed-items-and-reason", test_failed_items);
    g_test_add_func("/first-sync/F6-user-tree", test_user_tree);
    g_test_add_func("/first-sync/F4-deadline-from-the-first-session", test_deadline);
    g_test_add_func("/first-sync/F4-phase", test_phase);
    return g_test_run();
}
