/* SPDX-License-Identifier: MIT */

/* Nonces of the SyncML layer outlive the session (protocol.md section 5). */

#include "tree/nonce.h"

#include "common/account.h"
#include "tests/unit/session-fixture.h"

#define DEVICE_KEY DM_ACCOUNT_SERVER_PREFIX DM_ACCOUNT_AUTH_DATA
#define SERVER_KEY DM_ACCOUNT_CLIENT_PREFIX DM_ACCOUNT_AUTH_DATA

static void
assert_nonces(DmTree *tree, const char *device, const char *server)
{
    DmSessionStart start = begin_session(tree, "user");

    g_assert_cmpstr(g_hash_table_lookup(start.account, DEVICE_KEY), ==, device);
    g_assert_cmpstr(g_hash_table_lookup(start.account, SERVER_KEY), ==, server);
    dm_session_start_clear(&start);
}

static void
test_kept(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_provisioned_tree(fixture, DEVICE_KEY, "first");
    g_autoptr(GError) error = NULL;

    assert_nonces(tree, "first", NULL);
    g_assert_true(dm_tree_renew_nonce(tree, "P", "APPSRV", "Tm9uY2U=", &error));
    g_assert_no_error(error);
    assert_nonces(tree, "Tm9uY2U=", NULL);
    g_assert_true(dm_tree_renew_nonce(tree, "P", "CLIENT", "c2VydmVy", &error));
    g_assert_no_error(error);
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_nonces(tree, "Tm9uY2U=", "c2VydmVy");
    g_assert_true(dm_tree_renew_nonce(tree, "P", "CLIENT", "", &error));
    assert_nonces(tree, "Tm9uY2U=", "");
    dm_tree_free(tree);
}

static void
test_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *endless = g_strnfill(DM_ACCOUNT_MAX_VALUE + 4, 'A');
    const struct {
        const char *id, *level, *nonce;
        int code;
    } cases[] = {
        {"X", "APPSRV", "AAAA", DM_ERROR_NOT_FOUND}, {"P", "appsrv", "AAAA", DM_ERROR_INVALID},
        {"P", "", "AAAA", DM_ERROR_INVALID},         {"P", "OTHER", "AAAA", DM_ERROR_INVALID},
        {"P", "APPSRV", "canary", DM_ERROR_INVALID}, {"P", "APPSRV", "AAA", DM_ERROR_INVALID},
        {"P", "APPSRV", endless, DM_ERROR_INVALID},
    };
    g_autoptr(DmTree) tree = new_provisioned_tree(fixture, DEVICE_KEY, "first");

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(
            dm_tree_renew_nonce(tree, cases[i].id, cases[i].level, cases[i].nonce, &error));
        g_assert_error(error, DM_ERROR, cases[i].code);
        g_assert_null(strstr(error->message, "canary"));
    }
    assert_nonces(tree, "first", NULL);
}

#define TEST(NAME, FUNC) g_test_add("/nonce/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("protocol-5-kept-across-restarts", test_kept);
    TEST("protocol-5-refused", test_refused);
    return g_test_run();
}
