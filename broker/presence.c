/* SPDX-License-Identifier: MIT */

#include "broker/presence.h"

#include "common/log.h"
#include "dbus/connection.h"
#include "dbus/names.h"

#define MATCH                                                                                      \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS                 \
    "',member='NameOwnerChanged',arg0='" DM_BUS_NAME "'"

struct DmPresence {
    DmBus *bus;
    char *reason; /* why it is not there */
    DmPresenceHandlers handlers;
    gpointer data;
};

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    const DmPresence *presence = data;
    const char *name, *before, *after;

    if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
        dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
        dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                              DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
        g_str_equal(name, DM_BUS_NAME) && *after != '\0')
        presence->handlers.on_host(presence->data);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void
on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    DmPresence *presence = data;

    g_clear_pointer(&presence->reason, g_free);
    /* With the connection the filter goes too. Without an error to fill the match is not waited
     * for. */
    if (!dbus_connection_add_filter(connection, on_message, presence, NULL))
        g_error("out of memory");
    dbus_bus_add_match(connection, MATCH, NULL);
    presence->handlers.on_bus(connection, presence->data);
}

static void
on_lost(DmBus *bus, const char *reason, gpointer data)
{
    DmPresence *presence = data;

    g_free(presence->reason);
    presence->reason = g_strdup(reason);
    presence->handlers.on_bus(NULL, presence->data);
    dm_log_warning("not on the bus; sessions are run all the same", "DM_CAUSE", reason);
}

DmPresence *
dm_presence_new(const char *address, GMainContext *context, const DmPresenceHandlers *handlers,
                gpointer data)
{
    static const DmBusHandlers bus = {.on_ready = on_ready, .on_lost = on_lost};
    DmPresence *presence = g_new0(DmPresence, 1);

    presence->handlers = *handlers;
    presence->data = data;
    presence->bus = dm_bus_new(address, DM_BUS_BROKER_NAME, context, &bus, presence);
    return presence;
}

void
dm_presence_free(DmPresence *presence)
{
    DBusConnection *connection;

    if (!presence)
        return;
    connection = dm_bus_get_connection(presence->bus);
    if (connection)
        dbus_connection_remove_filter(connection, on_message, presence);
    dm_bus_free(presence->bus);
    g_free(presence->reason);
    g_free(presence);
}

bool
dm_presence_is_there(const DmPresence *presence, const char **ret_reason)
{
    *ret_reason = presence->reason;
    return dm_bus_get_connection(presence->bus) != NULL;
}
