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

static void
remove_file(gpointer fixture, gconstpointer data)
{
    g_autofree char *file = get_file();

    (void)g_unlink(file);
}

static void
run(gpointer fixture, gconstpointer data)
{
    ((void (*)(void))data)();
}

/* Each begins without a file. */
static void
add(const char *name, void (*test)(void))
{
    g_test_add_vtable(name, 0, (gconstpointer)test, remove_file, run, NULL);
}

/* Not by G_TEST_OPTION_ISOLATE_DIRS, which leaks in GLib 2.74. */
int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *home = g_dir_make_tmp("dm-memory-XXXXXX", &error);
    g_autofree char *folder = g_build_filename(home, "dmclient-viewer", NULL);
    int code;

    g_assert_no_error(error);
    g_setenv("XDG_STATE_HOME", home, TRUE);
    g_test_init(&argc, &argv, NULL);
    add("/memory/shown", test_shown);
    add("/memory/window", test_window);
    code = g_test_run();
    remove_file(NULL, NULL);
    (void)g_rmdir(folder);
    (void)g_rmdir(home);
    return code;
}
