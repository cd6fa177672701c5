/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* The broker on the system bus: it owns DM_BUS_BROKER_NAME, so that it can be activated and seen,
 * hears when the tree's host comes, and has the connection for others who listen there. Without a
 * bus sessions are run all the same. */
typedef struct DmPresence DmPresence;

/* Called from the main context only; neither may free the presence. */
typedef struct {
    /* The host's name has an owner, or a new one. */
    void (*on_host)(gpointer data);
    /* The connection to the bus, to be referenced; NULL: it is lost. */
    void (*on_bus)(DBusConnection *connection, gpointer data);
} DmPresenceHandlers;

/* Connects to `address` (NULL: the system bus) without blocking, on `context` (NULL: the default).
 */
DmPresence *dm_presence_new(const char *address, GMainContext *context,
                            const DmPresenceHandlers *handlers, gpointer data);

/* NULL is fine. */
void dm_presence_free(DmPresence *presence);

/* Whether the name is ours, and if not why: in words, NULL not known. Borrowed. */
bool dm_presence_is_there(const DmPresence *presence, const char **ret_reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPresence, dm_presence_free)
