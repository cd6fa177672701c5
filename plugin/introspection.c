/* SPDX-License-Identifier: MIT */
#include "plugin/introspection.h"

#include <dbus/dbus.h>

/* Everything written here is ASCII without markup: names of tables, type signatures and elements of
 * object paths. */

static const char *
get_emits_name(DmEmits emits)
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

static void
append_property(GString *xml, const char *name, const char *signature, DmEmits emits)
{
    g_string_append_printf(xml, "  <property name=\"%s\" type=\"%s\" access=\"read\"", name,
                           signature);
    if (emits == DM_EMITS_VALUE) { /* what holds where nothing is said */
        g_string_append(xml, "/>\n");
        return;
    }
    g_string_append_printf(xml,
                           ">\n"
                           "   <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal"
                           "\" value=\"%s\"/>\n"
                           "  </property>\n",
                           get_emits_name(emits));
}

/* What everyone gets to see carries its value in PropertiesChanged, the rest is only named. */
static DmEmits
get_emits(const DmObject *object, DmReadClass read)
{
    return dm_caller_may_read(&dm_caller_anybody, object->scope, object->uid, read)
               ? DM_EMITS_VALUE
               : DM_EMITS_INVALIDATES;
}

static void
append_node_interface(GString *xml, const DmNodeInterface *interface, const DmObject *object)
{
    g_string_append_printf(xml, " <interface name=\"%s\">\n", interface->name);
    if (interface->key != NULL)
        append_property(xml, interface->key, "s", DM_EMITS_CONST);
    for (guint i = 0; i < interface->n_leaves; i++) {
        const DmNode *row = dm_schema_get(interface->leaves[i]);

        if (dm_node_interface_shows(object, interface->leaves[i]))
            append_property(xml, row->name, row->dbus, get_emits(object, row->read));
    }
    g_string_append(xml, " </interface>\n");
}

static void
append_arguments(GString *xml, const DmArgument *arguments, bool with_direction)
{
    for (const DmArgument *a = arguments; a != NULL && a->name != NULL; a++) {
        g_string_append_printf(xml, "   <arg name=\"%s\" type=\"%s\"", a->name, a->signature);
        if (with_direction)
            g_string_append_printf(xml, " direction=\"%s\"", a->out ? "out" : "in");
        g_string_append(xml, "/>\n");
    }
}

static void
append_interface(GString *xml, const DmInterface *interface, const DmObject *object)
{
    g_string_append_printf(xml, " <interface name=\"%s\">\n", interface->name);
    for (const DmMethod *m = interface->methods; m != NULL && m->name != NULL; m++) {
        g_string_append_printf(xml, "  <method name=\"%s\">\n", m->name);
        append_arguments(xml, m->arguments, true);
        g_string_append(xml, "  </method>\n");
    }
    for (const DmSignal *s = interface->signals; s != NULL && s->name != NULL; s++) {
        g_string_append_printf(xml, "  <signal name=\"%s\">\n", s->name);
        append_arguments(xml, s->arguments, false);
        g_string_append(xml, "  </signal>\n");
    }
    for (const DmProperty *p = interface->properties; p != NULL && p->name != NULL; p++) {
        DmEmits emits = p->emits == DM_EMITS_VALUE ? get_emits(object, p->read) : p->emits;

        append_property(xml, p->name, p->signature, emits);
    }
    g_string_append(xml, " </interface>\n");
}

static void
append_child(const char *element, gpointer data)
{
    GString *xml = data;

    g_string_append_printf(xml, " <node name=\"%s\"/>\n", element);
}

char *
dm_introspection_build(const DmNodeInterfaces *interfaces, const DmTree *tree,
                       const DmObject *object)
{
    GString *xml = g_string_new(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n");
    const DmNodeInterface *own = NULL;

    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (dm_interfaces[i]->is_on(object))
            append_interface(xml, dm_interfaces[i], object);
    }
    if (dm_object_is_real(object))
        own = dm_node_interfaces_find(interfaces, object->node);
    if (own != NULL)
        append_node_interface(xml, own, object);
    dm_object_foreach_child(tree, object, append_child, xml);
    g_string_append(xml, "</node>\n");
    return g_string_free(xml, FALSE);
}
