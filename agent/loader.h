/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "plugin/plugin.h"

/* A plug-in's file, checked and loaded. What is checked is what is loaded: the file is opened once
 * and loaded through its descriptor. */
typedef struct DmLoader DmLoader;

/* Loads `path`. NULL and DM_ERROR, the message names file and reason: NOT_FOUND; DENIED for a
 * symbolic link, for a file that is not a regular one, not owned by root or the caller, or writable
 * by others; INVALID for one that is no plug-in; VERSION for another ABI; BUSY if this process has
 * loaded a plug-in before (plug-ins stay in memory, and the dynamic linker may then take one file
 * for another). */
DmLoader *dm_loader_new(const char *path, GError **error);

/* Its instances are closed before. NULL is fine. */
void dm_loader_free(DmLoader *loader);

/* Valid until the loader is freed. */
const DmPlugin *dm_loader_get_plugin(const DmLoader *loader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLoader, dm_loader_free)
