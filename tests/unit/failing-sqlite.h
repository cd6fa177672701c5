/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

/* A SQLite whose allocations fail where a test wants: any call of it may fail so. */

/* SQLite's allocator takes no user data. */
static sqlite3_mem_methods real;
static gint64 n_left = -1; /* allocations until the one that fails; -1: none does */
static bool and_all_after;
static bool has_failed;

static inline bool
must_fail(void)
{
    if (n_left < 0)
        return false;
    if (n_left > 0) {
        n_left--;
        return false;
    }
    if (!and_all_after)
        n_left = -1;
    has_failed = true;
    return true;
}

static inline void *
failing_malloc(int size)
{
    return must_fail() ? NULL : real.xMalloc(size);
}

static inline void *
failing_realloc(void *memory, int size)
{
    return must_fail() ? NULL : real.xRealloc(memory, size);
}

/* Before anything else of SQLite. */
static inline void
install(void)
{
    sqlite3_mem_methods failing;

    g_assert_cmpint(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), ==, SQLITE_OK);
    failing = real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    g_assert_cmpint(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), ==, SQLITE_OK);
    /* No disk need be waited for. */
    if (g_file_test("/dev/shm", G_FILE_TEST_IS_DIR))
        g_setenv("TMPDIR", "/dev/shm", TRUE);
}
