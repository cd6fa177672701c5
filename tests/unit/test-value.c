/* SPDX-License-Identifier: MIT */

#include "common/value.h"

#include <string.h>

typedef struct {
    DmFormat row;
    const char *sent; /* Meta/Format */
    const char *data;
    DmStatus status;
    const char *text; /* what Get returns then */
} Case;

/* Written from V6 and V7. */
static const Case cases[] = {
    {DM_FORMAT_BOOL, NULL, "true", 200, "true"},
    {DM_FORMAT_BOOL, "bool", "FALSE", 200, "false"},
    {DM_FORMAT_BOOL, "chr", "True", 200, "true"},
    {DM_FORMAT_BOOL, "int", "1", 200, "true"},
    {DM_FORMAT_BOOL, "", "0", 200, "false"},
    {DM_FORMAT_BOOL, NULL, "yes", 415, NULL},
    {DM_FORMAT_BOOL, NULL, "", 415, NULL},
    {DM_FORMAT_BOOL, NULL, "2", 415, NULL},
    {DM_FORMAT_BOOL, "boolean", "true", 415, NULL},
    {DM_FORMAT_INT, NULL, "15", 200, "15"},
    {DM_FORMAT_INT, "int", " \t+15\r\n", 200, "15"},
    {DM_FORMAT_INT, "chr", "-7", 200, "-7"},
    {DM_FORMAT_INT, "int", "007", 200, "7"},
    {DM_FORMAT_INT, "bool", "true", 200, "1"},
    {DM_FORMAT_INT, "bool", "false", 200, "0"},
    {DM_FORMAT_INT, "int", "true", 415, NULL},
    {DM_FORMAT_INT, NULL, "", 415, NULL},
    {DM_FORMAT_INT, NULL, "-", 415, NULL},
    {DM_FORMAT_INT, NULL, "1 5", 415, NULL},
    {DM_FORMAT_INT, NULL, "0x10", 415, NULL},
    {DM_FORMAT_INT, NULL, "1.0", 415, NULL},
    {DM_FORMAT_INT, "float", "5", 200, "5"},
    {DM_FORMAT_CHR, NULL, "", 200, ""},
    {DM_FORMAT_CHR, "chr", "Zürich", 200, "Zürich"},
    {DM_FORMAT_CHR, "xml", "<a/>", 200, "<a/>"},
    {DM_FORMAT_CHR, "b64", "WsO8cmljaA==", 200, "Zürich"},
    {DM_FORMAT_CHR, "b64", " WsO8\n cmljaA== ", 200, "Zürich"},
    {DM_FORMAT_CHR, "b64", "", 200, ""},
    {DM_FORMAT_CHR, "b64", "/w==", 415, NULL},
    {DM_FORMAT_CHR, "b64", "WsO8cmlja", 415, NULL},
    {DM_FORMAT_CHR, "b64", "Ws*8", 415, NULL},
    {DM_FORMAT_CHR, "b64", "W===", 415, NULL},
    {DM_FORMAT_CHR, "b64", "AA==", 415, NULL},
    {DM_FORMAT_CHR, "hex", "41", 415, NULL},
    {DM_FORMAT_CHR, "Chr", "x", 415, NULL},
    {DM_FORMAT_CHR, NULL, "\xff", 415, NULL},
    {DM_FORMAT_CHR, NULL,
     "a\x01"
     "b",
     415, NULL},
    {DM_FORMAT_CHR, NULL, "\xef\xbf\xbe", 415, NULL},
    {DM_FORMAT_CHR, NULL, "a\nb\tc\r", 200, "a\nb\tc\r"},
    {DM_FORMAT_CHR, NULL, "a\xef\x80\x80z", 200, "a\xef\x80\x80z"},
};

static void
test_parse(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        g_auto(DmValue) value = dm_value_empty(DM_FORMAT_NULL);
        char buffer[DM_VALUE_TEXT_MAX];
        DmStatus status = dm_value_parse(c->row, c->sent, c->data, strlen(c->data), &value);

        g_test_message("case %u", i);
        g_assert_cmpint(status, ==, c->status);
        if (c->text == NULL) {
            g_assert_cmpint(value.format, ==, DM_FORMAT_NULL);
            continue;
        }
        g_assert_cmpint(value.format, ==, c->row);
        g_assert_cmpstr(dm_value_to_text(&value, buffer), ==, c->text);
    }
}

static void
test_nul_is_refused(void)
{
    g_auto(DmValue) value = dm_value_empty(DM_FORMAT_NULL);

    g_assert_cmpint(dm_value_parse(DM_FORMAT_CHR, NULL, "a\0b", 3, &value), ==,
                    DM_STATUS_BAD_FORMAT);
    g_assert_false(dm_text_is_valid("a\0b", 3));
    g_assert_true(dm_text_is_valid("", 0));
}

/* A number too large for any row must stay too large, not wrap into a range. */
static void
test_huge_int(void)
{
    const char *digits = "99999999999999999999999999999999999999990000000000000000000000005";
    g_auto(DmValue) value = dm_value_empty(DM_FORMAT_NULL);
    g_autofree char *negative = g_strconcat("-", digits, NULL);

    g_assert_cmpint(dm_value_parse(DM_FORMAT_INT, NULL, digits, strlen(digits), &value), ==,
                    DM_STATUS_OK);
    g_assert_cmpint(value.u.integer, >, G_MAXINT32);
    g_assert_cmpint(dm_value_parse(DM_FORMAT_INT, NULL, negative, strlen(negative), &value), ==,
                    DM_STATUS_OK);
    g_assert_cmpint(value.u.integer, <, G_MININT32);
}

static void
test_compare_and_copy(void)
{
    g_auto(DmValue) empty = dm_value_empty(DM_FORMAT_CHR);
    g_auto(DmValue) blank = dm_value_new_chr("");
    g_auto(DmValue) text = dm_value_new_chr("a");
    g_auto(DmValue) copy = dm_value_copy(&text);
    DmValue one = dm_value_new_int(1);
    DmValue yes = dm_value_new_bool(true);

    g_assert_true(dm_value_equal(&empty, &blank));
    g_assert_true(dm_value_equal(&text, &copy));
    g_assert_true(text.u.chr != copy.u.chr);
    g_assert_false(dm_value_equal(&text, &blank));
    g_assert_false(dm_value_equal(&one, &yes));
    g_assert_true(dm_value_equal(&one, &(DmValue){.format = DM_FORMAT_INT, .u.integer = 1}));
    dm_value_clear(&copy);
    g_assert_true(dm_value_equal(&copy, &empty));
}

static void
test_formats(void)
{
    static const char *const names[] = {"chr",  "int",  "bool",  "b64",  "xml",
                                        "null", "node", "float", "date", "time"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        DmFormat format;

        g_assert_true(dm_format_from_name(names[i], &format));
        g_assert_cmpstr(dm_format_to_name(format), ==, names[i]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value/V6-V7-parse", test_parse);
    g_test_add_func("/value/V7-no-nul", test_nul_is_refused);
    g_test_add_func("/value/V6-huge-int-stays-out-of-range", test_huge_int);
    g_test_add_func("/value/compare-and-copy", test_compare_and_copy);
    g_test_add_func("/value/V6-formats", test_formats);
    return g_test_run();
}
