/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* Has the bus start the broker, which under systemd starts its unit. */
typedef struct DmStarter DmStarter;

/* How long the bus may take. */
#define DM_STARTER_PATIENCE_MS 25000

/* `on_failed` is called, from the main context, when it could not be started: DM_ERROR
 * DISCONNECTED, whose message says what to do. */
DmStarter *dm_starter_new(void (*on_failed)(const GError *error, gpointer data), gpointer data);
void dm_starter_free(DmStarter *starter);

/* The bus; NULL: none now. Referenced. */
void dm_starter_set_connection(DmStarter *starter, DBusConnection *connection);

/* Asks, unless that is under way. False: there is no bus. */
bool dm_starter_start(DmStarter *starter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmStarter, dm_starter_free)
