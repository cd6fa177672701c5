/* SPDX-License-Identifier: MIT */

#include "broker/address.h"

#include <glib.h>

#include "common/error.h"

static void
test_url(void)
{
    static const struct {
        const char *address;
        const char *expected;
    } cases[] = {
        {"https://h/p", "https://h/p?mode=Machine&Platform=Linux"},
        {"https://h", "https://h/?mode=Machine&Platform=Linux"},
        {"https://h:8443/a/b/", "https://h:8443/a/b/?mode=Machine&Platform=Linux"},
        {"https://h/p?x=%20&y", "https://h/p?x=%20&y&mode=Machine&Platform=Linux"},
        {"https://h/p?", "https://h/p?mode=Machine&Platform=Linux"},
        {"https://h/p?x=1&", "https://h/p?x=1&mode=Machine&Platform=Linux"},
        {"https://h?x=/y", "https://h?x=/y&mode=Machine&Platform=Linux"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *url = dm_address_make_url(cases[i].address, "Machine", "Linux");

        g_assert_cmpstr(url, ==, cases[i].expected);
    }
}

static void
test_check(void)
{
    static const struct {
        const char *address;
        bool is_good, is_good_with_http;
    } cases[] = {
        {"https://mdm.example.com/dm", true, true},
        {"HTTPS://mdm.example.com", true, true},
        {"https://[2001:db8::1]:8443/x", true, true},
        {"http://localhost:8080/dm", false, true},
        {"http://127.0.0.1/dm", false, true},
        {"http://[::1]:1/dm", false, true},
        {"http://mdm.example.com/dm", false, false},
        {"http://localhost.example.com/dm", false, false},
        {"http://127.0.0.1.example.com/dm", false, false},
        {"https://user@mdm.example.com/", false, false},
        {"https://user:pass@mdm.example.com/", false, false},
        {"https://mdm.example.com/#x", false, false},
        {"https:///dm", false, false},
        {"ftp://mdm.example.com/", false, false},
        {"mdm.example.com", false, false},
        {"", false, false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", cases[i].address);
        g_assert_cmpint(dm_address_check(cases[i].address, false, &error), ==, cases[i].is_good);
        if (!cases[i].is_good)
            g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
        g_assert_cmpint(dm_address_check(cases[i].address, true, NULL), ==,
                        cases[i].is_good_with_http);
    }
}

static void
test_describe(void)
{
    static const char *const cases[][2] = {
        {"https://h/p", "h:443"},          {"http://h/p", "h:80"},
        {"https://h:8443/p", "h:8443"},    {"https://[2001:db8::1]/", "[2001:db8::1]:443"},
        {"https://u:secret@h/p", "h:443"}, {"nothing", "?"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = dm_address_describe(cases[i][0]);

        g_assert_cmpstr(text, ==, cases[i][1]);
    }
}

static void
test_listed(void)
{
    static const char *const list[] = {"https://one.example.com/dm",
                                       "https://two.example.com:8443/", NULL};

    g_assert_true(dm_address_is_listed("https://one.example.com/other?sid=1", list));
    g_assert_true(dm_address_is_listed("https://ONE.example.com:9443/", list));
    g_assert_true(dm_address_is_listed("https://two.example.com/", list));
    g_assert_false(dm_address_is_listed("http://one.example.com/dm", list));
    g_assert_false(dm_address_is_listed("https://three.example.com/dm", list));
    g_assert_false(dm_address_is_listed("https://one.example.com.evil.example/", list));
    g_assert_false(dm_address_is_listed("https://one.example.com@evil.example/", list));
    g_assert_false(dm_address_is_listed("https://x@one.example.com/", list));
    g_assert_false(dm_address_is_listed("/dm", list));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/protocol-4-query-is-kept", test_url);
    g_test_add_func("/address/L1-https-with-a-host", test_check);
    g_test_add_func("/address/described-without-secrets", test_describe);
    g_test_add_func("/address/protocol-1-RespURI-on-a-listed-host", test_listed);
    return g_test_run();
}
