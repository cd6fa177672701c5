/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

/* libdbus on a GLib main context: watches and timeouts become sources, dispatching an idle-like
 * source that serves one message a turn so that no connection starves another. No thread. */

/* Attaches; on return messages are sent and dispatched whenever `context` (NULL: the default) runs.
 * The context keeps a reference to the connection until dm_loop_remove_connection(). */
void dm_loop_add_connection(DBusConnection *connection, GMainContext *context);

/* Takes it off again, once, and drops that reference; may be called while the connection is being
 * dispatched. A private connection is closed by whoever opened it. */
void dm_loop_remove_connection(DBusConnection *connection);

/* The same for a server: new connections are told to its function when `context` runs. */
void dm_loop_add_server(DBusServer *server, GMainContext *context);
void dm_loop_remove_server(DBusServer *server);
