/* SPDX-License-Identifier: MIT */
#include "plugin/properties.h"

#include <string.h>

#include "common/text.h"
#include "dbus/values.h"
#include "tree/rules/addresses.h"
#include "tree/rules/first-sync.h"

/* -- finding ------------------------------------------------------------------------------------
 */

static bool
find_in_node(const DmNodeInterface *interface, const DmObject *object, const char *name,
             DmPropertyRef *ret_ref)
{
    DmNodeId leaf;

    if (interface->key != NULL && g_str_equal(interface->key, name)) {
        *ret_ref = (DmPropertyRef){.leaf = DM_NODE_NONE, .key = interface};
        return true;
    }
    /* The Provider level's child is dynamic, but it is no object with properties. */
    leaf = dm_schema_find_child(interface->node, name, strlen(name));
    if (leaf == DM_NODE_NONE || dm_node_is_interior(dm_schema_get(leaf)) ||
        dm_schema_get(leaf)->dbus == NULL || !dm_node_interface_shows(object, leaf))
        return false;
    *ret_ref = (DmPropertyRef){.leaf = leaf};
    return true;
}

static bool
find_beside(const DmInterface *interface, const char *name, DmPropertyRef *ret_ref)
{
    const DmProperty *property = dm_interface_find_property(interface, name);

    if (property == NULL)
        return false;
    *ret_ref = (DmPropertyRef){DM_NODE_NONE, NULL, interface, property};
    return true;
}

DmPropertyLookup
dm_properties_find(const DmNodeInterfaces *interfaces, const DmObject *object,
                   const char *interface, const char *name, DmPropertyRef *ret_ref)
{
    const DmNodeInterface *own = dm_node_interfaces_find(interfaces, object->node);
    const DmInterface *beside;
    bool any = *interface == '\0';

    if (own != NULL && (any || g_str_equal(own->name, interface))) {
        if (find_in_node(own, object, name, ret_ref))
            return DM_PROPERTY_FOUND;
        if (!any)
            return DM_PROPERTY_NO_PROPERTY;
    }
    for (guint i = 0; any && dm_interfaces[i] != NULL; i++) {
        if (dm_interfaces[i]->is_on(object) && find_beside(dm_interfaces[i], name, ret_ref))
            return DM_PROPERTY_FOUND;
    }
    if (any)
        return DM_PROPERTY_NO_PROPERTY;
    beside = dm_interface_find(object, interface);
    if (beside == NULL)
        return DM_PROPERTY_NO_INTERFACE;
    return find_beside(beside, name, ret_ref) ? DM_PROPERTY_FOUND : DM_PROPERTY_NO_PROPERTY;
}

DmReadClass
dm_properties_get_read(const DmPropertyRef *ref)
{
    if (ref->leaf != DM_NODE_NONE)
        return dm_schema_get(ref->leaf)->read;
    return ref->key != NULL ? DM_READ_PUBLIC : ref->property->read;
}

/* -- values of the tree -------------------------------------------------------------------------
 */

static GStrv
split_update(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (guint i = 0; parts[i] != NULL; i++) {
        const char *entry = g_strstrip(parts[i]);

        if (*entry != '\0')
            g_ptr_array_add(list, g_strdup(entry));
    }
    g_ptr_array_add(list, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

/* The list behind the text of a leaf that the bus shows as one; which grammar it has is known by
 * its rule. */
static GStrv
split_list(const DmNode *row, const char *text)
{
    if (row->rule == DM_RULE_EXPECTED_LIST)
        return dm_first_sync_split(text, false);
    if (row->rule == DM_RULE_ADDRESS_UPDATE)
        return split_update(text);
    return dm_addresses_split(text);
}

static bool
get_leaf(const DmTree *tree, const DmObject *object, DmNodeId leaf, DmValue *ret_value)
{
    return object->provider != NULL ? dm_provider_get(object->provider, leaf, ret_value)
                                    : dm_tree_get_root(tree, leaf, ret_value);
}

/* A leaf ready to be appended: its value as people may see it (security.md section 3). */
typedef struct {
    DmValue value; /* text borrowed, from the tree or from `cleaned` */
    char *cleaned; /* NULL: the text was clean */
    GStrv list;    /* NULL: it is no list */
} Leaf;

static void
leaf_clear(Leaf *leaf)
{
    g_free(leaf->cleaned);
    g_strfreev(leaf->list);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Leaf, leaf_clear)

static void
clean_list(GStrv list)
{
    for (; *list != NULL; list++) {
        char *cleaned = dm_text_clean(*list, DM_TEXT_ONE_LINE);

        if (cleaned == NULL)
            continue;
        g_free(*list);
        *list = cleaned;
    }
}

/* False: it is unset. `leaf` is all zero before. */
static bool
load_leaf(const DmTree *tree, const DmObject *object, DmNodeId node, Leaf *leaf)
{
    const DmNode *row = dm_schema_get(node);
    DmTextShape shape = row->rule == DM_RULE_LINES ? DM_TEXT_LINES : DM_TEXT_ONE_LINE;

    if (!get_leaf(tree, object, node, &leaf->value))
        return false;
    if (row->dbus[0] == DBUS_TYPE_ARRAY) {
        leaf->list = split_list(row, leaf->value.u.chr != NULL ? leaf->value.u.chr : "");
        clean_list(leaf->list);
    } else if (leaf->value.format == DM_FORMAT_CHR && leaf->value.u.chr != NULL) {
        leaf->cleaned = dm_text_clean(leaf->value.u.chr, shape);
        if (leaf->cleaned != NULL)
            leaf->value.u.chr = leaf->cleaned;
    }
    return true;
}

bool
dm_properties_append_leaf(DmBody *body, const DmTree *tree, const DmObject *object, DmNodeId leaf)
{
    const DmNode *row = dm_schema_get(leaf);
    g_auto(Leaf) loaded = {0};

    return load_leaf(tree, object, leaf, &loaded) &&
           dm_values_append_entry(body, row->name, row->dbus, &loaded.value,
                                  (const char *const *)loaded.list);
}

/* -- values of either sort ----------------------------------------------------------------------
 */

/* The way of most calls: one variant, appended by libdbus. */
static DBusMessage *
answer_leaf(DBusMessage *call, const DmTree *tree, const DmObject *object, DmNodeId leaf)
{
    g_auto(Leaf) loaded = {0};
    DBusMessageIter iter;
    DBusMessage *reply;

    if (!load_leaf(tree, object, leaf, &loaded))
        return NULL;
    reply = dbus_message_new_method_return(call);
    if (reply == NULL)
        g_error("out of memory");
    dbus_message_iter_init_append(reply, &iter);
    if (!dm_values_append_variant(&iter, dm_schema_get(leaf)->dbus, &loaded.value,
                                  (const char *const *)loaded.list))
        g_clear_pointer(&reply, dbus_message_unref);
    return reply;
}

static void
append_beside(DmBody *body, const DmTree *tree, const DmObject *object, const DmPropertyRef *ref)
{
    DmState state;

    ref->interface->load(tree, object, &state);
    dm_body_begin_variant(body, ref->property->signature);
    ref->property->append(body, ref->property, &state);
    if (ref->interface->clear != NULL)
        ref->interface->clear(&state);
}

DBusMessage *
dm_properties_answer(DBusMessage *call, const DmTree *tree, const DmObject *object,
                     const DmPropertyRef *ref)
{
    g_autoptr(DmBody) body = NULL;

    if (ref->leaf != DM_NODE_NONE)
        return answer_leaf(call, tree, object, ref->leaf);
    body = dm_body_new();
    if (ref->key != NULL) {
        dm_body_begin_variant(body, DBUS_TYPE_STRING_AS_STRING);
        dm_body_append_text(body, dm_provider_get_id(object->provider));
    } else {
        append_beside(body, tree, object, ref);
    }
    return dm_body_to_reply(body, call, DBUS_TYPE_VARIANT_AS_STRING);
}

void
dm_properties_append_node(DmBody *body, const DmTree *tree, const DmObject *object,
                          const DmNodeInterface *interface, const DmCaller *caller)
{
    if (interface->key != NULL &&
        dm_caller_may_read(caller, object->scope, object->uid, DM_READ_PUBLIC)) {
        dm_body_begin_struct(body);
        dm_body_append_valid(body, interface->key);
        dm_body_begin_variant(body, DBUS_TYPE_STRING_AS_STRING);
        dm_body_append_text(body, dm_provider_get_id(object->provider));
    }
    for (guint i = 0; i < interface->n_leaves; i++) {
        DmNodeId leaf = interface->leaves[i];

        if (dm_node_interface_shows(object, leaf) &&
            dm_caller_may_read(caller, object->scope, object->uid, dm_schema_get(leaf)->read))
            (void)dm_properties_append_leaf(body, tree, object, leaf);
    }
}

void
dm_properties_append_beside(DmBody *body, const DmTree *tree, const DmObject *object,
                            const DmInterface *interface, const DmCaller *caller)
{
    DmState state;

    if (interface->properties == NULL)
        return;
    interface->load(tree, object, &state);
    for (const DmProperty *p = interface->properties; p->name != NULL; p++) {
        if (!dm_caller_may_read(caller, object->scope, object->uid, p->read))
            continue;
        dm_body_begin_struct(body);
        dm_body_append_valid(body, p->name);
        dm_body_begin_variant(body, p->signature);
        p->append(body, p, &state);
    }
    if (interface->clear != NULL)
        interface->clear(&state);
}

void
dm_properties_append_object(DmBody *body, const DmNodeInterfaces *interfaces, const DmTree *tree,
                            const DmObject *object, const DmCaller *caller)
{
    const DmNodeInterface *own = dm_node_interfaces_find(interfaces, object->node);
    DmBodyArray outer = dm_body_begin_array(body, true), inner;

    dm_body_begin_struct(body);
    dm_body_append_valid(body, own->name);
    inner = dm_body_begin_array(body, true);
    dm_properties_append_node(body, tree, object, own, caller);
    dm_body_end_array(body, inner);
    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (!dm_interfaces[i]->is_own || !dm_interfaces[i]->is_on(object))
            continue;
        dm_body_begin_struct(body);
        dm_body_append_valid(body, dm_interfaces[i]->name);
        inner = dm_body_begin_array(body, true);
        dm_properties_append_beside(body, tree, object, dm_interfaces[i], caller);
        dm_body_end_array(body, inner);
    }
    dm_body_end_array(body, outer);
}
