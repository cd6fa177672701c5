/* SPDX-License-Identifier: MIT */
#include "tree/transaction.h"

#include <string.h>

#include "tree/journal.h"
#include "tree/unenroll-private.h"

/* More than this is given back after a large message. */
#define KEEP_ENTRIES 256
#define KEEP_TEXT 4096

DmTransaction *
dm_transaction_new(DmTree *tree)
{
    DmTransaction *transaction = g_new0(DmTransaction, 1);

    transaction->tree = tree;
    transaction->undos = g_array_new(FALSE, FALSE, sizeof(DmUndo));
    transaction->writes = g_array_new(FALSE, FALSE, sizeof(DmWrite));
    transaction->nets = g_array_new(FALSE, FALSE, sizeof(guint));
    transaction->topics = g_array_new(FALSE, FALSE, sizeof(DmWrite));
    transaction->text = g_string_new(NULL);
    transaction->unenrolls = g_ptr_array_new_with_free_func((GDestroyNotify)dm_unenrollment_free);
    return transaction;
}

void
dm_transaction_free(DmTransaction *transaction)
{
    if (transaction == NULL)
        return;
    g_assert(transaction->context == NULL);
    g_array_unref(transaction->undos);
    g_array_unref(transaction->writes);
    g_array_unref(transaction->nets);
    g_array_unref(transaction->topics);
    g_string_free(transaction->text, TRUE);
    g_ptr_array_unref(transaction->unenrolls);
    g_free(transaction);
}

void
dm_transaction_begin(DmTransaction *transaction, const DmContext *context)
{
    g_assert(transaction->context == NULL); /* a listener must not change the tree */
    transaction->context = context;
    transaction->command = DM_COMMAND_NONE;
    transaction->last = NULL;
}

static void
forget(GArray **array)
{
    if ((*array)->len > KEEP_ENTRIES) {
        guint size = g_array_get_element_size(*array);

        g_array_unref(*array);
        *array = g_array_new(FALSE, FALSE, size);
    }
    g_array_set_size(*array, 0);
}

void
dm_transaction_end(DmTransaction *transaction)
{
    for (guint i = 0; i < transaction->undos->len; i++) {
        DmUndo *undo = &g_array_index(transaction->undos, DmUndo, i);

        if (undo->kind == DM_UNDO_NODE)
            dm_value_clear(&undo->old.value);
        else if (undo->kind == DM_UNDO_OUTCOMES)
            g_hash_table_unref(undo->old.outcomes);
        else if (undo->kind == DM_UNDO_SESSION)
            g_hash_table_unref(undo->old.session);
        else if (undo->kind == DM_UNDO_PROVIDER_ADDED)
            undo->provider->is_new = false;
    }
    /* Last: entries above may name a provider that came and went. */
    for (guint i = 0; i < transaction->undos->len; i++) {
        DmUndo *undo = &g_array_index(transaction->undos, DmUndo, i);

        if (undo->kind == DM_UNDO_PROVIDER_REMOVED)
            dm_provider_free(undo->provider);
    }
    forget(&transaction->undos);
    forget(&transaction->writes);
    forget(&transaction->nets);
    g_ptr_array_set_size(transaction->unenrolls, 0);
    if (transaction->text->allocated_len > KEEP_TEXT) {
        g_string_free(transaction->text, TRUE);
        transaction->text = g_string_new(NULL);
    }
    transaction->context = NULL;
}

DmTree *
dm_transaction_get_tree(const DmTransaction *transaction)
{
    return transaction->tree;
}

const DmContext *
dm_transaction_get_context(const DmTransaction *transaction)
{
    return transaction->context;
}

void
dm_transaction_set_command(DmTransaction *transaction, guint command)
{
    transaction->command = command;
}

GString *
dm_transaction_get_text(DmTransaction *transaction)
{
    return g_string_truncate(transaction->text, 0);
}

DmProvider *
dm_transaction_match(DmTransaction *transaction, DmScope scope, guint32 uid, const char *id)
{
    DmProvider *last = transaction->last;

    if (last != NULL && last->scope == scope && (scope == DM_SCOPE_DEVICE || last->uid == uid) &&
        strcmp(last->id, id) == 0)
        return last;
    last = dm_tree_match_provider(transaction->tree, scope, uid, id);
    if (last != NULL)
        transaction->last = last;
    return last;
}

/* -- changes ------------------------------------------------------------------------------------
 */

static DmUndo *
append(DmTransaction *transaction, DmUndoKind kind, DmProvider *provider, DmNodeId node)
{
    DmUndo undo = {
        .kind = kind, .command = transaction->command, .provider = provider, .node = node};

    g_array_append_val(transaction->undos, undo);
    return &g_array_index(transaction->undos, DmUndo, transaction->undos->len - 1);
}

void
dm_transaction_take(DmTransaction *transaction, DmProvider *provider, DmNodeId node, DmValue *value)
{
    DmTree *tree = transaction->tree;
    DmValue *place = dm_journal_value(tree, provider, node);
    bool is_present = dm_journal_is_present(tree, provider, node);
    DmUndo *undo;

    if (value == NULL ? !is_present : is_present && dm_value_equal(place, value)) {
        dm_value_clear(value);
        return;
    }
    undo = append(transaction, DM_UNDO_NODE, provider, node);
    undo->was_present = is_present;
    undo->old.value = *place;
    if (value == NULL) {
        *place = dm_value_empty(dm_schema_get(node)->format);
    } else {
        *place = *value;
        *value = dm_value_empty(place->format);
    }
    if (provider != NULL)
        dm_provider_mark(provider, node, value != NULL);
}

void
dm_transaction_set(DmTransaction *transaction, DmProvider *provider, DmNodeId node,
                   const DmValue *value)
{
    DmValue copy;

    if (value == NULL) {
        dm_transaction_take(transaction, provider, node, NULL);
        return;
    }
    copy = dm_value_copy(value);
    dm_transaction_take(transaction, provider, node, &copy);
}

void
dm_transaction_add_node(DmTransaction *transaction, DmProvider *provider, DmNodeId node)
{
    if (dm_provider_is_present(provider, node))
        return;
    dm_transaction_add_node(transaction, provider, dm_schema_get(node)->parent);
    (void)append(transaction, DM_UNDO_NODE, provider, node);
    dm_provider_mark(provider, node, true);
}

void
dm_transaction_take_outcomes(DmTransaction *transaction, DmProvider *provider, GHashTable *outcomes)
{
    DmUndo *undo = append(transaction, DM_UNDO_OUTCOMES, provider, DM_NODE_FIRST_SYNC);

    undo->old.outcomes = provider->outcomes;
    provider->outcomes = outcomes;
}

void
dm_transaction_take_session(DmTransaction *transaction, DmProvider *provider, GHashTable *session)
{
    DmUndo *undo = append(transaction, DM_UNDO_SESSION, provider, DM_NODE_PROVIDER);

    undo->old.session = provider->session;
    provider->session = session;
}

static void
drop_outcomes(DmTransaction *transaction, DmProvider *provider)
{
    if (g_hash_table_size(provider->outcomes) != 0)
        dm_transaction_take_outcomes(
            transaction, provider, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free));
}

void
dm_transaction_remove_node(DmTransaction *transaction, DmProvider *provider, DmNodeId node)
{
    /* From the end: undone backwards, a parent is there before what is below it. */
    for (guint id = dm_schema_get_end(node); id-- > node;) {
        if (!dm_provider_is_present(provider, (DmNodeId)id))
            continue;
        if (dm_schema_get((DmNodeId)id)->slot >= 0) {
            dm_transaction_note_write(transaction, provider, (DmNodeId)id);
            dm_transaction_take(transaction, provider, (DmNodeId)id, NULL);
            continue;
        }
        append(transaction, DM_UNDO_NODE, provider, (DmNodeId)id)->was_present = true;
        dm_provider_mark(provider, (DmNodeId)id, false);
    }
    if (dm_schema_is_below(DM_NODE_FIRST_SYNC, node))
        drop_outcomes(transaction, provider);
}

DmProvider *
dm_transaction_add_provider(DmTransaction *transaction, DmScope scope, guint32 uid, const char *id)
{
    DmProvider *provider = dm_provider_new(transaction->tree, scope, uid, id);

    provider->is_new = true;
    dm_tree_insert_provider(transaction->tree, provider);
    (void)append(transaction, DM_UNDO_PROVIDER_ADDED, provider, DM_NODE_PROVIDER);
    if (scope == DM_SCOPE_DEVICE)
        dm_transaction_add_node(transaction, provider, DM_NODE_FIRST_SYNC);
    transaction->last = provider;
    return provider;
}

void
dm_transaction_remove_provider(DmTransaction *transaction, DmProvider *provider)
{
    dm_tree_take_provider(transaction->tree, provider);
    provider->is_gone = true;
    (void)append(transaction, DM_UNDO_PROVIDER_REMOVED, provider, DM_NODE_PROVIDER);
    transaction->last = NULL;
}

void
dm_transaction_note_write(DmTransaction *transaction, DmProvider *provider, DmNodeId node)
{
    DmWrite write = {
        .provider = provider, .rule = dm_schema_get(node)->rule, .command = transaction->command};
    DmWrite *last;

    if (provider == NULL || dm_rule_get(write.rule)->commit == NULL)
        return;
    last = transaction->writes->len == 0
               ? NULL
               : &g_array_index(transaction->writes, DmWrite, transaction->writes->len - 1);
    if (last == NULL || last->provider != provider || last->rule != write.rule ||
        last->command != write.command)
        g_array_append_val(transaction->writes, write);
}

/* -- taking back --------------------------------------------------------------------------------
 */

DmMark
dm_transaction_mark(const DmTransaction *transaction)
{
    return (DmMark){.n_undos = transaction->undos->len,
                    .n_writes = transaction->writes->len,
                    .n_unenrolls = transaction->unenrolls->len};
}

static void
restore(DmTransaction *transaction, DmUndo *undo)
{
    DmTree *tree = transaction->tree;

    switch (undo->kind) {
    case DM_UNDO_NODE:
        if (undo->provider == NULL || dm_schema_get(undo->node)->slot >= 0) {
            DmValue *place = dm_journal_value(tree, undo->provider, undo->node);

            dm_value_clear(place);
            *place = undo->old.value;
        }
        if (undo->provider != NULL)
            dm_provider_mark(undo->provider, undo->node, undo->was_present);
        break;
    case DM_UNDO_OUTCOMES:
        g_hash_table_unref(undo->provider->outcomes);
        undo->provider->outcomes = undo->old.outcomes;
        break;
    case DM_UNDO_SESSION:
        g_hash_table_unref(undo->provider->session);
        undo->provider->session = undo->old.session;
        break;
    case DM_UNDO_PROVIDER_ADDED:
        dm_tree_take_provider(tree, undo->provider);
        dm_provider_free(undo->provider);
        break;
    case DM_UNDO_PROVIDER_REMOVED:
        undo->provider->is_gone = false;
        dm_tree_insert_provider(tree, undo->provider);
        break;
    case DM_UNDO_NOTHING:
        break;
    }
}

void
dm_transaction_roll_back(DmTransaction *transaction, DmMark mark)
{
    for (guint i = transaction->undos->len; i-- > mark.n_undos;)
        restore(transaction, &g_array_index(transaction->undos, DmUndo, i));
    g_array_set_size(transaction->undos, mark.n_undos);
    g_array_set_size(transaction->writes, mark.n_writes);
    g_ptr_array_set_size(transaction->unenrolls, (gint)mark.n_unenrolls);
    transaction->last = NULL;
}

/* The first entry after `index` for the same node; NULL if there is none. */
static DmUndo *
find_later(DmTransaction *transaction, guint index)
{
    const DmUndo *undo = &g_array_index(transaction->undos, DmUndo, index);

    for (guint i = index + 1; i < transaction->undos->len; i++) {
        DmUndo *later = &g_array_index(transaction->undos, DmUndo, i);

        if (later->kind == DM_UNDO_NODE && later->node == undo->node &&
            later->provider == undo->provider)
            return later;
    }
    return NULL;
}

/* Whether taking `undo` back alone leaves each node below one that is present: later commands may
 * have built on it. */
static bool
may_restore(const DmUndo *undo)
{
    DmNodeId end = dm_schema_get_end(undo->node);

    if (undo->provider == NULL)
        return true;
    if (undo->was_present)
        return dm_provider_is_present(undo->provider, dm_schema_get(undo->node)->parent);
    for (guint id = undo->node + 1u; id < end; id++)
        if (dm_provider_is_present(undo->provider, (DmNodeId)id))
            return false;
    return true;
}

void
dm_transaction_undo(DmTransaction *transaction, guint command)
{
    for (guint i = transaction->undos->len; i-- > 0;) {
        DmUndo *undo = &g_array_index(transaction->undos, DmUndo, i);
        DmUndo *later;

        if (undo->command != command ||
            (undo->kind != DM_UNDO_NODE && undo->kind != DM_UNDO_OUTCOMES))
            continue;
        later = undo->kind == DM_UNDO_NODE ? find_later(transaction, i) : NULL;
        if (later != NULL) {
            /* What the later command found is now what this one had found. */
            if (undo->provider == NULL || dm_schema_get(undo->node)->slot >= 0) {
                dm_value_clear(&later->old.value);
                later->old.value = undo->old.value;
            }
            later->was_present = undo->was_present;
        } else if (may_restore(undo)) {
            restore(transaction, undo);
        } else {
            continue;
        }
        undo->kind = DM_UNDO_NOTHING;
    }
    for (guint i = transaction->writes->len; i-- > 0;)
        if (g_array_index(transaction->writes, DmWrite, i).command == command)
            g_array_remove_index(transaction->writes, i);
}
