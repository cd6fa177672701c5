/* SPDX-License-Identifier: MIT */

#include "broker/journal.h"

#include <string.h>

static char *
add_one(const char *provider, const char *text)
{
    g_autoptr(DmJournal) journal = dm_journal_new();

    dm_journal_add(journal, provider, "%s", text);
    return dm_journal_to_text(journal);
}

static void
test_lines(void)
{
    g_autoptr(DmJournal) journal = dm_journal_new();
    g_autofree char *empty = dm_journal_to_text(journal);
    g_autofree char *text = NULL;

    g_assert_cmpstr(empty, ==, "");
    dm_journal_add(NULL, "P", "nothing happens");
    dm_journal_add(journal, "P", "first %d", 1);
    dm_journal_add(journal, "Q", "second");
    text = dm_journal_to_text(journal);
    g_assert_true(
        g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z P first "
                             "1\n\\S+Z Q second\n$",
                             text, 0, 0));
}

static void
test_bounded(void)
{
    g_autoptr(DmJournal) journal = dm_journal_new();
    g_autofree char *text = NULL;

    for (guint i = 0; i < 20000; i++)
        dm_journal_add(journal, "P", "line number %u", i);
    text = dm_journal_to_text(journal);
    g_assert_cmpuint(strlen(text), <=, DM_JOURNAL_MAX_BYTES);
    g_assert_cmpuint(strlen(text), >, DM_JOURNAL_MAX_BYTES / 4);
    /* The newest are there, whole. */
    g_assert_true(g_str_has_suffix(text, " P line number 19999\n"));
    g_assert_null(strstr(text, "line number 0\n"));
    g_assert_true(g_ascii_isdigit(text[0]));
}

static void
test_long_lines(void)
{
    g_autofree char *wide = g_strnfill(4 * DM_JOURNAL_MAX_LINE, 'x');
    g_autofree char *text = add_one("P", wide);
    g_autoptr(GString) letters = g_string_new(NULL);
    g_autofree char *cut = NULL;

    g_assert_cmpuint(strlen(text), ==, DM_JOURNAL_MAX_LINE + 1);
    for (guint i = 0; i < DM_JOURNAL_MAX_LINE; i++)
        g_string_append(letters, "ä");
    cut = add_one("PQ", letters->str);
    g_assert_true(g_utf8_validate(cut, -1, NULL));
    g_assert_cmpuint(strlen(cut), <=, DM_JOURNAL_MAX_LINE + 1);
}

static void
test_escaped(void)
{
    g_autofree char *text = add_one("P\n", "a\nb\x1b[31m\x7f\xff");

    g_assert_nonnull(strstr(text, " P\\x0a a\\x0ab\\x1b[31m\\x7f\xef\xbf\xbd\n"));
}

static void
test_redacted(void)
{
    static const struct {
        const char *text, *redacted;
    } cases[] = {
        {"", ""},
        {"./Vendor/MSFT", "./Vendor/MSFT"},
        {"0123456789abcdef0123456789ABCDEF", "[id]"},
        {"4d5c1d0e-6b1a-4f56-8a0e-1d0e6b1a4f56", "[id]"},
        {"/var/0123456789abcdef0123456789abcdef.pem: no", "/var/[id].pem: no"},
        {"0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcde"},
        {"2026-03-02 dead-beef", "2026-03-02 dead-beef"},
        {"--------------------------------", "--------------------------------"},
        {"gä", "gä"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *redacted = dm_journal_redact(cases[i].text);

        g_assert_cmpstr(redacted, ==, cases[i].redacted);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/journal/time-provider-text", test_lines);
    g_test_add_func("/journal/oldest-make-room", test_bounded);
    g_test_add_func("/journal/long-lines-are-cut", test_long_lines);
    g_test_add_func("/journal/security-3-control-characters-are-escaped", test_escaped);
    g_test_add_func("/journal/security-3-identifiers-are-redacted", test_redacted);
    return g_test_run();
}
