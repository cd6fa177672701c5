/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* Whether it makes sense to speak to a server: NetworkManager's word while it is on the bus and has
 * one (connected; or on the way to it, or behind a portal, so not yet), otherwise whether there is
 * a default route. A hint, never a verdict: who waits does so for a time, and then tries. */
typedef struct DmNetwork DmNetwork;

/* Without dm_network_set_connection() it knows of routes alone. */
DmNetwork *dm_network_new(GMainContext *context);

/* NULL is fine. */
void dm_network_free(DmNetwork *network);

/* The bus; NULL: none now. Referenced. */
void dm_network_set_connection(DmNetwork *network, DBusConnection *connection);

/* How long one session is to wait for it, in seconds; 0, as at first: not at all. */
void dm_network_set_max_wait_s(DmNetwork *network, guint max_wait_s);
guint dm_network_get_max_wait_s(const DmNetwork *network);

/* Whether it is up now. */
bool dm_network_is_up(const DmNetwork *network);

/* Waits until it is up, and calls `func` once, never before this returns; it may free the wait. The
 * kernel's routes are followed only while somebody waits. Free it in any case. */
typedef struct DmNetworkWait DmNetworkWait;
DmNetworkWait *dm_network_wait_new(DmNetwork *network, void (*func)(gpointer data), gpointer data);

/* NULL is fine. */
void dm_network_wait_free(DmNetworkWait *wait);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmNetwork, dm_network_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmNetworkWait, dm_network_wait_free)
