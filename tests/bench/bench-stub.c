/* SPDX-License-Identifier: MIT */

/* The floor of the bus figures: a service on bare libdbus that links and initialises what the agent
 * does, owns NAME, and answers Get with a constant string, GetManagedObjects and GetAll with the
 * messages in MANAGED and ALL, and Emit(count, text) with that many PropertiesChanged that carry
 * the text. Usage: bench-stub NAME TEXT [MANAGED [ALL]] */

#include <dbus/dbus.h>
#include <glib.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "tests/bench/bench.h"

typedef struct {
    const char *text;
    DBusMessage *managed; /* NULL: none */
    DBusMessage *all;
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
answer_copy(DBusMessage *call, const DBusMessage *message)
{
    DBusMessage *reply = dbus_message_copy(message);

    dbus_message_set_destination(reply, dbus_message_get_sender(call));
    dbus_message_set_sender(reply, NULL);
    dbus_message_set_reply_serial(reply, dbus_message_get_serial(call));
    return reply;
}

static DBusMessage *
new_signal(const char *text)
{
    static const char interface[] = DM_BUS_INTERFACE_PROVIDER;
    static const char property[] = "HelpPhoneNumber";
    const char *texts[] = {interface, property};
    DBusMessage *signal = dbus_message_new_signal(DM_BUS_ROOT "/Provider/P0",
                                                  DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
    DBusMessageIter iter, dict, entry, variant, list;

    dbus_message_iter_init_append(signal, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &texts[0]);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &texts[1]);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant);
    dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &text);
    dbus_message_iter_close_container(&entry, &variant);
    dbus_message_iter_close_container(&dict, &entry);
    dbus_message_iter_close_container(&iter, &dict);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "s", &list);
    dbus_message_iter_close_container(&iter, &list);
    return signal;
}

static DBusMessage *
answer_emit(DBusConnection *connection, DBusMessage *call)
{
    DBusMessage *signal;
    dbus_uint32_t count;
    const char *text;

    if (!dbus_message_get_args(call, NULL, DBUS_TYPE_UINT32, &count, DBUS_TYPE_STRING, &text,
                               DBUS_TYPE_INVALID))
        g_error("Emit takes a count and a text");
    signal = new_signal(text);
    for (dbus_uint32_t i = 0; i < count; i++) {
        DBusMessage *copy = dbus_message_copy(signal);

        dbus_connection_send(connection, copy, NULL);
        dbus_message_unref(copy);
    }
    dbus_message_unref(signal);
    return dbus_message_new_method_return(call);
}

static DBusHandlerResult
on_call(DBusConnection *connection, DBusMessage *call, void *data)
{
    const Stub *stub = data;
    DBusMessage *reply;

    if (dbus_message_is_method_call(call, DBUS_INTERFACE_PROPERTIES, "Get"))
        reply = answer_get(call, stub);
    else if (stub->managed != NULL && dbus_message_has_member(call, "GetManagedObjects"))
        reply = answer_copy(call, stub->managed);
    else if (stub->all != NULL && dbus_message_has_member(call, "GetAll"))
        reply = answer_copy(call, stub->all);
    else if (dbus_message_is_method_call(call, DM_BENCH_INTERFACE, DM_BENCH_EMIT))
        reply = answer_emit(connection, call);
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
    if (argc > 4)
        stub.all = load(argv[4]);
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
