/* SPDX-License-Identifier: MIT */
#include "dbus/connection.h"

#include <stdlib.h>
#include <string.h>

#include "common/source.h"
#include "dbus/loop.h"

#define SYSTEM_BUS_VARIABLE "DBUS_SYSTEM_BUS_ADDRESS"
#define SYSTEM_BUS_DEFAULT "unix:path=/run/dbus/system_bus_socket"

/* The pause between attempts grows from the first to the second; a good connection resets it. */
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 30000u

/* How long the bus may take over one answer. */
#define ANSWER_MS 30000

struct DmBus {
    char *address;
    char *name; /* NULL: none is asked for */
    GMainContext *context;
    DmBusHandlers handlers;
    gpointer data;

    DBusConnection *connection; /* NULL while waiting for the next attempt */
    DBusPendingCall *pending;   /* the step under way: Hello, RequestName, who owns it */
    GSource *retry;
    guint backoff_ms;
    bool is_ready;
    bool is_name_taken;
    char *told; /* the last reason given, so that it is given once */
};

static gboolean on_retry(gpointer data);

/* -- states -------------------------------------------------------------------------------------
 */

static void
cancel_pending(DmBus *bus)
{
    if (bus->pending == NULL)
        return;
    dbus_pending_call_cancel(bus->pending);
    dbus_pending_call_unref(g_steal_pointer(&bus->pending));
}

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data);

static void
drop_connection(DmBus *bus)
{
    DBusConnection *connection = g_steal_pointer(&bus->connection);

    cancel_pending(bus);
    bus->is_ready = false;
    bus->is_name_taken = false;
    if (connection == NULL)
        return;
    dbus_connection_remove_filter(connection, on_message, bus);
    dm_loop_remove_connection(connection);
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
}

/* Tells why it is not ready. The last thing its callers do: the handler may have freed the bus. */
static void
tell_lost(DmBus *bus, const char *reason)
{
    if (g_strcmp0(reason, bus->told) == 0)
        return;
    g_free(bus->told);
    bus->told = g_strdup(reason);
    if (bus->handlers.on_lost != NULL)
        bus->handlers.on_lost(bus, reason, bus->data);
}

static void
retry_after(DmBus *bus, guint pause_ms)
{
    dm_source_drop(&bus->retry);
    bus->retry = g_timeout_source_new(pause_ms);
    g_source_set_callback(bus->retry, on_retry, bus, NULL);
    g_source_attach(bus->retry, bus->context);
}

/* Gives up this connection; the next attempt follows after the pause. */
static void
fail(DmBus *bus, const char *reason)
{
    g_autofree char *text = g_strdup_printf("bus at %s: %s; trying again", bus->address, reason);

    drop_connection(bus);
    retry_after(bus, bus->backoff_ms);
    bus->backoff_ms = MIN(bus->backoff_ms * 2, BACKOFF_MAX_MS);
    tell_lost(bus, text);
}

/* The last thing its callers do, likewise. */
static void
become_ready(DmBus *bus)
{
    bus->is_ready = true;
    bus->is_name_taken = false;
    bus->backoff_ms = BACKOFF_MIN_MS;
    g_clear_pointer(&bus->told, g_free);
    if (bus->handlers.on_ready != NULL)
        bus->handlers.on_ready(bus, bus->connection, bus->data);
}

/* -- calls to the bus ---------------------------------------------------------------------------
 */

static DBusMessage *
new_call(const char *method)
{
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, method);

    if (call == NULL)
        g_error("out of memory");
    return call;
}

/* Sends `call`, which it owns; `notify` gets the pending call, at once or never on this stack. */
static void
send_call(DmBus *bus, DBusMessage *call, DBusPendingCallNotifyFunction notify)
{
    DBusPendingCall *pending = NULL;

    if (!dbus_connection_send_with_reply(bus->connection, call, &pending, ANSWER_MS))
        g_error("out of memory");
    dbus_message_unref(call);
    if (pending == NULL) {
        fail(bus, "the connection was closed");
        return;
    }
    bus->pending = pending;
    if (!dbus_pending_call_set_notify(pending, notify, bus, NULL))
        g_error("out of memory");
}

/* The answer of the step under way, which is over then; unref it. */
static DBusMessage *
steal_answer(DmBus *bus)
{
    DBusPendingCall *pending = g_steal_pointer(&bus->pending);
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);

    dbus_pending_call_unref(pending);
    return answer;
}

/* What an answer that is none says, for people. */
static const char *
get_error_text(DBusMessage *message)
{
    const char *text = NULL;

    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_ERROR)
        return "its answer is malformed";
    if (!dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID) ||
        *text == '\0')
        text = dbus_message_get_error_name(message);
    return text;
}

/* `value` of the entry `key` of an a{sv}, if it is an unsigned number. */
static bool
find_entry(DBusMessage *message, const char *key, dbus_uint32_t *ret_value)
{
    DBusMessageIter iter, entries;

    if (!dbus_message_has_signature(message, "a{sv}"))
        return false;
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_recurse(&iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&entries)) {
        DBusMessageIter entry, variant;
        const char *name;

        dbus_message_iter_recurse(&entries, &entry);
        dbus_message_iter_get_basic(&entry, &name);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &variant);
        if (!g_str_equal(name, key) || dbus_message_iter_get_arg_type(&variant) != DBUS_TYPE_UINT32)
            continue;
        dbus_message_iter_get_basic(&variant, ret_value);
        return true;
    }
    return false;
}

static void
on_owner_answer(DBusPendingCall *pending, void *data)
{
    DmBus *bus = data;
    DBusMessage *answer = steal_answer(bus);
    dbus_uint32_t pid, uid;
    g_autoptr(GString) reason = g_string_new(NULL);

    g_string_printf(reason, "the bus name %s belongs to another", bus->name);
    if (find_entry(answer, "ProcessID", &pid))
        g_string_append_printf(reason, ", process %u", pid);
    if (find_entry(answer, "UnixUserID", &uid))
        g_string_append_printf(reason, " of uid %u", uid);
    g_string_append(reason, "; stop that one first");
    dbus_message_unref(answer);
    tell_lost(bus, reason->str);
}

/* It stays in the name's queue: the bus says NameAcquired when the other one lets go. */
static void
ask_for_owner(DmBus *bus)
{
    DBusMessage *call = new_call("GetConnectionCredentials");

    bus->is_name_taken = true;
    if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &bus->name, DBUS_TYPE_INVALID))
        g_error("out of memory");
    send_call(bus, call, on_owner_answer);
}

static void
on_name_answer(DBusPendingCall *pending, void *data)
{
    DmBus *bus = data;
    DBusMessage *answer = steal_answer(bus);
    dbus_uint32_t result = 0;

    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR) {
        g_autofree char *reason =
            g_strdup_printf("the bus refuses the name %s: %s (is its policy installed?)", bus->name,
                            get_error_text(answer));

        dbus_message_unref(answer);
        fail(bus, reason);
        return;
    }
    (void)dbus_message_get_args(answer, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID);
    dbus_message_unref(answer);
    if (result == DBUS_REQUEST_NAME_REPLY_IN_QUEUE)
        ask_for_owner(bus);
    else
        become_ready(bus);
}

static void
on_hello_answer(DBusPendingCall *pending, void *data)
{
    DmBus *bus = data;
    DBusMessage *answer = steal_answer(bus);
    DBusMessage *call;
    const char *unique_name;
    dbus_uint32_t flags = 0;

    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR ||
        !dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &unique_name, DBUS_TYPE_INVALID)) {
        g_autofree char *reason = g_strdup_printf("no welcome: %s", get_error_text(answer));

        dbus_message_unref(answer);
        fail(bus, reason);
        return;
    }
    if (!dbus_bus_set_unique_name(bus->connection, unique_name))
        g_error("out of memory");
    dbus_message_unref(answer);
    if (bus->handlers.on_connected != NULL)
        bus->handlers.on_connected(bus, bus->connection, bus->data);
    if (bus->name == NULL) {
        become_ready(bus);
        return;
    }
    call = new_call("RequestName");
    if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &bus->name, DBUS_TYPE_UINT32, &flags,
                                  DBUS_TYPE_INVALID))
        g_error("out of memory");
    send_call(bus, call, on_name_answer);
}

/* -- messages that the bus sends by itself ------------------------------------------------------
 */

/* Whether `message` is this signal of the bus, and about our name. */
static bool
is_about_name(const DmBus *bus, DBusMessage *message, const char *signal)
{
    const char *name;

    return bus->name != NULL && dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, signal) &&
           dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
           dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) &&
           g_str_equal(name, bus->name);
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmBus *bus = data;

    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_SIGNAL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
        fail(bus, "the connection was closed");
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (bus->is_name_taken && is_about_name(bus, message, "NameAcquired")) {
        cancel_pending(bus);
        become_ready(bus);
    } else if (bus->is_ready && is_about_name(bus, message, "NameLost")) {
        bus->is_ready = false;
        ask_for_owner(bus);
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* -- life ---------------------------------------------------------------------------------------
 */

static gboolean
on_retry(gpointer data)
{
    DmBus *bus = data;
    DBusError error = DBUS_ERROR_INIT;

    dm_source_drop(&bus->retry);
    bus->connection = dbus_connection_open_private(bus->address, &error);
    if (bus->connection == NULL) {
        g_autofree char *reason = g_strdup(error.message);

        dbus_error_free(&error);
        fail(bus, reason);
        return G_SOURCE_REMOVE;
    }
    dbus_connection_set_exit_on_disconnect(bus->connection, FALSE);
    if (!dbus_connection_add_filter(bus->connection, on_message, bus, NULL))
        g_error("out of memory");
    dm_loop_add_connection(bus->connection, bus->context);
    /* Goes out as soon as the connection is authenticated, which the loop does. */
    send_call(bus, new_call("Hello"), on_hello_answer);
    return G_SOURCE_REMOVE;
}

DmBus *
dm_bus_new(const char *address, const char *name, GMainContext *context,
           const DmBusHandlers *handlers, gpointer data)
{
    DmBus *bus = g_new0(DmBus, 1);

    if (address == NULL)
        address = secure_getenv(SYSTEM_BUS_VARIABLE);
    if (address == NULL || *address == '\0')
        address = SYSTEM_BUS_DEFAULT;
    bus->address = g_strdup(address);
    bus->name = g_strdup(name);
    bus->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
    bus->handlers = *handlers;
    bus->data = data;
    bus->backoff_ms = BACKOFF_MIN_MS;
    retry_after(bus, 0);
    return bus;
}

void
dm_bus_free(DmBus *bus)
{
    if (bus == NULL)
        return;
    dm_source_drop(&bus->retry);
    drop_connection(bus);
    g_main_context_unref(bus->context);
    g_free(bus->address);
    g_free(bus->name);
    g_free(bus->told);
    g_free(bus);
}

DBusConnection *
dm_bus_get_connection(const DmBus *bus)
{
    return bus->is_ready ? bus->connection : NULL;
}

bool
dm_bus_is_name_taken(const DmBus *bus)
{
    return bus->is_name_taken;
}
