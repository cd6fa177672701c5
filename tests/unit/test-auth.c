/* SPDX-License-Identifier: MIT */

#include "syncml/auth.h"

#include <string.h>

static void
test_names(void)
{
    g_assert_cmpint(dm_auth_type_from_name("syncml:auth-basic"), ==, DM_AUTH_BASIC);
    g_assert_cmpint(dm_auth_type_from_name("syncml:auth-md5"), ==, DM_AUTH_MD5);
    g_assert_cmpint(dm_auth_type_from_name("syncml:auth-MAC"), ==, DM_AUTH_NONE);
    g_assert_cmpint(dm_auth_type_from_name(""), ==, DM_AUTH_NONE);
    g_assert_cmpint(dm_auth_type_from_name(NULL), ==, DM_AUTH_NONE);
}

static void
test_basic(void)
{
    char *cred = dm_auth_make_basic("Bruce2", "OhBehave");

    g_assert_cmpstr(cred, ==, "QnJ1Y2UyOk9oQmVoYXZl");
    dm_auth_wipe(cred);
}

/* The same nonce as literal text and in base64. */
static void
test_md5(void)
{
    static const char *const nonces[] = {"Nonce", "Tm9uY2U="};

    for (gsize i = 0; i < G_N_ELEMENTS(nonces); i++) {
        g_autoptr(GBytes) nonce = dm_auth_read_nonce(nonces[i]);
        char *cred = dm_auth_make_md5("Bruce2", "OhBehave", nonce);

        g_assert_cmpstr(cred, ==, "Zz6EivR3yeaaENcRN6lpAQ==");
        dm_auth_wipe(cred);
    }
}

static void
test_nonces(void)
{
    static const struct {
        const char *text, *bytes;
    } cases[] = {
        {"nonce", "nonce"},
        {"Nonce", "Nonce"},
        {"Tm9uY2U=", "Nonce"},
        {"bm9uY2Ux", "nonce1"},
        {"Tm9uY2U", "Tm9uY2U"},
        {"Tm9=Y2U=", "Tm9=Y2U="},
        {"T===", "T==="},
        {"ab d", "ab d"},
        {"", ""},
        {NULL, ""},
        {"====", "===="},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) nonce = dm_auth_read_nonce(cases[i].text);
        gsize size = 0;
        const void *bytes = g_bytes_get_data(nonce, &size);

        g_test_message("%s", cases[i].text ? cases[i].text : "none");
        g_assert_cmpmem(bytes, (int)size, cases[i].bytes, (int)strlen(cases[i].bytes));
    }
}

static void
test_equal(void)
{
    g_assert_true(dm_auth_is_equal("abc", "abc"));
    g_assert_true(dm_auth_is_equal("", ""));
    g_assert_false(dm_auth_is_equal("abc", "abd"));
    g_assert_false(dm_auth_is_equal("abc", "ab"));
    g_assert_false(dm_auth_is_equal("", "a"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/auth/protocol-5-types", test_names);
    g_test_add_func("/auth/protocol-5-basic", test_basic);
    g_test_add_func("/auth/protocol-5-md5", test_md5);
    g_test_add_func("/auth/protocol-5-nonces", test_nonces);
    g_test_add_func("/auth/equal", test_equal);
    return g_test_run();
}
