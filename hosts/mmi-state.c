/* SPDX-License-Identifier: MIT */

#include "hosts/mmi-state.h"

#include <string.h>

struct DmMmiState {
    GPtrArray *providers; /* DmMmiProvider */
    const char *uri;      /* of the last one, and how long it is; borrowed from the answer */
    gsize uri_size;
    DmMmiNode hint; /* where the next item is looked for */
};

char *
dm_mmi_state_new_uri(void)
{
    g_autofree char *uri = dm_mmi_model_new_uri(DM_MMI_NODE_PROVIDERS, NULL);

    return g_strdup_printf("%s?list=StructData", uri);
}

static void
provider_free(gpointer data)
{
    DmMmiProvider *provider = data;

    g_free(provider->id);
    g_free(provider);
}

/* The value of a hexadecimal digit; 16: it is none. */
static guint
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (guint)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (guint)(c - 'a') + 10 : 16;
}

/* A LocURI's segment without percent-encoding, for g_free(). */
static char *
decode(const char *segment)
{
    char *text = g_strdup(segment), *out = text;

    for (const char *at = segment; *at != '\0'; at++) {
        guint high = *at == '%' ? hex_value(at[1]) : 16;
        guint low = high < 16 ? hex_value(at[2]) : 16;

        if (low < 16 && high + low > 0) {
            *out++ = (char)(high << 4 | low);
            at += 2;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
    return text;
}

static void
add_provider(DmMmiState *state, const char *uri, const char *segment)
{
    DmMmiProvider *provider = g_new0(DmMmiProvider, 1);

    provider->id = decode(segment);
    provider->values[DM_MMI_NODE_PROVIDER] = "";
    g_ptr_array_add(state->providers, provider);
    state->uri = uri;
    state->uri_size = strlen(uri);
    state->hint = DM_MMI_FIRST;
}

/* The node that `path`, segments below a provider, names. A newer service may tell
 * of nodes that are not known here: NONE. */
static DmMmiNode
find_node(const char *path, DmMmiNode hint)
{
    DmMmiNode node = DM_MMI_NODE_PROVIDER;

    while (*path != '\0' && node != DM_MMI_NODE_NONE) {
        gsize size = strcspn(path, "/");

        node = dm_mmi_model_find(node, path, size, hint);
        path += size + (path[size] == '/');
    }
    return node;
}

/* Adds what an item tells. Items come in the order of a walk through the tree, in canonical form;
 * `root_size` is that of the LocURI of what holds the providers. */
static bool
read_item(DmMmiState *state, const DmResultItem *item, gsize root_size)
{
    const char *uri = item->loc_uri;
    DmMmiProvider *provider;
    DmMmiNode node;

    if (strlen(uri) <= root_size)
        return true;
    if (strchr(uri + root_size + 1, '/') == NULL) {
        add_provider(state, uri, uri + root_size + 1);
        return true;
    }
    if (state->uri == NULL || strncmp(uri, state->uri, state->uri_size) != 0 ||
        uri[state->uri_size] != '/')
        return false;
    node = find_node(uri + state->uri_size + 1, state->hint);
    if (node == DM_MMI_NODE_NONE)
        return true;
    state->hint = node;
    provider = g_ptr_array_index(state->providers, state->providers->len - 1);
    if (item->format == DM_FORMAT_NODE)
        provider->values[node] = "";
    else if (dm_mmi_model_has(node))
        provider->values[node] = item->data;
    return true;
}

DmMmiState *
dm_mmi_state_new(const DmResultItem *items, gsize n_items)
{
    g_autoptr(DmMmiState) state = g_new0(DmMmiState, 1);
    g_autofree char *root = dm_mmi_model_new_uri(DM_MMI_NODE_PROVIDERS, NULL);

    state->providers = g_ptr_array_new_with_free_func(provider_free);
    for (gsize i = 0; i < n_items; i++) {
        if (!read_item(state, &items[i], strlen(root)))
            return NULL;
    }
    return g_steal_pointer(&state);
}

void
dm_mmi_state_free(DmMmiState *state)
{
    if (state == NULL)
        return;
    g_ptr_array_unref(state->providers);
    g_free(state);
}

const DmMmiProvider *
dm_mmi_state_find(const DmMmiState *state, const char *id)
{
    const DmMmiProvider *similar = NULL;
    guint n_similar = 0;

    for (guint i = 0; i < state->providers->len; i++) {
        const DmMmiProvider *provider = g_ptr_array_index(state->providers, i);

        if (strcmp(provider->id, id) == 0)
            return provider;
        if (g_ascii_strcasecmp(provider->id, id) == 0) {
            similar = provider;
            n_similar++;
        }
    }
    return n_similar == 1 ? similar : NULL;
}

/* -- as JSON -------------------------------------------------------------------------------------
 */

static void
set_leaf(const DmMmiJson *json, JsonObject *object, DmMmiNode node, const char *text)
{
    DmFormat format = dm_mmi_model_get_format(node);
    char name[DM_MMI_NAME_MAX];

    dm_mmi_model_write_name(node, name);
    if (format == DM_FORMAT_INT)
        json->object_set_int_member(object, name, g_ascii_strtoll(text, NULL, 10));
    else if (format == DM_FORMAT_BOOL)
        json->object_set_boolean_member(object, name, strcmp(text, "true") == 0);
    else
        json->object_set_string_member(object, name, text);
}

static JsonObject *
add_object(const DmMmiJson *json, JsonObject *parent, DmMmiNode node)
{
    JsonObject *object = json->object_new();
    char name[DM_MMI_NAME_MAX];

    dm_mmi_model_write_name(node, name);
    json->object_set_object_member(parent, name, object);
    return object;
}

static JsonObject *
provider_to_json(const DmMmiProvider *provider, const DmMmiJson *json)
{
    JsonObject *object = json->object_new();
    JsonObject *inner = object;

    set_leaf(json, object, DM_MMI_NODE_PROVIDER, provider->id);
    for (guint i = DM_MMI_FIRST; i < dm_mmi_model_get_end(); i++) {
        DmMmiNode node = (DmMmiNode)i;

        if (provider->values[node] == NULL)
            continue;
        if (dm_mmi_model_get_format(node) == DM_FORMAT_NODE)
            inner = add_object(json, object, node);
        else
            set_leaf(json, dm_mmi_model_get_parent(node) == DM_MMI_NODE_PROVIDER ? object : inner,
                     node, provider->values[node]);
    }
    return object;
}

JsonNode *
dm_mmi_state_to_json(const DmMmiState *state, const DmMmiJson *json)
{
    JsonArray *array = json->array_new();
    JsonNode *node;

    for (guint i = 0; i < state->providers->len; i++)
        json->array_add_object_element(
            array, provider_to_json(g_ptr_array_index(state->providers, i), json));
    node = json->node_init_array(json->node_alloc(), array);
    json->array_unref(array);
    return node;
}
