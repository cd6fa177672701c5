/* SPDX-License-Identifier: MIT */

/* What OSConfig hands over is JSON as RFC 8259 has it, with caps; json-glib would take more. */

#include <string.h>

#include "hosts/mmi-scan.h"

typedef struct {
    const char *text;
    gsize n_members; /* where it is taken */
    const char *problem;
    gsize offset; /* where it is not */
} Case;

static const Case cases[] = {
    {.text = "[]"},
    {.text = " \t\r\n{ } \n"},
    {.text = "\"\""},
    {.text = "true"},
    {.text = "false"},
    {.text = "null"},
    {.text = "0"},
    {.text = "-0"},
    {.text = "-12"},
    {.text = "999999999999999999"},
    {.text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83d\\uDe00\""},
    {.text = "\"\x7f\xc3\xa4\xf0\x9f\x98\x80\""},
    {.text = "{\"a\":1,\"b\":[{\"c\":{}},2]}", .n_members = 3},
    {.text = "[[[[[[[[0]]]]]]]]"},
    {.text = "[[[[[[[[[0]]]]]]]]]", .problem = "nested too deep", .offset = 8},
    {.text = "", .problem = "no value"},
    {.text = " ", .problem = "no value", .offset = 1},
    {.text = "[] x", .problem = "more than one value", .offset = 3},
    {.text = "[1,]", .problem = "no value", .offset = 3},
    {.text = "[1 2]", .problem = "no comma, and no end", .offset = 3},
    {.text = "[1", .problem = "no comma, and no end", .offset = 2},
    {.text = "{1:2}", .problem = "no string", .offset = 1},
    {.text = "{\"a\" 2}", .problem = "a name without a colon", .offset = 5},
    {.text = "tru", .problem = "no value"},
    {.text = "nul", .problem = "no value"},
    {.text = "'x'", .problem = "no value"},
    {.text = "/**/1", .problem = "no value"},
    {.text = "+1", .problem = "no value"},
    {.text = "-", .problem = "a malformed number", .offset = 1},
    {.text = "01", .problem = "a malformed number", .offset = 2},
    {.text = "0x1", .problem = "more than one value", .offset = 1},
    {.text = "1.0", .problem = "a number that is not an integer", .offset = 1},
    {.text = "1E2", .problem = "a number that is not an integer", .offset = 1},
    {.text = "1000000000000000000", .problem = "a number that is too large", .offset = 19},
    {.text = "\"x", .problem = "a string without an end", .offset = 2},
    {.text = "\"\\", .problem = "an unknown escape", .offset = 2},
    {.text = "\"\\x41\"", .problem = "an unknown escape", .offset = 2},
    {.text = "\"\n\"", .problem = "a control character in a string", .offset = 1},
    {.text = "\"\\u00g0\"", .problem = "a malformed \\u", .offset = 5},
    {.text = "\"\\u0000\"", .problem = "a NUL", .offset = 7},
    {.text = "\"\\ud800\"", .problem = "half a surrogate pair", .offset = 7},
    {.text = "\"\\udc00\"", .problem = "half a surrogate pair", .offset = 7},
    {.text = "\"\\ud800\\u0041\"", .problem = "half a surrogate pair", .offset = 13},
    {.text = "\xef\xbb\xbf[]", .problem = "no value"},
    {.text = "\"\xff\"", .problem = "not valid UTF-8", .offset = 1},
    {.text = "\"\xed\xa0\x80\"", .problem = "not valid UTF-8", .offset = 1},
};

static void
test_case(gconstpointer data)
{
    const Case *expected = data;
    gsize size = strlen(expected->text), n_members = 0, offset = 0;
    /* Of exactly its size: nothing behind it may be read. */
    g_autofree char *text = g_memdup2(expected->text, size);
    const char *problem = NULL;

    if (dm_mmi_scan(text, size, &n_members, &problem, &offset))
        g_assert_cmpuint(n_members, ==, expected->n_members);
    g_assert_cmpstr(problem, ==, expected->problem);
    g_assert_cmpuint(offset, ==, expected->offset);
}

static void
test_nul(void)
{
    gsize n_members, offset = 0;
    const char *problem = NULL;

    g_assert_false(dm_mmi_scan("[]\0", 3, &n_members, &problem, &offset));
    g_assert_cmpstr(problem, ==, "a NUL");
    g_assert_cmpuint(offset, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/mmi-scan/%" G_GSIZE_FORMAT, i);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/mmi-scan/nul", test_nul);
    return g_test_run();
}
