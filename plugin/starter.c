/* SPDX-License-Identifier: MIT */

#include "plugin/starter.h"

#include "common/error.h"
#include "dbus/names.h"

struct DmStarter {
    void (*on_failed)(const GError *error, gpointer data);
    gpointer data;
    DBusConnection *connection; /* NULL: no bus */
    DBusPendingCall *pending;   /* NULL: not under way */
};

DmStarter *
dm_starter_new(void (*on_failed)(const GError *error, gpointer data), gpointer data)
{
    DmStarter *starter = g_new0(DmStarter, 1);

    starter->on_failed = on_failed;
    starter->data = data;
    return starter;
}

void
dm_starter_set_connection(DmStarter *starter, DBusConnection *connection)
{
    if (starter->pending != NULL) {
        dbus_pending_call_cancel(starter->pending);
        g_clear_pointer(&starter->pending, dbus_pending_call_unref);
    }
    g_clear_pointer(&starter->connection, dbus_connection_unref);
    if (connection != NULL)
        starter->connection = dbus_connection_ref(connection);
}

void
dm_starter_free(DmStarter *starter)
{
    if (starter == NULL)
        return;
    dm_starter_set_connection(starter, NULL);
    g_free(starter);
}

static void
on_answer(DBusPendingCall *pending, void *data)
{
    DmStarter *starter = data;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);
    g_autoptr(GError) error = NULL;
    const char *text = "";

    g_clear_pointer(&starter->pending, dbus_pending_call_unref);
    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR) {
        (void)dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
        g_set_error(&error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    "nobody runs sessions now, and the bus cannot start the broker (%s): start "
                    "dmclient-broker",
                    text);
    }
    dbus_message_unref(answer);
    /* Whoever is called may free this. */
    if (error != NULL)
        starter->on_failed(error, starter->data);
}

bool
dm_starter_start(DmStarter *starter)
{
    const char *name = DM_BUS_BROKER_NAME;
    dbus_uint32_t flags = 0;
    DBusMessage *call;

    if (starter->pending != NULL)
        return true;
    if (starter->connection == NULL)
        return false;
    call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                        "StartServiceByName");
    if (call == NULL ||
        !dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
                                  DBUS_TYPE_INVALID) ||
        !dbus_connection_send_with_reply(starter->connection, call, &starter->pending,
                                         DM_STARTER_PATIENCE_MS))
        g_error("out of memory");
    dbus_message_unref(call);
    if (starter->pending == NULL)
        return false;
    if (!dbus_pending_call_set_notify(starter->pending, on_answer, starter, NULL))
        g_error("out of memory");
    return true;
}
