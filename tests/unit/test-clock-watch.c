/* SPDX-License-Identifier: MIT */

#include "broker/clock-watch.h"

static void
on_set(gpointer data)
{
    (*(guint *)data)++;
}

/* That setting the clock is noticed cannot be tried where others use it; that nothing else is can.
 */
static void
test_quiet(void)
{
    guint n = 0;
    g_autoptr(DmClockWatch) watch = dm_clock_watch_new(NULL, on_set, &n);

    g_assert_nonnull(watch);
    for (guint i = 0; i < 100; i++)
        g_assert_false(g_main_context_iteration(NULL, FALSE));
    g_assert_cmpuint(n, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clock-watch/P7-no-wake-up-while-nobody-sets-it", test_quiet);
    return g_test_run();
}
