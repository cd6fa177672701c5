/* SPDX-License-Identifier: MIT */

/* The node table in the device description framework (OMA-TS-DM-DDF 1.2). */

#include "tree/dump.h"

#define INDENT 2

static void append_line(GString *out, guint depth, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void
append_line(GString *out, guint depth, const char *format, ...)
{
    va_list arguments;

    g_string_append_printf(out, "%*s", (int)(depth * INDENT), "");
    va_start(arguments, format);
    g_string_append_vprintf(out, format, arguments);
    va_end(arguments);
    g_string_append_c(out, '\n');
}

/* What XML would take for markup. */
static char *
escape(const char *text)
{
    return g_markup_escape_text(text, -1);
}

static void
append_access(GString *out, guint depth, DmOps ops)
{
    static const struct {
        DmOps op;
        const char *name;
    } order[] = {{DM_OP_ADD, "Add"},
                 {DM_OP_DELETE, "Delete"},
                 {DM_OP_EXEC, "Exec"},
                 {DM_OP_GET, "Get"},
                 {DM_OP_REPLACE, "Replace"}};

    append_line(out, depth, "<AccessType>");
    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        if ((ops & order[i].op) != 0)
            append_line(out, depth + 1, "<%s />", order[i].name);
    append_line(out, depth, "</AccessType>");
}

static void
append_description(GString *out, guint depth, const DmNode *row)
{
    g_autofree char *doc = escape(row->doc);
    g_autofree char *allowed = row->allowed == NULL ? NULL : escape(row->allowed);

    append_line(out, depth, "<Description>%s%s%s%s</Description>", doc,
                allowed == NULL ? "" : " Allowed: ", allowed == NULL ? "" : allowed,
                allowed == NULL ? "" : ".");
}

/* In the order of the DTD. */
static void
append_properties(GString *out, guint depth, const DmNode *row)
{
    const char *format = dm_format_to_name(row->format);

    append_line(out, depth, "<DFProperties>");
    append_access(out, depth + 1, row->ops);
    if (row->default_text != NULL) {
        g_autofree char *text = escape(row->default_text);

        append_line(out, depth + 1, "<DefaultValue>%s</DefaultValue>", text);
    }
    append_description(out, depth + 1, row);
    append_line(out, depth + 1, "<DFFormat><%s /></DFFormat>", format);
    append_line(out, depth + 1, "<Occurrence><%s /></Occurrence>",
                dm_dump_occurrence_name(row->occurrence));
    append_line(out, depth + 1, "<Scope><%s /></Scope>", dm_dump_scope_name(row->scope));
    if (dm_node_is_interior(row))
        append_line(out, depth + 1, "<DFType><DDFName></DDFName></DFType>");
    else
        append_line(out, depth + 1, "<DFType><MIME>text/plain</MIME></DFType>");
    append_line(out, depth, "</DFProperties>");
}

static void
append_node(GString *out, guint depth, DmScope scope, DmNodeId id)
{
    const DmNode *row = dm_schema_get(id);
    DmNodeId end = dm_schema_get_end(id);

    if (scope == DM_SCOPE_USER && row->roots != DM_ROOTS_BOTH)
        return;
    append_line(out, depth, "<Node>");
    if (id == DM_NODE_ROOT) {
        g_autoptr(GString) loc_uri = g_string_new(NULL);
        g_autofree char *parent = NULL;
        g_autofree char *name = NULL;

        dm_schema_append_loc_uri(loc_uri, scope, id, NULL);
        parent = g_path_get_dirname(loc_uri->str);
        name = g_path_get_basename(loc_uri->str);
        append_line(out, depth + 1, "<NodeName>%s</NodeName>", name);
        append_line(out, depth + 1, "<Path>%s</Path>", parent);
    } else {
        /* The one name that is not the table's stays empty. */
        append_line(out, depth + 1, "<NodeName>%s</NodeName>",
                    id == DM_NODE_PROVIDER ? "" : row->name);
    }
    append_properties(out, depth + 1, row);
    for (DmNodeId child = (DmNodeId)(id + 1); child < end; child = dm_schema_get_end(child))
        append_node(out, depth + 1, scope, child);
    append_line(out, depth, "</Node>");
}

void
dm_dump_ddf(GString *out)
{
    append_line(out, 0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    append_line(out, 0, "<!DOCTYPE MgmtTree PUBLIC \"-//OMA//DTD-DM-DDF 1.2//EN\"");
    append_line(out, 0, "  \"http://www.openmobilealliance.org/tech/DTD/DM_DDF-V1_2.dtd\">");
    append_line(out, 0, "<MgmtTree>");
    append_line(out, 1, "<VerDTD>1.2</VerDTD>");
    append_node(out, 1, DM_SCOPE_DEVICE, DM_NODE_ROOT);
    append_node(out, 1, DM_SCOPE_USER, DM_NODE_ROOT);
    append_line(out, 0, "</MgmtTree>");
}
