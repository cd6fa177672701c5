/* SPDX-License-Identifier: MIT */
#include "desktop/leaves.h"

#include "dbus/names.h"

/* What the node table says of where a leaf is on the bus, and who may read it. */
typedef enum { PUBLIC, IDENTITY, DETAILS, ROOT, NONE } Read;

enum { DM_NAME_NONE = -1 };

static const struct {
    int parent;
    Read read;
    const char *type; /* "" for an object, NULL for what the bus does not show */
} nodes[] = {
#define DM_NODE(id, above, name, format, ops, occurrence, scope, initial, minimum, maximum, cap,   \
                allowed, roots, class, dbus, added, rule, doc)                                     \
    [DM_NAME_##id] = {DM_NAME_##above, class, dbus},
#include "tree/nodes.def"
#undef DM_NODE
};

char *
dm_leaf_get_interior_path(const char *provider, DmNodeName interior)
{
    if (interior == DM_NAME_PROVIDER)
        return g_strdup(provider);
    return g_strconcat(provider, "/", dm_node_name(interior), NULL);
}

static char *
get_interface(DmNodeName interior)
{
    if (interior == DM_NAME_PROVIDER)
        return g_strdup(DM_BUS_INTERFACE_PROVIDER);
    return g_strconcat(DM_BUS_INTERFACE ".", dm_node_name(interior), NULL);
}

bool
dm_leaf_has_interior(const DmModel *model, const char *provider, DmNodeName interior)
{
    g_autofree char *path = dm_leaf_get_interior_path(provider, interior);
    g_autofree char *interface = get_interface(interior);

    return dm_model_has(model, path, interface);
}

static GVariant *
find(const DmModel *model, const char *provider, DmNodeName leaf, const char *type)
{
    DmNodeName interior = (DmNodeName)nodes[leaf].parent;
    g_autofree char *path = dm_leaf_get_interior_path(provider, interior);
    g_autofree char *interface = get_interface(interior);

    return dm_model_find(model, path, interface, dm_node_name(leaf), type);
}

GVariant *
dm_leaf_find(const DmModel *model, const char *provider, DmNodeName leaf)
{
    return find(model, provider, leaf, "*");
}

const char *
dm_leaf_get_string(const DmModel *model, const char *provider, DmNodeName leaf)
{
    GVariant *value = find(model, provider, leaf, "s");

    return value != NULL ? g_variant_get_string(value, NULL) : "";
}

int
dm_leaf_get_int(const DmModel *model, const char *provider, DmNodeName leaf)
{
    GVariant *value = find(model, provider, leaf, "i");

    return value != NULL ? g_variant_get_int32(value) : 0;
}

bool
dm_leaf_get_bool(const DmModel *model, const char *provider, DmNodeName leaf)
{
    GVariant *value = find(model, provider, leaf, "b");

    return value != NULL && g_variant_get_boolean(value);
}

/* Whether the leaf is below a provider, on the bus, and for administrators. */
static bool
is_detail(DmNodeName leaf)
{
    return nodes[leaf].read == DETAILS && nodes[leaf].type != NULL && nodes[leaf].type[0] != '\0' &&
           nodes[leaf].parent != DM_NAME_ROOT;
}

void
dm_leaf_foreach_detail(const DmModel *model, const char *provider, DmLeafFunc func, gpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++) {
        DmNodeName leaf = (DmNodeName)i;
        GVariant *value = is_detail(leaf) ? dm_leaf_find(model, provider, leaf) : NULL;

        if (value != NULL)
            func(dm_node_name(leaf), value, data);
    }
}

char *
dm_leaf_format(GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_dup_string(value, NULL);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY)) {
        g_autofree const char **items = g_variant_get_strv(value, NULL);

        return g_strjoinv("\n", (char **)items);
    }
    return g_variant_print(value, FALSE);
}
