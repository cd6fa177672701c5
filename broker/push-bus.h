/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

#include "broker/pushes.h"

/* The push back end of a service on the bus, which speaks org.dmclient.Push1 at /org/dmclient/Push1
 * (docs/push.md). Whoever has the name that the administrator configured is believed, nobody else.
 */
typedef struct DmPushBus DmPushBus;

/* `push` is borrowed, and outlives it. Owned by dm_pushes_set_backend() with the functions below.
 */
DmPushBus *dm_push_bus_new(const char *name, DmPushes *push);

/* Const. */
const DmPushesBackend *dm_push_bus_get_functions(void);

/* The bus; NULL: none now. Referenced. */
void dm_push_bus_set_connection(DmPushBus *bus, DBusConnection *connection);

/* Whose name it has; borrowed. */
const char *dm_push_bus_get_name(const DmPushBus *bus);
