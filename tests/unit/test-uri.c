/* SPDX-License-Identifier: MIT */

#include "common/uri.h"

#include <string.h>

typedef struct {
    const char *text;
    DmStatus status;
    DmScope scope;
    DmQuery query;
    const char *segments; /* joined by '|' */
} Case;

/* Written from A1 to A3. */
static const Case cases[] = {
    {"./Vendor/MSFT/DMClient", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Vendor|MSFT|DMClient"},
    {"./Device/Vendor/MSFT/X", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Vendor|MSFT|X"},
    {"./dEVICE/Vendor/MSFT/X", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Vendor|MSFT|X"},
    {"./User/Vendor/MSFT/X", 200, DM_SCOPE_USER, DM_QUERY_NONE, "Vendor|MSFT|X"},
    {"./user/vendor", 200, DM_SCOPE_USER, DM_QUERY_NONE, "vendor"},
    {"./Device", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, ""},
    {".", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, ""},
    {"\n   ./DevInfo/DevId \t\r\n", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "DevInfo|DevId"},
    {"./ DevDetail/HwV", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, " DevDetail|HwV"},
    {"./Provider/MS DM Server", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Provider|MS DM Server"},
    {"./Provider/MS%20DM%20Server", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Provider|MS DM Server"},
    {"./Provider/a%2Fb", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Provider|a/b"},
    {"./Provider/a%2fb/c", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Provider|a/b|c"},
    {"./Z%C3%BCrich", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Zürich"},
    {"./Zürich", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "Zürich"},
    {"./a?list=Struct", 200, DM_SCOPE_DEVICE, DM_QUERY_LIST_STRUCT, "a"},
    {"./a?list=StructData", 200, DM_SCOPE_DEVICE, DM_QUERY_LIST_STRUCT_DATA, "a"},
    {"./a?prop=Format", 200, DM_SCOPE_DEVICE, DM_QUERY_PROP_FORMAT, "a"},
    {"./a?prop=Name", 200, DM_SCOPE_DEVICE, DM_QUERY_PROP_NAME, "a"},
    {"./a?prop=Type", 200, DM_SCOPE_DEVICE, DM_QUERY_PROP_TYPE, "a"},
    {"./a?list=TNDS", 200, DM_SCOPE_DEVICE, DM_QUERY_OTHER, "a"},
    {"./a?prop=ACL", 200, DM_SCOPE_DEVICE, DM_QUERY_OTHER, "a"},
    {"./a?", 200, DM_SCOPE_DEVICE, DM_QUERY_OTHER, "a"},
    {"./a%3Fb", 200, DM_SCOPE_DEVICE, DM_QUERY_NONE, "a?b"},
    {"", 400, 0, 0, NULL},
    {"   ", 400, 0, 0, NULL},
    {"/Vendor/MSFT", 400, 0, 0, NULL},
    {"Vendor/MSFT", 400, 0, 0, NULL},
    {"./Vendor/", 400, 0, 0, NULL},
    {"./", 400, 0, 0, NULL},
    {"./Vendor//MSFT", 400, 0, 0, NULL},
    {"./Vendor/../MSFT", 400, 0, 0, NULL},
    {"./Vendor/%2e%2e/MSFT", 400, 0, 0, NULL},
    {"./Vendor/*", 400, 0, 0, NULL},
    {"./Vendor/%2A", 400, 0, 0, NULL},
    {"./Vendor/%00", 400, 0, 0, NULL},
    {"./Vendor/a%0Ab", 400, 0, 0, NULL},
    {"./Vendor/a%7F", 400, 0, 0, NULL},
    {"./Vendor/a%C2%85", 400, 0, 0, NULL},
    {"./Vendor/%FF", 400, 0, 0, NULL},
    {"./Vendor/%C3", 400, 0, 0, NULL},
    {"./Vendor/%4", 400, 0, 0, NULL},
    {"./Vendor/%", 400, 0, 0, NULL},
    {"./Vendor/%zz", 400, 0, 0, NULL},
    {"./a\xff", 400, 0, 0, NULL},
    {"./a\x01", 400, 0, 0, NULL},
};

static void
test_parse(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        DmUri uri;
        g_autoptr(GString) joined = g_string_new(NULL);

        g_test_message("case %u", i);
        g_assert_cmpint(dm_uri_parse(c->text, &uri), ==, c->status);
        if (c->segments == NULL)
            continue;
        for (guint k = 0; k < uri.n_segments; k++) {
            g_assert_cmpuint(strlen(uri.segments[k]), ==, uri.sizes[k]);
            g_string_append_printf(joined, "%s%s", k == 0 ? "" : "|", uri.segments[k]);
        }
        g_assert_cmpstr(joined->str, ==, c->segments);
        g_assert_cmpint(uri.scope, ==, c->scope);
        g_assert_cmpint(uri.query, ==, c->query);
    }
}

static void
test_limits(void)
{
    g_autoptr(GString) text = g_string_new(".");
    g_autofree char *longest = NULL;
    DmUri uri;

    for (guint i = 0; i < 16; i++)
        g_string_append(text, "/a");
    g_assert_cmpint(dm_uri_parse(text->str, &uri), ==, DM_STATUS_OK);
    g_string_append(text, "/a");
    g_assert_cmpint(dm_uri_parse(text->str, &uri), ==, DM_STATUS_URI_TOO_LONG);

    longest = g_strnfill(1025, 'x');
    memcpy(longest, "./", 2);
    g_assert_cmpint(dm_uri_parse(longest, &uri), ==, DM_STATUS_URI_TOO_LONG);
    longest[1024] = '\0';
    g_assert_cmpint(dm_uri_parse(longest, &uri), ==, DM_STATUS_OK);
    g_assert_cmpuint(uri.sizes[0], ==, 1022);
}

static void
test_escape(void)
{
    static const char *const names[] = {"MS DM Server", "a/b",   "100%",
                                        "Zürich",       "a?b#c", "x.y_z-1~"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GString) text = g_string_new("./");
        DmUri uri;

        dm_uri_append_escaped(text, names[i]);
        g_assert_cmpint(dm_uri_parse(text->str, &uri), ==, DM_STATUS_OK);
        g_assert_cmpuint(uri.n_segments, ==, 1);
        g_assert_cmpstr(uri.segments[0], ==, names[i]);
        for (const char *p = text->str; *p != '\0'; p++)
            g_assert_true((guchar)*p > 0x20 && (guchar)*p < 0x7F);
    }
}

static void
test_paths(void)
{
    static const char *const names[] = {"MS DM Server", "a/b", "_",     "",
                                        "Zürich",       "0",   "a_20b", "-"};
    static const char *const bad[] = {"a_",  "a_2", "_2G", "_2F_", "_61",
                                      "_c3", "_00", "a b", "_2D",  "é"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GString) path = g_string_new(NULL);
        g_autofree char *back = NULL;

        dm_path_append_escaped(path, names[i]);
        for (const char *p = path->str; *p != '\0'; p++)
            g_assert_true(g_ascii_isalnum(*p) || *p == '_');
        back = dm_path_unescape(path->str, path->len);
        g_assert_cmpstr(back, ==, names[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(dm_path_unescape(bad[i], strlen(bad[i])));
    g_assert_null(dm_path_unescape("", 0));
}

static void
test_design_path(void)
{
    g_autoptr(GString) path = g_string_new(NULL);

    dm_path_append_escaped(path, "MS DM Server");
    g_assert_cmpstr(path->str, ==, "MS_20DM_20Server");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uri/A1-A2-A3-parse", test_parse);
    g_test_add_func("/uri/A1-limits", test_limits);
    g_test_add_func("/uri/A4-escape-and-back", test_escape);
    g_test_add_func("/uri/paths-both-ways", test_paths);
    g_test_add_func("/uri/design-5-path", test_design_path);
    return g_test_run();
}
