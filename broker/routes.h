/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/channel.h"
#include "broker/device.h"
#include "common/command.h"

/* Which process answers which LocURI (protocol.md section 7): the DMClient tree behind the socket,
 * DevInfo and DevDetail here, and for all else nobody: 404. */
typedef struct DmRoutes DmRoutes;

/* Both are borrowed, and outlive it. */
DmRoutes *dm_routes_new(DmChannel *channel, const DmDevice *device);

/* Calls under way are dropped. NULL is fine. */
void dm_routes_free(DmRoutes *routes);

/* Gets the answer to the whole batch, for dm_reply_free(), or an error of the socket. */
typedef void (*DmRoutesFunc)(DmReply *reply, const GError *error, gpointer data);

/* Runs a message's batch, which is borrowed until `func` is called: the part of the DMClient tree
 * in one Apply, in order; an Atomic that spans two trees is 507 and not run. `func` may be called
 * before this returns. One batch at a time. */
void dm_routes_apply(DmRoutes *routes, const DmContext *context, const DmCommand *commands,
                     gsize n_commands, DmRoutesFunc func, gpointer data);

/* Calls `func` once what became of commands outside the DMClient tree (F6) has been reported: at
 * once if there is nothing under way. What could not be reported is logged. */
void dm_routes_flush(DmRoutes *routes, void (*func)(gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRoutes, dm_routes_free)
