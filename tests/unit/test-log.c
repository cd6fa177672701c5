/* SPDX-License-Identifier: MIT */

#include "common/log.h"

#include <string.h>

static void
test_escape(void)
{
    g_autofree char *plain = dm_log_escape("Zürich: 100%");
    g_autofree char *hostile = dm_log_escape("a\nb\x1b[31mc\x7f\xc2\x9b");
    g_autofree char *invalid = dm_log_escape("\xff");

    g_assert_cmpstr(plain, ==, "Zürich: 100%");
    g_assert_cmpstr(hostile, ==, "a\\x0ab\\x1b[31mc\\x7f\\x9b");
    g_assert_true(g_utf8_validate(invalid, -1, NULL));
}

/* Runs in a process of its own: the log writer is the process's. */
static void
test_line(void)
{
    if (g_test_subprocess()) {
        dm_log_init("tester");
        dm_log_warning("first\nsecond", "PROVIDER",
                       "Fl\x1b"
                       "eet",
                       "UNSET", NULL, "CODE", "3");
        dm_log_debug("not shown");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("tester: warning: first\\x0asecond provider=Fl\\x1beet code=3\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/security-3-controls-are-escaped", test_escape);
    g_test_add_func("/log/one-line-a-message", test_line);
    return g_test_run();
}
