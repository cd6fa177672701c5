/* SPDX-License-Identifier: MIT */

#include "common/account.h"
#include "tests/unit/tree-fixture.h"
#include "tree/tree-private.h"

static GHashTable *
make_account(void)
{
    GHashTable *account = dm_account_new();

    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_NAME), g_strdup("Contoso MDM"));
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_CONN_RETRY_FREQ), g_strdup("6"));
    return account;
}

#define PROVISION(TREE, ID, ACCOUNT, SETTINGS, FLAGS)                                              \
    dm_tree_provision(TREE, ID, ACCOUNT, SETTINGS, G_N_ELEMENTS(SETTINGS), FLAGS)

static const char *
get_account(DmTree *tree, const char *id, const char *key)
{
    return g_hash_table_lookup(dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, id)->account, key);
}

static void
test_v10_w1_everything_in_one(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, NULL);
    g_autoptr(GHashTable) account = make_account();
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(DmReply) reply = NULL;
    const DmCommand settings[] = {
        REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
        REPLACE(PROVIDER_A "/UPN", "anna@example.test"),
        ITEM(REPLACE, PROVIDER_A "/Poll/NumberOfFirstRetries", "int", "8"),
        REPLACE(PROVIDER_A "/Poll/PollOnLogin", "true"),
        REPLACE(PROVIDER_A "/EntDMID", "id-1"),
        REPLACE(PROVIDER_A "/SyncApplicationVersion", "5.0"),
    };

    dm_tree_add_listener(tree, fixture_listen, heard);
    reply = PROVISION(tree, "A", account, settings, 0);
    ASSERT_STATUSES(reply, 200, 200, 200, 200, 200, 200, 200);
    ASSERT_READS(tree, PROVIDER_A,
                 "EntDMID/ManagementServiceAddress/UPN/SyncApplicationVersion/EnrollmentType/"
                 "HWDevID/Poll/FirstSyncStatus/EnhancedAppLayerSecurity/Unenroll");
    ASSERT_READS(tree, PROVIDER_A "/ManagementServiceAddress", ADDRESS);
    ASSERT_READS(tree, PROVIDER_A "/Poll", "NumberOfFirstRetries/PollOnLogin");
    ASSERT_READS(tree, PROVIDER_A "/EnrollmentType", "Device");
    g_assert_cmpstr(get_account(tree, "A", DM_ACCOUNT_NAME), ==, "Contoso MDM");
    g_assert_cmpstr(get_account(tree, "A", DM_ACCOUNT_DEV_ID), ==, "id-1");
    g_assert_cmpuint(g_hash_table_size(account), ==, 2); /* borrowed */
    g_assert_cmpstr(heard->str, ==,
                    "added device A Provider/{ProviderID}\n"
                    "added device A Provider/{ProviderID}/Poll\n"
                    "added device A Provider/{ProviderID}/FirstSyncStatus\n"
                    "added device A Provider/{ProviderID}/EnhancedAppLayerSecurity\n-\n");
}

static void
test_dev_id(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, NULL);
    g_autoptr(GHashTable) account = make_account();
    const DmCommand settings[] = {REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS)};
    const DmCommand others[] = {REPLACE(ROOT "/Provider/B/ManagementServiceAddress", ADDRESS),
                                REPLACE(ROOT "/Provider/B/EntDMID", "ent")};
    g_autoptr(DmReply) first = PROVISION(tree, "A", NULL, settings, 0);
    g_autoptr(DmReply) second = NULL;

    ASSERT_STATUSES(first, 200, 200);
    g_assert_cmpstr(get_account(tree, "A", DM_ACCOUNT_DEV_ID), ==, "HW");
    /* What enrolment sent comes before all, and later changes do not touch it. */
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_DEV_ID), g_strdup("sent"));
    second = PROVISION(tree, "B", account, others, 0);
    ASSERT_STATUSES(second, 200, 200, 200);
    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/EntDMID", "later")), ==, 200);
    g_assert_cmpstr(get_account(tree, "A", DM_ACCOUNT_DEV_ID), ==, "HW");
    g_assert_cmpstr(get_account(tree, "B", DM_ACCOUNT_DEV_ID), ==, "sent");
}

static void
test_w2_a_bad_value_refuses_the_whole(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autofree char *large = g_strnfill(300, 'x');
    const struct {
        const char *uri;
        const char *data;
        guint status;
    } bad[] = {
        {PROVIDER_A "/Poll/IntervalForFirstSetOfRetries", "fifteen", 415}, /* V6 */
        {PROVIDER_A "/Poll/IntervalForFirstSetOfRetries", "-1", 400},      /* V6 */
        {PROVIDER_A "/EntDeviceName", large, 413},                         /* V7 */
        {PROVIDER_A "/UPN", "\xff", 415},                                  /* V7 */
        {PROVIDER_A "/ManagementServiceAddress", "http://a.example", 400}, /* L1 */
        {PROVIDER_A "/NumberOfDaysAfterLostContactToUnenroll", NULL, 412}, /* V1 */
        {PROVIDER_A "/EnhancedAppLayerSecurity/SecurityMode", "2", 406},   /* S4 */
        {ROOT "/Provider/Other/UPN", "u", 425},
        {ROOT "/Provider/Other", NULL, 425},
        {ROOT "/UpdateManagementServiceAddress", "https://unknown.example", 400}, /* L6 */
    };

    dm_tree_add_listener(tree, fixture_listen, heard);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        const DmCommand settings[] = {
            REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
            REPLACE(bad[i].uri, bad[i].data),
            REPLACE(PROVIDER_A "/HelpWebsite", "w"),
        };
        g_autoptr(DmReply) reply = PROVISION(tree, "A", NULL, settings, 0);

        /* S4 is judged at the end, when the rest has been applied. */
        ASSERT_STATUSES(reply, 216, bad[i].status, bad[i].status == 406 ? 216 : 215, bad[i].status);
        ASSERT_READS(tree, ROOT "/Provider", "");
    }
    g_assert_cmpstr(heard->str, ==, "");
}

static void
test_w2_no_address(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    const DmCommand without[] = {REPLACE(PROVIDER_A "/UPN", "u")};
    const DmCommand list[] = {REPLACE(PROVIDER_A "/ManagementServerAddressList", ADDRESS)};
    g_autoptr(DmReply) bad = PROVISION(tree, "A", NULL, without, 0);
    g_autoptr(DmReply) good = NULL;

    ASSERT_STATUSES(bad, 216, 400);
    ASSERT_READS(tree, ROOT "/Provider", "");
    good = PROVISION(tree, "A", NULL, list, 0);
    ASSERT_STATUSES(good, 200, 200);
}

static void
test_w2_exists_already(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "Fleet", NULL);
    const DmCommand settings[] = {
        REPLACE(ROOT "/Provider/fleet/ManagementServiceAddress", ADDRESS)};
    g_autoptr(DmReply) same = PROVISION(tree, "Fleet", NULL, settings, 0);
    g_autoptr(DmReply) other_case = PROVISION(tree, "fleet", NULL, settings, 0);

    ASSERT_STATUSES(same, 215, 418);
    ASSERT_STATUSES(other_case, 215, 418);
    ASSERT_READS(tree, ROOT "/Provider", "Fleet");
}

static void
test_w2_u3_what_is_ignored(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, NULL);
    const DmCommand settings[] = {
        REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
        REPLACE(PROVIDER_A "/NoSuchParm", "x"),
        REPLACE("./Vendor/MSFT/Other/Thing", "x"),
        REPLACE(PROVIDER_A "/ExchangeID", "x"),
        REPLACE(PROVIDER_A "/HWDevID", "x"),
        REPLACE(PROVIDER_A "/MaxSyncApplicationVersion", "9.0"),
        REPLACE(PROVIDER_A "/Push/PFN", "Contoso.MDM_8wekyb3d8bbwe"),
        REPLACE(PROVIDER_A "/Push/Status", "0"),
        REPLACE(PROVIDER_A "/EnrollmentType", "Full"),
        REPLACE(PROVIDER_A "/FirstSyncStatus/TimeOutUntilSyncFailure", "90"),
        REPLACE(PROVIDER_A "/HelpWebsite", NULL),
        ADD(PROVIDER_A "/CustomEnrollmentCompletePage", NULL),
        REPLACE(PROVIDER_A "/ManagementServiceAddress", "<" ADDRESS "><https://b.example>"),
        REPLACE(ROOT "/UpdateManagementServiceAddress", "https://b.example;" ADDRESS),
    };
    g_autoptr(DmReply) reply = PROVISION(tree, "A", NULL, settings, 0);

    ASSERT_STATUSES(reply, 200, 404, 404, 405, 405, 405, 405, 405, 200, 200, 200, 200, 200, 200,
                    200);
    ASSERT_READS(tree, PROVIDER_A "/Push", "404");
    ASSERT_READS(tree, PROVIDER_A "/ExchangeID", "404");
    ASSERT_READS(tree, PROVIDER_A "/EnrollmentType", "Full"); /* W3 */
    ASSERT_READS(tree, PROVIDER_A "/FirstSyncStatus/TimeOutUntilSyncFailure", "90");
    ASSERT_READS(tree, PROVIDER_A "/HelpWebsite", "");
    ASSERT_READS(tree, PROVIDER_A "/CustomEnrollmentCompletePage", "");
    ASSERT_READS(tree, PROVIDER_A "/ManagementServiceAddress", "<https://b.example><" ADDRESS ">");
}

static void
test_p2_is_corrected(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    const DmCommand settings[] = {
        REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
        REPLACE(PROVIDER_A "/Poll/NumberOfFirstRetries", "0"),
        REPLACE(PROVIDER_A "/Poll/IntervalForFirstSetOfRetries", "1"),
        REPLACE(PROVIDER_A "/Poll/NumberOfSecondRetries", "5"),
        REPLACE(PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "5"),
    };
    g_autoptr(DmReply) reply = PROVISION(tree, "A", NULL, settings, 0);

    ASSERT_STATUSES(reply, 200, 200, 200, 200, 200, 200);
    ASSERT_READS(tree, PROVIDER_A "/Poll/NumberOfSecondRetries", "0");
    ASSERT_READS(tree, PROVIDER_A "/Poll/IntervalForSecondSetOfRetries", "0");
}

static void
test_check_changes_nothing(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmCommand good[] = {REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS)};
    const DmCommand bad[] = {REPLACE(PROVIDER_A "/ManagementServiceAddress", "x")};
    g_autoptr(DmReply) first = NULL;
    g_autoptr(DmReply) second = NULL;

    dm_tree_add_listener(tree, fixture_listen, heard);
    first = PROVISION(tree, "A", NULL, good, DM_PROVISION_CHECK);
    second = PROVISION(tree, "A", NULL, bad, DM_PROVISION_CHECK);
    ASSERT_STATUSES(first, 200, 200);
    ASSERT_STATUSES(second, 400, 400);
    ASSERT_READS(tree, ROOT "/Provider", "");
    g_assert_cmpstr(heard->str, ==, "");
}

static void
test_bad_names(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    g_autofree char *longer = g_strnfill(1024, 'x');
    const DmCommand settings[] = {REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS)};
    const struct {
        const char *id;
        guint status;
    } bad[] = {{"", 400}, {"*", 400}, {"..", 400}, {"a\nb", 400}, {"\xff", 400}, {longer, 414}};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(DmReply) reply = PROVISION(tree, bad[i].id, NULL, settings, 0);

        ASSERT_STATUSES(reply, 215, bad[i].status);
    }
    ASSERT_READS(tree, ROOT "/Provider", "");
}

static void
test_account_caps(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    g_autoptr(GHashTable) many = dm_account_new();
    g_autoptr(GHashTable) large = dm_account_new();
    g_autoptr(GHashTable) strange = dm_account_new();
    const DmCommand settings[] = {REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS)};
    g_autoptr(DmReply) first = NULL;
    g_autoptr(DmReply) second = NULL;
    g_autoptr(DmReply) third = NULL;

    for (guint i = 0; i <= DM_ACCOUNT_MAX_ENTRIES; i++)
        g_hash_table_insert(many, g_strdup_printf("%u", i), g_strdup(""));
    g_hash_table_insert(large, g_strdup("k"), g_strnfill(DM_ACCOUNT_MAX_VALUE + 1, 'x'));
    g_hash_table_insert(strange, g_strdup("k"), g_strdup("\xff"));
    first = PROVISION(tree, "A", many, settings, 0);
    second = PROVISION(tree, "A", large, settings, 0);
    third = PROVISION(tree, "A", strange, settings, 0);
    ASSERT_STATUSES(first, 215, 413);
    ASSERT_STATUSES(second, 215, 413);
    ASSERT_STATUSES(third, 215, 415);
}

static void
test_other_verbs(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    const DmCommand settings[] = {REPLACE(PROVIDER_A "/ManagementServiceAddress", ADDRESS),
                                  DELETE(PROVIDER_A "/ManagementServiceAddress")};
    g_autoptr(DmReply) reply = PROVISION(tree, "A", NULL, settings, 0);

    ASSERT_STATUSES(reply, 216, 501, 501);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/provision/V10-W1-everything-in-one", test_v10_w1_everything_in_one);
    g_test_add_func("/provision/dev-id", test_dev_id);
    g_test_add_func("/provision/W2-a-bad-value-refuses-the-whole",
                    test_w2_a_bad_value_refuses_the_whole);
    g_test_add_func("/provision/W2-no-address", test_w2_no_address);
    g_test_add_func("/provision/W2-exists-already", test_w2_exists_already);
    g_test_add_func("/provision/W2-W3-U3-what-is-ignored", test_w2_u3_what_is_ignored);
    g_test_add_func("/provision/P2-is-corrected", test_p2_is_corrected);
    g_test_add_func("/provision/check-changes-nothing", test_check_changes_nothing);
    g_test_add_func("/provision/bad-names", test_bad_names);
    g_test_add_func("/provision/account-caps", test_account_caps);
    g_test_add_func("/provision/other-verbs", test_other_verbs);
    return g_test_run();
}
