/* SPDX-License-Identifier: MIT */
#include "tree/tree.h"

#include <string.h>

#include "common/account.h"
#include "tree/replies.h"
#include "tree/rules/first-sync.h"
#include "tree/session-private.h"
#include "tree/transaction.h"
#include "tree/tree-private.h"
#include "tree/unenroll-private.h"

typedef struct {
    guint id;
    DmTreeListener func;
    gpointer data;
} Listener;

/* -- providers ----------------------------------------------------------------------------------
 */

static GHashTable *
new_strings(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

DmProvider *
dm_provider_new(DmTree *tree, DmScope scope, guint32 uid, const char *id)
{
    gsize n_slots = dm_schema_get_n_slots();
    DmProvider *provider = g_malloc0(sizeof *provider + n_slots * sizeof *provider->values);

    provider->tree = tree;
    provider->id = g_strdup(id);
    provider->scope = scope;
    provider->uid = scope == DM_SCOPE_USER ? uid : 0;
    provider->account = dm_account_new();
    provider->session = new_strings();
    provider->outcomes = new_strings();
    dm_provider_mark(provider, DM_NODE_PROVIDER, true);
    if (scope == DM_SCOPE_DEVICE)
        dm_provider_mark(provider, DM_NODE_SECURITY, true);
    return provider;
}

void
dm_provider_free(DmProvider *provider)
{
    if (provider == NULL)
        return;
    for (DmNodeId id = DM_NODE_PROVIDER; id < DM_NODE_N; id++)
        if (dm_schema_get(id)->slot >= 0 && dm_provider_is_present(provider, id))
            dm_value_clear(&provider->values[dm_schema_get(id)->slot]);
    g_hash_table_unref(provider->account);
    g_hash_table_unref(provider->session);
    g_hash_table_unref(provider->outcomes);
    g_free(provider->next_token);
    g_free(provider->id);
    g_free(provider);
}

static int
compare_place(DmScope scope, guint32 uid, const char *id, const DmProvider *other)
{
    if (scope != other->scope)
        return scope == DM_SCOPE_DEVICE ? -1 : 1;
    if (scope == DM_SCOPE_USER && uid != other->uid)
        return uid < other->uid ? -1 : 1;
    return strcmp(id, other->id);
}

int
dm_provider_compare(const DmProvider *a, const DmProvider *b)
{
    return compare_place(a->scope, a->uid, a->id, b);
}

/* The first place whose provider does not come before (scope, uid, id). */
static guint
find_place(const DmTree *tree, DmScope scope, guint32 uid, const char *id)
{
    guint low = 0;
    guint high = tree->providers->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare_place(scope, uid, id, g_ptr_array_index(tree->providers, middle)) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
dm_tree_insert_provider(DmTree *tree, DmProvider *provider)
{
    guint place = find_place(tree, provider->scope, provider->uid, provider->id);

    g_ptr_array_insert(tree->providers, (gint)place, provider);
}

void
dm_tree_take_provider(DmTree *tree, DmProvider *provider)
{
    guint place = find_place(tree, provider->scope, provider->uid, provider->id);

    g_assert(place < tree->providers->len && g_ptr_array_index(tree->providers, place) == provider);
    (void)g_ptr_array_steal_index(tree->providers, place);
}

DmProvider *const *
dm_tree_get_providers(const DmTree *tree, gsize *ret_n)
{
    *ret_n = tree->providers->len;
    return (DmProvider *const *)tree->providers->pdata;
}

DmProvider *
dm_tree_find_provider(const DmTree *tree, DmScope scope, guint32 uid, const char *id)
{
    guint place = find_place(tree, scope, uid, id);
    DmProvider *provider;

    if (place == tree->providers->len)
        return NULL;
    provider = g_ptr_array_index(tree->providers, place);
    return compare_place(scope, uid, id, provider) == 0 ? provider : NULL;
}

DmProvider *
dm_tree_match_provider(const DmTree *tree, DmScope scope, guint32 uid, const char *id)
{
    DmProvider *found = dm_tree_find_provider(tree, scope, uid, id);

    if (found != NULL)
        return found;
    /* The empty id comes first of its tree. */
    for (guint i = find_place(tree, scope, uid, ""); i < tree->providers->len; i++) {
        DmProvider *provider = g_ptr_array_index(tree->providers, i);

        if (provider->scope != scope || (scope == DM_SCOPE_USER && provider->uid != uid))
            break;
        if (g_ascii_strcasecmp(provider->id, id) != 0)
            continue;
        if (found != NULL)
            return NULL; /* A2: only if it is unique */
        found = provider;
    }
    return found;
}

/* -- reading ------------------------------------------------------------------------------------
 */

const char *
dm_provider_get_id(const DmProvider *provider)
{
    return provider->id;
}

DmScope
dm_provider_get_scope(const DmProvider *provider)
{
    return provider->scope;
}

guint32
dm_provider_get_uid(const DmProvider *provider)
{
    return provider->uid;
}

/* S6: the same for each provider, and kept by none. */
static bool
get_hw_dev_id(const DmTree *tree, DmValue *ret_value)
{
    if (tree->hw_dev_id == NULL)
        return false;
    *ret_value = (DmValue){.format = DM_FORMAT_CHR, .u.chr = tree->hw_dev_id};
    return true;
}

bool
dm_provider_has(const DmProvider *provider, DmNodeId node)
{
    const DmNode *row = dm_schema_get(node);

    if (provider->scope == DM_SCOPE_USER && row->roots != DM_ROOTS_BOTH)
        return false;
    if (node == DM_NODE_HW_DEV_ID)
        return provider->tree->hw_dev_id != NULL;
    if (row->format == DM_FORMAT_NULL)
        return dm_provider_is_present(provider, row->parent);
    return dm_provider_is_present(provider, node);
}

bool
dm_provider_get(const DmProvider *provider, DmNodeId node, DmValue *ret_value)
{
    const DmNode *row = dm_schema_get(node);

    if (row->slot < 0 || (provider->scope == DM_SCOPE_USER && row->roots != DM_ROOTS_BOTH))
        return false;
    if (node == DM_NODE_HW_DEV_ID)
        return get_hw_dev_id(provider->tree, ret_value);
    if (dm_provider_is_present(provider, node)) {
        *ret_value = provider->values[row->slot];
        return true;
    }
    if (!dm_provider_is_present(provider, row->parent))
        return false;
    if (row->format == DM_FORMAT_NULL) {
        *ret_value = dm_value_empty(DM_FORMAT_NULL);
        return true;
    }
    return dm_schema_get_default(node, ret_value);
}

bool
dm_tree_get_root(const DmTree *tree, DmNodeId node, DmValue *ret_value)
{
    const DmNode *row = dm_schema_get(node);

    if (node == DM_NODE_ROOT_HW_DEV_ID)
        return get_hw_dev_id(tree, ret_value);
    if (node == DM_NODE_ROOT_UPDATE_MANAGEMENT_SERVICE_ADDRESS) {
        if (tree->root_update.u.chr == NULL)
            return false;
        *ret_value = tree->root_update;
        return true;
    }
    if (row->parent != DM_NODE_ROOT || row->format != DM_FORMAT_NULL)
        return false;
    *ret_value = dm_value_empty(DM_FORMAT_NULL);
    return true;
}

const char *
dm_tree_get_health(const DmTree *tree)
{
    if (tree->store == NULL)
        return "ok";
    if (dm_store_is_read_only(tree->store))
        return "read-only";
    return dm_store_is_full(tree->store) ? "degraded" : "ok";
}

/* -- listeners ----------------------------------------------------------------------------------
 */

guint
dm_tree_add_listener(DmTree *tree, DmTreeListener listener, gpointer data)
{
    Listener entry = {.id = ++tree->next_listener, .func = listener, .data = data};

    g_array_append_val(tree->listeners, entry);
    return entry.id;
}

void
dm_tree_remove_listener(DmTree *tree, guint id)
{
    for (guint i = 0; i < tree->listeners->len; i++) {
        if (g_array_index(tree->listeners, Listener, i).id == id) {
            g_array_remove_index(tree->listeners, i);
            return;
        }
    }
}

void
dm_tree_notify(DmTree *tree, const DmChange *changes, gsize n_changes)
{
    for (guint i = 0; n_changes > 0 && i < tree->listeners->len; i++) {
        Listener listener = g_array_index(tree->listeners, Listener, i);

        listener.func(changes, n_changes, listener.data);
    }
}

bool
dm_tree_commit_text(DmTree *tree, DmTreeWrite write, gpointer data, const DmChange *changes,
                    gsize n_changes, GError **error)
{
    if (tree->store != NULL) {
        if (!dm_store_begin(tree->store, error))
            return false;
        if (!write(tree->store, data, error)) {
            dm_store_rollback(tree->store);
            return false;
        }
        if (!dm_store_commit(tree->store, error))
            return false;
    }
    dm_tree_notify(tree, changes, n_changes);
    return true;
}

/* -- loading ------------------------------------------------------------------------------------
 */

typedef struct {
    DmTree *tree;
    GHashTable *by_key; /* gint64* in the provider → DmProvider */
    DmProvider *last;   /* what belongs to one provider mostly comes together */
} Loader;

static DmProvider *
find_loaded(Loader *loader, gint64 key)
{
    if (loader->last == NULL || loader->last->key != key)
        loader->last = g_hash_table_lookup(loader->by_key, &key);
    g_assert(loader->last != NULL); /* the store's promise */
    return loader->last;
}

static void
on_provider(gint64 key, DmScope scope, guint32 uid, const char *id, gpointer data)
{
    Loader *loader = data;
    DmProvider *provider = dm_provider_new(loader->tree, scope, uid, id);

    provider->key = key;
    g_ptr_array_add(loader->tree->providers, provider);
    g_hash_table_insert(loader->by_key, &provider->key, provider);
    loader->last = provider;
}

static void
on_node(gint64 key, DmNodeId node, const DmValue *value, gpointer data)
{
    DmProvider *provider = find_loaded(data, key);
    const DmNode *row = dm_schema_get(node);

    if (value != NULL && row->slot >= 0) {
        dm_value_clear(&provider->values[row->slot]);
        provider->values[row->slot] = dm_value_copy(value);
    }
    /* A leaf stands below what is present: so does one that a repaired file brings alone. */
    for (; node != DM_NODE_PROVIDERS && node != DM_NODE_NONE; node = dm_schema_get(node)->parent)
        dm_provider_mark(provider, node, true);
}

static void
on_text(gint64 key, DmStoreKind kind, const char *name, const char *value, gpointer data)
{
    DmProvider *provider = find_loaded(data, key);
    GHashTable *strings = kind == DM_STORE_ACCOUNT   ? provider->account
                          : kind == DM_STORE_SESSION ? provider->session
                                                     : provider->outcomes;

    g_hash_table_replace(strings, g_strdup(name), g_strdup(value));
}

static void
on_root(DmNodeId node, const DmValue *value, gpointer data)
{
    Loader *loader = data;

    if (node != DM_NODE_ROOT_UPDATE_MANAGEMENT_SERVICE_ADDRESS)
        return;
    dm_value_clear(&loader->tree->root_update);
    loader->tree->root_update = dm_value_copy(value);
}

static int
compare_pointers(gconstpointer a, gconstpointer b)
{
    return dm_provider_compare(*(DmProvider *const *)a, *(DmProvider *const *)b);
}

static bool
load(DmTree *tree, GError **error)
{
    static const DmStoreReader reader = {
        .on_provider = on_provider, .on_node = on_node, .on_text = on_text, .on_root = on_root};
    g_autoptr(GHashTable) by_key = g_hash_table_new(g_int64_hash, g_int64_equal);
    Loader loader = {.tree = tree, .by_key = by_key};

    if (!dm_store_load(tree->store, &reader, &loader, error))
        return false;
    g_ptr_array_sort(tree->providers, compare_pointers);
    return dm_unenroll_load(tree, error);
}

DmTree *
dm_tree_new(DmStore *store, const DmTreeOptions *options, GError **error)
{
    g_autoptr(DmTree) tree = g_new0(DmTree, 1);

    tree->store = store;
    if (options != NULL)
        tree->options = *options;
    if (tree->options.clock == NULL)
        tree->options.clock = dm_clock_system();
    tree->hw_dev_id = g_strdup(tree->options.hw_dev_id);
    tree->options.hw_dev_id = tree->hw_dev_id;
    tree->has_boot_id = tree->options.boot_id != NULL;
    tree->boot_id = tree->has_boot_id ? g_strdup(tree->options.boot_id) : g_uuid_string_random();
    tree->options.boot_id = tree->boot_id;
    tree->providers = g_ptr_array_new_with_free_func((GDestroyNotify)dm_provider_free);
    tree->root_update = dm_value_empty(DM_FORMAT_CHR);
    tree->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    tree->transaction = dm_transaction_new(tree);
    tree->unenrollments = g_ptr_array_new_with_free_func((GDestroyNotify)dm_unenrollment_free);
    dm_replies_init(tree);
    if (store != NULL && !load(tree, error))
        return NULL;
    /* E3: what a kill left. Where the disk fails it stays pending, and is due again. */
    (void)dm_tree_finish_unenrolls(tree, G_MAXINT64, NULL);
    dm_first_sync_resume(tree);
    dm_session_resume(tree);
    return g_steal_pointer(&tree);
}

void
dm_tree_free(DmTree *tree)
{
    if (tree == NULL)
        return;
    dm_replies_clear(tree);
    dm_transaction_free(tree->transaction);
    g_array_unref(tree->listeners);
    g_ptr_array_unref(tree->unenrollments);
    g_ptr_array_unref(tree->providers);
    dm_value_clear(&tree->root_update);
    dm_store_free(tree->store);
    g_free(tree->hw_dev_id);
    g_free(tree->boot_id);
    g_free(tree);
}
