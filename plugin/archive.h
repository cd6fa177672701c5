/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A tar archive (POSIX ustar) of texts, made in memory and handed out as a file that has no name
 * any more: whoever gets its descriptor can read it, and nobody can change it. */
typedef struct DmArchive DmArchive;

/* Most bytes of an archive: more is refused. */
#define DM_ARCHIVE_MAX (64 * 1024 * 1024)

/* `mtime_s`: seconds since the epoch, of every file in it. */
DmArchive *dm_archive_new(gint64 mtime_s);
void dm_archive_free(DmArchive *archive);

/* Adds a file, 0600, of root. `name` is relative, at most 99 bytes. False: the archive would be too
 * large, and is as it was. */
bool dm_archive_add(DmArchive *archive, const char *name, const char *bytes, gsize size);

/* Writes it into `directory` (made 0700 if absent; what an earlier one left there is removed) and
 * takes the name away at once. The descriptor, for reading, for close(); -1 and DM_ERROR: DENIED,
 * FULL, STORAGE, naming the directory. */
int dm_archive_to_fd(DmArchive *archive, const char *directory, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmArchive, dm_archive_free)
