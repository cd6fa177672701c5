/* SPDX-License-Identifier: MIT */
#include "common/text.h"

/* security.md section 3: no C0/C1 but line feed where lines are shown, no bidi controls, zero-width
 * or tag characters. */

static void
assert_cleaned(const char *text, DmTextShape shape, const char *expected)
{
    g_autofree char *cleaned = dm_text_clean(text, shape);

    if (expected == NULL)
        g_assert_null(cleaned);
    else
        g_assert_cmpstr(cleaned, ==, expected);
}

static void
test_clean_text_is_left_alone(void)
{
    static const char *const texts[] = {
        "",
        "Contoso",
        "A & B <x> \"y\" 'z'",
        "Grüße, 你好, مرحبا, שלום",
        "e\xcc\x81",                 /* combining */
        "\xf0\x9f\x91\x8b",          /* emoji */
        "\xef\xbf\xbd\xef\xbb\xbc",  /* replacement character; last of a row before U+FEFF */
        "\xe2\x80\x8a|\xe2\x80\x90", /* the neighbours of U+200B to U+200F */
        "\xe2\x80\xa7|\xe2\x80\xaf", /* of U+2028 to U+202E */
        "\xc2\xa0",                  /* first after C1 */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        assert_cleaned(texts[i], DM_TEXT_ONE_LINE, NULL);
        assert_cleaned(texts[i], DM_TEXT_LINES, NULL);
    }
}

static void
test_controls(void)
{
    for (char c = 1; c < 0x20; c++) {
        const char text[] = {'a', c, 'b', '\0'};
        const char *one = c == '\t' || c == '\n' ? "a b" : "ab";

        assert_cleaned(text, DM_TEXT_ONE_LINE, one);
        assert_cleaned(text, DM_TEXT_LINES, c == '\n' ? NULL : one);
    }
    assert_cleaned("a\x7f"
                   "b",
                   DM_TEXT_LINES, "ab");
    for (gunichar c = 0x80; c < 0xa0; c++) {
        g_autoptr(GString) text = g_string_new("a");

        g_string_append_unichar(text, c);
        g_string_append(text, "b");
        assert_cleaned(text->str, DM_TEXT_LINES, "ab");
        assert_cleaned(text->str, DM_TEXT_ONE_LINE, "ab");
    }
}

static void
test_lines(void)
{
    assert_cleaned("one\r\ntwo", DM_TEXT_LINES, "one\ntwo");
    assert_cleaned("one\r\ntwo", DM_TEXT_ONE_LINE, "one two");
    assert_cleaned("\n", DM_TEXT_ONE_LINE, " ");
}

/* Unicode's own lists: Bidi_Control, and what has no width or only tags. */
static void
test_hidden_characters(void)
{
    static const gunichar hidden[] = {
        0x061c,  0x200e,  0x200f,  0x202a,  0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067,
        0x2068,  0x2069,  0x200b,  0x200c,  0x200d, 0x2060, 0xfeff, 0x180e, 0x2061, 0xe0000,
        0xe0001, 0xe0020, 0xe0041, 0xe007f, 0x2028, 0x2029, 0x206a, 0x206f, 0xfff9,
    };

    for (gsize i = 0; i < G_N_ELEMENTS(hidden); i++) {
        g_autoptr(GString) text = g_string_new("\xc3\xa4");

        g_string_append_unichar(text, hidden[i]);
        g_string_append(text, "\xe4\xbd\xa0");
        assert_cleaned(text->str, DM_TEXT_ONE_LINE, "\xc3\xa4\xe4\xbd\xa0");
        assert_cleaned(text->str, DM_TEXT_LINES, "\xc3\xa4\xe4\xbd\xa0");
    }
    assert_cleaned("\xe2\x80\xae", DM_TEXT_ONE_LINE, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/clean-text-is-left-alone", test_clean_text_is_left_alone);
    g_test_add_func("/text/controls", test_controls);
    g_test_add_func("/text/lines", test_lines);
    g_test_add_func("/text/hidden-characters", test_hidden_characters);
    return g_test_run();
}
