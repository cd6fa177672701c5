/* SPDX-License-Identifier: MIT */
#include "tree/query.h"

#include <string.h>

/* What an item costs beside its text, about. */
#define ITEM_BYTES 64

typedef struct {
    DmTransaction *transaction;
    DmReply *reply;
    gsize *answered;
    DmScope scope;
    guint32 uid;
    bool with_data;   /* ?list=StructData */
    GString *loc_uri; /* of the node that is visited */
} Query;

static bool
add_item(Query *query, const char *loc_uri, DmFormat format, const char *data, gsize size)
{
    *query->answered += ITEM_BYTES + strlen(loc_uri) + size;
    if (*query->answered > DM_QUERY_MAX_BYTES)
        return false;
    dm_reply_add_item(query->reply, loc_uri, format, data, size);
    return true;
}

static bool
add_text(Query *query, DmFormat format, const char *data)
{
    return add_item(query, query->loc_uri->str, format, data, strlen(data));
}

/* The LocURI as the command has it, without white space around it and without `?…` (A3). */
static void
set_loc_uri(Query *query, const char *text)
{
    gsize size;

    text += strspn(text, " \t\r\n");
    size = strcspn(text, "?");
    if (text[size] == '\0')
        while (size > 0 && g_ascii_isspace(text[size - 1]))
            size--;
    g_string_append_len(query->loc_uri, text, (gssize)size);
}

/* -- reading ------------------------------------------------------------------------------------
 */

/* The value of a leaf as Get gives it (V4). */
static bool
read_leaf(const Query *query, const DmProvider *provider, DmNodeId node, DmValue *ret_value)
{
    if (provider == NULL)
        return dm_tree_get_root(dm_transaction_get_tree(query->transaction), node, ret_value);
    if (dm_provider_get(provider, node, ret_value))
        return true;
    /* A channel that is not there yet is empty, not missing (V4, U1). */
    *ret_value = dm_value_empty(DM_FORMAT_CHR);
    return node == DM_NODE_PUSH_CHANNEL_URI;
}

/* Whether an interior Get or a list names the node: what is set, and what is always there and reads
 * as something. */
static bool
is_listed(const Query *query, const DmProvider *provider, DmNodeId node)
{
    const DmNode *row = dm_schema_get(node);
    DmValue value;

    if (query->scope == DM_SCOPE_USER && row->roots != DM_ROOTS_BOTH)
        return false;
    if (provider == NULL)
        return dm_node_is_interior(row) ||
               dm_tree_get_root(dm_transaction_get_tree(query->transaction), node, &value);
    return dm_provider_has(provider, node) ||
           (row->occurrence == DM_OCCURRENCE_ONE && dm_schema_get_default(node, &value));
}

/* Calls `visit` for each child of an interior node that is listed; false as soon as it is. */
typedef bool (*Visit)(Query *query, DmProvider *provider, DmNodeId node, gpointer data);

static bool
visit_providers(Query *query, Visit visit, gpointer data)
{
    gsize n;
    DmProvider *const *providers =
        dm_tree_get_providers(dm_transaction_get_tree(query->transaction), &n);

    for (gsize i = 0; i < n; i++) {
        DmProvider *provider = providers[i];

        if (provider->scope != query->scope ||
            (query->scope == DM_SCOPE_USER && provider->uid != query->uid) ||
            !dm_target_may_use(query->transaction, provider->id))
            continue;
        if (!visit(query, provider, DM_NODE_PROVIDER, data))
            return false;
    }
    return true;
}

static bool
visit_children(Query *query, DmProvider *provider, DmNodeId node, Visit visit, gpointer data)
{
    DmNodeId end = dm_schema_get_end(node);
    DmNodeId child;

    if (node == DM_NODE_PROVIDERS)
        return visit_providers(query, visit, data);
    for (child = (DmNodeId)(node + 1); child < end; child = dm_schema_get_end(child))
        if (is_listed(query, provider, child) && !visit(query, provider, child, data))
            return false;
    return true;
}

static const char *
get_name(const DmProvider *provider, DmNodeId node)
{
    if (node != DM_NODE_PROVIDER)
        return dm_schema_get(node)->name;
    g_assert(provider != NULL);
    return provider->id;
}

/* -- answering ----------------------------------------------------------------------------------
 */

static bool
append_name(Query *query, DmProvider *provider, DmNodeId node, gpointer data)
{
    GString *names = data;

    if (names->len > 0)
        g_string_append_c(names, '/');
    dm_uri_append_escaped(names, get_name(provider, node));
    return true;
}

/* A4. */
static bool
answer_names(Query *query, DmProvider *provider, DmNodeId node)
{
    g_autoptr(GString) names = g_string_new(NULL);

    (void)visit_children(query, provider, node, append_name, names);
    return add_item(query, query->loc_uri->str, DM_FORMAT_NODE, names->str, names->len);
}

static bool
answer_leaf(Query *query, const DmValue *value)
{
    char buffer[DM_VALUE_TEXT_MAX];

    return add_text(query, value->format, dm_value_to_text(value, buffer));
}

static bool
answer_struct(Query *query, DmProvider *provider, DmNodeId node, gpointer data)
{
    const DmNode *row = dm_schema_get(node);
    bool is_child = GPOINTER_TO_INT(data); /* below the node that was asked for */
    gsize size = query->loc_uri->len;
    DmValue value;
    bool fits;

    if (is_child) {
        g_string_append_c(query->loc_uri, '/');
        dm_uri_append_escaped(query->loc_uri, get_name(provider, node));
    }
    if (dm_node_is_interior(row)) {
        fits = add_item(query, query->loc_uri->str, DM_FORMAT_NODE, NULL, 0) &&
               visit_children(query, provider, node, answer_struct, GINT_TO_POINTER(true));
    } else if (query->with_data && read_leaf(query, provider, node, &value)) {
        fits = answer_leaf(query, &value);
    } else {
        fits = add_item(query, query->loc_uri->str, row->format, NULL, 0);
    }
    g_string_truncate(query->loc_uri, size);
    return fits;
}

static bool
answer_prop(Query *query, const DmTarget *target)
{
    const DmUri *uri = &target->uri;

    if (uri->query == DM_QUERY_PROP_FORMAT)
        return add_text(query, DM_FORMAT_CHR, dm_format_to_name(target->row->format));
    if (uri->query == DM_QUERY_PROP_NAME) /* a provider's may have been asked in another case */
        return add_text(query, DM_FORMAT_CHR,
                        target->node == DM_NODE_PROVIDER ? get_name(target->provider, target->node)
                                                         : uri->segments[uri->n_segments - 1]);
    /* Type: of an interior node, the document that defines its shape; there is none. */
    return add_text(query, DM_FORMAT_CHR, dm_node_is_interior(target->row) ? "" : "text/plain");
}

static bool
answer_plain(Query *query, const DmTarget *target, const DmCommand *command, const DmValue *value)
{
    char buffer[DM_VALUE_TEXT_MAX];
    const char *data = dm_value_to_text(value, buffer);
    const char *loc_uri = command->loc_uri;

    /* Mostly the LocURI needs nothing taken off. */
    if (*loc_uri == '.' && target->uri.query == DM_QUERY_NONE &&
        !g_ascii_isspace(loc_uri[strlen(loc_uri) - 1]))
        return add_item(query, loc_uri, value->format, data, strlen(data));
    set_loc_uri(query, loc_uri);
    return add_text(query, value->format, data);
}

DmStatus
dm_query_answer(DmTransaction *transaction, const DmTarget *target, const DmCommand *command,
                DmReply *reply, gsize *answered)
{
    Query query = {.transaction = transaction,
                   .reply = reply,
                   .answered = answered,
                   .scope = target->uri.scope,
                   .uid = target->uid,
                   .with_data = target->uri.query == DM_QUERY_LIST_STRUCT_DATA,
                   .loc_uri = dm_transaction_get_text(transaction)};
    bool is_interior = dm_node_is_interior(target->row);
    DmValue value;
    bool fits;

    if (is_interior ? target->provider != NULL && !dm_provider_has(target->provider, target->node)
                    : !read_leaf(&query, target->provider, target->node, &value))
        return DM_STATUS_NOT_FOUND;
    if (!is_interior && target->uri.query == DM_QUERY_NONE) {
        fits = answer_plain(&query, target, command, &value);
    } else {
        set_loc_uri(&query, command->loc_uri);
        if (target->uri.query == DM_QUERY_NONE)
            fits = answer_names(&query, target->provider, target->node);
        else if (target->uri.query == DM_QUERY_LIST_STRUCT ||
                 target->uri.query == DM_QUERY_LIST_STRUCT_DATA)
            fits = answer_struct(&query, target->provider, target->node, GINT_TO_POINTER(false));
        else
            fits = answer_prop(&query, target);
    }
    return fits ? DM_STATUS_OK : DM_STATUS_SIZE_TOO_BIG;
}
