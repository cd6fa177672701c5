/* SPDX-License-Identifier: MIT */

#include "broker/bus-service.h"

#include <string.h>

#include "dbus/wire.h"

/* How long it may take over an answer. */
#define ANSWER_MS 30000

struct DmBusService {
    char *name;
    char *name_rule, *signal_rule; /* the latter NULL: none */
    bool starts;
    DmBusServiceHandlers handlers;
    gpointer data;

    DBusConnection *connection; /* NULL: none */
    char *owner;                /* unique name; NULL: nobody has it */
    GQueue calls;               /* Call, those under way */
};

typedef struct {
    DmBusService *service;
    DBusPendingCall *pending;
    DmBusServiceFunc func;
    gpointer data;
} Call;

/* -- calls ---------------------------------------------------------------------------------------
 */

static void
call_free(Call *call)
{
    dbus_pending_call_cancel(call->pending);
    dbus_pending_call_unref(call->pending);
    g_free(call);
}

static void
drop_calls(DmBusService *service)
{
    Call *call;

    while ((call = g_queue_pop_head(&service->calls)))
        call_free(call);
}

static void
on_answer(DBusPendingCall *pending, void *data)
{
    Call *call = data;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);
    DmBusServiceFunc func = call->func;
    gpointer func_data = call->data;

    g_queue_remove(&call->service->calls, call);
    call_free(call);
    func(answer, func_data);
    dbus_message_unref(answer);
}

static void
send(DmBusService *service, DBusMessage *message, DmBusServiceFunc func, gpointer data)
{
    DBusPendingCall *pending = NULL;
    Call *call;

    if (!dbus_connection_send_with_reply(service->connection, message, &pending, ANSWER_MS))
        g_error("out of memory");
    /* Closed: who holds the connection is about to say so. */
    if (!pending)
        return;
    call = g_new0(Call, 1);
    call->service = service;
    call->pending = pending;
    call->func = func;
    call->data = data;
    g_queue_push_tail(&service->calls, call);
    if (!dbus_pending_call_set_notify(pending, on_answer, call, NULL))
        g_error("out of memory");
}

DBusMessage *
dm_bus_service_new_call(const char *path, const char *interface, const char *method)
{
    DBusMessage *call = dbus_message_new_method_call(NULL, path, interface, method);

    if (!call)
        g_error("out of memory");
    return call;
}

void
dm_bus_service_call(DmBusService *service, DBusMessage *call, DmBusServiceFunc func, gpointer data)
{
    g_return_if_fail(service->owner);

    if (!dbus_message_set_destination(call, service->owner))
        g_error("out of memory");
    send(service, call, func, data);
}

DBusMessage *
dm_bus_service_new_get_all(const char *path, const char *interface)
{
    DBusMessage *call = dm_bus_service_new_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");

    if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID))
        g_error("out of memory");
    return call;
}

/* The dictionary in `message` at `iter`. */
static bool
find_dictionary(DBusMessage *message, DBusMessageIter *iter)
{
    bool is_signal = dbus_message_has_signature(message, "sa{sv}as");

    if (!is_signal && !dbus_message_has_signature(message, "a{sv}"))
        return false;
    dbus_message_iter_init(message, iter);
    if (is_signal)
        dbus_message_iter_next(iter);
    return true;
}

bool
dm_bus_service_find_property(DBusMessage *message, const char *name, int type,
                             DBusMessageIter *iter)
{
    DBusMessageIter dictionary, entries;

    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_ERROR ||
        !find_dictionary(message, &dictionary))
        return false;
    dbus_message_iter_recurse(&dictionary, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&entries)) {
        DBusMessageIter entry;
        const char *key;

        dbus_message_iter_recurse(&entries, &entry);
        dm_wire_next_basic(&entry, &key);
        dbus_message_iter_recurse(&entry, iter);
        if (strcmp(key, name) == 0)
            return dbus_message_iter_get_arg_type(iter) == type;
    }
    return false;
}

/* -- who has the name ----------------------------------------------------------------------------
 */

static void
set_owner(DmBusService *service, const char *owner)
{
    bool was_there = service->owner != NULL;

    if (g_strcmp0(service->owner, owner) == 0)
        return;
    drop_calls(service);
    g_free(service->owner);
    service->owner = g_strdup(owner);
    if (was_there && service->handlers.on_gone)
        service->handlers.on_gone(service->data);
    if (service->owner)
        service->handlers.on_there(service->data);
}

static void
ignore(DBusMessage *answer, gpointer data)
{
}

/* The owner comes by NameOwnerChanged, if it does. */
static void
start(DmBusService *service)
{
    DBusMessage *call =
        dm_bus_service_new_call(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "StartServiceByName");
    dbus_uint32_t flags = 0;

    if (!dbus_message_set_destination(call, DBUS_SERVICE_DBUS) ||
        !dbus_message_append_args(call, DBUS_TYPE_STRING, &service->name, DBUS_TYPE_UINT32, &flags,
                                  DBUS_TYPE_INVALID))
        g_error("out of memory");
    send(service, call, ignore, service);
    dbus_message_unref(call);
}

static void
on_owner(DBusMessage *answer, gpointer data)
{
    DmBusService *service = data;
    const char *owner;

    /* An error has a string too. */
    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_METHOD_RETURN &&
        dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
        set_owner(service, owner);
    else if (service->starts)
        start(service);
}

static void
ask_for_owner(DmBusService *service)
{
    DBusMessage *call =
        dm_bus_service_new_call(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetNameOwner");

    if (!dbus_message_set_destination(call, DBUS_SERVICE_DBUS) ||
        !dbus_message_append_args(call, DBUS_TYPE_STRING, &service->name, DBUS_TYPE_INVALID))
        g_error("out of memory");
    send(service, call, on_owner, service);
    dbus_message_unref(call);
}

static void
on_owner_changed(DmBusService *service, DBusMessage *message)
{
    const char *name, *before, *after;

    if (dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
        dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                              DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
        strcmp(name, service->name) == 0)
        set_owner(service, *after != '\0' ? after : NULL);
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmBusService *service = data;

    if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
        on_owner_changed(service, message);
    else if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL && service->owner &&
             dbus_message_has_sender(message, service->owner) && service->handlers.on_signal)
        service->handlers.on_signal(message, service->data);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* -- life ----------------------------------------------------------------------------------------
 */

/* Without an error to fill nobody waits for the bus. */
static void
listen(DmBusService *service)
{
    if (!dbus_connection_add_filter(service->connection, on_message, service, NULL))
        g_error("out of memory");
    dbus_bus_add_match(service->connection, service->name_rule, NULL);
    if (service->signal_rule)
        dbus_bus_add_match(service->connection, service->signal_rule, NULL);
    ask_for_owner(service);
}

static void
stop_listening(DmBusService *service)
{
    drop_calls(service);
    if (dbus_connection_get_is_connected(service->connection)) {
        dbus_bus_remove_match(service->connection, service->name_rule, NULL);
        if (service->signal_rule)
            dbus_bus_remove_match(service->connection, service->signal_rule, NULL);
    }
    dbus_connection_remove_filter(service->connection, on_message, service);
    dbus_connection_unref(g_steal_pointer(&service->connection));
}

void
dm_bus_service_set_connection(DmBusService *service, DBusConnection *connection)
{
    if (connection == service->connection)
        return;
    if (service->connection)
        stop_listening(service);
    set_owner(service, NULL);
    if (!connection)
        return;
    service->connection = dbus_connection_ref(connection);
    listen(service);
}

bool
dm_bus_service_is_there(const DmBusService *service)
{
    return service->owner != NULL;
}

DmBusService *
dm_bus_service_new(const DmBusServiceOptions *options, const DmBusServiceHandlers *handlers,
                   gpointer data)
{
    DmBusService *service = g_new0(DmBusService, 1);

    service->name = g_strdup(options->name);
    service->name_rule =
        g_strdup_printf("type='signal',sender='" DBUS_SERVICE_DBUS
                        "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='%s'",
                        options->name);
    if (options->match)
        service->signal_rule =
            g_strdup_printf("type='signal',sender='%s',%s", options->name, options->match);
    service->starts = options->starts;
    service->handlers = *handlers;
    service->data = data;
    return service;
}

void
dm_bus_service_free(DmBusService *service)
{
    if (!service)
        return;
    if (service->connection)
        stop_listening(service);
    g_free(service->owner);
    g_free(service->name);
    g_free(service->name_rule);
    g_free(service->signal_rule);
    g_free(service);
}
