/* SPDX-License-Identifier: MIT */
#include "plugin/archive.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

typedef struct {
    char *parent;
    char *directory;
    DmArchive *archive;
} Fixture;

static void
setup(Fixture *f, gconstpointer data)
{
    f->parent = g_dir_make_tmp("dm.XXXXXX", NULL);
    f->directory = g_build_filename(f->parent, "logs", NULL);
    f->archive = dm_archive_new(1700000000);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    dm_archive_free(f->archive);
    (void)rmdir(f->directory);
    g_assert_cmpint(rmdir(f->parent), ==, 0);
    g_free(f->directory);
    g_free(f->parent);
}

/* What tar prints of the archive behind `fd`. */
static char *
run_tar(int fd, const char *flags, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", getpid(), fd);
    const char *argv[] = {"tar", flags, path, name, NULL};
    g_autoptr(GError) error = NULL;
    char *out = NULL;
    int status;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                               NULL, &status, &error));
    g_assert_no_error(error);
    g_assert_true(g_spawn_check_wait_status(status, NULL));
    return out;
}

static void
test_tar_reads_it(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *list = NULL, *one = NULL;
    g_autofree char *long_name = g_strnfill(99, 'x');
    g_autofree char *block = g_strnfill(512, 'b');
    int fd;

    g_assert_true(dm_archive_add(f->archive, "a.txt", "one\n", 4));
    g_assert_true(dm_archive_add(f->archive, "empty", "", 0));
    g_assert_true(dm_archive_add(f->archive, "sub/block", block, 512));
    g_assert_true(dm_archive_add(f->archive, long_name, "x", 1));
    fd = dm_archive_to_fd(f->archive, f->directory, &error);
    g_assert_no_error(error);
    list = run_tar(fd, "-tf", NULL);
    one = run_tar(fd, "-xOf", "a.txt");
    g_assert_cmpstr(one, ==, "one\n");
    {
        g_autofree char *expected = g_strconcat("a.txt\nempty\nsub/block\n", long_name, "\n", NULL);

        g_assert_cmpstr(list, ==, expected);
    }
    close(fd);
}

/* Whoever gets it cannot write to it, and nothing of it has a name. */
static void
test_it_is_out_of_reach(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat info;
    int fd = dm_archive_to_fd(f->archive, f->directory, &error);
    g_autoptr(GDir) dir = g_dir_open(f->directory, 0, NULL);

    g_assert_no_error(error);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    g_assert_cmpint(fstat(fd, &info), ==, 0);
    g_assert_cmpint(info.st_nlink, ==, 0);
    g_assert_cmpint(info.st_mode & 07777, ==, 0600);
    g_assert_null(g_dir_read_name(dir));
    g_assert_cmpint(stat(f->directory, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 07777, ==, 0700);
    close(fd);
}

/* One that was being made when the process was killed. */
static void
test_leftovers_go(Fixture *f, gconstpointer data)
{
    g_autofree char *left = g_build_filename(f->directory, "archive-abcdef", NULL);
    int fd;

    g_assert_cmpint(mkdir(f->directory, 0700), ==, 0);
    g_assert_true(g_file_set_contents(left, "x", 1, NULL));
    fd = dm_archive_to_fd(f->archive, f->directory, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
    close(fd);
}

static void
test_too_large(Fixture *f, gconstpointer data)
{
    g_autofree char *bytes = g_malloc0(DM_ARCHIVE_MAX);

    g_assert_false(dm_archive_add(f->archive, "a", bytes, DM_ARCHIVE_MAX));
    g_assert_true(dm_archive_add(f->archive, "a", bytes, DM_ARCHIVE_MAX - 2048));
    g_assert_false(dm_archive_add(f->archive, "b", bytes, 1));
}

static void
test_no_directory(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(dm_archive_to_fd(f->archive, "/proc/nowhere/at-all", &error), ==, -1);
    g_assert_error(error, DM_ERROR, DM_ERROR_STORAGE);
    g_assert_nonnull(strstr(error->message, "/proc/nowhere/at-all"));
}

#define TEST(path, func) g_test_add(path, Fixture, NULL, setup, func, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("/archive/tar-reads-it", test_tar_reads_it);
    TEST("/archive/it-is-out-of-reach", test_it_is_out_of_reach);
    TEST("/archive/leftovers-go", test_leftovers_go);
    TEST("/archive/too-large", test_too_large);
    TEST("/archive/no-directory", test_no_directory);
    return g_test_run();
}
