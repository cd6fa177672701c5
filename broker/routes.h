/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/channel.h"
#include "broker/device.h"
#include "broker/route-table.h"
#include "common/command.h"

/* Which process answers which LocURI (protocol.md section 7): the DMClient tree behind the socket,
 * DevInfo and DevDetail here, other trees behind theirs, and for all else nobody: 404. */
typedef struct DmRoutes DmRoutes;

/* How long the calls of a tree that is not there wait for it; then they have 503. */
#define DM_ROUTES_PATIENCE_MS 2000

/* The first three are borrowed, and outlive it; `others` NULL: there are none. */
DmRoutes *dm_routes_new(DmChannel *channel, const DmDevice *device, const DmRouteTable *others,
                        GMainContext *context);

/* Calls under way are dropped. NULL is fine. */
void dm_routes_free(DmRoutes *routes);

/* Gets the answer to the whole batch, for dm_reply_free(), or an error of the socket. */
typedef void (*DmRoutesFunc)(DmReply *reply, const GError *error, gpointer data);

/* Runs a message's batch, which is borrowed until `func` is called: the part of each tree in one
 * Apply, in order, the DMClient tree first; an Atomic that spans two trees is 507 and not run.
 * Where another tree cannot be reached its commands have 503, where it does not answer as it must,
 * 500; the error of `func` is the DMClient tree's. An enrolment that ends in the batch ends all of
 * it. `func` may be called before this returns. One batch at a time. */
void dm_routes_apply(DmRoutes *routes, const DmContext *context, const DmCommand *commands,
                     gsize n_commands, DmRoutesFunc func, gpointer data);

/* Calls `func` once what became of commands outside the DMClient tree (F6) has been reported: at
 * once if there is nothing under way. What could not be reported is logged. */
void dm_routes_flush(DmRoutes *routes, void (*func)(gpointer data), gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRoutes, dm_routes_free)
