/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* The broker's own directory, open: its files are reached through `fd`, wherever the name leads
 * meanwhile, and belong to the directory's owner, also when root makes them. */
typedef struct {
    int fd;
    uid_t uid;
    gid_t gid;
} DmDirectory;

#define DM_DIRECTORY_INIT                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Opens `path`, which with `create` is made 0700 if absent. It must be of the caller (or the caller
 * root), and closed to everybody else. False and DM_ERROR: NOT_FOUND, DENIED, FULL, STORAGE. */
bool dm_directory_open(const char *path, bool create, DmDirectory *ret_directory, GError **error);
void dm_directory_clear(DmDirectory *directory);

/* Gives a file in it, open as `fd`, to the directory's owner, where the caller is root. False and
 * errno. */
bool dm_directory_give(const DmDirectory *directory, int fd);

/* Sets an error for errno about `path`, or the file `name` in it ("" none): DENIED, FULL, NOT_FOUND
 * or STORAGE. Returns false. */
bool dm_directory_fail(const char *path, const char *name, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmDirectory, dm_directory_clear)
