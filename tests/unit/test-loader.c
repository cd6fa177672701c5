/* SPDX-License-Identifier: MIT */

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/loader.h"
#include "common/error.h"

/* A file of the build directory. */
static char *
find_built(const char *folder, const char *name)
{
    return g_build_filename(g_getenv("DM_TEST_BUILD"), folder, name, NULL);
}

/* A copy of dmclient.so of which a test may change owner and mode. */
typedef struct {
    char *dir;
    char *path;
} Copy;

static void
copy_init(Copy *copy)
{
    g_autofree char *built = find_built("plugin", "dmclient.so");
    g_autofree char *bytes = NULL;
    gsize size;

    copy->dir = g_dir_make_tmp("loader-XXXXXX", NULL);
    copy->path = g_build_filename(copy->dir, "dmclient.so", NULL);
    g_assert_true(g_file_get_contents(built, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(copy->path, bytes, (gssize)size, NULL));
    g_assert_cmpint(chmod(copy->path, 0755), ==, 0);
}

static void
copy_clear(Copy *copy)
{
    (void)g_remove(copy->path);
    (void)g_rmdir(copy->dir);
    g_free(copy->path);
    g_free(copy->dir);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Copy, copy_clear)

/* Fails unless `path` is refused with `code`, and a message that names it and says `why`. */
static void
expect_refusal(const char *path, DmErrorCode code, const char *why)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(dm_loader_new(path, &error));
    g_assert_error(error, DM_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, path));
    g_assert_nonnull(strstr(error->message, why));
}

/* Whatever is loaded stays in the process: a process of its own for each. */
static void
run_alone(void)
{
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed();
}

static void
test_good(void)
{
    g_auto(Copy) copy = {0};
    g_autoptr(DmLoader) loader = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_test_subprocess()) {
        run_alone();
        return;
    }
    copy_init(&copy);
    loader = dm_loader_new(copy.path, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(dm_loader_get_plugin(loader)->abi, ==, DM_PLUGIN_ABI);
    g_assert_cmpstr(dm_loader_get_plugin(loader)->name, ==, "dmclient");
}

/* The linker knows the name of the first one's descriptor, and would take the second for it. */
static void
test_second_file(void)
{
    g_auto(Copy) copy = {0};
    g_autofree char *other = find_built("tests/unit", "other-abi.so");
    DmLoader *loader;

    if (!g_test_subprocess()) {
        run_alone();
        return;
    }
    copy_init(&copy);
    loader = dm_loader_new(copy.path, NULL);
    g_assert_nonnull(loader);
    dm_loader_free(loader);
    expect_refusal(other, DM_ERROR_BUSY, "another process");
}

static void
test_other_abi(void)
{
    g_autofree char *path = find_built("tests/unit", "other-abi.so");

    if (!g_test_subprocess()) {
        run_alone();
        return;
    }
    expect_refusal(path, DM_ERROR_VERSION, "version 2");
}

static void
test_no_symbol(void)
{
    g_autofree char *path = find_built("tests/unit", "no-symbol.so");

    if (!g_test_subprocess()) {
        run_alone();
        return;
    }
    expect_refusal(path, DM_ERROR_INVALID, DM_PLUGIN_SYMBOL);
}

static void
test_no_library(void)
{
    g_auto(Copy) copy = {0};

    copy_init(&copy);
    g_assert_true(g_file_set_contents(copy.path, "not a library", -1, NULL));
    expect_refusal(copy.path, DM_ERROR_INVALID, "cannot load");
}

static void
test_writable(void)
{
    static const guint modes[] = {0775, 0757, 0777, 0602, 0620};
    g_auto(Copy) copy = {0};

    copy_init(&copy);
    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_assert_cmpint(chmod(copy.path, modes[i]), ==, 0);
        expect_refusal(copy.path, DM_ERROR_DENIED, "chmod go-w");
    }
}

static void
test_owner(void)
{
    g_auto(Copy) copy = {0};

    copy_init(&copy);
    if (chown(copy.path, 65534, 65534) < 0) {
        g_test_skip("needs root to give a file away");
        return;
    }
    expect_refusal(copy.path, DM_ERROR_DENIED, "owner 65534");
}

static void
test_link(void)
{
    g_auto(Copy) copy = {0};
    g_autofree char *link = NULL;

    copy_init(&copy);
    link = g_strconcat(copy.path, ".link", NULL);
    g_assert_cmpint(symlink(copy.path, link), ==, 0);
    expect_refusal(link, DM_ERROR_DENIED, "symbolic link");
    (void)g_unlink(link);
}

static void
test_not_regular(void)
{
    g_auto(Copy) copy = {0};
    g_autofree char *fifo = NULL;

    copy_init(&copy);
    expect_refusal(copy.dir, DM_ERROR_DENIED, "regular");
    /* Opening a FIFO must not wait for a writer. */
    fifo = g_strconcat(copy.path, ".fifo", NULL);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    expect_refusal(fifo, DM_ERROR_DENIED, "regular");
    (void)g_unlink(fifo);
}

static void
test_absent(void)
{
    expect_refusal("/nonexistent/dmclient.so", DM_ERROR_NOT_FOUND, "No such file");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/loader/good", test_good);
    g_test_add_func("/loader/a-second-file-is-not-taken-for-the-first", test_second_file);
    g_test_add_func("/loader/another-abi", test_other_abi);
    g_test_add_func("/loader/no-plug-in", test_no_symbol);
    g_test_add_func("/loader/no-library", test_no_library);
    g_test_add_func("/loader/writable-by-others", test_writable);
    g_test_add_func("/loader/owned-by-another", test_owner);
    g_test_add_func("/loader/a-link", test_link);
    g_test_add_func("/loader/not-a-regular-file", test_not_regular);
    g_test_add_func("/loader/absent", test_absent);
    return g_test_run();
}
