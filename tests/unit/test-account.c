/* SPDX-License-Identifier: MIT */

#include "common/account.h"

static void
test_numbers(void)
{
    g_autoptr(GHashTable) account = dm_account_new();

    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_CONN_RETRY_FREQ), g_strdup("6"));
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_INITIAL_BACKOFF_MS), g_strdup("many"));
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_MAX_BACKOFF_MS),
                        g_strdup("99999999999999999999"));
    g_assert_cmpint(dm_account_get_int(account, DM_ACCOUNT_CONN_RETRY_FREQ, 0, 100, 3), ==, 6);
    g_assert_cmpint(dm_account_get_int(account, DM_ACCOUNT_CONN_RETRY_FREQ, 0, 5, 3), ==, 3);
    g_assert_cmpint(dm_account_get_int(account, DM_ACCOUNT_INITIAL_BACKOFF_MS, 0, 100, 16), ==, 16);
    g_assert_cmpint(dm_account_get_int(account, DM_ACCOUNT_MAX_BACKOFF_MS, 0, 100, 17), ==, 17);
    g_assert_cmpint(dm_account_get_int(account, DM_ACCOUNT_ROLE, 0, 100, 18), ==, 18);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/account/L4-numbers-or-the-default", test_numbers);
    return g_test_run();
}
