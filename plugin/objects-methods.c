/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/status.h"
#include "dbus/body.h"
#include "plugin/introspection.h"
#include "plugin/objects-private.h"
#include "plugin/properties.h"

/* The interfaces that the D-Bus specification describes, as methods of every object. */

/* Longest text of a caller's that an error quotes: what a name on the bus may have. */
#define MAX_QUOTED 255

/* From how many providers on a GetManagedObjects is large enough to ask for its memory back. */
#define LARGE_REPLY_PROVIDERS 64

DBusMessage *
dm_objects_new_error(DBusMessage *call, const char *name, const char *sentence, const char *detail)
{
    DBusMessage *error;

    if (detail != NULL && *detail != '\0' && strlen(detail) <= MAX_QUOTED)
        error = dbus_message_new_error_printf(call, name, "%s: %s", sentence, detail);
    else
        error = dbus_message_new_error(call, name, sentence);
    if (error == NULL)
        g_error("out of memory");
    return error;
}

DBusMessage *
dm_objects_finish_reply(DBusMessage *call, DmBody *body, const char *signature)
{
    DBusMessage *reply = dm_body_to_reply(body, call, signature);

    if (reply == NULL)
        reply = dm_objects_new_error(call, DBUS_ERROR_LIMITS_EXCEEDED,
                                     "the answer is too large for one message", NULL);
    return reply;
}

static bool
is_on_all(const DmObject *object)
{
    return true;
}

static bool
is_on_root(const DmObject *object)
{
    return object->node == DM_NODE_ROOT && object->scope == DM_SCOPE_DEVICE;
}

/* Whether everybody may read it, so that nobody has to be asked. */
static bool
is_open(const DmObject *object, DmReadClass read)
{
    return dm_caller_may_read(&dm_caller_anybody, object->scope, object->uid, read);
}

/* -- Properties ---------------------------------------------------------------------------------
 */

/* Finds the property that a Get or Set names; NULL, or an error reply. */
static DBusMessage *
find_property(DmCall *call, const char *interface, const char *name, DmPropertyRef *ret_ref)
{
    switch (dm_properties_find(call->objects->interfaces, call->object, interface, name, ret_ref)) {
    case DM_PROPERTY_FOUND:
        return NULL;
    case DM_PROPERTY_NO_INTERFACE:
        return dm_objects_new_error(call->message, DBUS_ERROR_UNKNOWN_INTERFACE,
                                    "the object has no such interface", interface);
    case DM_PROPERTY_NO_PROPERTY:
        return dm_objects_new_error(call->message, DBUS_ERROR_UNKNOWN_PROPERTY,
                                    "the interface has no such property", name);
    }
    g_assert_not_reached();
}

static bool
on_get(DmCall *call)
{
    const char *interface, *name;
    DmPropertyRef ref;

    (void)dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
                                &name, DBUS_TYPE_INVALID);
    call->reply = find_property(call, interface, name, &ref);
    if (call->reply != NULL)
        return true;
    if (!is_open(call->object, dm_properties_get_read(&ref))) {
        if (call->caller == NULL)
            return false;
        if (!dm_caller_may_read(call->caller, call->object->scope, call->object->uid,
                                dm_properties_get_read(&ref))) {
            call->reply = dm_objects_new_error(call->message, DBUS_ERROR_ACCESS_DENIED,
                                               "you may not read this property", name);
            return true;
        }
    }
    call->reply =
        dm_properties_answer(call->message, call->objects->options.tree, call->object, &ref);
    if (call->reply == NULL)
        call->reply =
            dm_objects_new_error(call->message, dm_status_to_dbus_error(DM_STATUS_NOT_FOUND),
                                 "the property is not set", name);
    return true;
}

/* Whether one of the interface's properties is not for everybody. */
static bool
is_all_open(const DmObject *object, const DmNodeInterface *own, const DmInterface *beside)
{
    if (!is_open(object, DM_READ_PUBLIC))
        return false;
    if (own != NULL && !own->is_public)
        return false;
    for (const DmProperty *p = beside != NULL ? beside->properties : NULL;
         p != NULL && p->name != NULL; p++) {
        if (p->read != DM_READ_PUBLIC)
            return false;
    }
    return true;
}

/* With no interface named: the node table's and all beside it. */
static bool
on_get_all(DmCall *call)
{
    const DmTree *tree = call->objects->options.tree;
    const DmNodeInterface *own =
        dm_node_interfaces_find(call->objects->interfaces, call->object->node);
    const DmInterface *beside = NULL;
    const DmCaller *caller = call->caller != NULL ? call->caller : &dm_caller_anybody;
    g_autoptr(DmBody) body = NULL;
    const char *interface;
    DmBodyArray dict;
    bool any;

    (void)dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface,
                                DBUS_TYPE_INVALID);
    any = *interface == '\0';
    if (!any && !g_str_equal(own->name, interface)) {
        own = NULL;
        beside = dm_interface_find(call->object, interface);
        if (beside == NULL) {
            call->reply = dm_objects_new_error(call->message, DBUS_ERROR_UNKNOWN_INTERFACE,
                                               "the object has no such interface", interface);
            return true;
        }
    }
    if (call->caller == NULL && (any || !is_all_open(call->object, own, beside)))
        return false;
    body = dm_body_new();
    dict = dm_body_begin_array(body, true);
    if (own != NULL)
        dm_properties_append_node(body, tree, call->object, own, caller);
    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (dm_interfaces[i] == beside || (any && dm_interfaces[i]->is_on(call->object)))
            dm_properties_append_beside(body, tree, call->object, dm_interfaces[i], caller);
    }
    dm_body_end_array(body, dict);
    call->reply = dm_objects_finish_reply(call->message, body, "a{sv}");
    return true;
}

/* The tree is written through its socket only. */
static bool
on_set(DmCall *call)
{
    const char *interface, *name;
    DmPropertyRef ref;
    DBusMessageIter iter;

    dbus_message_iter_init(call->message, &iter);
    dbus_message_iter_get_basic(&iter, &interface);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &name);
    call->reply = find_property(call, interface, name, &ref);
    if (call->reply == NULL)
        call->reply = dm_objects_new_error(call->message, DBUS_ERROR_ACCESS_DENIED,
                                           "no property can be set on the bus", name);
    return true;
}

const DmInterface dm_interface_properties = {
    .name = DBUS_INTERFACE_PROPERTIES,
    .is_on = dm_object_is_real,
    .methods =
        (const DmMethod[]){
            {"Get",
             (const DmArgument[]){{"interface_name", "s", false},
                                  {"property_name", "s", false},
                                  {"value", "v", true},
                                  {NULL}},
             on_get},
            {"GetAll",
             (const DmArgument[]){
                 {"interface_name", "s", false}, {"properties", "a{sv}", true}, {NULL}},
             on_get_all},
            {"Set",
             (const DmArgument[]){{"interface_name", "s", false},
                                  {"property_name", "s", false},
                                  {"value", "v", false},
                                  {NULL}},
             on_set},
            {NULL},
        },
    .signals =
        (const DmSignal[]){
            {"PropertiesChanged", (const DmArgument[]){{"interface_name", "s", true},
                                                       {"changed_properties", "a{sv}", true},
                                                       {"invalidated_properties", "as", true},
                                                       {NULL}}},
            {NULL},
        },
};

/* -- Introspectable, Peer -----------------------------------------------------------------------
 */

static bool
on_introspect(DmCall *call)
{
    g_autofree char *xml = dm_introspection_build(call->objects->interfaces,
                                                  call->objects->options.tree, call->object);
    g_autoptr(DmBody) body = dm_body_new();

    dm_body_append_text(body, xml);
    call->reply = dm_objects_finish_reply(call->message, body, "s");
    return true;
}

const DmInterface dm_interface_introspectable = {
    .name = DBUS_INTERFACE_INTROSPECTABLE,
    .is_on = is_on_all,
    .methods =
        (const DmMethod[]){
            {"Introspect", (const DmArgument[]){{"xml_data", "s", true}, {NULL}}, on_introspect},
            {NULL},
        },
};

const DmInterface dm_interface_peer = {
    .name = DBUS_INTERFACE_PEER,
    .is_on = is_on_all,
    .methods =
        (const DmMethod[]){
            {"Ping", NULL, NULL},
            {"GetMachineId", (const DmArgument[]){{"machine_uuid", "s", true}, {NULL}}, NULL},
            {NULL},
        },
};

/* -- ObjectManager ------------------------------------------------------------------------------
 */

static void
append_object(DmBody *body, struct DmObjects *objects, const DmObject *object,
              const DmCaller *caller, GString *path)
{
    g_string_truncate(path, 0);
    dm_object_append_path(path, object);
    dm_body_begin_struct(body);
    dm_body_append_valid(body, path->str);
    dm_properties_append_object(body, objects->interfaces, objects->options.tree, object, caller);
}

/* All objects below the root, without those of other users' trees. */
static bool
on_get_managed_objects(DmCall *call)
{
    struct DmObjects *objects = call->objects;
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(DmBody) body = NULL;
    DmProvider *const *providers;
    DmBodyArray dict;
    gsize n;

    if (call->caller == NULL)
        return false;
    body = dm_body_new();
    dict = dm_body_begin_array(body, true);
    providers = dm_tree_get_providers(objects->options.tree, &n);
    for (gsize i = 0; i < n; i++) {
        DmObject object = {.scope = dm_provider_get_scope(providers[i]), .provider = providers[i]};

        if (object.scope == DM_SCOPE_USER)
            object.uid = dm_provider_get_uid(providers[i]);
        if (!dm_caller_may_read(call->caller, object.scope, object.uid, DM_READ_PUBLIC))
            continue;
        for (guint k = 0; dm_node_interfaces_get(objects->interfaces, k) != NULL; k++) {
            object.node = dm_node_interfaces_get(objects->interfaces, k)->node;
            if (dm_object_has_node(&object, object.node))
                append_object(body, objects, &object, call->caller, path);
        }
    }
    dm_body_end_array(body, dict);
    call->reply = dm_objects_finish_reply(call->message, body, "a{oa{sa{sv}}}");
    if (n >= LARGE_REPLY_PROVIDERS)
        dm_objects_trim_later(objects);
    return true;
}

const DmInterface dm_interface_object_manager = {
    .name = "org.freedesktop.DBus.ObjectManager",
    .is_on = is_on_root,
    .methods =
        (const DmMethod[]){
            {"GetManagedObjects", (const DmArgument[]){{"objects", "a{oa{sa{sv}}}", true}, {NULL}},
             on_get_managed_objects},
            {NULL},
        },
    .signals =
        (const DmSignal[]){
            {"InterfacesAdded",
             (const DmArgument[]){{"object_path", "o", true},
                                  {"interfaces_and_properties", "a{sa{sv}}", true},
                                  {NULL}}},
            {"InterfacesRemoved",
             (const DmArgument[]){{"object_path", "o", true}, {"interfaces", "as", true}, {NULL}}},
            {NULL},
        },
};
