/* SPDX-License-Identifier: MIT */
#include "cli/columns.h"

#include <string.h>

static void
test_count(void)
{
    static const struct {
        const char *text;
        guint columns;
    } cases[] = {
        {"", 0}, {"abc", 3}, {"Köln", 4}, {"漢字", 4}, {"e\xcc\x81", 1}, {"مرحبا", 5}, {"🙂", 2},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(dm_columns_count(cases[i].text), ==, cases[i].columns);
}

static void
test_wrap(void)
{
    static const struct {
        const char *text;
        guint width;
        const char *lines; /* joined by | */
    } cases[] = {
        {"", 10, ""},
        {"one two three", 7, "one two|three"},
        {"one two three", 8, "one two|three"},
        {"one two three", 0, "one two three"},
        {"one\ntwo", 0, "one|two"},
        {"one\n\ntwo", 10, "one||two"},
        {"https://a.example.org/long", 10, "https://a.|example.or|g/long"},
        {"漢字漢字", 5, "漢字|漢字"},
        {"漢", 1, "漢"},
        {"a  b", 2, "a|b"},
        {"exactly10c", 10, "exactly10c"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) lines = dm_columns_wrap(cases[i].text, cases[i].width);
        g_autofree char *joined = g_strjoinv("|", lines);

        g_assert_cmpstr(joined, ==, cases[i].lines);
    }
}

/* Whatever the text, no line is wider than asked for, and nothing but blanks is lost. */
static void
test_wrap_loses_nothing(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(3);

    for (guint round = 0; round < 500; round++) {
        static const char *const pieces[] = {"a", "bb ", " ", "漢", "é", "\n", "longword"};
        g_autoptr(GString) text = g_string_new(NULL);
        guint width = (guint)g_rand_int_range(random, 2, 12);

        for (guint i = 0; i < 20; i++)
            g_string_append(text, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        g_auto(GStrv) lines = dm_columns_wrap(text->str, width);
        g_autofree char *joined = g_strjoinv("", lines);
        g_auto(GStrv) got = g_strsplit_set(joined, " \n", -1);
        g_auto(GStrv) wanted = g_strsplit_set(text->str, " \n", -1);
        g_autofree char *got_text = g_strjoinv("", got);
        g_autofree char *wanted_text = g_strjoinv("", wanted);

        for (guint i = 0; lines[i] != NULL; i++)
            g_assert_cmpuint(dm_columns_count(lines[i]), <=, width);
        g_assert_cmpstr(got_text, ==, wanted_text);
    }
}

static void
test_fit(void)
{
    static const struct {
        const char *text;
        guint width;
        const char *shown;
    } cases[] = {
        {"abc", 5, "abc  "}, {"abc", 3, "abc"},     {"abcdef", 4, "abc…"}, {"abc", 1, "…"},
        {"abc", 0, "abc"},   {"漢字漢", 4, "漢… "}, {"漢字", 2, "… "},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);

        dm_columns_append_fitted(out, cases[i].text, cases[i].width);
        g_assert_cmpstr(out->str, ==, cases[i].shown);
    }
}

/* COLUMNS goes first, and only as a sensible number; a file has no width of its own. */
static void
test_terminal(void)
{
    static const struct {
        const char *variable;
        guint columns;
    } cases[] = {
        {"132", 132}, {"", 80}, {"x", 80}, {"0", 80}, {"-5", 80}, {"99999999", 80}, {"40 ", 80},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_setenv("COLUMNS", cases[i].variable, TRUE);
        g_assert_cmpuint(dm_columns_get_terminal(-1), ==, cases[i].columns);
    }
    g_unsetenv("COLUMNS");
    g_assert_cmpuint(dm_columns_get_terminal(-1), ==, 80);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/columns/count", test_count);
    g_test_add_func("/columns/wrap", test_wrap);
    g_test_add_func("/columns/wrap-loses-nothing", test_wrap_loses_nothing);
    g_test_add_func("/columns/fit", test_fit);
    g_test_add_func("/columns/terminal", test_terminal);
    return g_test_run();
}
