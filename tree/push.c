/* SPDX-License-Identifier: MIT */
#include "tree/push.h"

#include <string.h>

#include "common/error.h"
#include "tree/transaction.h"

struct DmPush {
    DmTree *tree;
    const DmPushBackend *backend;
    gpointer data;
    guint listener;
    bool is_dirty;          /* something about a PFN may have changed since the last run */
    GHashTable *registered; /* provider's id → Channel: those the back end was asked for */
};

typedef struct {
    char *pfn;
    char *uri; /* as reported; "" none */
} Channel;

/* What is to be asked of the back end for one provider. */
typedef struct {
    char *provider;
    char *old_pfn; /* NULL: nothing to revoke */
    char *old_uri;
    char *new_pfn; /* NULL: nothing to register */
} Work;

static void
channel_free(gpointer data)
{
    Channel *channel = data;

    g_free(channel->pfn);
    g_free(channel->uri);
    g_free(channel);
}

static void
work_free(gpointer data)
{
    Work *work = data;

    g_free(work->provider);
    g_free(work->old_pfn);
    g_free(work->old_uri);
    g_free(work->new_pfn);
    g_free(work);
}

/* -- leaves -------------------------------------------------------------------------------------
 */

/* The text of a leaf; "" where there is none. */
static const char *
get_text(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) && value.u.chr != NULL ? value.u.chr : "";
}

static DmProvider *
find_with_push(const DmTree *tree, const char *id)
{
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, id);

    return provider != NULL && dm_provider_has(provider, DM_NODE_PUSH) ? provider : NULL;
}

bool
dm_push_get_state(const DmProvider *provider, DmPushState *ret_state)
{
    DmValue value;

    if (!dm_provider_has(provider, DM_NODE_PUSH))
        return false;
    *ret_state = (DmPushState){
        .pfn = get_text(provider, DM_NODE_PUSH_PFN),
        .channel_uri = get_text(provider, DM_NODE_PUSH_CHANNEL_URI),
        .status = dm_provider_get(provider, DM_NODE_PUSH_STATUS, &value) ? value.u.integer : 0,
    };
    return true;
}

/* Sets both, in one commit; nothing where they read so already. */
static bool
store_state(DmTree *tree, DmProvider *provider, const char *uri, gint64 status, GError **error)
{
    static const DmContext root = {.uid = -1};
    DmTransaction *transaction = tree->transaction;
    DmValue uri_value = dm_value_new_chr(uri);
    const DmValue status_value = dm_value_new_int(status);
    DmValue old;

    dm_transaction_begin(transaction, &root);
    dm_transaction_take(transaction, provider, DM_NODE_PUSH_CHANNEL_URI,
                        *uri != '\0' ? &uri_value : NULL);
    dm_value_clear(&uri_value);
    if (!dm_provider_get(provider, DM_NODE_PUSH_STATUS, &old) || old.u.integer != status)
        dm_transaction_set(transaction, provider, DM_NODE_PUSH_STATUS, &status_value);
    return dm_transaction_finish(transaction, error);
}

static bool
check_state(const char *provider_id, const char *uri, gint64 status, GError **error)
{
    const DmNode *row = dm_schema_get(DM_NODE_PUSH_STATUS);

    if (strlen(uri) <= dm_schema_get(DM_NODE_PUSH_CHANNEL_URI)->cap &&
        dm_text_is_valid(uri, strlen(uri)) && status >= row->minimum && status <= row->maximum)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "the push service's answer for provider “%s” is not a channel and a status",
                provider_id);
    return false;
}

bool
dm_push_set_channel(DmTree *tree, const char *provider_id, const char *pfn, const char *channel_uri,
                    gint64 status, GError **error)
{
    DmProvider *provider = find_with_push(tree, provider_id);

    if (!check_state(provider_id, channel_uri, status, error))
        return false;
    if (dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, provider_id) == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "there is no provider “%s”", provider_id);
        return false;
    }
    if (provider == NULL || strcmp(get_text(provider, DM_NODE_PUSH_PFN), pfn) != 0)
        return true;
    return store_state(tree, provider, channel_uri, status, error);
}

bool
dm_push_report(DmPush *push, const char *provider_id, const char *pfn, const char *channel_uri,
               gint64 status, GError **error)
{
    const char *uri = channel_uri != NULL ? channel_uri : "";
    Channel *channel = g_hash_table_lookup(push->registered, provider_id);
    DmProvider *provider = find_with_push(push->tree, provider_id);

    if (!check_state(provider_id, uri, status, error))
        return false;
    if (channel == NULL || strcmp(channel->pfn, pfn) != 0 || provider == NULL ||
        strcmp(get_text(provider, DM_NODE_PUSH_PFN), pfn) != 0)
        return true;
    g_free(channel->uri);
    channel->uri = g_strdup(uri);
    return store_state(push->tree, provider, uri, status, error);
}

bool
dm_push_report_revoked(DmPush *push, const char *provider_id, bool is_revoked, GError **error)
{
    DmProvider *provider = find_with_push(push->tree, provider_id);

    if (is_revoked || provider == NULL || *get_text(provider, DM_NODE_PUSH_PFN) != '\0')
        return true;
    return store_state(push->tree, provider, "", DM_PUSH_STATUS_NOT_REVOKED, error);
}

/* -- the null back end --------------------------------------------------------------------------
 */

static void
enrol_nowhere(DmPush *push, const char *provider, const char *pfn, gpointer data)
{
    const DmProvider *found = find_with_push(push->tree, provider);

    /* Local root may run a push service of its own, and fill the leaves itself (V9). */
    if (found == NULL || *get_text(found, DM_NODE_PUSH_CHANNEL_URI) == '\0')
        (void)dm_push_report(push, provider, pfn, NULL, DM_PUSH_STATUS_NO_CHANNEL, NULL);
}

static void
revoke_nothing(DmPush *push, const char *provider, const char *pfn, const char *channel_uri,
               gpointer data)
{
    (void)dm_push_report_revoked(push, provider, true, NULL);
}

const DmPushBackend *
dm_push_get_null_backend(void)
{
    static const DmPushBackend backend = {.enrol = enrol_nowhere, .revoke = revoke_nothing};

    return &backend;
}

/* -- following the tree -------------------------------------------------------------------------
 */

static void
on_changes(const DmChange *changes, gsize n, gpointer data)
{
    DmPush *push = data;

    for (gsize i = 0; i < n; i++)
        if (changes[i].scope == DM_SCOPE_DEVICE && changes[i].kind <= DM_CHANGE_REMOVED &&
            (changes[i].node == DM_NODE_PUSH || changes[i].node == DM_NODE_PUSH_PFN ||
             changes[i].node == DM_NODE_PROVIDER))
            push->is_dirty = true;
}

/* Notes what the provider needs, and keeps `registered` as it will be then. */
static void
plan(DmPush *push, const char *id, GPtrArray *works)
{
    const DmProvider *provider = find_with_push(push->tree, id);
    const char *pfn = provider != NULL ? get_text(provider, DM_NODE_PUSH_PFN) : "";
    const Channel *channel = g_hash_table_lookup(push->registered, id);
    Work *work;

    if (strcmp(channel != NULL ? channel->pfn : "", pfn) == 0 &&
        (channel != NULL || provider == NULL))
        return;
    /* A channel without a PFN was to be revoked when a kill came between. */
    if (channel == NULL && *pfn == '\0' && *get_text(provider, DM_NODE_PUSH_CHANNEL_URI) == '\0')
        return;
    work = g_new0(Work, 1);
    work->provider = g_strdup(id);
    if (channel != NULL || *pfn == '\0') {
        work->old_pfn = g_strdup(channel != NULL ? channel->pfn : "");
        work->old_uri = g_strdup(provider != NULL ? get_text(provider, DM_NODE_PUSH_CHANNEL_URI)
                                                  : channel->uri);
    }
    if (*pfn != '\0')
        work->new_pfn = g_strdup(pfn);
    g_ptr_array_add(works, work);
}

/* A channel that is given back is not shown any more, whatever comes of it. */
static bool
give_back(DmPush *push, const Work *work, GError **error)
{
    DmProvider *provider = find_with_push(push->tree, work->provider);
    bool is_good =
        provider == NULL || store_state(push->tree, provider, "", DM_PUSH_STATUS_NO_CHANNEL, error);

    g_hash_table_remove(push->registered, work->provider);
    push->backend->revoke(push, work->provider, work->old_pfn, work->old_uri, push->data);
    return is_good;
}

static void
ask_for(DmPush *push, const Work *work)
{
    Channel *channel = g_new0(Channel, 1);

    channel->pfn = g_strdup(work->new_pfn);
    channel->uri = g_strdup("");
    g_hash_table_replace(push->registered, g_strdup(work->provider), channel);
    push->backend->enrol(push, work->provider, work->new_pfn, push->data);
}

static GPtrArray *
plan_all(DmPush *push)
{
    GPtrArray *works = g_ptr_array_new_with_free_func(work_free);
    DmProvider *const *providers;
    GHashTableIter iter;
    gpointer id;
    gsize n;

    providers = dm_tree_get_providers(push->tree, &n);
    for (gsize i = 0; i < n; i++)
        if (dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE)
            plan(push, dm_provider_get_id(providers[i]), works);
    /* And those that are gone. */
    g_hash_table_iter_init(&iter, push->registered);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        if (dm_tree_find_provider(push->tree, DM_SCOPE_DEVICE, 0, id) == NULL)
            plan(push, id, works);
    return works;
}

bool
dm_push_run(DmPush *push, GError **error)
{
    g_autoptr(GPtrArray) works = NULL;
    bool is_good = true;

    if (!push->is_dirty)
        return true;
    push->is_dirty = false;
    works = plan_all(push);
    for (guint i = 0; i < works->len; i++) {
        const Work *work = g_ptr_array_index(works, i);

        if (work->old_pfn != NULL)
            is_good &= give_back(push, work, is_good ? error : NULL);
        if (work->new_pfn != NULL)
            ask_for(push, work);
    }
    return is_good;
}

DmPush *
dm_push_new(DmTree *tree, const DmPushBackend *backend, gpointer data)
{
    DmPush *push = g_new0(DmPush, 1);

    push->tree = tree;
    push->backend = backend;
    push->data = data;
    push->is_dirty = true;
    push->registered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, channel_free);
    push->listener = dm_tree_add_listener(tree, on_changes, push);
    return push;
}

void
dm_push_free(DmPush *push)
{
    if (push == NULL)
        return;
    dm_tree_remove_listener(push->tree, push->listener);
    g_hash_table_unref(push->registered);
    g_free(push);
}
