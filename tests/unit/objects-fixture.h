/* SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

#include "common/error.h"
#include "dbus/connection.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "plugin/objects.h"
#include "tests/unit/message-text.h"
#include "tests/unit/private-bus.h"

/* A tree in memory on a private bus, and a client, all on the default context. */

#define TREE "./Device/Vendor/MSFT/DMClient/"
#define DBUS_ERROR "org.freedesktop.DBus.Error."
#define OUR_ERROR DM_BUS_INTERFACE ".Error."
#define PROVIDER_PATH DM_BUS_ROOT "/Provider/MS_20DM_20Server"

typedef struct {
    PrivateBus bus;
    DmTree *tree;
    DmObjects *objects;
    DmBus *service;
    DBusConnection *client;
    GPtrArray *signals; /* "path member arguments" */
    bool is_ready;
    DmSync *sync; /* without a socket: nobody runs sessions */
    DmLogs *logs;
    guint n_reloads;
} Fixture;

/* -- the service --------------------------------------------------------------------------------
 */

static inline void
on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    Fixture *f = data;

    dm_objects_set_connection(f->objects, connection);
    f->is_ready = true;
}

static inline void
on_lost(DmBus *bus, const char *reason, gpointer data)
{
    Fixture *f = data;

    dm_objects_set_connection(f->objects, NULL);
    f->is_ready = false;
}

static inline bool
on_reload(gpointer data, GError **error)
{
    ((Fixture *)data)->n_reloads++;
    return true;
}

static inline bool
is_ready(gpointer data)
{
    return ((Fixture *)data)->is_ready;
}

static inline DmStatus
apply(Fixture *f, const DmCommand *commands, gsize n_commands, gint64 uid)
{
    const DmContext context = {.provider = uid >= 0 ? "MS DM Server" : NULL, .uid = uid};
    g_autoptr(DmReply) reply = dm_tree_apply(f->tree, &context, commands, n_commands);

    for (gsize i = 0; i < dm_reply_get_size(reply); i++) {
        if (!dm_status_is_good(dm_reply_get(reply, i)->status))
            return dm_reply_get(reply, i)->status;
    }
    return DM_STATUS_OK;
}

static inline DmCommand
command(DmVerb verb, const char *loc_uri, const char *data)
{
    return (DmCommand){.verb = verb,
                       .loc_uri = loc_uri,
                       .data = data,
                       .data_size = data != NULL ? strlen(data) : 0};
}

static inline void
apply_one(Fixture *f, DmVerb verb, const char *loc_uri, const char *data)
{
    const DmCommand one = command(verb, loc_uri, data);

    g_assert_cmpint(apply(f, &one, 1, -1), ==, DM_STATUS_OK);
}

/* -- the client ---------------------------------------------------------------------------------
 */

static inline DBusHandlerResult
on_signal(DBusConnection *connection, DBusMessage *message, void *data)
{
    Fixture *f = data;

    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
        dbus_message_get_path(message) != NULL &&
        g_str_has_prefix(dbus_message_get_path(message), DM_BUS_ROOT)) {
        g_autofree char *text = message_to_text(message);

        g_ptr_array_add(f->signals, g_strdup_printf("%s %s %s", dbus_message_get_path(message),
                                                    dbus_message_get_member(message), text));
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static inline DBusConnection *
open_client(Fixture *f)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *client = dbus_connection_open_private(f->bus.address, &error);

    g_assert_nonnull(client);
    g_assert_true(dbus_bus_register(client, &error));
    dbus_connection_set_exit_on_disconnect(client, FALSE);
    dbus_bus_add_match(client, "type='signal',path_namespace='" DM_BUS_ROOT "'", &error);
    g_assert_false(dbus_error_is_set(&error));
    return client;
}

static inline void
start_service(Fixture *f)
{
    static const DmBusHandlers handlers = {on_ready, on_lost};

    f->service = dm_bus_new(f->bus.address, DM_BUS_NAME, NULL, &handlers, f);
    wait_until(is_ready, f);
}

static inline void
setup(Fixture *f, gconstpointer data)
{
    const DmTreeOptions options = {.hw_dev_id = "0123456789ABCDEF"};
    DmObjectsOptions objects = {.own_uid_is_root = true, .hooks = {.reload = on_reload}, .data = f};
    g_autoptr(GError) error = NULL;

    private_bus_init(&f->bus);
    private_bus_start(&f->bus);
    f->signals = g_ptr_array_new_with_free_func(g_free);
    f->tree = dm_tree_new(NULL, &options, &error);
    g_assert_no_error(error);
    apply_one(f, DM_VERB_ADD, TREE "Provider/MS%20DM%20Server", NULL);
    objects.tree = f->tree;
    objects.sync = f->sync = dm_sync_new(f->tree, NULL);
    objects.logs = f->logs = dm_logs_new(f->tree, "/nowhere", NULL);
    f->objects = dm_objects_new(&objects);
    start_service(f);
    f->client = open_client(f);
    g_assert_true(dbus_connection_add_filter(f->client, on_signal, f, NULL));
    dm_loop_add_connection(f->client, NULL);
}

static inline void
teardown(Fixture *f, gconstpointer data)
{
    dbus_connection_remove_filter(f->client, on_signal, f);
    dm_loop_remove_connection(f->client);
    dbus_connection_close(f->client);
    dbus_connection_unref(f->client);
    dm_bus_free(f->service);
    dm_sync_free(f->sync);
    dm_logs_free(f->logs);
    dm_objects_free(f->objects);
    dm_tree_free(f->tree);
    g_ptr_array_unref(f->signals);
    private_bus_clear(&f->bus);
}

static inline bool
is_complete(gpointer pending)
{
    return dbus_pending_call_get_completed(pending);
}

/* The answer as text: arguments, or "!" and the error's name. Owns `call`. Free with g_free(). */
static inline char *
send_call(Fixture *f, DBusMessage *call)
{
    DBusPendingCall *pending;
    DBusMessage *reply;
    char *text;

    g_assert_true(dbus_connection_send_with_reply(f->client, call, &pending, 20000));
    dbus_message_unref(call);
    wait_until(is_complete, pending);
    reply = dbus_pending_call_steal_reply(pending);
    dbus_pending_call_unref(pending);
    if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR)
        text = g_strconcat("!", dbus_message_get_error_name(reply), NULL);
    else
        text = message_to_text(reply);
    dbus_message_unref(reply);
    return text;
}

static inline char *
get(Fixture *f, const char *path, const char *interface, const char *name)
{
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, path, DBUS_INTERFACE_PROPERTIES, "Get");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
                             DBUS_TYPE_INVALID);
    return send_call(f, call);
}

static inline void
assert_get(Fixture *f, const char *path, const char *interface, const char *name,
           const char *expected)
{
    g_autofree char *text = get(f, path, interface, name);

    g_assert_cmpstr(text, ==, expected);
}

static inline char *
call_text(Fixture *f, const char *path, const char *interface, const char *member,
          const char *argument)
{
    DBusMessage *call = dbus_message_new_method_call(DM_BUS_NAME, path, interface, member);

    if (argument != NULL)
        dbus_message_append_args(call, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
    return send_call(f, call);
}

/* Waits until all that was sent has come: the answer to a call comes after it. */
static inline void
settle(Fixture *f)
{
    g_autofree char *text = get(f, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Version");

    g_assert_cmpstr(text, ==, "<'" DM_VERSION "'>");
}

static inline void
assert_signal(Fixture *f, guint index, const char *expected)
{
    g_assert_cmpuint(f->signals->len, >, index);
    g_assert_cmpstr(g_ptr_array_index(f->signals, index), ==, expected);
}
