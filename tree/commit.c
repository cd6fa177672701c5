/* SPDX-License-Identifier: MIT */

/* The end of a transaction: judgement by the topics' rules, net changes, store, listeners. */

#include "common/account.h"
#include "tree/journal.h"
#include "tree/transaction.h"
#include "tree/unenroll-private.h"

static DmUndo *
get_undo(const DmTransaction *transaction, guint index)
{
    return &g_array_index(transaction->undos, DmUndo, index);
}

/* -- judging ------------------------------------------------------------------------------------
 */

static bool
is_judged(const GArray *topics, const DmWrite *write)
{
    for (guint i = 0; i < topics->len; i++) {
        const DmWrite *topic = &g_array_index(topics, DmWrite, i);

        if (topic->provider == write->provider && topic->rule == write->rule)
            return true;
    }
    return false;
}

bool
dm_transaction_judge(DmTransaction *transaction, DmMark mark, guint *ret_command,
                     DmStatus *ret_status)
{
    g_array_set_size(transaction->topics, 0);
    transaction->command = DM_COMMAND_NONE;
    /* Backwards: the first write of a topic that is met is the last one of the message. */
    for (guint i = transaction->writes->len; i-- > mark.n_writes;) {
        DmWrite write = g_array_index(transaction->writes, DmWrite, i);
        DmStatus status;

        if (write.provider->is_gone || is_judged(transaction->topics, &write))
            continue;
        g_array_append_val(transaction->topics, write);
        status = dm_rule_get(write.rule)->commit(transaction, write.provider);
        if (status != DM_STATUS_OK) {
            *ret_command = write.command;
            *ret_status = status;
            return false;
        }
    }
    return true;
}

void
dm_transaction_settle(DmTransaction *transaction, DmMark mark)
{
    GArray *writes = transaction->writes;
    guint kept = 0;

    /* Earlier writes of the same topics were judged along with those since the mark. */
    for (guint i = 0; i < mark.n_writes; i++) {
        const DmWrite *write = &g_array_index(writes, DmWrite, i);

        if (!is_judged(transaction->topics, write))
            g_array_index(writes, DmWrite, kept++) = *write;
    }
    g_array_set_size(writes, kept);
}

/* -- net changes --------------------------------------------------------------------------------
 */

static int
compare_undos(gconstpointer a, gconstpointer b, gpointer data)
{
    guint index_a = *(const guint *)a;
    guint index_b = *(const guint *)b;
    const DmUndo *x = get_undo(data, index_a);
    const DmUndo *y = get_undo(data, index_b);

    if (x->provider != y->provider) {
        int order;

        if (x->provider == NULL || y->provider == NULL)
            return x->provider == NULL ? -1 : 1;
        order = dm_provider_compare(x->provider, y->provider);
        if (order != 0)
            return order;
        /* One that was deleted and another of its name: the old one goes first. */
        if (x->provider->is_new != y->provider->is_new)
            return x->provider->is_new ? 1 : -1;
        return x->provider < y->provider ? -1 : 1;
    }
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return index_a < index_b ? -1 : index_a > index_b;
}

/* Whether the node is not what the journal's first entry of it says it was. */
static bool
is_changed(const DmTransaction *transaction, const DmUndo *undo)
{
    bool is_present = dm_journal_is_present(transaction->tree, undo->provider, undo->node);

    if (undo->was_present != is_present)
        return true;
    if (!is_present || dm_node_is_interior(dm_schema_get(undo->node)))
        return false;
    return !dm_value_equal(&undo->old.value,
                           dm_journal_value(transaction->tree, undo->provider, undo->node));
}

/* Whether entry `undo`, coming after `before` in the order of the tree, is a net change. `before`
 * NULL: it is the first. */
static bool
is_net(const DmTransaction *transaction, const DmUndo *before, const DmUndo *undo)
{
    const DmProvider *provider = undo->provider;
    bool is_first = before == NULL || before->provider != provider || before->node != undo->node ||
                    before->kind != undo->kind;

    if (!is_first)
        return false;
    if (provider != NULL && (provider->is_new || provider->is_gone))
        return provider->is_new != provider->is_gone &&
               undo->kind == (provider->is_new ? DM_UNDO_PROVIDER_ADDED : DM_UNDO_PROVIDER_REMOVED);
    return undo->kind == DM_UNDO_OUTCOMES || undo->kind == DM_UNDO_SESSION ||
           is_changed(transaction, undo);
}

/* What the device calls itself to the server stays the same as long as it is enrolled
 * (protocol.md 7): what enrolment sent, else EntDMID if it came with the provider, else HWDevID. */
static void
fix_dev_id(DmProvider *provider)
{
    DmValue value;

    if (provider->scope != DM_SCOPE_DEVICE ||
        g_hash_table_contains(provider->account, DM_ACCOUNT_DEV_ID))
        return;
    if ((dm_provider_get(provider, DM_NODE_ENT_DMID, &value) && value.u.chr != NULL &&
         *value.u.chr != '\0') ||
        dm_provider_get(provider, DM_NODE_HW_DEV_ID, &value))
        g_hash_table_insert(provider->account, g_strdup(DM_ACCOUNT_DEV_ID), g_strdup(value.u.chr));
}

/* E3: with a provider of the device tree ends its enrolment. */
static void
note_ended(DmTransaction *transaction)
{
    for (guint i = 0; i < transaction->nets->len; i++) {
        const DmUndo *undo = get_undo(transaction, g_array_index(transaction->nets, guint, i));

        if (undo->kind == DM_UNDO_PROVIDER_REMOVED && undo->provider->scope == DM_SCOPE_DEVICE)
            g_ptr_array_add(transaction->unenrolls,
                            dm_unenroll_note_done(transaction->tree, undo->provider));
    }
}

gsize
dm_transaction_collect(DmTransaction *transaction)
{
    GArray *nets = transaction->nets;
    const DmUndo *before = NULL;
    guint kept = 0;

    g_array_set_size(nets, 0);
    for (guint i = 0; i < transaction->undos->len; i++)
        if (get_undo(transaction, i)->kind != DM_UNDO_NOTHING)
            g_array_append_val(nets, i);
    g_array_sort_with_data(nets, compare_undos, transaction);
    for (guint i = 0; i < nets->len; i++) {
        guint index = g_array_index(nets, guint, i);
        const DmUndo *undo = get_undo(transaction, index);

        if (is_net(transaction, before, undo)) {
            g_array_index(nets, guint, kept++) = index;
            if (undo->kind == DM_UNDO_PROVIDER_ADDED)
                fix_dev_id(undo->provider);
        }
        before = undo;
    }
    g_array_set_size(nets, kept);
    note_ended(transaction);
    return kept + transaction->unenrolls->len;
}

/* -- store --------------------------------------------------------------------------------------
 */

static bool
write_strings(DmStore *store, gint64 key, DmStoreKind kind, GHashTable *strings, GError **error)
{
    GHashTableIter iter;
    gpointer name, value;

    g_hash_table_iter_init(&iter, strings);
    while (g_hash_table_iter_next(&iter, &name, &value))
        if (!dm_store_put_text(store, key, kind, name, value, error))
            return false;
    return true;
}

static bool
write_node(DmStore *store, const DmTransaction *transaction, DmProvider *provider, DmNodeId node,
           GError **error)
{
    gint64 key = provider == NULL ? 0 : provider->key;
    const DmValue *value = NULL;

    if (!dm_journal_is_present(transaction->tree, provider, node))
        return dm_store_delete_node(store, key, node, error);
    if (!dm_node_is_interior(dm_schema_get(node)))
        value = dm_journal_value(transaction->tree, provider, node);
    return dm_store_put_node(store, key, node, value, error);
}

static bool
write_new_provider(DmStore *store, const DmTransaction *transaction, DmProvider *provider,
                   GError **error)
{
    DmNodeId end = dm_schema_get_end(DM_NODE_PROVIDER);

    if (!dm_store_add_provider(store, provider->scope, provider->uid, provider->id, &provider->key,
                               error))
        return false;
    for (guint id = DM_NODE_PROVIDER + 1; id < end; id++) {
        /* What every provider has (V10) says nothing. */
        if (id != DM_NODE_SECURITY && dm_provider_is_present(provider, (DmNodeId)id) &&
            !write_node(store, transaction, provider, (DmNodeId)id, error))
            return false;
    }
    return write_strings(store, provider->key, DM_STORE_ACCOUNT, provider->account, error) &&
           write_strings(store, provider->key, DM_STORE_SESSION, provider->session, error) &&
           write_strings(store, provider->key, DM_STORE_OUTCOME, provider->outcomes, error);
}

/* Writes what differs from `old`: each is a row, and there may be thousands. */
static bool
write_changed(DmStore *store, gint64 key, DmStoreKind kind, GHashTable *strings, GHashTable *old,
              GError **error)
{
    GHashTableIter iter;
    gpointer name, value;

    if (g_hash_table_size(strings) == 0)
        return dm_store_put_text(store, key, kind, NULL, NULL, error);
    g_hash_table_iter_init(&iter, old);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!g_hash_table_contains(strings, name) &&
            !dm_store_put_text(store, key, kind, name, NULL, error))
            return false;
    g_hash_table_iter_init(&iter, strings);
    while (g_hash_table_iter_next(&iter, &name, &value))
        if (g_strcmp0(g_hash_table_lookup(old, name), value) != 0 &&
            !dm_store_put_text(store, key, kind, name, value, error))
            return false;
    return true;
}

static bool
write_net(DmStore *store, const DmTransaction *transaction, const DmUndo *undo, GError **error)
{
    switch (undo->kind) {
    case DM_UNDO_NODE:
        return write_node(store, transaction, undo->provider, undo->node, error);
    case DM_UNDO_OUTCOMES:
        return write_changed(store, undo->provider->key, DM_STORE_OUTCOME, undo->provider->outcomes,
                             undo->old.outcomes, error);
    case DM_UNDO_SESSION:
        return write_changed(store, undo->provider->key, DM_STORE_SESSION, undo->provider->session,
                             undo->old.session, error);
    case DM_UNDO_PROVIDER_ADDED:
        return write_new_provider(store, transaction, undo->provider, error);
    case DM_UNDO_PROVIDER_REMOVED:
        return dm_store_delete_provider(store, undo->provider->key, error);
    case DM_UNDO_NOTHING:
        break;
    }
    return true;
}

static bool
write_all(DmStore *store, const DmTransaction *transaction, const DmReply *reply, GError **error)
{
    const DmContext *context = transaction->context;

    for (guint i = 0; i < transaction->nets->len; i++) {
        const DmUndo *undo = get_undo(transaction, g_array_index(transaction->nets, guint, i));

        if (!write_net(store, transaction, undo, error))
            return false;
    }
    if (!dm_unenroll_write(transaction, store, error))
        return false;
    if (context->session != NULL && *context->session != '\0') {
        g_autoptr(GBytes) bytes = dm_reply_to_bytes(reply);

        return dm_store_put_reply(store, context->session, context->message, bytes, error);
    }
    return true;
}

bool
dm_transaction_write(DmTransaction *transaction, const DmReply *reply, GError **error)
{
    DmStore *store = transaction->tree->store;

    if (store == NULL)
        return true;
    if (!dm_store_begin(store, error))
        return false;
    if (!write_all(store, transaction, reply, error)) {
        dm_store_rollback(store);
        return false;
    }
    return dm_store_commit(store, error);
}

/* -- listeners ----------------------------------------------------------------------------------
 */

typedef struct {
    GArray *changes; /* DmChange */
    const DmProvider *provider;
    DmNodeId covered; /* end of the subtree that was added or removed as a whole */
    bool progress;    /* what is told of the first sync or of sessions depends on a change */
    bool session;
} Teller;

static void
add_change(Teller *teller, DmChangeKind kind, const DmProvider *provider, DmNodeId node)
{
    DmChange change = {.kind = kind, .node = node};

    if (provider != NULL) {
        change.scope = provider->scope;
        change.uid = provider->uid;
        change.provider = provider->id;
    }
    g_array_append_val(teller->changes, change);
}

static void
turn_to(Teller *teller, const DmProvider *provider)
{
    if (teller->session)
        add_change(teller, DM_CHANGE_SESSION, teller->provider, DM_NODE_PROVIDER);
    if (teller->progress && teller->provider != NULL &&
        dm_provider_is_present(teller->provider, DM_NODE_FIRST_SYNC))
        add_change(teller, DM_CHANGE_PROGRESS, teller->provider, DM_NODE_FIRST_SYNC);
    teller->provider = provider;
    teller->covered = DM_NODE_ROOT;
    teller->progress = false;
    teller->session = false;
}

/* Whether a leaf reads differently from before: one that was unset read as its default. */
static bool
reads_differently(const DmTransaction *transaction, const DmUndo *undo)
{
    DmValue before, now;
    bool had, has;

    if (undo->was_present) {
        had = true;
        before = undo->old.value;
    } else {
        had = dm_schema_get_default(undo->node, &before);
    }
    has = undo->provider == NULL ? dm_tree_get_root(transaction->tree, undo->node, &now)
                                 : dm_provider_get(undo->provider, undo->node, &now);
    return had != has || (had && !dm_value_equal(&before, &now));
}

/* Notes that a node of `row` changed, on which more is told than the node. */
static void
note_topic(Teller *teller, DmNodeId node, const DmNode *row)
{
    if (dm_schema_is_below(node, DM_NODE_FIRST_SYNC))
        teller->progress = true;
    if (dm_schema_is_below(node, DM_NODE_POLL) || row->rule == DM_RULE_ADDRESS ||
        row->rule == DM_RULE_ADDRESS_LIST ||
        node == DM_NODE_NUMBER_OF_DAYS_AFTER_LOST_CONTACT_TO_UNENROLL)
        teller->session = true;
}

static void
tell_node(Teller *teller, const DmTransaction *transaction, const DmUndo *undo)
{
    const DmNode *row = dm_schema_get(undo->node);
    DmProvider *provider = undo->provider;
    DmChangeKind kind = DM_CHANGE_VALUE;

    if (undo->node < teller->covered)
        return;
    if (provider != NULL && dm_node_is_interior(row)) {
        bool is_present = dm_provider_is_present(provider, undo->node);

        kind = is_present ? DM_CHANGE_ADDED : DM_CHANGE_REMOVED;
        teller->covered = dm_schema_get_end(undo->node);
    } else if (!reads_differently(transaction, undo)) {
        return;
    }
    note_topic(teller, undo->node, row);
    add_change(teller, kind, provider, undo->node);
}

static void
tell_new_provider(Teller *teller, const DmProvider *provider)
{
    DmNodeId end = dm_schema_get_end(DM_NODE_PROVIDER);

    g_assert(provider != NULL);
    for (guint id = DM_NODE_PROVIDER; id < end; id++)
        if (dm_node_is_interior(dm_schema_get((DmNodeId)id)) &&
            dm_provider_is_present(provider, (DmNodeId)id))
            add_change(teller, DM_CHANGE_ADDED, provider, (DmNodeId)id);
}

void
dm_transaction_tell(DmTransaction *transaction)
{
    g_autoptr(GArray) changes = NULL;
    Teller teller = {0};

    dm_unenroll_settle(transaction);
    if (transaction->tree->listeners->len == 0)
        return;
    changes = g_array_new(FALSE, FALSE, sizeof(DmChange));
    teller.changes = changes;
    for (guint i = 0; i < transaction->nets->len; i++) {
        const DmUndo *undo = get_undo(transaction, g_array_index(transaction->nets, guint, i));

        if (undo->provider != teller.provider)
            turn_to(&teller, undo->provider);
        if (undo->kind == DM_UNDO_NODE)
            tell_node(&teller, transaction, undo);
        else if (undo->kind == DM_UNDO_OUTCOMES)
            teller.progress = true;
        else if (undo->kind == DM_UNDO_SESSION)
            teller.session = true;
        else if (undo->kind == DM_UNDO_PROVIDER_ADDED)
            tell_new_provider(&teller, undo->provider);
        else if (undo->kind == DM_UNDO_PROVIDER_REMOVED)
            add_change(&teller, DM_CHANGE_REMOVED, undo->provider, DM_NODE_PROVIDER);
    }
    turn_to(&teller, NULL);
    dm_tree_notify(transaction->tree, (const DmChange *)(const void *)changes->data, changes->len);
}

bool
dm_transaction_finish(DmTransaction *transaction, GError **error)
{
    bool is_changed = dm_transaction_collect(transaction) > 0;
    bool is_good = !is_changed || dm_transaction_write(transaction, NULL, error);

    if (!is_good)
        dm_transaction_roll_back(transaction, (DmMark){0});
    else if (is_changed)
        dm_transaction_tell(transaction);
    dm_transaction_end(transaction);
    return is_good;
}
