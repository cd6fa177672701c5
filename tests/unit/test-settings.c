/* SPDX-License-Identifier: MIT */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/error.h"
#include "plugin/settings.h"

typedef struct {
    char *dir, *path;
} File;

static void
file_init(File *file, const char *content)
{
    file->dir = g_dir_make_tmp("settings-XXXXXX", NULL);
    file->path = g_build_filename(file->dir, "dmclient.conf", NULL);
    if (content != NULL)
        g_assert_true(g_file_set_contents(file->path, content, -1, NULL));
}

static void
file_clear(File *file)
{
    (void)g_unlink(file->path);
    (void)g_rmdir(file->dir);
    g_free(file->path);
    g_free(file->dir);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(File, file_clear)

static void
expect_refusal(const char *content, DmErrorCode code, const char *word)
{
    g_auto(File) file = {0};
    DmSettings untouched = {.allow_http = true};
    g_autoptr(GError) error = NULL;

    file_init(&file, content);
    g_assert_false(dm_settings_load(file.path, &untouched, &error));
    g_assert_error(error, DM_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, file.path));
    g_assert_nonnull(strstr(error->message, word));
    g_assert_true(untouched.allow_http);
}

static void
test_defaults(void)
{
    g_auto(DmSettings) settings = {0};

    g_assert_true(dm_settings_load(NULL, &settings, NULL));
    g_assert_false(settings.allow_http); /* L1 */
    g_assert_cmpuint(settings.warnings->len, ==, 0);
}

static void
test_groups(void)
{
    g_auto(File) file = {0};
    g_auto(DmSettings) settings = {0};

    file_init(&file, "# of the broker\n[broker]\nca-file=/x\nnew=1\n[tree]\nallow-http=true\n");
    g_assert_true(dm_settings_load(file.path, &settings, NULL));
    g_assert_true(settings.allow_http);
    g_assert_cmpuint(settings.warnings->len, ==, 0);
}

static void
test_unknown_key(void)
{
    g_auto(File) file = {0};
    g_auto(DmSettings) settings = {0};

    file_init(&file, "[tree]\nallow_http=true\n");
    g_assert_true(dm_settings_load(file.path, &settings, NULL));
    g_assert_false(settings.allow_http);
    g_assert_cmpuint(settings.warnings->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(settings.warnings, 0), "allow_http"));
}

static void
expect_window(const char *text, guint window_min)
{
    g_auto(File) file = {0};
    g_auto(DmSettings) settings = {0};
    g_autofree char *content = g_strdup_printf("[tree]\nmaintenance-window=%s\n", text);

    file_init(&file, content);
    g_assert_true(dm_settings_load(file.path, &settings, NULL));
    g_assert_true(settings.has_window);
    g_assert_cmpuint(settings.window_min, ==, window_min);
    g_assert_cmpuint(settings.warnings->len, ==, 0);
}

static void
test_window(void)
{
    static const char *const bad[] = {"",      "24:00",   "23:60", "2:30", "02.30",
                                      "02:3x", " 02:30x", "-1:30", "0230", "02:30:00"};
    g_auto(DmSettings) defaults = {0};

    g_assert_true(dm_settings_load(NULL, &defaults, NULL));
    g_assert_false(defaults.has_window);
    expect_window("00:00", 0);
    expect_window("02:30", 150);
    expect_window("23:59", 1439);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *content = g_strdup_printf("[tree]\nmaintenance-window=%s\n", bad[i]);

        expect_refusal(content, DM_ERROR_INVALID, "maintenance-window");
    }
}

static void
test_refused(void)
{
    g_autofree char *large = g_strnfill(70000, '#');

    expect_refusal(NULL, DM_ERROR_NOT_FOUND, "No such file");
    expect_refusal("[tree]\nallow-http=perhaps\n", DM_ERROR_INVALID, "allow-http");
    expect_refusal("no group\n", DM_ERROR_INVALID, "");
    expect_refusal(large, DM_ERROR_TOO_LARGE, "at most");
}

static void
test_directory(void)
{
    g_auto(File) file = {0};
    DmSettings untouched = {0};
    g_autoptr(GError) error = NULL;

    file_init(&file, NULL);
    g_assert_false(dm_settings_load(file.dir, &untouched, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_FAILED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/L1-http-is-off-by-default", test_defaults);
    g_test_add_func("/settings/other-groups-belong-to-others", test_groups);
    g_test_add_func("/settings/an-unknown-key-is-warned-of", test_unknown_key);
    g_test_add_func("/settings/what-is-wrong-is-named", test_refused);
    g_test_add_func("/settings/P3-maintenance-window", test_window);
    g_test_add_func("/settings/a-directory", test_directory);
    return g_test_run();
}
