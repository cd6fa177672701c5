/* SPDX-License-Identifier: MIT */

/* The floor of the bus figures: a service on bare libdbus that links and initialises what the agent
 * does, owns NAME, and answers Get with a constant string and GetManagedObjects with the message in
 * FILE. Usage: bench-stub NAME TEXT [FILE] */

#include <dbus/dbus.h>
#include <glib.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *text;
    DBusMessage *managed; /* NULL: none */
} Stub;

static DBusMessage *
answer_get(DBusMessage *call, const Stub *stub)
{
    DBusMessage *reply = dbus_message_new_method_return(call);
    DBusMessageIter iter, variant;

    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "s", &variant);
    dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &stub->text);
    dbus_message_iter_close_container(&iter, &variant);
    return reply;
}

static DBusMessage *
answer_managed(DBusMessage *call, const Stub *stub)
{
    DBusMessage *reply = dbus_message_copy(stub->managed);

    dbus_message_set_destination(reply, dbus_message_get_sender(call));
    dbus_message_set_sender(reply, NULL);
    dbus_message_set_reply_serial(reply, dbus_message_get_serial(call));
    return reply;
}

static DBusHandlerResult
on_call(DBusConnection *connection, DBusMessage *call, void *data)
{
    const Stub *stub = data;
    DBusMessage *reply;

    if (dbus_message_is_method_call(call, DBUS_INTERFACE_PROPERTIES, "Get"))
        reply = answer_get(call, stub);
    else if (stub->managed != NULL && dbus_message_has_member(call, "GetManagedObjects"))
        reply = answer_managed(call, stub);
    else
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    dbus_connection_send(connection, reply, NULL);
    dbus_message_unref(reply);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static DBusMessage *
load(const char *path)
{
    g_autofree char *bytes = NULL;
    gsize size;
    DBusMessage *message;

    if (!g_file_get_contents(path, &bytes, &size, NULL) ||
        (message = dbus_message_demarshal(bytes, (int)size, NULL)) == NULL)
        g_error("%s: no message in it", path);
    return message;
}

int
main(int argc, char **argv)
{
    static const DBusObjectPathVTable vtable = {.message_function = on_call};
    Stub stub = {0};
    DBusConnection *connection;
    GMainContext *context;

    if (argc < 3)
        return 64;
    stub.text = argv[2];
    if (argc > 3)
        stub.managed = load(argv[3]);
    (void)sqlite3_initialize();
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    context = g_main_context_default();
    (void)g_main_context_pending(context);

    connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);
    if (connection == NULL)
        g_error("no bus");
    if (!dbus_connection_register_fallback(connection, "/", &vtable, &stub))
        g_error("cannot register");
    if (dbus_bus_request_name(connection, argv[1], 0, NULL) !=
        DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
        g_error("cannot own %s", argv[1]);
    while (dbus_connection_read_write_dispatch(connection, -1))
        ;
    return EXIT_SUCCESS;
}
