/* SPDX-License-Identifier: MIT */

#include "broker/findings.h"

#include <string.h>

#include "broker/json.h"

static void
test_levels(void)
{
    g_autoptr(DmFindings) findings = dm_findings_new();

    g_assert_cmpint(dm_findings_get_level(findings), ==, DM_LEVEL_OK);
    dm_findings_add(findings, DM_LEVEL_ERROR, "a", NULL, "n", "wrong");
    dm_findings_add(findings, DM_LEVEL_WARNING, "b", NULL, "n", "odd");
    dm_findings_add(findings, DM_LEVEL_OK, "c", NULL, NULL, "fine");
    g_assert_cmpint(dm_findings_get_level(findings), ==, DM_LEVEL_ERROR);
}

static void
test_json(void)
{
    static const char id[] = "00112233445566778899aabbccddeeff";
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autofree char *whole = NULL;
    g_autofree char *redacted = NULL;

    dm_findings_add(findings, DM_LEVEL_WARNING, "x", "P\"\n", "look at \\", "%s: %d", id, 7);
    whole = dm_findings_to_json(findings, false);
    g_assert_cmpstr(
        whole, ==,
        "{\"schema\":1,\"version\":\"" DM_VERSION "\",\"level\":\"warning\","
        "\"findings\":[{\"id\":\"x\",\"level\":\"warning\",\"provider\":\"P\\\"\\u000a\","
        "\"text\":\"00112233445566778899aabbccddeeff: 7\",\"next\":\"look at \\\\\"}]}\n");
    redacted = dm_findings_to_json(findings, true);
    g_assert_nonnull(strstr(redacted, "\"text\":\"[id]: 7\""));
    g_assert_null(strstr(redacted, id));
}

static void
test_text(void)
{
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autofree char *text = NULL;

    dm_findings_add(findings, DM_LEVEL_OK, "good", NULL, "is not shown", "fine");
    dm_findings_add(findings, DM_LEVEL_ERROR, "bad", "P\033", "do\nthis", "wrong");
    text = dm_findings_to_text(findings);
    g_assert_cmpstr(text, ==,
                    "ok      good           fine\n"
                    "error   bad            P\\x1b: wrong\n"
                    "                       Next: do\\x0athis\n");
}

static void
test_json_of_anything(void)
{
    g_autoptr(GString) json = g_string_new(NULL);

    dm_json_open(json, NULL, '{');
    dm_json_add_text(json, "a", NULL);
    dm_json_add_text(json, "b", "\xff");
    dm_json_add_number(json, "c", G_MAXUINT64);
    dm_json_close(json, '}');
    g_assert_cmpstr(json->str, ==,
                    "{\"a\":null,\"b\":\"\xef\xbf\xbd\",\"c\":18446744073709551615}");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/findings/the-worst-level-counts", test_levels);
    g_test_add_func("/findings/json-is-escaped-and-redacted", test_json);
    g_test_add_func("/findings/text-is-escaped", test_text);
    g_test_add_func("/findings/json-of-anything", test_json_of_anything);
    return g_test_run();
}
