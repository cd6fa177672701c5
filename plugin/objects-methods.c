/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/status.h"
#include "dbus/body.h"
#include "plugin/call.h"
#include "plugin/introspection.h"
#include "plugin/objects-private.h"
#include "plugin/properties.h"

/* The interfaces that the D-Bus specification describes, as methods of every object. */

/* From how many providers on a GetManagedObjects is large enough to ask for its memory back. */
#define LARGE_REPLY_PROVIDERS 64

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
        return dm_call_new_error(call->message, DBUS_ERROR_UNKNOWN_INTERFACE,
                                 "the object has no such interface", interface);
    case DM_PROPERTY_NO_PROPERTY:
        return dm_call_new_error(call->message, DBUS_ERROR_UNKNOWN_PROPERTY,
                                 "the interface has no such property", name);
    }
    g_assert_not_reached();
}

/* Whether polkit has to be asked, which may ask a person where the message allows it. */
static bool
must_ask_to_get(DmCall *call, DmReadClass read)
{
    const DmObject *object = call->object;
    bool is_challenge;

    if (dm_action_of_read(read) == DM_ACTION_N)
        return false;
    call->need = dm_action_of_read(read);
    call->interactive = dbus_message_get_allow_interactive_authorization(call->message);
    is_challenge = call->caller->verdicts[call->need] == DM_VERDICT_CHALLENGE;
    return (call->interactive && is_challenge) ||
           dm_caller_must_ask(call->caller, object->scope, object->uid, read);
}

static DmCallResult
on_get(DmCall *call)
{
    const char *interface, *name;
    DmPropertyRef ref;
    DmReadClass read;

    (void)dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
                                &name, DBUS_TYPE_INVALID);
    call->reply = find_property(call, interface, name, &ref);
    if (call->reply != NULL)
        return DM_CALL_DONE;
    read = dm_properties_get_read(&ref);
    if (!is_open(call->object, read)) {
        if (call->caller == NULL || must_ask_to_get(call, read))
            return DM_CALL_ASK;
        if (!dm_caller_may_read(call->caller, call->object->scope, call->object->uid, read)) {
            call->reply = dm_call_new_error(call->message, DBUS_ERROR_ACCESS_DENIED,
                                            "you may not read this property", name);
            return DM_CALL_DONE;
        }
    }
    call->reply =
        dm_properties_answer(call->message, call->objects->options.tree, call->object, &ref);
    if (call->reply == NULL)
        call->reply = dm_call_new_error(call->message, dm_status_to_dbus_error(DM_STATUS_NOT_FOUND),
                                        "the property is not set", name);
    return DM_CALL_DONE;
}

/* Whether polkit has to be asked, never a person, before values of these classes go out. */
static bool
must_ask_to_show(DmCall *call, const DmObject *object, guint reads)
{
    static const DmReadClass asked[] = {DM_READ_IDENTITY, DM_READ_DETAILS};

    for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
        if ((reads & (1u << asked[i])) == 0 ||
            !dm_caller_must_ask(call->caller, object->scope, object->uid, asked[i]))
            continue;
        call->need = dm_action_of_read(asked[i]);
        return true;
    }
    return false;
}

/* The classes of the properties of an interface, as bits. */
static guint
get_reads(const DmNodeInterface *own, const DmInterface *beside)
{
    guint reads = own != NULL ? own->reads : 0;

    for (const DmProperty *p = beside != NULL ? beside->properties : NULL;
         p != NULL && p->name != NULL; p++)
        reads |= 1u << p->read;
    return reads;
}

/* With no interface named: the node table's and all beside it. */
static DmCallResult
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
    guint reads;
    bool any;

    (void)dbus_message_get_args(call->message, NULL, DBUS_TYPE_STRING, &interface,
                                DBUS_TYPE_INVALID);
    any = *interface == '\0';
    if (!any && !g_str_equal(own->name, interface)) {
        own = NULL;
        beside = dm_interface_find(call->object, interface);
        if (beside == NULL) {
            call->reply = dm_call_new_error(call->message, DBUS_ERROR_UNKNOWN_INTERFACE,
                                            "the object has no such interface", interface);
            return DM_CALL_DONE;
        }
    }
    reads = any ? G_MAXUINT : get_reads(own, beside);
    if (call->caller == NULL &&
        (!is_open(call->object, DM_READ_PUBLIC) || (reads & ~(1u << DM_READ_PUBLIC)) != 0))
        return DM_CALL_ASK;
    if (call->caller != NULL && must_ask_to_show(call, call->object, reads))
        return DM_CALL_ASK;
    body = dm_body_new();
    dict = dm_body_begin_array(body, true);
    if (own != NULL)
        dm_properties_append_node(body, tree, call->object, own, caller);
    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (dm_interfaces[i] == beside || (any && dm_interfaces[i]->is_on(call->object)))
            dm_properties_append_beside(body, tree, call->object, dm_interfaces[i], caller);
    }
    dm_body_end_array(body, dict);
    call->reply = dm_call_finish_reply(call->message, body, "a{sv}");
    return DM_CALL_DONE;
}

/* The tree is written through its socket only. */
static DmCallResult
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
        call->reply = dm_call_new_error(call->message, DBUS_ERROR_ACCESS_DENIED,
                                        "no property can be set on the bus", name);
    return DM_CALL_DONE;
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
             on_get,
             "The value of one property; an empty interface name stands for whichever interface of "
             "the object has it.",
             DM_ACTION_N, false},
            {"GetAll",
             (const DmArgument[]){
                 {"interface_name", "s", false}, {"properties", "a{sv}", true}, {NULL}},
             on_get_all,
             "All properties that are set and that the caller may read; an empty interface name "
             "stands for all interfaces of the object.",
             DM_ACTION_N, false},
            {"Set",
             (const DmArgument[]){{"interface_name", "s", false},
                                  {"property_name", "s", false},
                                  {"value", "v", false},
                                  {NULL}},
             on_set, "Refused for everyone: no property can be written on the bus.", DM_ACTION_N,
             false},
            {NULL},
        },
    .signals =
        (const DmSignal[]){
            {"PropertiesChanged",
             (const DmArgument[]){{"interface_name", "s", true},
                                  {"changed_properties", "a{sv}", true},
                                  {"invalidated_properties", "as", true},
                                  {NULL}},
             "Properties have changed: public ones come with their values, of the others and of "
             "those that are unset now only the names."},
            {NULL},
        },
    .doc = "Reading of properties.",
};

/* -- Introspectable, Peer -----------------------------------------------------------------------
 */

static DmCallResult
on_introspect(DmCall *call)
{
    g_autofree char *xml = dm_introspection_build(call->objects->interfaces,
                                                  call->objects->options.tree, call->object);
    g_autoptr(DmBody) body = dm_body_new();

    dm_body_append_valid(body, xml);
    call->reply = dm_call_finish_reply(call->message, body, "s");
    return DM_CALL_DONE;
}

const DmInterface dm_interface_introspectable = {
    .name = DBUS_INTERFACE_INTROSPECTABLE,
    .is_on = is_on_all,
    .methods =
        (const DmMethod[]){
            {"Introspect", (const DmArgument[]){{"xml_data", "s", true}, {NULL}}, on_introspect,
             "Interfaces and children of the object.", DM_ACTION_N, false},
            {NULL},
        },
    .doc = "What an object has.",
};

/* -- Peer ---------------------------------------------------------------------------------------
 */

static DmCallResult
on_ping(DmCall *call)
{
    call->reply = dm_call_new_empty_reply(call->message);
    return DM_CALL_DONE;
}

static DmCallResult
on_get_machine_id(DmCall *call)
{
    g_autoptr(DmBody) body = dm_body_new();
    char *id = dbus_get_local_machine_id();

    dm_body_append_text(body, id);
    dbus_free(id);
    call->reply = dm_call_finish_reply(call->message, body, "s");
    return DM_CALL_DONE;
}

const DmInterface dm_interface_peer = {
    .name = DBUS_INTERFACE_PEER,
    .is_on = is_on_all,
    .methods =
        (const DmMethod[]){
            {"Ping", NULL, on_ping, "Answers, and nothing more.", DM_ACTION_N, false},
            {"GetMachineId", (const DmArgument[]){{"machine_uuid", "s", true}, {NULL}},
             on_get_machine_id, "The machine's identifier, as of any service on the bus.",
             DM_ACTION_N, false},
            {NULL},
        },
    .doc = "Served at every path.",
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
static DmCallResult
on_get_managed_objects(DmCall *call)
{
    struct DmObjects *objects = call->objects;
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(DmBody) body = NULL;
    DmProvider *const *providers;
    DmBodyArray dict;
    gsize n;

    if (call->caller == NULL || must_ask_to_show(call, call->object, G_MAXUINT))
        return DM_CALL_ASK;
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
    call->reply = dm_call_finish_reply(call->message, body, "a{oa{sa{sv}}}");
    if (n >= LARGE_REPLY_PROVIDERS)
        dm_objects_trim_later(objects);
    return DM_CALL_DONE;
}

const DmInterface dm_interface_object_manager = {
    .name = "org.freedesktop.DBus.ObjectManager",
    .is_on = is_on_root,
    .methods =
        (const DmMethod[]){
            {"GetManagedObjects", (const DmArgument[]){{"objects", "a{oa{sa{sv}}}", true}, {NULL}},
             on_get_managed_objects,
             "All objects below the root with those of their properties that the caller may read; "
             "users' trees only for their user and root.",
             DM_ACTION_N, true},
            {NULL},
        },
    .signals =
        (const DmSignal[]){
            {"InterfacesAdded",
             (const DmArgument[]){{"object_path", "o", true},
                                  {"interfaces_and_properties", "a{sa{sv}}", true},
                                  {NULL}},
             "An object has come, with its public properties."},
            {"InterfacesRemoved",
             (const DmArgument[]){{"object_path", "o", true}, {"interfaces", "as", true}, {NULL}},
             "An object has gone."},
            {NULL},
        },
    .doc = "The objects there are, and their coming and going.",
};
