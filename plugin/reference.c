/* SPDX-License-Identifier: MIT */
#include "plugin/reference.h"

#include <string.h>

#include "common/status.h"
#include "dbus/names.h"
#include "tree/dump.h"

/* Docs are Markdown already; only what would end a cell is escaped. */
static void
append_cell(GString *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
    g_string_append(out, " |");
}

/* -- objects ------------------------------------------------------------------------------------
 */

static void
append_path(GString *out, DmNodeId node)
{
    if (node == DM_NODE_ROOT)
        return;
    append_path(out, dm_schema_get(node)->parent);
    g_string_append_printf(out, "/%s",
                           node == DM_NODE_PROVIDER ? "<id>" : dm_schema_get(node)->name);
}

/* Whether users' trees have an object of the node. */
static bool
is_in_users(DmNodeId node)
{
    return node != DM_NODE_ROOT && dm_schema_get(node)->roots == DM_ROOTS_BOTH;
}

/* Where the interface of the node, or `beside` if that is not NULL, is found. */
static void
append_objects(GString *out, DmNodeId node, const DmInterface *beside)
{
    const DmObject of_user = {.scope = DM_SCOPE_USER, .node = node};

    g_string_append(out, "\n\nObjects: `…");
    append_path(out, node);
    if (is_in_users(node) && (beside == NULL || beside->is_on(&of_user))) {
        g_string_append(out, "`, `…/" DM_BUS_USER "/<uid>");
        append_path(out, node);
    }
    g_string_append(out, node == DM_NODE_ROOT ? "` (the root)\n" : "`\n");
}

/* -- properties ---------------------------------------------------------------------------------
 */

static const char *
say_emits(DmEmits emits)
{
    switch (emits) {
    case DM_EMITS_VALUE:
        return "value";
    case DM_EMITS_INVALIDATES:
        return "name";
    case DM_EMITS_CONST:
        return "never";
    }
    g_assert_not_reached();
}

static void
append_property_head(GString *out)
{
    g_string_append(out, "\n| Property | Type | Read | Changed | Unset | Meaning |\n"
                         "|---|---|---|---|---|---|\n");
}

static void
append_property(GString *out, const char *name, const char *signature, DmReadClass read,
                DmEmits emits, const char *unset, const char *doc)
{
    const DmObject of_device = {.scope = DM_SCOPE_DEVICE};

    g_string_append_printf(out, "| `%s` | `%s` | %s | %s | %s | ", name, signature,
                           dm_dump_read_name(read),
                           say_emits(dm_emits_get(&of_device, read, emits)), unset);
    append_cell(out, doc);
    g_string_append_c(out, '\n');
}

static void
append_leaf(GString *out, const DmNode *row)
{
    g_autofree char *unset = NULL, *doc = NULL;

    if (row->default_text == NULL)
        unset = g_strdup("left out");
    else if (*row->default_text == '\0')
        unset = g_strdup("empty");
    else
        unset = g_strdup_printf("`%s`", row->default_text);
    /* The unit of a number stands with its range. */
    if (row->format == DM_FORMAT_INT && row->allowed != NULL)
        doc = g_strdup_printf("%s (%s)", row->doc, row->allowed);
    append_property(out, row->name, row->dbus, row->read, DM_EMITS_VALUE, unset,
                    doc != NULL ? doc : row->doc);
}

/* Which of the properties users' trees have. */
static void
append_user_properties(GString *out, const DmNodeInterface *interface)
{
    const DmObject of_user = {.scope = DM_SCOPE_USER, .node = interface->node};
    const char *before = "";

    g_string_append(out, "\nA user's tree has of these: ");
    if (interface->key != NULL) {
        g_string_append_printf(out, "`%s`", interface->key);
        before = ", ";
    }
    for (guint i = 0; i < interface->n_leaves; i++) {
        if (!dm_node_interface_shows(&of_user, interface->leaves[i]))
            continue;
        g_string_append_printf(out, "%s`%s`", before, dm_schema_get(interface->leaves[i])->name);
        before = ", ";
    }
    g_string_append(out, ".\n");
}

static void
append_node_interface(GString *out, const DmNodeInterface *interface)
{
    g_string_append_printf(out, "\n### `%s`\n\n%s", interface->name,
                           dm_schema_get(interface->node)->doc);
    append_objects(out, interface->node, NULL);
    append_property_head(out);
    if (interface->key != NULL)
        append_property(out, interface->key, "s", DM_READ_PUBLIC, DM_EMITS_CONST, "–",
                        interface->key_doc);
    for (guint i = 0; i < interface->n_leaves; i++)
        append_leaf(out, dm_schema_get(interface->leaves[i]));
    if (is_in_users(interface->node))
        append_user_properties(out, interface);
}

/* -- methods and signals ------------------------------------------------------------------------
 */

static void
append_arguments(GString *out, const DmArgument *arguments, bool outs)
{
    const char *before = "";

    for (const DmArgument *a = arguments; a != NULL && a->name != NULL; a++) {
        if (a->out != outs)
            continue;
        g_string_append_printf(out, "%s%s %s", before, a->signature, a->name);
        before = ", ";
    }
}

static bool
has_outs(const DmArgument *arguments)
{
    while (arguments != NULL && arguments->name != NULL && !arguments->out)
        arguments++;
    return arguments != NULL && arguments->name != NULL;
}

static void
append_call(GString *out, const DmMethod *method)
{
    g_string_append_printf(out, "`%s(", method->name);
    append_arguments(out, method->arguments, false);
    g_string_append(out, ")");
    if (has_outs(method->arguments)) {
        g_string_append(out, " → ");
        append_arguments(out, method->arguments, true);
    }
    g_string_append_c(out, '`');
}

static void
append_method(GString *out, const DmMethod *method)
{
    g_string_append(out, "\n#### ");
    append_call(out, method);
    g_string_append_printf(out, "\n\n%s\n\n| | |\n|---|---|\n", method->doc);
    if (method->action != DM_ACTION_N)
        g_string_append_printf(out, "| Action | `%s` |\n", dm_action_to_id(method->action));
    for (const DmMethodError *e = method->errors; e != NULL && e->name != NULL; e++) {
        g_string_append_printf(out, "| `%s` | ", e->name);
        append_cell(out, e->doc);
        g_string_append_c(out, '\n');
    }
}

static void
append_signal(GString *out, const DmSignal *signal)
{
    g_string_append_printf(out, "\n#### Signal `%s(", signal->name);
    append_arguments(out, signal->arguments, true);
    g_string_append_printf(out, ")`\n\n%s\n", signal->doc);
}

static void
append_interface(GString *out, const DmInterface *interface, DmNodeId node)
{
    g_string_append_printf(out, "\n### `%s`\n\n%s", interface->name, interface->doc);
    append_objects(out, node, interface);
    if (interface->properties != NULL)
        append_property_head(out);
    for (const DmProperty *p = interface->properties; p != NULL && p->name != NULL; p++)
        append_property(out, p->name, p->signature, p->read, p->emits, "–", p->doc);
    for (const DmMethod *m = interface->methods; m != NULL && m->name != NULL; m++)
        append_method(out, m);
    for (const DmSignal *s = interface->signals; s != NULL && s->name != NULL; s++)
        append_signal(out, s);
}

void
dm_reference_append_interfaces(GString *out, const DmNodeInterfaces *interfaces)
{
    const DmNodeInterface *own;

    for (guint i = 0; (own = dm_node_interfaces_get(interfaces, i)) != NULL; i++) {
        const DmObject object = {.scope = DM_SCOPE_DEVICE, .node = own->node};

        append_node_interface(out, own);
        for (guint k = 0; dm_interfaces[k] != NULL; k++) {
            if (dm_interfaces[k]->is_own && dm_interfaces[k]->is_on(&object))
                append_interface(out, dm_interfaces[k], own->node);
        }
    }
}

void
dm_reference_append_standard(GString *out)
{
    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        const DmInterface *interface = dm_interfaces[i];

        if (interface->is_own)
            continue;
        g_string_append_printf(out, "\n`%s`: %s\n\n| | |\n|---|---|\n", interface->name,
                               interface->doc);
        for (const DmMethod *m = interface->methods; m != NULL && m->name != NULL; m++) {
            g_string_append(out, "| ");
            append_call(out, m);
            g_string_append(out, " | ");
            append_cell(out, m->doc);
            g_string_append_c(out, '\n');
        }
        for (const DmSignal *s = interface->signals; s != NULL && s->name != NULL; s++) {
            g_string_append_printf(out, "| signal `%s(", s->name);
            append_arguments(out, s->arguments, true);
            g_string_append(out, ")` | ");
            append_cell(out, s->doc);
            g_string_append_c(out, '\n');
        }
    }
}

/* -- who may ------------------------------------------------------------------------------------
 */

void
dm_reference_append_reads(GString *out)
{
    g_string_append(out, "\n| Read | By |\n|---|---|\n");
    for (DmReadClass read = DM_READ_PUBLIC; read < DM_READ_NONE; read++) {
        DmAction action = dm_action_of_read(read);

        g_string_append_printf(out, "| %s | %s", dm_dump_read_name(read),
                               read == DM_READ_PUBLIC ? "every local caller" : "root");
        if (action != DM_ACTION_N)
            g_string_append_printf(out, ", and whom polkit authorises for `%s`",
                                   dm_action_to_id(action));
        g_string_append(out, " |\n");
    }
}

/* The defaults of the actions file, in polkit's words: a test holds them against it. */
static const struct {
    const char *doc, *active, *inactive, *any;
} actions[DM_ACTION_N] = {
    [DM_ACTION_READ_IDENTITY] = {"Read what says whose device it is", "yes", "auth_admin_keep",
                                 "auth_admin_keep"},
    [DM_ACTION_READ_DETAILS] = {"Read how it is managed, and its history", "auth_admin_keep",
                                "auth_admin_keep", "auth_admin_keep"},
    [DM_ACTION_SYNC] = {"Have a session run, once a minute", "yes", "no", "no"},
    [DM_ACTION_RETRY_FIRST_SYNC] = {"Try a failed first sync again", "yes", "no", "no"},
    [DM_ACTION_COLLECT_LOGS] = {"Collect logs, where the organisation allows it", "auth_self_keep",
                                "no", "no"},
    [DM_ACTION_DISCONNECT] = {"End an enrolment", "auth_admin", "auth_admin", "auth_admin"},
    [DM_ACTION_RELOAD] = {"Read the configuration again", "auth_admin", "auth_admin", "auth_admin"},
};

void
dm_reference_append_actions(GString *out)
{
    g_string_append(out, "\n| Action | Lets a user | Active session | Inactive session | Others |\n"
                         "|---|---|---|---|---|\n");
    for (DmAction action = 0; action < DM_ACTION_N; action++)
        g_string_append_printf(out, "| `%s` | %s | `%s` | `%s` | `%s` |\n", dm_action_to_id(action),
                               actions[action].doc, actions[action].active,
                               actions[action].inactive, actions[action].any);
}

/* -- errors -------------------------------------------------------------------------------------
 */

static const DmMethodError standard_errors[] = {
    {DBUS_ERROR_ACCESS_DENIED, "The caller may not read this property, call this method, or set "
                               "anything."},
    {DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
     "A person would have to authorise the call, which did not allow to ask one."},
    {DBUS_ERROR_INVALID_ARGS, "The arguments are of other types, or an option is not known or not "
                              "of its type."},
    {DBUS_ERROR_UNKNOWN_OBJECT, "No object is at this path, or not any more."},
    {DBUS_ERROR_UNKNOWN_INTERFACE, "The object has no such interface."},
    {DBUS_ERROR_UNKNOWN_METHOD, "The interface has no such method."},
    {DBUS_ERROR_UNKNOWN_PROPERTY, "The interface has no such property."},
    {DBUS_ERROR_LIMITS_EXCEEDED,
     "Too many calls wait, too soon for another session, or the answer does not fit one message."},
    {NULL},
};

/* Which methods name the error. */
static void
append_givers(GString *out, const char *name)
{
    const char *before = "";

    for (guint i = 0; dm_interfaces[i] != NULL; i++) {
        for (const DmMethod *m = dm_interfaces[i]->methods; m != NULL && m->name != NULL; m++) {
            for (const DmMethodError *e = m->errors; e != NULL && e->name != NULL; e++) {
                if (!g_str_equal(e->name, name))
                    continue;
                g_string_append_printf(out, "%s`%s`", before, m->name);
                before = ", ";
            }
        }
    }
    g_string_append(out, " |\n");
}

void
dm_reference_append_errors(GString *out)
{
    g_string_append(out, "\n| Error | Means | Above all by |\n|---|---|---|\n");
    for (const DmMethodError *e = standard_errors; e->name != NULL; e++) {
        g_string_append_printf(out, "| `%s` | ", e->name);
        append_cell(out, e->doc);
        g_string_append_c(out, ' ');
        append_givers(out, e->name);
    }
    g_string_append(out, "\n| Error | Status | Means | By |\n|---|---|---|---|\n");
    for (unsigned code = 300; code < 600; code++) {
        const char *name = dm_status_is_known(code) ? dm_status_to_dbus_error(code) : NULL;

        if (name == NULL)
            continue;
        g_string_append_printf(out, "| `%s` | %u | ", name, code);
        append_cell(out, dm_status_to_text(code));
        g_string_append_c(out, ' ');
        append_givers(out, name);
    }
}
