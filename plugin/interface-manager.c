/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/error.h"
#include "dbus/names.h"
#include "plugin/objects-private.h"

/* ….Manager on the root: the service as a whole. */

static bool
is_on(const DmObject *object)
{
    return object->node == DM_NODE_ROOT && object->scope == DM_SCOPE_DEVICE;
}

static bool
is_device_provider(const DmProvider *provider)
{
    return dm_provider_get_scope(provider) == DM_SCOPE_DEVICE;
}

static void
load(const DmTree *tree, const DmObject *object, DmState *state)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    state->manager.tree = tree;
    state->manager.version = DM_VERSION;
    state->manager.health = dm_tree_get_health(tree);
    state->manager.is_managed = n > 0 && is_device_provider(providers[0]);
}

static void
append_providers(DmBody *body, const DmProperty *property, const void *data)
{
    const DmState *state = data;
    g_autoptr(GString) path = g_string_new(NULL);
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(state->manager.tree, &n);
    DmBodyArray array = dm_body_begin_array(body, false);

    for (gsize i = 0; i < n && is_device_provider(providers[i]); i++) {
        DmObject object = {DM_SCOPE_DEVICE, 0, DM_NODE_PROVIDER, providers[i]};

        g_string_truncate(path, 0);
        dm_object_append_path(path, &object);
        dm_body_append_valid(body, path->str);
    }
    dm_body_end_array(body, array);
}

/* -- Sync ---------------------------------------------------------------------------------------
 */

static DBusMessage *
new_failure(DBusMessage *call, const GError *error)
{
    DmStatus status = DM_STATUS_FAILED;

    if (g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        status = DM_STATUS_UNAVAILABLE;
    else if (g_error_matches(error, DM_ERROR, DM_ERROR_NOT_FOUND))
        status = DM_STATUS_NOT_FOUND;
    return dm_objects_new_error(call, dm_status_to_dbus_error(status), error->message, NULL);
}

/* Reads `o a{sv}`; no option is known yet, and none is passed over in silence. */
static bool
read_sync(DmCall *call, const char **ret_path)
{
    DBusMessageIter iter, options, entry;
    const char *option;

    dbus_message_iter_init(call->message, &iter);
    dbus_message_iter_get_basic(&iter, ret_path);
    dbus_message_iter_next(&iter);
    dbus_message_iter_recurse(&iter, &options);
    if (dbus_message_iter_get_arg_type(&options) == DBUS_TYPE_INVALID)
        return true;
    dbus_message_iter_recurse(&options, &entry);
    dbus_message_iter_get_basic(&entry, &option);
    call->reply = dm_objects_new_error(call->message, DBUS_ERROR_INVALID_ARGS,
                                       "Sync has no such option", option);
    return false;
}

static bool
on_sync(DmCall *call)
{
    struct DmObjects *objects = call->objects;
    g_autoptr(GError) error = NULL;
    g_autofree char *session = NULL;
    DmObject provider;
    const char *path;

    if (call->caller == NULL)
        return false;
    if (!call->caller->is_known || !call->caller->is_root) {
        call->reply = dm_objects_new_error(call->message, DBUS_ERROR_ACCESS_DENIED,
                                           "only root may start a session", NULL);
        return true;
    }
    if (!read_sync(call, &path))
        return true;
    if (!dm_object_find(objects->options.tree, path, &provider) ||
        provider.node != DM_NODE_PROVIDER || provider.scope != DM_SCOPE_DEVICE) {
        call->reply =
            dm_objects_new_error(call->message, dm_status_to_dbus_error(DM_STATUS_NOT_FOUND),
                                 "no provider is at this path; see Providers", path);
        return true;
    }
    if (objects->options.hooks.sync == NULL)
        error =
            g_error_new_literal(DM_ERROR, DM_ERROR_DISCONNECTED, "no broker runs sessions here");
    else
        session = objects->options.hooks.sync(dm_provider_get_id(provider.provider), "user",
                                              objects->options.data, &error);
    if (session == NULL) {
        call->reply = new_failure(call->message, error);
    } else {
        g_autoptr(DmBody) body = dm_body_new();

        dm_body_append_text(body, session);
        call->reply = dm_objects_finish_reply(call->message, body, "s");
    }
    return true;
}

static const DmMethod methods[] = {
    {"Sync",
     (const DmArgument[]){
         {"provider", "o", false}, {"options", "a{sv}", false}, {"session", "s", true}, {NULL}},
     on_sync},
    {NULL},
};

static const DmProperty properties[] = {
    {"Version", "s", DM_READ_PUBLIC, DM_EMITS_CONST, G_STRUCT_OFFSET(DmState, manager.version),
     dm_property_append_text},
    {"Managed", "b", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, manager.is_managed),
     dm_property_append_bool},
    {"Health", "s", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, manager.health),
     dm_property_append_text},
    {"Providers", "ao", DM_READ_PUBLIC, DM_EMITS_VALUE, 0, append_providers},
    {NULL},
};

const DmInterface dm_interface_manager = {
    .name = DM_BUS_INTERFACE_MANAGER,
    .is_on = is_on,
    .methods = methods,
    .properties = properties,
    .load = load,
    .is_own = true,
};
