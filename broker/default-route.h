/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Whether this machine has a way to the network beyond its own: a default route, IPv4 or IPv6, as
 * the kernel has it (rtnetlink(7)). */

/* Asks the kernel, which answers at once. Where it cannot be asked: true. */
bool dm_default_route_is_there(void);

/* Follows the kernel's routes; only as long as somebody wants to know, for they may be many. */
typedef struct DmDefaultRoute DmDefaultRoute;

/* Calls `func` on `context` (NULL: the default) whenever a default route may have come; it may free
 * the watch. NULL: the kernel does not tell. */
DmDefaultRoute *dm_default_route_watch(GMainContext *context, void (*func)(gpointer data),
                                       gpointer data);

/* NULL is fine. */
void dm_default_route_free(DmDefaultRoute *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmDefaultRoute, dm_default_route_free)
