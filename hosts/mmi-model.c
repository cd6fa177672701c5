/* SPDX-License-Identifier: MIT */

#include "hosts/mmi-model.h"

#include <stddef.h>
#include <string.h>

#include "common/uri.h"

/* Where the device tree begins. */
#define BASE "./Device/Vendor/MSFT/DMClient"

/* As nodes.def spells verbs. */
enum { ADD = 1, DELETE = 2, EXEC = 4, GET = 8, REPLACE = 16 };

/* Offsets instead of pointers, which would be filled in whenever the file is loaded. */
typedef struct {
#define DM_NODE(ID, PARENT, NAME, ...) char ID[sizeof NAME];
#include "tree/nodes.def"
#undef DM_NODE
} Names;

static const Names names = {
#define DM_NODE(ID, PARENT, NAME, ...) .ID = NAME,
#include "tree/nodes.def"
#undef DM_NODE
};

static const struct {
    guint16 name;
    guint8 parent;
    guint8 format;
    guint8 verbs;
} rows[DM_MMI_N_NODES] = {
#define DM_NODE(ID, PARENT, NAME, FORMAT, OPS, ...)                                                \
    {offsetof(Names, ID), DM_MMI_NODE_##PARENT, DM_FORMAT_##FORMAT, OPS},
#include "tree/nodes.def"
#undef DM_NODE
};

G_STATIC_ASSERT(sizeof(Names) <= G_MAXUINT16 && DM_MMI_N_NODES <= G_MAXUINT8);

const char *
dm_mmi_model_get_name(DmMmiNode node)
{
    g_assert(node < DM_MMI_N_NODES);
    return (const char *)&names + rows[node].name;
}

DmMmiNode
dm_mmi_model_get_parent(DmMmiNode node)
{
    return (DmMmiNode)rows[node].parent;
}

DmFormat
dm_mmi_model_get_format(DmMmiNode node)
{
    return (DmFormat)rows[node].format;
}

bool
dm_mmi_model_can_add(DmMmiNode node)
{
    return (rows[node].verbs & ADD) != 0;
}

void
dm_mmi_model_write_name(DmMmiNode node, char buffer[DM_MMI_NAME_MAX])
{
    dm_mmi_name(dm_mmi_model_get_name(node), buffer);
}

static bool
is_below_provider(DmMmiNode node)
{
    while (node != DM_MMI_NODE_NONE && node != DM_MMI_NODE_PROVIDER)
        node = dm_mmi_model_get_parent(node);
    return node == DM_MMI_NODE_PROVIDER;
}

DmMmiNode
dm_mmi_model_get_end(void)
{
    DmMmiNode node = DM_MMI_FIRST;

    while (node < DM_MMI_N_NODES && is_below_provider(node))
        node++;
    return node;
}

DmMmiNode
dm_mmi_model_find(DmMmiNode parent, const char *name, gsize size, DmMmiNode hint)
{
    for (guint i = 0; i < DM_MMI_N_NODES; i++) {
        DmMmiNode node = (DmMmiNode)((hint + i) % DM_MMI_N_NODES);
        const char *known = dm_mmi_model_get_name(node);

        if (dm_mmi_model_get_parent(node) == parent && strncmp(known, name, size) == 0 &&
            known[size] == '\0')
            return node;
    }
    return DM_MMI_NODE_NONE;
}

bool
dm_mmi_model_has(DmMmiNode node)
{
    return rows[node].format != DM_FORMAT_NULL;
}

void
dm_mmi_model_append_name(GString *text, DmMmiNode node)
{
    char name[DM_MMI_NAME_MAX];

    if (rows[node].parent != DM_MMI_NODE_PROVIDER) {
        dm_mmi_model_write_name(dm_mmi_model_get_parent(node), name);
        g_string_append(text, name);
        g_string_append_c(text, '.');
    }
    dm_mmi_model_write_name(node, name);
    g_string_append(text, name);
}

static void
append_uri(GString *uri, DmMmiNode node, const char *id)
{
    if (node == DM_MMI_NODE_ROOT) {
        g_string_append(uri, BASE);
        return;
    }
    append_uri(uri, dm_mmi_model_get_parent(node), id);
    g_string_append_c(uri, '/');
    if (node == DM_MMI_NODE_PROVIDER)
        dm_uri_append_escaped(uri, id);
    else
        g_string_append(uri, dm_mmi_model_get_name(node));
}

char *
dm_mmi_model_new_uri(DmMmiNode node, const char *id)
{
    GString *uri = g_string_new(NULL);

    append_uri(uri, node, id);
    return g_string_free(uri, FALSE);
}
