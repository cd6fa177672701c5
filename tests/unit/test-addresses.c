/* SPDX-License-Identifier: MIT */

#include "tree/rules/addresses.h"

#include <string.h>

/* `text` gives exactly the `|`-separated `expected`. */
static void
assert_list(const char *text, bool allow_http, const char *expected)
{
    g_auto(GStrv) addresses = NULL;
    g_autofree char *joined = NULL;

    g_assert_cmpint(dm_addresses_parse(text, allow_http, &addresses), ==, DM_STATUS_OK);
    joined = g_strjoinv("|", addresses);
    g_assert_cmpstr(joined, ==, expected);
}

static void
assert_refused(const char *text, bool allow_http)
{
    GStrv untouched = (GStrv)&untouched;

    if (dm_addresses_parse(text, allow_http, &untouched) != DM_STATUS_BAD_REQUEST)
        g_error("not refused: %s", text);
    g_assert_true(untouched == (GStrv)&untouched);
}

static void
test_specification_sample(void)
{
    assert_list("<https://server1><https:// server2> ", false, "https://server1|https://server2");
}

static void
test_grammar(void)
{
    assert_list("https://mdm.example/dm", false, "https://mdm.example/dm");
    assert_list(" \r\n\thttps://mdm.example/dm?a=b&c={d} ", false,
                "https://mdm.example/dm?a=b&c={d}");
    assert_list("<https://a>", false, "https://a");
    assert_list("  <https://a>\n <https://b>\t<https://c>  ", false,
                "https://a|https://b|https://c");
    assert_list("HTTPS://Mdm.Example:8443/", false, "HTTPS://Mdm.Example:8443/");
    assert_list("https://[2001:db8::1]:443/dm", false, "https://[2001:db8::1]:443/dm");
    assert_list("https://192.0.2.1", false, "https://192.0.2.1");
    assert_refused("", false);
    assert_refused("   ", false);
    assert_refused("<>", false);
    assert_refused("<https://a", false);
    assert_refused("https://a>", false);
    assert_refused("<https://a> https://b", false);
    assert_refused("https://a <https://b>", false);
    assert_refused("<https://a>,<https://b>", false);
    assert_refused("<https://a><>", false);
    assert_refused("<<https://a>>", false);
    assert_refused("<https://a<https://b>", false);
    assert_refused("https://a https://b", false);
}

static void
test_duplicates(void)
{
    assert_list("<https://a><https://b><https://a><https:// b>", false, "https://a|https://b");
}

static void
test_only_https(void)
{
    assert_refused("http://mdm.example/", false);
    assert_refused("ftp://mdm.example/", false);
    assert_refused("mdm.example", false);
    assert_refused("//mdm.example/", false);
    assert_refused("javascript:alert(1)", false);
    assert_refused("x://https://mdm.example/", false);
    assert_refused("<https://a><http://b>", false);
    /* The administrator's exception is for loopback. */
    assert_refused("http://127.0.0.1:8080/", false);
    assert_list("http://127.0.0.1:8080/dm", true, "http://127.0.0.1:8080/dm");
    assert_list("http://localhost/", true, "http://localhost/");
    assert_list("http://[::1]:80/", true, "http://[::1]:80/");
    assert_refused("http://mdm.example/", true);
    assert_refused("http://127.evil.example/", true);
    assert_refused("http://localhost.evil.example/", true);
}

static void
test_user_info_fragment_host(void)
{
    assert_refused("https://user@mdm.example/", false);
    assert_refused("https://user:password@mdm.example/", false);
    assert_refused("https://mdm.example@evil.example/", false);
    assert_refused("https://mdm.example/#part", false);
    assert_refused("https://mdm.example#", false);
    assert_refused("https://", false);
    assert_refused("https:///dm", false);
    assert_refused("https://:443/", false);
    assert_refused("https://?a", false);
    assert_refused("https://...", false);
    assert_refused("https://[::1", false);
    assert_refused("https://[]/", false);
    assert_refused("https://[::1]x/", false);
    assert_refused("https://[fe80::1%25eth0]/", false);
    assert_refused("https://mdm.example:/", false);
    assert_refused("https://mdm.example:0/", false);
    assert_refused("https://mdm.example:65536/", false);
    assert_refused("https://mdm.example:44a/", false);
    assert_refused("https://mdm.example:443:443/", false);
    assert_list("https://mdm.example:65535/", false, "https://mdm.example:65535/");
    /* An @ that is not in the authority is none of its business. */
    assert_list("https://mdm.example/a@b", false, "https://mdm.example/a@b");
}

static void
test_characters(void)
{
    assert_refused("https://mdm.example/\x01", false);
    assert_refused("https://mdm.example/\x7f", false);
    assert_refused("https://m\xc3\xb6"
                   "bel.example/",
                   false);
    assert_refused("https://mdm.example/\xc3\xb6", false);
    assert_refused("https://mdm.example\\@evil.example/", false);
    assert_refused("https://mdm.example/\"", false);
    assert_refused("https://mdm%2eexample/", false);
}

static void
test_limits(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *path = g_strnfill(DM_ADDRESS_MAX_BYTES - strlen("https://h/"), 'p');
    g_autofree char *longest = g_strconcat("https://h/", path, NULL);
    g_autofree char *longer = g_strconcat(longest, "p", NULL);

    assert_list(longest, false, longest);
    assert_refused(longer, false);
    for (int i = 0; i < 16; i++)
        g_string_append_printf(text, "<https://h%d>", i);
    {
        g_auto(GStrv) addresses = NULL;

        g_assert_cmpint(dm_addresses_parse(text->str, false, &addresses), ==, DM_STATUS_OK);
        g_assert_cmpuint(g_strv_length(addresses), ==, 16);
    }
    /* A duplicate is no further entry. */
    g_string_append(text, "<https://h3>");
    {
        g_auto(GStrv) addresses = NULL;

        g_assert_cmpint(dm_addresses_parse(text->str, false, &addresses), ==, DM_STATUS_OK);
    }
    g_string_append(text, "<https://h16>");
    assert_refused(text->str, false);
}

static void
test_split(void)
{
    g_auto(GStrv) listed = dm_addresses_split("<https://a> <http:// b><><https://a>");
    g_auto(GStrv) bare = dm_addresses_split("  https://a ");
    g_auto(GStrv) none = dm_addresses_split(" ");
    g_autofree char *joined = g_strjoinv("|", listed);

    g_assert_cmpstr(joined, ==, "https://a|http://b");
    g_assert_cmpuint(g_strv_length(bare), ==, 1);
    g_assert_cmpstr(bare[0], ==, "https://a");
    g_assert_null(none[0]);
}

static void
test_host(void)
{
    static const char *const cases[][2] = {
        {"https://Mdm.Example:443/dm?x", "mdm.example"},
        {"https://mdm.example?x", "mdm.example"},
        {"https://[2001:DB8::1]/", "2001:db8::1"},
        {"https://user@mdm.example/", NULL},
        {"mdm.example", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *host = dm_address_get_host(cases[i][0]);

        g_assert_cmpstr(host, ==, cases[i][1]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/addresses/L1-specification-sample", test_specification_sample);
    g_test_add_func("/addresses/L1-grammar", test_grammar);
    g_test_add_func("/addresses/L1-duplicates-are-dropped", test_duplicates);
    g_test_add_func("/addresses/L1-only-https", test_only_https);
    g_test_add_func("/addresses/L1-no-user-info-fragment-or-missing-host",
                    test_user_info_fragment_host);
    g_test_add_func("/addresses/L1-characters-read-in-one-way-only", test_characters);
    g_test_add_func("/addresses/L1-limits", test_limits);
    g_test_add_func("/addresses/split-does-not-judge", test_split);
    g_test_add_func("/addresses/host-of-a-url", test_host);
    return g_test_run();
}
