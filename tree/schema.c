/* SPDX-License-Identifier: MIT */
#include "tree/schema.h"

#include <string.h>

#include "tree/schema-hash.h"
#include "tree/schema-table.h"

/* Where the root stands: everything above it belongs to all configuration service providers. */
#define VENDOR "Vendor"
#define MSFT "MSFT"
#define ROOT_NAME "DMClient"
#define ROOT_SEGMENTS 3

#define ADD DM_OP_ADD
#define GET DM_OP_GET
#define REPLACE DM_OP_REPLACE
#define DELETE DM_OP_DELETE
#define EXEC DM_OP_EXEC

static const DmNode schema_nodes[DM_NODE_N] = {
#define DM_NODE(ID, PARENT, NAME, FORMAT, OPS, OCCURRENCE, SCOPE, DEFAULT, MINIMUM, MAXIMUM, CAP,  \
                ALLOWED, ROOTS, READ, DBUS, ADDED, RULE, DOC)                                      \
    [DM_NODE_##ID] = {                                                                             \
        .name = NAME,                                                                              \
        .path = DM_PATH_##ID,                                                                      \
        .parent = DM_NODE_##PARENT,                                                                \
        .format = DM_FORMAT_##FORMAT,                                                              \
        .ops = (DmOps)(OPS),                                                                       \
        .occurrence = DM_OCCURRENCE_##OCCURRENCE,                                                  \
        .scope = DM_NODE_##SCOPE,                                                                  \
        .default_text = DEFAULT,                                                                   \
        .minimum = MINIMUM,                                                                        \
        .maximum = MAXIMUM,                                                                        \
        .cap = CAP,                                                                                \
        .allowed = ALLOWED,                                                                        \
        .roots = DM_ROOTS_##ROOTS,                                                                 \
        .read = DM_READ_##READ,                                                                    \
        .dbus = DBUS,                                                                              \
        .added = ADDED,                                                                            \
        .rule = DM_RULE_##RULE,                                                                    \
        .doc = DOC,                                                                                \
        .slot = DM_SLOT_##ID,                                                                      \
    },
#include "tree/nodes.def"
#undef DM_NODE
};

const DmNode *
dm_schema_get(DmNodeId id)
{
    g_assert(id < DM_NODE_N);
    return &schema_nodes[id];
}

guint
dm_schema_get_n_slots(void)
{
    return DM_SCHEMA_N_SLOTS;
}

DmNodeId
dm_schema_get_end(DmNodeId id)
{
    g_assert(id < DM_NODE_N);
    return (DmNodeId)schema_end[id];
}

DmNodeId
dm_schema_find_child(DmNodeId parent, const char *name, gsize size)
{
    guint id;

    if (parent == DM_NODE_PROVIDERS)
        return DM_NODE_PROVIDER;
    id = schema_table[dm_schema_hash(DM_SCHEMA_SEED, parent, name, size)];
    if (id == DM_SCHEMA_TABLE_FREE || schema_nodes[id].parent != parent ||
        strncmp(schema_nodes[id].name, name, size) != 0 || schema_nodes[id].name[size] != '\0')
        return DM_NODE_NONE;
    return (DmNodeId)id;
}

/* Whether segment `index` is `name` in any case (A2), which is mostly the table's. */
static bool
is_vendor_segment(const DmUri *uri, guint index, const char *name)
{
    return strcmp(uri->segments[index], name) == 0 || dm_uri_segment_is(uri, index, name);
}

DmNodeId
dm_schema_find(const DmUri *uri)
{
    DmNodeId id = DM_NODE_ROOT;

    if (uri->n_segments < ROOT_SEGMENTS || strcmp(uri->segments[2], ROOT_NAME) != 0 ||
        !is_vendor_segment(uri, 0, VENDOR) || !is_vendor_segment(uri, 1, MSFT))
        return DM_NODE_NONE;
    for (guint i = ROOT_SEGMENTS; i < uri->n_segments && id != DM_NODE_NONE; i++)
        id = dm_schema_find_child(id, uri->segments[i], uri->sizes[i]);
    if (id != DM_NODE_NONE && uri->scope == DM_SCOPE_USER &&
        schema_nodes[id].roots != DM_ROOTS_BOTH)
        return DM_NODE_NONE;
    return id;
}

DmNodeId
dm_schema_find_path(const char *path)
{
    DmNodeId id = DM_NODE_ROOT;

    while (*path != '\0' && id != DM_NODE_NONE) {
        gsize size = strcspn(path, "/");
        DmNodeId parent = id;

        id = dm_schema_find_child(parent, path, size);
        /* In a file the dynamic name stands as the table has it. */
        if (id == DM_NODE_PROVIDER && (strncmp(path, schema_nodes[id].name, size) != 0 ||
                                       schema_nodes[id].name[size] != '\0'))
            return DM_NODE_NONE;
        path += size;
        if (*path == '/' && *++path == '\0')
            return DM_NODE_NONE;
    }
    return id;
}

bool
dm_schema_is_below(DmNodeId node, DmNodeId ancestor)
{
    return ancestor < DM_NODE_N && node >= ancestor && node < (DmNodeId)schema_end[ancestor];
}

bool
dm_schema_get_default(DmNodeId id, DmValue *ret_value)
{
    const DmNode *node = dm_schema_get(id);
    DmValue value = {.format = node->format};

    if (node->default_text == NULL)
        return false;
    if (node->format == DM_FORMAT_CHR)
        value.u.chr = (char *)(guintptr)node->default_text; /* borrowed: nobody writes to it */
    else if (node->format == DM_FORMAT_BOOL)
        value.u.boolean = schema_number[id] != 0;
    else
        value.u.integer = schema_number[id];
    *ret_value = value;
    return true;
}

static void
append_path(GString *loc_uri, DmNodeId id, const char *provider)
{
    const DmNode *node = &schema_nodes[id];

    if (node->parent == DM_NODE_NONE)
        return;
    append_path(loc_uri, node->parent, provider);
    g_string_append_c(loc_uri, '/');
    dm_uri_append_escaped(loc_uri, id == DM_NODE_PROVIDER ? provider : node->name);
}

void
dm_schema_append_loc_uri(GString *loc_uri, DmScope scope, DmNodeId id, const char *provider)
{
    g_assert(id < DM_NODE_N);
    g_assert(provider != NULL || !dm_schema_is_below(id, DM_NODE_PROVIDER));
    g_string_append(loc_uri, scope == DM_SCOPE_USER ? "./User" : "./Device");
    g_string_append(loc_uri, "/" VENDOR "/" MSFT "/" ROOT_NAME);
    append_path(loc_uri, id, provider);
}
