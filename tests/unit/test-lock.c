/* SPDX-License-Identifier: MIT */

#include "broker/lock.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "tests/unit/fixture.h"

typedef struct {
    char *folder;
    char *directory;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("dm-lock-XXXXXX", NULL);
    fixture->directory = g_build_filename(fixture->folder, "broker", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = g_build_filename(fixture->directory, "sessions.lock", NULL);

    g_remove(file);
    g_remove(fixture->directory);
    g_assert_cmpint(g_remove(fixture->folder), ==, 0);
    g_free(fixture->directory);
    g_free(fixture->folder);
}

static int
take(const Fixture *fixture, const char *provider)
{
    g_autoptr(GError) error = NULL;
    int lock = dm_lock_take(fixture->directory, provider, &error);

    g_assert_no_error(error);
    g_assert_cmpint(lock, >=, 0);
    return lock;
}

static void
assert_busy(const Fixture *fixture, const char *provider)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(dm_lock_take(fixture->directory, provider, &error), ==, -1);
    g_assert_error(error, DM_ERROR, DM_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, provider));
}

static void
test_one_at_a_time(Fixture *fixture, gconstpointer data)
{
    int one = take(fixture, "One");
    int two = take(fixture, "Two");

    assert_busy(fixture, "One");
    assert_busy(fixture, "Two");
    close(one);
    assert_busy(fixture, "Two");
    one = take(fixture, "One");
    close(one);
    close(two);
}

static void
test_process_is_gone(Fixture *fixture, gconstpointer data)
{
    int status;
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        take(fixture, "One");
        _exit(7); /* without closing it */
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    close(take(fixture, "One"));
}

static void
test_modes(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = g_build_filename(fixture->directory, "sessions.lock", NULL);
    struct stat status;

    close(take(fixture, "One"));
    g_assert_cmpint(stat(fixture->directory, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0700);
    g_assert_cmpint(stat(file, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    g_assert_cmpint(status.st_size, ==, 0);
}

static void
test_no_directory(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(fixture->directory, "", -1, NULL));
    g_assert_cmpint(dm_lock_take(fixture->directory, "One", &error), ==, -1);
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, fixture->directory));
}

static void
test_one_daemon(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    int lock;

    /* To look makes nothing, and stands in nobody's way. */
    g_assert_false(dm_lock_has_daemon(fixture->directory));
    lock = dm_lock_take_daemon(fixture->directory, &error);
    g_assert_no_error(error);
    g_assert_cmpint(lock, >=, 0);
    g_assert_true(dm_lock_has_daemon(fixture->directory));
    close(take(fixture, "One"));
    g_assert_cmpint(dm_lock_take_daemon(fixture->directory, &error), ==, -1);
    g_assert_error(error, DM_ERROR, DM_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, fixture->directory));
    close(lock);
    g_assert_false(dm_lock_has_daemon(fixture->directory));
    close(take(fixture, "One"));
    g_assert_false(dm_lock_has_daemon(fixture->directory));
    close(dm_lock_take_daemon(fixture->directory, NULL));
}

static void
on_free(gpointer data)
{
    (*(guint *)data)++;
}

static void
test_watch(Fixture *fixture, gconstpointer data)
{
    int one = take(fixture, "One"), two = take(fixture, "Two");
    guint n = 0;
    g_autoptr(DmLockWatch) watch =
        dm_lock_watch_new(fixture->directory, "One", NULL, on_free, &n, NULL);

    g_assert_nonnull(watch);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    /* Others come and go. */
    assert_busy(fixture, "One");
    close(two);
    WAIT_UNTIL(g_main_context_iteration(NULL, FALSE));
    g_assert_cmpuint(n, ==, 0);
    close(one);
    WAIT_UNTIL(n > 0);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(n, ==, 1);
}

static void
test_watch_of_a_free_one(Fixture *fixture, gconstpointer data)
{
    guint n = 0;
    DmLockWatch *watch = dm_lock_watch_new(fixture->directory, "One", NULL, on_free, &n, NULL);

    g_assert_cmpuint(n, ==, 0);
    WAIT_UNTIL(n > 0);
    dm_lock_watch_free(watch);
    watch = dm_lock_watch_new(fixture->directory, "One", NULL, on_free, &n, NULL);
    dm_lock_watch_free(watch);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_cmpuint(n, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/lock/protocol-8-one-session-a-provider", Fixture, NULL, set_up, test_one_at_a_time,
               tear_down);
    g_test_add("/lock/free-when-its-process-is-gone", Fixture, NULL, set_up, test_process_is_gone,
               tear_down);
    g_test_add("/lock/security-4-modes", Fixture, NULL, set_up, test_modes, tear_down);
    g_test_add("/lock/no-directory", Fixture, NULL, set_up, test_no_directory, tear_down);
    g_test_add("/lock/one-daemon-a-directory", Fixture, NULL, set_up, test_one_daemon, tear_down);
    g_test_add("/lock/watched-until-it-is-free", Fixture, NULL, set_up, test_watch, tear_down);
    g_test_add("/lock/watched-though-it-is-free", Fixture, NULL, set_up, test_watch_of_a_free_one,
               tear_down);
    return g_test_run();
}
