/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "dbus/body.h"
#include "dbus/names.h"
#include "plugin/objects-private.h"
#include "plugin/properties.h"

/* The changes of one commit as signals: for each object that came or went one signal, for each
 * interface of the others at most one PropertiesChanged. Values go out only where everybody may
 * read them (security.md section 2). */

/* -- messages -----------------------------------------------------------------------------------
 */

/* Sends a signal with that body; none that is too large for a message. */
static void
send_signal(DmObjects *objects, const char *path, const char *interface, const char *member,
            DmBody *body, const char *signature)
{
    DBusMessage *signal = dm_body_to_signal(body, path, interface, member, signature);

    if (signal != NULL)
        dm_objects_send(objects, signal);
}

static void
send_added(DmObjects *objects, const DmObject *object, const char *path)
{
    g_autoptr(DmBody) body = dm_body_new();

    dm_body_append_valid(body, path);
    dm_properties_append_object(body, objects->interfaces, objects->options.tree, object,
                                &dm_caller_anybody);
    send_signal(objects, DM_BUS_ROOT, dm_interface_object_manager.name, "InterfacesAdded", body,
                "oa{sa{sv}}");
}

static void
send_removed(DmObjects *objects, const DmObject *object, const char *path)
{
    g_autoptr(DmBody) body = dm_body_new();
    DmBodyArray names;

    dm_body_append_valid(body, path);
    names = dm_body_begin_array(body, false);
    dm_body_append_valid(body, dm_node_interfaces_find(objects->interfaces, object->node)->name);
    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (dm_interfaces[i]->is_own && dm_interfaces[i]->is_on(object))
            dm_body_append_valid(body, dm_interfaces[i]->name);
    }
    dm_body_end_array(body, names);
    send_signal(objects, DM_BUS_ROOT, dm_interface_object_manager.name, "InterfacesRemoved", body,
                "oas");
}

static void
send_properties_changed(DmObjects *objects, const char *path, DmBody *body)
{
    send_signal(objects, path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged", body, "sa{sv}as");
}

/* PropertiesChanged of an interface beside the node table, with everything that it shows: what is
 * behind it is one record, which changes as one. */
static void
send_beside(DmObjects *objects, const DmObject *object, const DmInterface *interface)
{
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(DmBody) body = dm_body_new();
    DmBodyArray list;

    if (objects->connection == NULL)
        return;
    dm_object_append_path(path, object);
    dm_body_append_valid(body, interface->name);
    list = dm_body_begin_array(body, true);
    dm_properties_append_beside(body, objects->options.tree, object, interface, &dm_caller_anybody);
    dm_body_end_array(body, list);
    list = dm_body_begin_array(body, false);
    for (const DmProperty *p = interface->properties; p->name != NULL; p++) {
        if (!dm_caller_may_read(&dm_caller_anybody, object->scope, object->uid, p->read))
            dm_body_append_valid(body, p->name);
    }
    dm_body_end_array(body, list);
    send_properties_changed(objects, path->str, body);
}

/* Whether the change is one of a leaf that this object shows. */
static bool
is_of_object(const DmChange *change, const DmObject *object)
{
    const DmNode *row = dm_schema_get(change->node);

    return change->kind == DM_CHANGE_VALUE && row->parent == object->node && row->dbus != NULL &&
           *row->dbus != '\0' && dm_node_interface_shows(object, change->node);
}

/* PropertiesChanged of the object's interface of the node table, if one of its leaves changed. */
static void
send_changed(DmObjects *objects, const DmObject *object, const char *path, const DmChange *changes,
             gsize n_changes)
{
    const DmTree *tree = objects->options.tree;
    g_autofree bool *is_carried = NULL;
    g_autoptr(DmBody) body = NULL;
    DmBodyArray list;
    gsize first = 0;

    while (first < n_changes && !is_of_object(&changes[first], object))
        first++;
    if (first == n_changes || objects->connection == NULL)
        return;
    is_carried = g_new0(bool, n_changes);
    body = dm_body_new();
    dm_body_append_valid(body, dm_node_interfaces_find(objects->interfaces, object->node)->name);
    list = dm_body_begin_array(body, true);
    for (gsize i = first; i < n_changes; i++) {
        is_carried[i] = is_of_object(&changes[i], object) &&
                        dm_caller_may_read(&dm_caller_anybody, object->scope, object->uid,
                                           dm_schema_get(changes[i].node)->read) &&
                        dm_properties_append_leaf(body, tree, object, changes[i].node);
    }
    dm_body_end_array(body, list);
    list = dm_body_begin_array(body, false);
    for (gsize i = first; i < n_changes; i++) {
        if (is_of_object(&changes[i], object) && !is_carried[i])
            dm_body_append_valid(body, dm_schema_get(changes[i].node)->name);
    }
    dm_body_end_array(body, list);
    send_properties_changed(objects, path, body);
}

/* -- what there is ------------------------------------------------------------------------------
 */

/* The objects of a provider as bits; none where there is no provider. */
static guint32
get_bits(const DmObjects *objects, const DmObject *object)
{
    guint32 bits = 0;

    if (object->provider == NULL)
        return 0;
    for (guint i = 0; dm_node_interfaces_get(objects->interfaces, i) != NULL; i++) {
        if (dm_object_has_node(object, dm_node_interfaces_get(objects->interfaces, i)->node))
            bits |= 1u << i;
    }
    return bits;
}

/* The bits of the objects at or below `node`. */
static guint32
get_bits_below(const DmObjects *objects, DmNodeId node)
{
    guint32 bits = 0;

    for (guint i = 0; dm_node_interfaces_get(objects->interfaces, i) != NULL; i++) {
        if (dm_schema_is_below(dm_node_interfaces_get(objects->interfaces, i)->node, node))
            bits |= 1u << i;
    }
    return bits;
}

static void
note(DmObjects *objects, const char *path, guint32 bits)
{
    if (bits != 0)
        g_hash_table_insert(objects->shown, g_strdup(path), GUINT_TO_POINTER(bits));
    else
        g_hash_table_remove(objects->shown, path);
}

void
dm_objects_note_all(DmObjects *objects)
{
    g_autoptr(GString) path = g_string_new(NULL);
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(objects->options.tree, &n);

    for (gsize i = 0; i < n; i++) {
        DmObject object = {.scope = dm_provider_get_scope(providers[i]),
                           .node = DM_NODE_PROVIDER,
                           .provider = providers[i]};

        if (object.scope == DM_SCOPE_USER)
            object.uid = dm_provider_get_uid(providers[i]);
        g_string_truncate(path, 0);
        dm_object_append_path(path, &object);
        note(objects, path->str, get_bits(objects, &object));
    }
}

/* -- changes ------------------------------------------------------------------------------------
 */

/* The path of the provider that a change is about, which may be gone. */
static char *
get_provider_path(const DmChange *change)
{
    GString *path = g_string_new(DM_BUS_ROOT);

    if (change->scope == DM_SCOPE_USER)
        g_string_append_printf(path, "/" DM_BUS_USER "/%u", change->uid);
    g_string_append_printf(path, "/%s/", dm_schema_get(DM_NODE_PROVIDERS)->name);
    dm_path_append_escaped(path, change->provider);
    return g_string_free(path, FALSE);
}

/* Objects that went and are there again are shown anew: whoever has them must forget the old. */
static guint32
get_renewed(const DmObjects *objects, const DmChange *changes, gsize n_changes)
{
    guint32 bits = 0;

    for (gsize i = 0; i < n_changes; i++) {
        if (changes[i].kind == DM_CHANGE_REMOVED)
            bits |= get_bits_below(objects, changes[i].node);
    }
    return bits;
}

static void
set_child_path(GString *path, gsize provider_size, const DmNodeInterface *interface)
{
    g_string_truncate(path, provider_size);
    if (interface->node != DM_NODE_PROVIDER) {
        g_string_append_c(path, '/');
        g_string_append(path, dm_schema_get(interface->node)->name);
    }
}

static bool
has_kind(const DmChange *changes, gsize n_changes, DmChangeKind kind)
{
    for (gsize i = 0; i < n_changes; i++) {
        if (changes[i].kind == kind)
            return true;
    }
    return false;
}

/* The sessions that are over with these changes. */
static void
send_finished(DmObjects *objects, const char *path, const DmChange *changes, gsize n_changes)
{
    for (gsize i = 0; i < n_changes; i++) {
        g_autoptr(DmBody) body = NULL;

        if (changes[i].kind != DM_CHANGE_SESSION || changes[i].ended == NULL)
            continue;
        body = dm_body_new();
        dm_session_interface_append_ended(body, changes[i].ended);
        send_signal(objects, path, dm_interface_session.name, "Finished", body, "a{sv}");
    }
}

/* An object that was there before and still is. */
static void
tell_object(DmObjects *objects, const DmObject *object, const char *path, const DmChange *changes,
            gsize n_changes)
{
    send_changed(objects, object, path, changes, n_changes);
    if (dm_interface_session.is_on(object) && has_kind(changes, n_changes, DM_CHANGE_SESSION)) {
        send_beside(objects, object, &dm_interface_session);
        send_finished(objects, path, changes, n_changes);
    }
    if (dm_interface_progress.is_on(object) && has_kind(changes, n_changes, DM_CHANGE_PROGRESS))
        send_beside(objects, object, &dm_interface_progress);
}

/* All changes of one provider. */
static void
tell_provider(DmObjects *objects, const DmChange *changes, gsize n_changes)
{
    DmObject object = {.scope = changes->scope};
    g_autofree char *provider_path = get_provider_path(changes);
    g_autoptr(GString) path = g_string_new(provider_path);
    const gsize size = path->len;
    guint32 before = GPOINTER_TO_UINT(g_hash_table_lookup(objects->shown, provider_path));
    guint32 renewed = get_renewed(objects, changes, n_changes);
    guint32 now;
    const DmNodeInterface *interface;

    if (object.scope == DM_SCOPE_USER)
        object.uid = changes->uid;
    object.provider =
        dm_tree_find_provider(objects->options.tree, object.scope, object.uid, changes->provider);
    now = get_bits(objects, &object);
    if (now != before)
        note(objects, provider_path, now);
    if (objects->connection == NULL)
        return;
    for (guint i = 0; (interface = dm_node_interfaces_get(objects->interfaces, i)) != NULL; i++) {
        object.node = interface->node;
        set_child_path(path, size, interface);
        if ((before & ~(now & ~renewed)) & (1u << i))
            send_removed(objects, &object, path->str);
    }
    for (guint i = 0; (interface = dm_node_interfaces_get(objects->interfaces, i)) != NULL; i++) {
        object.node = interface->node;
        set_child_path(path, size, interface);
        if ((now & ~(before & ~renewed)) & (1u << i))
            send_added(objects, &object, path->str);
        else if (now & (1u << i))
            tell_object(objects, &object, path->str, changes, n_changes);
    }
}

static bool
is_same_provider(const DmChange *a, const DmChange *b)
{
    return a->scope == b->scope && (a->scope == DM_SCOPE_DEVICE || a->uid == b->uid) &&
           g_strcmp0(a->provider, b->provider) == 0;
}

/* Which device providers there are is also a property of the manager. */
static bool
is_of_manager(const DmChange *change)
{
    return change->node == DM_NODE_PROVIDER && change->scope == DM_SCOPE_DEVICE &&
           (change->kind == DM_CHANGE_ADDED || change->kind == DM_CHANGE_REMOVED);
}

void
dm_objects_on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    DmObjects *objects = data;
    const DmObject root = {.scope = DM_SCOPE_DEVICE, .node = DM_NODE_ROOT};
    bool manager = false;

    for (gsize i = 0, end; i < n_changes; i = end) {
        for (end = i + 1; end < n_changes && is_same_provider(&changes[i], &changes[end]);)
            end++;
        if (changes[i].provider == NULL)
            send_changed(objects, &root, DM_BUS_ROOT, &changes[i], end - i);
        else
            tell_provider(objects, &changes[i], end - i);
        for (gsize k = i; k < end; k++)
            manager = manager || is_of_manager(&changes[k]);
    }
    if (manager)
        send_beside(objects, &root, &dm_interface_manager);
}

void
dm_objects_check_health(DmObjects *objects)
{
    const DmObject root = {.scope = DM_SCOPE_DEVICE, .node = DM_NODE_ROOT};
    const char *health = dm_tree_get_health(objects->options.tree);

    if (g_str_equal(health, objects->health))
        return;
    objects->health = health;
    send_beside(objects, &root, &dm_interface_manager);
}
