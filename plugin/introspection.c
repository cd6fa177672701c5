/* SPDX-License-Identifier: MIT */
#include "plugin/introspection.h"

#include <dbus/dbus.h>

#define ANNOTATION_EMITS "org.freedesktop.DBus.Property.EmitsChangedSignal"
#define ANNOTATION_DOC "org.gtk.GDBus.DocString" /* what GLib's and other tools know */

/* A document under way. All but the docs is ASCII without markup: names of tables, type signatures
 * and elements of object paths. */
typedef struct {
    GString *xml;
    const DmObject *object;
    bool with_docs;
} Writer;

/* `value` has no markup in it. */
static void
append_annotation(Writer *writer, const char *indent, const char *name, const char *value)
{
    g_string_append_printf(writer->xml, "%s<annotation name=\"%s\" value=\"%s\"/>\n", indent, name,
                           value);
}

static void
append_doc(Writer *writer, const char *indent, const char *doc)
{
    g_autofree char *escaped = NULL;

    if (!writer->with_docs)
        return;
    escaped = g_markup_escape_text(doc, -1);
    append_annotation(writer, indent, ANNOTATION_DOC, escaped);
}

static void
append_property(Writer *writer, const char *name, const char *signature, DmEmits emits,
                const char *doc)
{
    g_string_append_printf(writer->xml, "  <property name=\"%s\" type=\"%s\" access=\"read\"", name,
                           signature);
    if (emits == DM_EMITS_VALUE && !writer->with_docs) { /* what holds where nothing is said */
        g_string_append(writer->xml, "/>\n");
        return;
    }
    g_string_append(writer->xml, ">\n");
    append_annotation(writer, "   ", ANNOTATION_EMITS, dm_emits_to_name(emits));
    append_doc(writer, "   ", doc);
    g_string_append(writer->xml, "  </property>\n");
}

static void
append_node_interface(Writer *writer, const DmNodeInterface *interface)
{
    const DmObject *object = writer->object;

    g_string_append_printf(writer->xml, " <interface name=\"%s\">\n", interface->name);
    append_doc(writer, "  ", dm_schema_get(interface->node)->doc);
    if (interface->key != NULL)
        append_property(writer, interface->key, "s", DM_EMITS_CONST, interface->key_doc);
    for (guint i = 0; i < interface->n_leaves; i++) {
        const DmNode *row = dm_schema_get(interface->leaves[i]);

        if (dm_node_interface_shows(object, interface->leaves[i]))
            append_property(writer, row->name, row->dbus,
                            dm_emits_get(object, row->read, DM_EMITS_VALUE), row->doc);
    }
    g_string_append(writer->xml, " </interface>\n");
}

static void
append_arguments(Writer *writer, const DmArgument *arguments, bool with_direction)
{
    for (const DmArgument *a = arguments; a != NULL && a->name != NULL; a++) {
        g_string_append_printf(writer->xml, "   <arg name=\"%s\" type=\"%s\"", a->name,
                               a->signature);
        if (with_direction)
            g_string_append_printf(writer->xml, " direction=\"%s\"", a->out ? "out" : "in");
        g_string_append(writer->xml, "/>\n");
    }
}

static void
append_interface(Writer *writer, const DmInterface *interface)
{
    GString *xml = writer->xml;

    g_string_append_printf(xml, " <interface name=\"%s\">\n", interface->name);
    append_doc(writer, "  ", interface->doc);
    for (const DmMethod *m = interface->methods; m != NULL && m->name != NULL; m++) {
        g_string_append_printf(xml, "  <method name=\"%s\">\n", m->name);
        append_doc(writer, "   ", m->doc);
        append_arguments(writer, m->arguments, true);
        g_string_append(xml, "  </method>\n");
    }
    for (const DmSignal *s = interface->signals; s != NULL && s->name != NULL; s++) {
        g_string_append_printf(xml, "  <signal name=\"%s\">\n", s->name);
        append_doc(writer, "   ", s->doc);
        append_arguments(writer, s->arguments, false);
        g_string_append(xml, "  </signal>\n");
    }
    for (const DmProperty *p = interface->properties; p != NULL && p->name != NULL; p++)
        append_property(writer, p->name, p->signature,
                        dm_emits_get(writer->object, p->read, p->emits), p->doc);
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
    Writer writer = {xml, object, false};
    const DmNodeInterface *own = NULL;

    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        if (dm_interfaces[i]->is_on(object))
            append_interface(&writer, dm_interfaces[i]);
    }
    if (dm_object_is_real(object))
        own = dm_node_interfaces_find(interfaces, object->node);
    if (own != NULL)
        append_node_interface(&writer, own);
    dm_object_foreach_child(tree, object, append_child, xml);
    g_string_append(xml, "</node>\n");
    return g_string_free(xml, FALSE);
}

char *
dm_introspection_build_contract(const DmNodeInterfaces *interfaces)
{
    GString *xml = g_string_new(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE
                                "<!-- SPDX-License-Identifier: MIT -->\n<node>\n");
    const DmNodeInterface *own;

    for (guint i = 0; (own = dm_node_interfaces_get(interfaces, i)) != NULL; i++) {
        const DmObject object = {.scope = DM_SCOPE_DEVICE, .node = own->node};
        Writer writer = {xml, &object, true};

        append_node_interface(&writer, own);
        for (guint k = 0; dm_interfaces[k] != NULL; k++) {
            if (dm_interfaces[k]->is_own && dm_interfaces[k]->is_on(&object))
                append_interface(&writer, dm_interfaces[k]);
        }
    }
    g_string_append(xml, "</node>\n");
    return g_string_free(xml, FALSE);
}
