/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/printer.h"

static char *
escape(const char *text, const char *keep)
{
    GString *out = g_string_new(NULL);

    dm_printer_append_escaped(out, text, keep);
    return g_string_free(out, FALSE);
}

static void
test_escapes(void)
{
    static const struct {
        const char *text;
        const char *keep;
        const char *shown;
    } cases[] = {
        {"plain, ä, 漢, 🙂, C:\\x", "", "plain, ä, 漢, 🙂, C:\\x"},
        {"\033[31mred", "", "\\x1b[31mred"},
        {"a\nb\tc\r", "", "a\\x0ab\\x09c\\x0d"},
        {"a\nb\tc\r", "\n\t", "a\nb\tc\\x0d"},
        {"\x7f", "", "\\x7f"},
        {"\xc2\x9b", "", "\\u009b"},             /* C1: CSI */
        {"\xe2\x80\xae", "", "\\u202e"},         /* right-to-left override */
        {"\xe2\x81\xa6", "", "\\u2066"},         /* isolate */
        {"\xe2\x80\x8b", "", "\\u200b"},         /* zero width */
        {"\xe2\x80\xa8", "", "\\u2028"},         /* line separator */
        {"\xf3\xa0\x81\x81", "", "\\U000e0041"}, /* tag */
        {"\xef\x80\x80", "", "\\uf000"},         /* between expected items */
        {"\xff\xfe", "", "\\xff\\xfe"},
        {"\xe2\x80", "", "\\xe2\\x80"},          /* cut off */
        {"\xed\xa0\x80", "", "\\xed\\xa0\\x80"}, /* surrogate */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = escape(cases[i].text, cases[i].keep);
        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}

/* No sequence of bytes leaves anything behind that a terminal acts on. */
static void
test_nothing_gets_through(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);

    for (guint round = 0; round < 2000; round++) {
        char bytes[33] = {0};
        gint size = g_rand_int_range(random, 1, 32);

        for (gint i = 0; i < size; i++)
            bytes[i] = (char)g_rand_int_range(random, 1, 256);
        g_autofree char *shown = escape(bytes, "");
        g_assert_true(g_utf8_validate(shown, -1, NULL));
        for (const char *p = shown; *p != '\0'; p = g_utf8_find_next_char(p, NULL)) {
            g_assert_false(g_unichar_iscntrl(g_utf8_get_char(p)));
            g_assert_false(g_unichar_type(g_utf8_get_char(p)) == G_UNICODE_FORMAT);
        }
    }
}

static void
test_fields(void)
{
    g_autoptr(DmPrinter) printer = dm_printer_new(false);

    dm_printer_field(printer, DM_STYLE_PLAIN, "Absent", NULL);
    dm_printer_field(printer, DM_STYLE_PLAIN, "Empty", "");
    dm_printer_field(printer, DM_STYLE_PLAIN, "Text", "one\n\ntwo\033");
    g_assert_cmpstr(printer->out->str, ==,
                    "  Empty\n"
                    "  Text              one\n"
                    "\n"
                    "                    two\\x1b\n");
}

/* The JSON says exactly what was given, and yet no character in it is dangerous to look at. */
static void
test_json_round_trip(void)
{
    static const char text[] = "a\033\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81\x7f\"\\\n\xef\x80\x80 ä";
    g_autoptr(DmPrinter) printer = dm_printer_new(true);
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();
    g_autoptr(JsonParser) parser = json_parser_new();

    dm_json_add_string(builder, "text", text);
    dm_json_add_string(builder, "none", NULL);
    dm_json_add_time(builder, "never", 0);
    dm_json_add_time(builder, "time", 1767348000LL * G_USEC_PER_SEC);
    dm_printer_json_end(printer, builder);

    g_autofree char *escaped = escape(printer->out->str, "\n");
    g_assert_cmpstr(printer->out->str, ==, escaped);
    g_assert_true(json_parser_load_from_data(parser, printer->out->str, -1, NULL));
    JsonObject *object = json_node_get_object(json_parser_get_root(parser));
    g_assert_cmpint(json_object_get_int_member(object, "schema"), ==, 1);
    g_assert_cmpstr(json_object_get_string_member(object, "text"), ==, text);
    g_assert_true(json_object_get_null_member(object, "none"));
    g_assert_true(json_object_get_null_member(object, "never"));
    g_assert_cmpstr(json_object_get_string_member(object, "time"), ==, "2026-01-02T10:00:00Z");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/printer/escapes", test_escapes);
    g_test_add_func("/printer/nothing-gets-through", test_nothing_gets_through);
    g_test_add_func("/printer/fields", test_fields);
    g_test_add_func("/printer/json-round-trip", test_json_round_trip);
    return g_test_run();
}
