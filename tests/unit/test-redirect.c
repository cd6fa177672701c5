/* SPDX-License-Identifier: MIT */

#include "broker/redirect.h"

#include <string.h>

#define FROM "https://one.example.test:8443/dm/a?mode=Machine"

static const char *const listed[] = {"https://one.example.test/dm", "https://two.example.test:9/",
                                     "http://localhost:1/", NULL};

static void
test_followed(void)
{
    static const struct {
        const char *location;
        const char *target;
    } cases[] = {
        {"https://two.example.test/other?x=%20", "https://two.example.test/other?x=%20"},
        {"https://TWO.example.test:1/", "https://TWO.example.test:1/"},
        {"https://one.example.test/", "https://one.example.test/"},
        {"/other?y", "https://one.example.test:8443/other?y"},
        {"b", "https://one.example.test:8443/dm/b"},
        {"//two.example.test/c", "https://two.example.test/c"},
        {"https://one.example.test/d#part", "https://one.example.test/d"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned status = 307; status <= 308; status++) {
            g_autofree char *reason = NULL;
            g_autofree char *target =
                dm_redirect_follow(status, FROM, cases[i].location, listed, 0, &reason);

            g_test_message("%s: %s", cases[i].location, reason ? reason : "followed");
            g_assert_cmpstr(target, ==, cases[i].target);
            g_assert_null(reason);
        }
    }
}

static void
assert_refused(unsigned status, const char *location, const char *const *list, guint n,
               const char *part)
{
    g_autofree char *reason = NULL;
    g_autofree char *target = dm_redirect_follow(status, FROM, location, list, n, &reason);

    g_test_message("%u %s: %s", status, location ? location : "(none)", reason);
    g_assert_null(target);
    g_assert_nonnull(strstr(reason, part));
}

static void
test_refused(void)
{
    static const char *const to_strangers[] = {
        "https://three.example.test/",
        "https://one.example.test.evil.test/",
        "https://evil.test/one.example.test",
        "https://one.example.test@evil.test/",
        "https://evil.test\\@one.example.test/",
        "https://user@one.example.test/",
        "https://evil.test#@one.example.test/",
        "https://evil.test?@one.example.test/",
        "//evil.test/",
        "https://one.example.test%2eevil.test/",
    };
    static const char *const in_the_clear[] = {"http://one.example.test/", "http://localhost:1/",
                                               "HTTP://one.example.test/"};
    g_autofree char *longest = g_strnfill(3000, 'x');

    for (gsize i = 0; i < G_N_ELEMENTS(to_strangers); i++) {
        g_autofree char *reason = NULL;
        g_autofree char *target =
            dm_redirect_follow(307, FROM, to_strangers[i], listed, 0, &reason);

        g_test_message("%s: %s", to_strangers[i], reason);
        g_assert_null(target);
        g_assert_nonnull(reason);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(in_the_clear); i++)
        assert_refused(308, in_the_clear[i], listed, 0, "without https");
    for (unsigned status = 301; status <= 303; status++)
        assert_refused(status, "https://two.example.test/", listed, 0, "only 307 and 308");
    assert_refused(307, NULL, listed, 0, "Location");
    assert_refused(307, "https://", listed, 0, "Location");
    assert_refused(307, "https://one.example.test:99999/", listed, 0, "Location");
    assert_refused(307, longest, listed, 0, "Location");
    assert_refused(307, "https://one.example.test/", NULL, 0, "not on the provider's list");
}

static void
test_most(void)
{
    for (guint n = 0; n < DM_REDIRECT_MAX; n++) {
        g_autofree char *reason = NULL;
        g_autofree char *target =
            dm_redirect_follow(308, FROM, "https://two.example.test/", listed, n, &reason);

        g_assert_nonnull(target);
    }
    assert_refused(308, "https://two.example.test/", listed, DM_REDIRECT_MAX, "circle");
}

static void
test_statuses(void)
{
    for (unsigned status = 200; status < 600; status++)
        g_assert_cmpint(dm_redirect_is_one(status), ==,
                        (status >= 301 && status <= 303) || status == 307 || status == 308);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/redirect/protocol-4-followed-to-listed-hosts", test_followed);
    g_test_add_func("/redirect/protocol-4-refused", test_refused);
    g_test_add_func("/redirect/at-most-three", test_most);
    g_test_add_func("/redirect/statuses", test_statuses);
    return g_test_run();
}
