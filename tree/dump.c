/* SPDX-License-Identifier: MIT */
#include "tree/dump.h"

#include <string.h>

void
dm_dump_append_ops(GString *out, DmOps ops, const char *separator)
{
    static const struct {
        DmOps op;
        DmVerb verb;
    } order[] = {
        {DM_OP_ADD, DM_VERB_ADD}, {DM_OP_DELETE, DM_VERB_DELETE},   {DM_OP_EXEC, DM_VERB_EXEC},
        {DM_OP_GET, DM_VERB_GET}, {DM_OP_REPLACE, DM_VERB_REPLACE},
    };
    const char *before = "";

    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        if ((ops & order[i].op) == 0)
            continue;
        g_string_append_printf(out, "%s%s", before, dm_verb_to_name(order[i].verb));
        before = separator;
    }
}

const char *
dm_dump_occurrence_name(DmOccurrence occurrence)
{
    return occurrence == DM_OCCURRENCE_ONE ? "One" : "ZeroOrOne";
}

const char *
dm_dump_scope_name(DmNodeScope scope)
{
    return scope == DM_NODE_PERMANENT ? "Permanent" : "Dynamic";
}

const char *
dm_dump_roots_name(DmRoots roots)
{
    return roots == DM_ROOTS_BOTH ? "both" : "device";
}

const char *
dm_dump_read_name(DmReadClass read)
{
    static const char *const names[] = {
        [DM_READ_PUBLIC] = "public",   [DM_READ_IDENTITY] = "identity",
        [DM_READ_DETAILS] = "details", [DM_READ_ROOT] = "root",
        [DM_READ_NONE] = "-",
    };

    return names[read];
}

/* A field that is not the first; quoted where it must be. */
static void
append_field(GString *out, const char *text)
{
    g_string_append_c(out, ',');
    if (strpbrk(text, ",\"\n") == NULL) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

void
dm_dump_facts(GString *out)
{
    g_autoptr(GString) ops = g_string_new(NULL);

    g_string_append(out, "path,format,server_ops,occurrence,scope,default,allowed,roots,read,dbus,"
                         "added\n");
    for (guint id = 0; id < DM_NODE_N; id++) {
        const DmNode *row = dm_schema_get((DmNodeId)id);
        const char *text = row->default_text;

        g_string_append(out, row->path);
        append_field(out, dm_format_to_name(row->format));
        dm_dump_append_ops(g_string_truncate(ops, 0), row->ops, " ");
        append_field(out, ops->str);
        append_field(out, dm_dump_occurrence_name(row->occurrence));
        append_field(out, dm_dump_scope_name(row->scope));
        append_field(out, text == NULL ? "" : *text == '\0' ? "empty" : text);
        append_field(out, row->allowed == NULL ? "" : row->allowed);
        append_field(out, dm_dump_roots_name(row->roots));
        append_field(out, dm_dump_read_name(row->read));
        append_field(out, row->dbus == NULL ? "-" : *row->dbus == '\0' ? "object" : row->dbus);
        append_field(out, row->added);
        g_string_append_c(out, '\n');
    }
}
