/* SPDX-License-Identifier: MIT */
#include "plugin/objects.h"

#include <malloc.h>
#include <string.h>

#include "dbus/names.h"
#include "plugin/objects-private.h"

/* How soon it is looked whether a large reply has gone out; each time after twice as long. */
#define TRIM_FIRST_MS 10
#define TRIM_LAST_MS 10000

/* -- sending ------------------------------------------------------------------------------------
 */

void
dm_objects_send(DmObjects *objects, DBusMessage *message)
{
    if (objects->connection != NULL && !dbus_connection_send(objects->connection, message, NULL))
        g_error("out of memory");
    dbus_message_unref(message);
}

static void
stop_trim(DmObjects *objects)
{
    if (objects->trim == NULL)
        return;
    g_source_destroy(objects->trim);
    g_clear_pointer(&objects->trim, g_source_unref);
}

static void start_trim(DmObjects *objects);

/* A reply of megabytes goes through several buffers of its size. glibc keeps what they used, and
 * gives it back only when it is told that it was once only. */
static gboolean
on_trim(gpointer data)
{
    DmObjects *objects = data;

    stop_trim(objects);
    if (objects->connection != NULL && dbus_connection_has_messages_to_send(objects->connection)) {
        objects->trim_ms = MIN(objects->trim_ms * 2, TRIM_LAST_MS);
        start_trim(objects);
    } else {
        malloc_trim(0);
    }
    return G_SOURCE_REMOVE;
}

static void
start_trim(DmObjects *objects)
{
    objects->trim = g_timeout_source_new(objects->trim_ms);
    g_source_set_callback(objects->trim, on_trim, objects, NULL);
    g_source_attach(objects->trim, objects->options.context);
}

void
dm_objects_trim_later(DmObjects *objects)
{
    stop_trim(objects);
    objects->trim_ms = TRIM_FIRST_MS;
    start_trim(objects);
}

/* -- calls --------------------------------------------------------------------------------------
 */

/* The method that a message calls, or NULL and an error reply. */
static const DmMethod *
find_method(DmCall *call)
{
    const char *interface = dbus_message_get_interface(call->message);
    const char *member = dbus_message_get_member(call->message);
    const DmMethod *method = NULL;
    const DmInterface *found;
    const DmNodeInterface *own;

    if (interface == NULL) {
        for (guint i = 0; dm_interfaces[i] != NULL && method == NULL; i++) {
            if (dm_interfaces[i]->is_on(call->object))
                method = dm_interface_find_method(dm_interfaces[i], member);
        }
    } else {
        found = dm_interface_find(call->object, interface);
        if (found != NULL)
            method = dm_interface_find_method(found, member);
        own = dm_object_is_real(call->object)
                  ? dm_node_interfaces_find(call->objects->interfaces, call->object->node)
                  : NULL;
        if (found == NULL && (own == NULL || !g_str_equal(own->name, interface))) {
            call->reply = dm_objects_new_error(call->message, DBUS_ERROR_UNKNOWN_INTERFACE,
                                               "the object has no such interface", interface);
            return NULL;
        }
    }
    if (method == NULL || method->call == NULL) {
        method = NULL;
        call->reply = dm_objects_new_error(call->message, DBUS_ERROR_UNKNOWN_METHOD,
                                           "the object has no such method", member);
    } else if (!dm_method_takes(method, dbus_message_get_signature(call->message))) {
        call->reply = dm_objects_new_error(call->message, DBUS_ERROR_INVALID_ARGS,
                                           "the method takes other arguments", member);
        method = NULL;
    }
    return method;
}

/* Runs the method and sends its reply; false if it must know the caller first. */
static bool
serve(DmObjects *objects, DBusMessage *message, const DmCaller *caller)
{
    DmObject object;
    DmCall call = {objects, message, &object, caller, NULL};
    const char *path = dbus_message_get_path(message);
    const DmMethod *method = NULL;

    if (!dm_object_find(objects->options.tree, path, &object))
        call.reply = dm_objects_new_error(message, DBUS_ERROR_UNKNOWN_OBJECT,
                                          "there is no object at this path", path);
    else
        method = find_method(&call);
    if (method != NULL && !method->call(&call))
        return false;
    if (dbus_message_get_no_reply(message))
        dbus_message_unref(call.reply);
    else
        dm_objects_send(objects, call.reply);
    return true;
}

/* A message that waits until its caller is known. */
typedef struct {
    DmObjects *objects;
    DBusMessage *message;
} Deferred;

static void
free_deferred(gpointer data)
{
    Deferred *deferred = data;

    dbus_message_unref(deferred->message);
    g_free(deferred);
}

/* From the start again: the tree may have changed since. */
static void
on_caller(const DmCaller *caller, gpointer data)
{
    Deferred *deferred = data;
    bool served = serve(deferred->objects, deferred->message, caller);

    g_assert(served);
}

static void
defer(DmObjects *objects, DBusMessage *message)
{
    Deferred *deferred = g_new(Deferred, 1);

    deferred->objects = objects;
    deferred->message = dbus_message_ref(message);
    if (dm_access_ask(objects->access, dbus_message_get_sender(message), on_caller, deferred,
                      free_deferred))
        return;
    dm_objects_send(objects, dm_objects_new_error(message, DBUS_ERROR_LIMITS_EXCEEDED,
                                                  "too many calls wait to be judged", NULL));
    free_deferred(deferred);
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmObjects *objects = data;
    DmCaller caller;

    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (serve(objects, message, NULL))
        return DBUS_HANDLER_RESULT_HANDLED;
    if (dm_access_find(objects->access, dbus_message_get_sender(message), &caller))
        (void)serve(objects, message, &caller);
    else
        defer(objects, message);
    return DBUS_HANDLER_RESULT_HANDLED;
}

/* -- life ---------------------------------------------------------------------------------------
 */

DmObjects *
dm_objects_new(const DmObjectsOptions *options)
{
    DmObjects *objects = g_new0(DmObjects, 1);

    objects->options = *options;
    objects->interfaces = dm_node_interfaces_new();
    objects->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    objects->health = dm_tree_get_health(options->tree);
    objects->listener = dm_tree_add_listener(options->tree, dm_objects_on_changes, objects);
    dm_objects_note_all(objects);
    return objects;
}

void
dm_objects_free(DmObjects *objects)
{
    if (objects == NULL)
        return;
    dm_objects_set_connection(objects, NULL);
    stop_trim(objects);
    dm_tree_remove_listener(objects->options.tree, objects->listener);
    g_hash_table_unref(objects->shown);
    dm_node_interfaces_free(objects->interfaces);
    g_free(objects);
}

static const DBusObjectPathVTable vtable = {.message_function = on_message};

void
dm_objects_set_connection(DmObjects *objects, DBusConnection *connection)
{
    if (objects->connection != NULL) {
        (void)dbus_connection_unregister_object_path(objects->connection, DM_BUS_ROOT);
        g_clear_pointer(&objects->access, dm_access_free);
        g_clear_pointer(&objects->connection, dbus_connection_unref);
    }
    if (connection == NULL)
        return;
    objects->connection = dbus_connection_ref(connection);
    objects->access = dm_access_new(connection, objects->options.own_uid_is_root);
    if (!dbus_connection_register_fallback(connection, DM_BUS_ROOT, &vtable, objects))
        g_error("out of memory");
}
