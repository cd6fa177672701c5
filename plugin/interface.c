/* SPDX-License-Identifier: MIT */
#include "plugin/interface.h"

#include <string.h>

#include "dbus/names.h"

#define MAX_NODE_INTERFACES 32

const DmInterface *const dm_interfaces[] = {
    &dm_interface_properties, &dm_interface_introspectable,
    &dm_interface_peer,       &dm_interface_object_manager,
    &dm_interface_manager,    &dm_interface_session,
    &dm_interface_progress,   NULL,
};

/* -- interfaces beside the node table -----------------------------------------------------------
 */

const char *
dm_emits_to_name(DmEmits emits)
{
    switch (emits) {
    case DM_EMITS_VALUE:
        return "true";
    case DM_EMITS_INVALIDATES:
        return "invalidates";
    case DM_EMITS_CONST:
        return "const";
    }
    g_assert_not_reached();
}

DmEmits
dm_emits_get(const DmObject *object, DmReadClass read, DmEmits emits)
{
    if (emits == DM_EMITS_VALUE &&
        !dm_caller_may_read(&dm_caller_anybody, object->scope, object->uid, read))
        return DM_EMITS_INVALIDATES;
    return emits;
}

const DmInterface *
dm_interface_find(const DmObject *object, const char *name)
{
    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (g_str_equal(dm_interfaces[i]->name, name))
            return dm_interfaces[i]->is_on(object) ? dm_interfaces[i] : NULL;
    }
    return NULL;
}

const DmMethod *
dm_interface_find_method(const DmInterface *interface, const char *name)
{
    for (const DmMethod *m = interface->methods; m != NULL && m->name != NULL; m++) {
        if (g_str_equal(m->name, name))
            return m;
    }
    return NULL;
}

const DmProperty *
dm_interface_find_property(const DmInterface *interface, const char *name)
{
    for (const DmProperty *p = interface->properties; p != NULL && p->name != NULL; p++) {
        if (g_str_equal(p->name, name))
            return p;
    }
    return NULL;
}

bool
dm_method_takes(const DmMethod *method, const char *signature)
{
    for (const DmArgument *a = method->arguments; a != NULL && a->name != NULL; a++) {
        if (a->out)
            continue;
        if (!g_str_has_prefix(signature, a->signature))
            return false;
        signature += strlen(a->signature);
    }
    return *signature == '\0';
}

void
dm_property_append_text(DmBody *body, const DmProperty *property, const void *state)
{
    const void *place = (const char *)state + property->offset;

    dm_body_append_text(body, *(const char *const *)place);
}

void
dm_property_append_time(DmBody *body, const DmProperty *property, const void *state)
{
    const void *place = (const char *)state + property->offset;

    dm_body_append_uint64(body, (guint64)MAX(*(const gint64 *)place, 0));
}

void
dm_property_append_bool(DmBody *body, const DmProperty *property, const void *state)
{
    const void *place = (const char *)state + property->offset;

    dm_body_append_bool(body, *(const bool *)place);
}

/* -- interfaces of the node table ---------------------------------------------------------------
 */

struct DmNodeInterfaces {
    guint n;
    DmNodeInterface *interfaces[MAX_NODE_INTERFACES];
    DmNodeInterface *of_node[DM_NODE_N]; /* the same, borrowed */
};

static bool
is_leaf_property(const DmNode *row)
{
    return !dm_node_is_interior(row) && row->dbus != NULL && *row->dbus != '\0';
}

/* The interface of the dynamic row is called as the level above it; its key is its own name. */
static DmNodeInterface *
new_node_interface(DmNodeId node)
{
    const DmNode *row = dm_schema_get(node);
    DmNodeInterface *interface = g_malloc0(sizeof(*interface) + DM_NODE_N * sizeof(DmNodeId));

    interface->node = node;
    if (row->parent == DM_NODE_NONE) {
        interface->name = g_strdup(DM_BUS_INTERFACE);
    } else if (node == DM_NODE_PROVIDER) {
        interface->name = g_strconcat(DM_BUS_INTERFACE ".", dm_schema_get(row->parent)->name, NULL);
        interface->key = g_strndup(row->name + 1, strlen(row->name) - 2);
        interface->key_doc = "The provider's name, which the object's path has escaped.";
    } else {
        interface->name = g_strconcat(DM_BUS_INTERFACE ".", row->name, NULL);
    }
    for (DmNodeId leaf = 0; leaf < DM_NODE_N; leaf++) {
        const DmNode *below = dm_schema_get(leaf);

        if (below->parent != node || !is_leaf_property(below))
            continue;
        interface->leaves[interface->n_leaves++] = leaf;
        interface->reads |= 1u << below->read;
    }
    return g_realloc(interface, sizeof(*interface) + interface->n_leaves * sizeof(DmNodeId));
}

DmNodeInterfaces *
dm_node_interfaces_new(void)
{
    DmNodeInterfaces *interfaces = g_new0(DmNodeInterfaces, 1);

    for (DmNodeId node = 0; node < DM_NODE_N; node++) {
        if (!dm_node_is_interior(dm_schema_get(node)) || node == DM_NODE_PROVIDERS)
            continue;
        g_assert(interfaces->n < MAX_NODE_INTERFACES);
        interfaces->of_node[node] = new_node_interface(node);
        interfaces->interfaces[interfaces->n++] = interfaces->of_node[node];
    }
    return interfaces;
}

void
dm_node_interfaces_free(DmNodeInterfaces *interfaces)
{
    if (interfaces == NULL)
        return;
    for (guint i = 0; i < interfaces->n; i++) {
        g_free(interfaces->interfaces[i]->name);
        g_free(interfaces->interfaces[i]->key);
        g_free(interfaces->interfaces[i]);
    }
    g_free(interfaces);
}

const DmNodeInterface *
dm_node_interfaces_find(const DmNodeInterfaces *interfaces, DmNodeId node)
{
    return node < DM_NODE_N ? interfaces->of_node[node] : NULL;
}

const DmNodeInterface *
dm_node_interfaces_get(const DmNodeInterfaces *interfaces, guint index)
{
    return index < interfaces->n ? interfaces->interfaces[index] : NULL;
}

bool
dm_node_interface_shows(const DmObject *object, DmNodeId leaf)
{
    return object->scope == DM_SCOPE_DEVICE || dm_schema_get(leaf)->roots == DM_ROOTS_BOTH;
}
