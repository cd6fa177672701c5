/* SPDX-License-Identifier: MIT */
#include "plugin/object.h"

#include <string.h>

#include "common/uri.h"
#include "dbus/names.h"

/* Elements of a path below the root: User, uid, Provider, id, interior node. */
#define MAX_ELEMENTS 5

typedef struct {
    const char *text; /* not NUL-terminated */
    gsize size;
} Element;

/* -- from a path --------------------------------------------------------------------------------
 */

/* Splits what follows the root's path in place; -1 if `path` is not at or below it or too deep. */
static int
split(const char *path, Element elements[MAX_ELEMENTS])
{
    const gsize root_size = strlen(DM_BUS_ROOT);
    int n = 0;

    if (strncmp(path, DM_BUS_ROOT, root_size) != 0)
        return -1;
    path += root_size;
    while (*path == '/') {
        const char *end = strchrnul(++path, '/');

        if (n == MAX_ELEMENTS)
            return -1;
        elements[n++] = (Element){path, (gsize)(end - path)};
        path = end;
    }
    return *path == '\0' ? n : -1;
}

static bool
is_element(const Element *element, const char *text)
{
    return strlen(text) == element->size && memcmp(element->text, text, element->size) == 0;
}

/* A uid as it is printed: no sign, no leading zero. The largest is no uid, but (uid_t)-1. */
static bool
parse_uid(const Element *element, guint32 *ret_uid)
{
    guint64 uid = 0;

    if (element->size > 10 || (element->size > 1 && element->text[0] == '0'))
        return false;
    for (gsize i = 0; i < element->size; i++) {
        if (!g_ascii_isdigit(element->text[i]))
            return false;
        uid = uid * 10 + (guint64)(element->text[i] - '0');
    }
    if (uid >= G_MAXUINT32)
        return false;
    *ret_uid = (guint32)uid;
    return true;
}

/* Where `provider` stands against the beginning of a tree, in dm_tree_get_providers()' order. */
static bool
is_before(const DmProvider *provider, DmScope scope, guint64 uid)
{
    if (dm_provider_get_scope(provider) != scope)
        return scope == DM_SCOPE_USER;
    return scope == DM_SCOPE_USER && dm_provider_get_uid(provider) < uid;
}

static gsize
find_bound(DmProvider *const *providers, gsize n, DmScope scope, guint64 uid)
{
    gsize first = 0;

    while (first < n) {
        gsize middle = first + (n - first) / 2;

        if (is_before(providers[middle], scope, uid))
            first = middle + 1;
        else
            n = middle;
    }
    return first;
}

/* The providers of one tree are [first, end). */
static void
find_tree(const DmTree *tree, DmScope scope, guint32 uid, gsize *ret_first, gsize *ret_end)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    *ret_first = find_bound(providers, n, scope, uid);
    *ret_end =
        find_bound(providers, n, DM_SCOPE_USER, scope == DM_SCOPE_DEVICE ? 0 : (guint64)uid + 1);
}

static bool
has_users(const DmTree *tree)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    return n > 0 && dm_provider_get_scope(providers[n - 1]) == DM_SCOPE_USER;
}

static bool
has_tree(const DmTree *tree, guint32 uid)
{
    gsize first, end;

    find_tree(tree, DM_SCOPE_USER, uid, &first, &end);
    return first < end;
}

static DmProvider *
find_provider(const DmTree *tree, const DmObject *object, const Element *element)
{
    char id[DM_URI_MAX_BYTES + 1];

    if (!dm_path_decode(element->text, element->size, id, sizeof(id)))
        return NULL;
    return dm_tree_find_provider(tree, object->scope, object->uid, id);
}

/* `elements` from the tree's root on. */
static bool
find_below(const DmTree *tree, const Element *elements, int n, DmObject *object)
{
    object->node = DM_NODE_ROOT;
    if (n == 0)
        return true;
    if (!is_element(&elements[0], dm_schema_get(DM_NODE_PROVIDERS)->name))
        return false;
    object->node = DM_NODE_PROVIDERS;
    if (n == 1)
        return true;
    object->node = DM_NODE_PROVIDER;
    object->provider = find_provider(tree, object, &elements[1]);
    if (object->provider == NULL || n == 2)
        return object->provider != NULL;
    object->node = dm_schema_find_child(DM_NODE_PROVIDER, elements[2].text, elements[2].size);
    return n == 3 && object->node != DM_NODE_NONE && dm_object_has_node(object, object->node);
}

bool
dm_object_find(const DmTree *tree, const char *path, DmObject *ret_object)
{
    DmObject object = {.scope = DM_SCOPE_DEVICE, .node = DM_NODE_NONE};
    Element elements[MAX_ELEMENTS];
    int n = split(path, elements);

    if (n < 0)
        return false;
    if (n == 0 || !is_element(&elements[0], DM_BUS_USER)) {
        if (!find_below(tree, elements, n, &object))
            return false;
    } else {
        object.scope = DM_SCOPE_USER;
        if (!has_users(tree))
            return false;
        if (n >= 2 && (!parse_uid(&elements[1], &object.uid) || !has_tree(tree, object.uid) ||
                       !find_below(tree, elements + 2, n - 2, &object)))
            return false;
    }
    *ret_object = object;
    return true;
}

/* -- what is there ------------------------------------------------------------------------------
 */

bool
dm_object_is_real(const DmObject *object)
{
    if (object->node == DM_NODE_ROOT)
        return object->scope == DM_SCOPE_DEVICE;
    return object->provider != NULL;
}

bool
dm_object_has_node(const DmObject *object, DmNodeId node)
{
    const DmNode *row = dm_schema_get(node);

    if (!dm_node_is_interior(row) ||
        (object->scope == DM_SCOPE_USER && row->roots != DM_ROOTS_BOTH) ||
        !dm_schema_is_below(node, DM_NODE_PROVIDER))
        return false;
    return node == DM_NODE_PROVIDER || dm_provider_has(object->provider, node);
}

/* -- to a path ----------------------------------------------------------------------------------
 */

void
dm_object_append_path(GString *path, const DmObject *object)
{
    g_string_append(path, DM_BUS_ROOT);
    if (object->scope == DM_SCOPE_USER) {
        g_string_append(path, "/" DM_BUS_USER);
        if (object->node == DM_NODE_NONE)
            return;
        g_string_append_printf(path, "/%u", object->uid);
    }
    if (object->node == DM_NODE_ROOT)
        return;
    g_string_append_c(path, '/');
    g_string_append(path, dm_schema_get(DM_NODE_PROVIDERS)->name);
    if (object->node == DM_NODE_PROVIDERS)
        return;
    g_string_append_c(path, '/');
    dm_path_append_escaped(path, dm_provider_get_id(object->provider));
    if (object->node == DM_NODE_PROVIDER)
        return;
    g_string_append_c(path, '/');
    g_string_append(path, dm_schema_get(object->node)->name);
}

static void
foreach_user(const DmTree *tree, DmObjectChildFunc func, gpointer data)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);
    gint64 last = -1;

    for (gsize i = 0; i < n; i++) {
        char element[16];

        if (dm_provider_get_scope(providers[i]) != DM_SCOPE_USER ||
            dm_provider_get_uid(providers[i]) == last)
            continue;
        last = dm_provider_get_uid(providers[i]);
        g_snprintf(element, sizeof(element), "%u", dm_provider_get_uid(providers[i]));
        func(element, data);
    }
}

static void
foreach_provider(const DmTree *tree, const DmObject *object, DmObjectChildFunc func, gpointer data)
{
    g_autoptr(GString) element = g_string_new(NULL);
    gsize n, first, end;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    find_tree(tree, object->scope, object->uid, &first, &end);
    for (gsize i = first; i < end; i++) {
        g_string_truncate(element, 0);
        dm_path_append_escaped(element, dm_provider_get_id(providers[i]));
        func(element->str, data);
    }
}

void
dm_object_foreach_child(const DmTree *tree, const DmObject *object, DmObjectChildFunc func,
                        gpointer data)
{
    if (object->node == DM_NODE_NONE) {
        foreach_user(tree, func, data);
    } else if (object->node == DM_NODE_ROOT) {
        func(dm_schema_get(DM_NODE_PROVIDERS)->name, data);
        if (object->scope == DM_SCOPE_DEVICE && has_users(tree))
            func(DM_BUS_USER, data);
    } else if (object->node == DM_NODE_PROVIDERS) {
        foreach_provider(tree, object, func, data);
    } else {
        for (DmNodeId node = 0; node < DM_NODE_N; node++) {
            if (dm_schema_get(node)->parent == object->node && dm_object_has_node(object, node))
                func(dm_schema_get(node)->name, data);
        }
    }
}
