/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "plugin/plugin.h"

/* One instance of the plug-in: store, tree, objects on the bus and tree socket, put together for a
 * host. */
typedef struct DmService DmService;

/* Starts it as plugin/plugin.h says. `host` is of full size. NULL and DM_ERROR: BUSY (state
 * directory or socket of another process, which is named), CORRUPT, NEWER, STORAGE, FULL, DENIED,
 * INVALID, NOT_FOUND (configuration).
 *
 * The system's instance is the one whose state directory is DM_DEFAULT_STATE_DIR: there only uid 0
 * is local root. In every other one, which is private, the service's own uid counts as root too
 * (V9). */
DmService *dm_service_new(const DmPluginHost *host, GError **error);

/* Stops it. Allowed in both functions of the host. NULL is fine. */
void dm_service_free(DmService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmService, dm_service_free)
