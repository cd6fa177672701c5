/* SPDX-License-Identifier: MIT */

/* The node table as a reference for people. */

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

static void
append_bus(GString *out, const DmNode *row)
{
    if (row->dbus == NULL)
        return;
    if (dm_node_is_interior(row))
        g_string_append(out, "| D-Bus | object |\n");
    else
        g_string_append_printf(out, "| D-Bus | property of type `%s` |\n", row->dbus);
    append_cell(out, "Read on the bus by", say_read(row->read));
}

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
    append_bus(out, row);
    append_cell(out, "Since", row->added);
    g_string_append_c(out, '\n');
}

void
dm_dump_markdown(GString *out)
{
    g_string_append(out, "# Nodes\n\nWritten by `dmclient-schema --markdown` from the node table; "
                         "paths are below the root.\n\n");
    for (guint id = 0; id < DM_NODE_N; id++)
        append_node(out, (DmNodeId)id);
    g_string_truncate(out, out->len - 1);
}
