/* SPDX-License-Identifier: MIT */

/* The node table, and the rules in short, as a reference for people. */

#include <string.h>

#include "tree/dump.h"

/* What Markdown would take for markup in running text and tables. */
static void
append_escaped(GString *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\|<>*_`[]{}^", *text) != NULL)
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
}

static void
append_cell(GString *out, const char *name, const char *text)
{
    g_string_append_printf(out, "| %s | ", name);
    append_escaped(out, text);
    g_string_append(out, " |\n");
}

static const char *
say_read(DmReadClass read)
{
    static const char *const words[] = {
        [DM_READ_PUBLIC] = "everyone",
        [DM_READ_IDENTITY] = "root, and who may see whose device it is",
        [DM_READ_DETAILS] = "root, and who may see details",
        [DM_READ_ROOT] = "root",
        [DM_READ_NONE] = "not on the bus",
    };

    return words[read];
}

static void
append_default(GString *out, const DmNode *row)
{
    if (row->default_text != NULL)
        append_cell(out, "Default", *row->default_text == '\0' ? "empty" : row->default_text);
}

/* The interior node whose object shows `id`, and which the interface is called after; the dynamic
 * row's is called as the level above it (design section 5). */
static DmNodeId
get_object(DmNodeId id)
{
    return dm_node_is_interior(dm_schema_get(id)) ? id : dm_schema_get(id)->parent;
}

static void
append_object_path(GString *out, DmNodeId object)
{
    if (object == DM_NODE_ROOT)
        return;
    append_object_path(out, dm_schema_get(object)->parent);
    g_string_append_printf(out, "/%s",
                           object == DM_NODE_PROVIDER ? "<id>" : dm_schema_get(object)->name);
}

static const char *
get_interface_name(DmNodeId object)
{
    return dm_schema_get(object == DM_NODE_PROVIDER ? DM_NODE_PROVIDERS : object)->name;
}

/* Object, interface and property; the level above the providers is no object of its own. */
static void
append_bus(GString *out, DmNodeId id)
{
    const DmNode *row = dm_schema_get(id);
    DmNodeId object = get_object(id);

    if (row->dbus == NULL || id == DM_NODE_PROVIDERS)
        return;
    g_string_append(out, "| D-Bus object | `…");
    append_object_path(out, object);
    g_string_append(out, object == DM_NODE_ROOT ? "`, interface `…" : "`, interface `….");
    g_string_append_printf(out, "%s` |\n", get_interface_name(object));
    if (!dm_node_is_interior(row))
        g_string_append_printf(out, "| D-Bus property | `%s`, type `%s` |\n", row->name, row->dbus);
    append_cell(out, "Read on the bus by", say_read(row->read));
}

/* -- rules --------------------------------------------------------------------------------------
 */

#define DM_RULE_DOC_NODES 8

typedef struct {
    const char *id;
    const char *doc;
    DmNodeId nodes[DM_RULE_DOC_NODES + 1]; /* the root ends it: alone, it is every node */
} RuleDoc;

static const RuleDoc rules[] = {
#define DM_RULE_DOC(ID, DOC, ...) {#ID, DOC, {__VA_ARGS__}},
#include "tree/rules.def"
#undef DM_RULE_DOC
};

static bool
is_about_every_node(const RuleDoc *rule)
{
    return rule->nodes[0] == DM_NODE_ROOT;
}

/* The provider's rules are about itself, those of other interior nodes about all below too. */
static bool
is_about(const RuleDoc *rule, DmNodeId node)
{
    for (guint i = 0; rule->nodes[i] != DM_NODE_ROOT; i++)
        if (rule->nodes[i] == node ||
            (rule->nodes[i] != DM_NODE_PROVIDER && dm_schema_is_below(node, rule->nodes[i])))
            return true;
    return false;
}

static void
append_rules_of(GString *out, DmNodeId node)
{
    const char *before = "| Rules | ";

    for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (!is_about(&rules[i], node))
            continue;
        g_string_append_printf(out, "%s%s", before, rules[i].id);
        before = ", ";
    }
    if (*before == ',')
        g_string_append(out, " |\n");
}

/* The rules about every node, or all others, as rows. */
static void
append_rules(GString *out, bool every_node)
{
    g_string_append(out, "\n| | |\n|---|---|\n");
    for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
        if (is_about_every_node(&rules[i]) == every_node)
            append_cell(out, rules[i].id, rules[i].doc);
}

/* -- nodes --------------------------------------------------------------------------------------
 */

static void
append_node(GString *out, DmNodeId id)
{
    const DmNode *row = dm_schema_get(id);
    g_autoptr(GString) ops = g_string_new(NULL);

    if (id == DM_NODE_ROOT) {
        dm_schema_append_loc_uri(ops, DM_SCOPE_DEVICE, id, NULL);
        g_string_append_printf(out, "## `%s`\n\n", ops->str);
        g_string_truncate(ops, 0);
    } else {
        g_string_append_printf(out, "## `%s`\n\n", row->path);
    }
    append_escaped(out, row->doc);
    g_string_append(out, "\n\n| | |\n|---|---|\n");
    append_cell(out, "Format", dm_format_to_name(row->format));
    dm_dump_append_ops(ops, row->ops, ", ");
    append_cell(out, "A server may", ops->str);
    append_cell(out, "Occurrence", dm_dump_occurrence_name(row->occurrence));
    append_cell(out, "Scope", dm_dump_scope_name(row->scope));
    append_default(out, row);
    if (row->allowed != NULL)
        append_cell(out, "Allowed", row->allowed);
    append_cell(out, "Tree", row->roots == DM_ROOTS_BOTH ? "device and users" : "device");
    append_bus(out, id);
    append_rules_of(out, id);
    append_cell(out, "Since", row->added);
    g_string_append_c(out, '\n');
}

void
dm_dump_markdown(GString *out)
{
    g_string_append(out, "# Nodes\n\nWritten by `dmclient-schema --markdown` from `tree/nodes.def` "
                         "and `tree/rules.def`. Paths are below the root; on D-Bus `…` stands for "
                         "`/org/dmclient/DMClient1` in objects and for `org.dmclient.DMClient1` in "
                         "interfaces, and a user's nodes are below `…/User/<uid>`.\n\n");
    for (guint id = 0; id < DM_NODE_N; id++)
        append_node(out, (DmNodeId)id);
    g_string_append(out, "# Rules\n");
    append_rules(out, false);
    g_string_append(out, "\nAbout every node:\n");
    append_rules(out, true);
}
