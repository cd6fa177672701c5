/* SPDX-License-Identifier: MIT */
#include "desktop/memory.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define PATH "/org/dmclient/DMClient1/Provider/A_20B"

static char *
get_file(void)
{
    return g_build_filename(g_get_user_state_dir(), "dmclient-viewer", "state", NULL);
}

static void
write_file(const char *text)
{
    g_autofree char *file = get_file();
    g_autofree char *folder = g_path_get_dirname(file);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_file_set_contents(file, text, -1, &error);
    g_assert_no_error(error);
}

static void
test_shown(void)
{
    g_autoptr(DmMemory) memory = dm_memory_open();

    g_assert_false(dm_memory_get_shown(memory, PATH));
    dm_memory_set_shown(memory, PATH, true);
    g_assert_true(dm_memory_get_shown(memory, PATH));
    g_clear_pointer(&memory, dm_memory_free);
    memory = dm_memory_open();
    g_assert_true(dm_memory_get_shown(memory, PATH));
    g_assert_false(dm_memory_get_shown(memory, PATH "C"));
    dm_memory_set_shown(memory, PATH, false);
    g_clear_pointer(&memory, dm_memory_free);
    memory = dm_memory_open();
    g_assert_false(dm_memory_get_shown(memory, PATH));
}

static void
check_window(int expected_width, int expected_height, bool expected_maximized)
{
    g_autoptr(DmMemory) memory = dm_memory_open();
    int width = 1;
    int height = 2;
    bool is_maximized = false;

    dm_memory_get_window(memory, &width, &height, &is_maximized);
    g_assert_cmpint(width, ==, expected_width);
    g_assert_cmpint(height, ==, expected_height);
    g_assert_cmpint(is_maximized, ==, expected_maximized);
}

/* Whatever the file holds, it does no harm. */
static void
test_window(void)
{
    g_autoptr(DmMemory) memory = dm_memory_open();

    check_window(1, 2, false);
    dm_memory_set_window(memory, 700, 500, true);
    check_window(700, 500, true);
    write_file("[window]\nwidth=-5\nheight=999999999\nmaximized=perhaps\n");
    check_window(1, 2, false);
    write_file("\x7f"
               "ELF no key file [");
    check_window(1, 2, false);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
    g_test_add_func("/memory/shown", test_shown);
    g_test_add_func("/memory/window", test_window);
    return g_test_run();
}
