/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* A connection to the message bus that is made without blocking, owns a name, and comes back by
 * itself with a growing pause when the bus goes away. */
typedef struct DmBus DmBus;

/* Called from the main context only, never from dm_bus_new(). Each may call dm_bus_free() unless
 * it says otherwise. */
typedef struct {
    /* Authenticated, Hello answered, name owned: objects can be used. `connection` is borrowed. */
    void (*on_ready)(DmBus *bus, DBusConnection *connection, gpointer data);
    /* Gone, never reached, or the name is not ours; NULL `reason` is never passed, and the same one
     * is not repeated while it keeps trying. Tries again by itself unless the name belongs to
     * another, which is final until that one lets go of it. */
    void (*on_lost)(DmBus *bus, const char *reason, gpointer data);
    /* Hello answered, the name not asked for yet; NULL: not called. What is called by the name is
     * registered here: calls that the bus kept until somebody has the name come before on_ready.
     * The one that may not call dm_bus_free(). */
    void (*on_connected)(DmBus *bus, DBusConnection *connection, gpointer data);
} DmBusHandlers;

/* Connects to `address` (NULL: the system bus, DBUS_SYSTEM_BUS_ADDRESS heeded) on `context` and
 * asks for `name` (NULL: none). Never blocks, never fails at once. */
DmBus *dm_bus_new(const char *address, const char *name, GMainContext *context,
                  const DmBusHandlers *handlers, gpointer data);

/* Closes the connection and lets go of the name. No handler is called any more. NULL is fine. */
void dm_bus_free(DmBus *bus);

/* The connection while ready, borrowed; otherwise NULL. */
DBusConnection *dm_bus_get_connection(const DmBus *bus);

/* Whether the name belongs to another: what on_lost was called with is final then, as far as this
 * side can tell. */
bool dm_bus_is_name_taken(const DmBus *bus);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmBus, dm_bus_free)
