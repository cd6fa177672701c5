/* SPDX-License-Identifier: MIT */

/* What the commands of a server's message mean to its first sync: the tree's own part of F6. */

#include "tree/rules/first-sync.h"
#include "tree/transaction.h"

static bool
is_provisioning(DmVerb verb)
{
    return verb == DM_VERB_ADD || verb == DM_VERB_REPLACE || verb == DM_VERB_EXEC;
}

/* Notes the outcome of one command in `news`: of several on the same LocURI the last stands. */
static void
note(GHashTable *news, GHashTable *index, const char *loc_uri, DmStatus status)
{
    g_autofree char *canonical = dm_first_sync_canonical(loc_uri);
    g_auto(GStrv) expected = NULL;

    if (canonical == NULL)
        return;
    expected = dm_first_sync_find_expected(index, canonical);
    for (char **item = expected; *item != NULL; item++)
        g_hash_table_replace(news, g_strdup(*item),
                             g_strdup_printf("%u %s", (guint)status, dm_status_to_text(status)));
}

static gboolean
is_known(gpointer loc_uri, gpointer text, gpointer known)
{
    return g_strcmp0(g_hash_table_lookup(known, loc_uri), text) == 0;
}

static void
copy_missing(GHashTable *from, GHashTable *to)
{
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, from);
    while (g_hash_table_iter_next(&iter, &key, &value))
        if (!g_hash_table_contains(to, key))
            g_hash_table_insert(to, g_strdup(key), g_strdup(value));
}

static GHashTable *
copy_outcomes(const DmProvider *provider)
{
    GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    copy_missing(provider->outcomes, copy);
    return copy;
}

void
dm_transaction_set_outcome(DmTransaction *transaction, DmProvider *provider, const char *name,
                           const char *text)
{
    GHashTable *news = copy_outcomes(provider);

    if (text == NULL)
        g_hash_table_remove(news, name);
    else
        g_hash_table_replace(news, g_strdup(name), g_strdup(text));
    dm_transaction_take_outcomes(transaction, provider, news);
}

void
dm_transaction_note_outcome(DmTransaction *transaction, DmProvider *provider, const char *canonical,
                            const char *text)
{
    g_autoptr(GHashTable) index = dm_first_sync_index(provider);
    g_auto(GStrv) expected = NULL;

    if (index == NULL)
        return;
    expected = dm_first_sync_find_expected(index, canonical);
    for (char **item = expected; *item != NULL; item++)
        if (g_strcmp0(g_hash_table_lookup(provider->outcomes, *item), text) != 0)
            dm_transaction_set_outcome(transaction, provider, *item, text);
}

static void
note_all(DmTransaction *transaction, DmProvider *provider, const DmCommand *commands, gsize n,
         const DmReply *reply)
{
    g_autoptr(GHashTable) index = dm_first_sync_index(provider);
    g_autoptr(GHashTable) news = NULL;

    if (index == NULL)
        return;
    news = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (gsize i = 0; i < n; i++)
        if (is_provisioning(commands[i].verb) && commands[i].loc_uri != NULL)
            note(news, index, commands[i].loc_uri, dm_reply_get(reply, i)->status);
    g_hash_table_foreach_remove(news, is_known, provider->outcomes);
    if (g_hash_table_size(news) == 0)
        return;
    copy_missing(provider->outcomes, news);
    dm_transaction_take_outcomes(transaction, provider, g_steal_pointer(&news));
}

void
dm_transaction_note_outcomes(DmTransaction *transaction, const DmCommand *commands,
                             gsize n_commands, const DmReply *reply)
{
    const DmTree *tree = dm_transaction_get_tree(transaction);
    const DmContext *context = dm_transaction_get_context(transaction);
    DmProvider *owners[2] = {NULL, NULL};

    if (context->provider == NULL)
        return;
    owners[0] = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, context->provider);
    if (context->uid >= 0 && context->uid < G_MAXUINT32)
        owners[1] =
            dm_tree_find_provider(tree, DM_SCOPE_USER, (guint32)context->uid, context->provider);
    for (guint i = 0; i < G_N_ELEMENTS(owners); i++)
        if (owners[i] != NULL)
            note_all(transaction, owners[i], commands, n_commands, reply);
}
