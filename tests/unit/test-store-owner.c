/* SPDX-License-Identifier: MIT */

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store-fixture.h"

/* -- whose it is --------------------------------------------------------------------------------
 */

static void
test_modes(Fixture *fixture, gconstpointer data)
{
    g_autofree char *deep = g_build_filename(fixture->dir, "state", NULL);
    g_autofree char *file = g_build_filename(deep, DB, NULL);
    g_autofree char *log = g_strconcat(file, "-wal", NULL);
    mode_t mask = umask(0);
    g_autoptr(DmStore) store = dm_store_open(deep, NULL);
    struct stat info;

    umask(mask);
    g_assert_nonnull(store);
    put_reply(store, "s", 1, "x");
    g_assert_cmpint(stat(deep, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 07777, ==, 0700);
    g_assert_cmpint(stat(file, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 07777, ==, 0600);
    g_assert_cmpint(stat(log, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 07777, ==, 0600);
    dm_store_free(g_steal_pointer(&store));
    g_assert_cmpint(g_chmod(file, 0644), ==, 0);
    store = dm_store_open(deep, NULL);
    g_assert_nonnull(store);
    g_assert_cmpint(stat(file, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 07777, ==, 0600);
    dm_store_free(g_steal_pointer(&store));
    g_remove(file);
    {
        g_autofree char *lock = g_build_filename(deep, "lock", NULL);

        g_remove(lock);
    }
    g_rmdir(deep);
}

static void
test_others_cannot_write(Fixture *fixture, gconstpointer data)
{
    g_assert_cmpint(g_chmod(fixture->dir, 0770), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, "chmod");
    g_assert_cmpint(g_chmod(fixture->dir, 0702), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, "chmod");
    g_assert_cmpint(g_chmod(fixture->dir, 0755), ==, 0);
    make_one(fixture);
    g_assert_cmpint(g_chmod(fixture->db, 0660), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, DB);
}

static void
test_other_owner(Fixture *fixture, gconstpointer data)
{
    if (geteuid() != 0) {
        g_test_skip("only root can give files away");
        return;
    }
    make_one(fixture);
    g_assert_cmpint(chown(fixture->db, 65534, 65534), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, "uid 65534");
    g_assert_cmpint(chown(fixture->db, 0, 0), ==, 0);
    g_assert_cmpint(chown(fixture->dir, 65534, 65534), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, "uid 65534");
    g_assert_cmpint(chown(fixture->dir, 0, 0), ==, 0);
    dm_store_free(open_store(fixture));
}

static void
test_symbolic_links(Fixture *fixture, gconstpointer data)
{
    g_autofree char *target = g_build_filename(fixture->dir, "precious", NULL);
    g_autofree char *lock = g_build_filename(fixture->dir, "lock", NULL);
    g_autofree char *dir = g_build_filename(fixture->dir, "link", NULL);
    g_autoptr(DmStore) store = NULL;
    g_autofree char *after = NULL;
    gsize size;

    g_assert_true(g_file_set_contents(target, "precious", -1, NULL));
    g_assert_cmpint(symlink(target, fixture->db), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, "not a plain file");
    g_remove(fixture->db);
    g_remove(lock);
    g_assert_cmpint(symlink(target, lock), ==, 0);
    assert_refuses(fixture, DM_ERROR_DENIED, "lock");
    after = read_file(target, &size);
    assert_same(after, size, "precious", 8);
    g_remove(lock);
    /* A link to the directory itself is the administrator's business. */
    g_assert_cmpint(symlink(".", dir), ==, 0);
    store = dm_store_open(dir, NULL);
    g_assert_nonnull(store);
}

/* -- one owner ----------------------------------------------------------------------------------
 */

static void
test_busy_in_this_process(Fixture *fixture, gconstpointer data)
{
    DmStore *store = open_store(fixture);
    g_autofree char *pid = g_strdup_printf("process %d (test-store-owner)", (int)getpid());

    assert_refuses(fixture, DM_ERROR_BUSY, pid);
    /* The attempt did not loosen the lock. */
    assert_refuses(fixture, DM_ERROR_BUSY, pid);
    put_reply(store, "s", 1, "x");
    dm_store_free(store);
    dm_store_free(open_store(fixture));
}

static void
test_busy_in_another_process(Fixture *fixture, gconstpointer data)
{
    g_autofree char *name = NULL;
    int ready[2], status;
    char byte;
    pid_t pid;

    g_assert_cmpint(pipe(ready), ==, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        DmStore *store = dm_store_open(fixture->dir, NULL);

        (void)!write(ready[1], store != NULL ? "+" : "-", 1);
        pause();
        _exit(0);
    }
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    g_assert_cmpint(byte, ==, '+');
    name = g_strdup_printf("process %d (test-store-owner)", (int)pid);
    assert_refuses(fixture, DM_ERROR_BUSY, name);
    /* The lock goes with the process, whatever the file says. */
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    dm_store_free(open_store(fixture));
    close(ready[0]);
    close(ready[1]);
}

static void
test_open_elsewhere(Fixture *fixture, gconstpointer data)
{
    sqlite3 *db = NULL;

    make_one(fixture);
    g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, "BEGIN IMMEDIATE; SELECT * FROM tree", NULL, NULL, NULL), ==,
                    SQLITE_OK);
    assert_refuses(fixture, DM_ERROR_BUSY, "close the program");
    sqlite3_close(db);
    dm_store_free(open_store(fixture));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/store/modes", test_modes);
    ADD("/store/others-cannot-write", test_others_cannot_write);
    ADD("/store/other-owner", test_other_owner);
    ADD("/store/symbolic-links", test_symbolic_links);
    ADD("/store/busy-in-this-process", test_busy_in_this_process);
    ADD("/store/busy-in-another-process", test_busy_in_another_process);
    ADD("/store/open-in-another-program", test_open_elsewhere);
    return g_test_run();
}
