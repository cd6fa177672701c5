/* SPDX-License-Identifier: MIT */

/* A run of a first sync: its clock (F7), and how it ends (F4). */

#include <string.h>

#include "common/error.h"
#include "tree/journal.h"
#include "tree/rules/first-sync.h"
#include "tree/session-private.h"

#define MINUTE_US (60 * G_GINT64_CONSTANT(1000000))
#define FAILED 0
#define SUCCEEDED 1
#define IN_PROGRESS 2

/* -- the clock ----------------------------------------------------------------------------------
 * Kept is how much time the run had used at a moment, and that moment on both clocks: what comes
 * after is counted on the boot-time clock as long as the kernel is the same, then by the wall
 * clock. */

typedef struct {
    gint64 wall_us, boot_us, used_us;
    const char *boot_id; /* borrowed, to the end of the text */
} RunClock;

static gint64
take_number(const char **text)
{
    char *end = NULL;
    gint64 number = g_ascii_strtoll(*text, &end, 10);

    *text = end + (*end == ' ');
    return CLAMP(number, 0, G_MAXINT64 / 4);
}

/* False: no session of the run has begun. */
static bool
get_clock(const DmProvider *provider, RunClock *clock)
{
    const char *text = g_hash_table_lookup(provider->outcomes, DM_FIRST_SYNC_STARTED);

    if (text == NULL)
        return false;
    clock->wall_us = take_number(&text);
    clock->boot_us = take_number(&text);
    clock->used_us = take_number(&text);
    clock->boot_id = text;
    return clock->wall_us != 0;
}

/* Free with g_free(). */
static char *
format_clock(const DmTree *tree, gint64 used_us)
{
    return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s",
                           dm_clock_wall_us(tree->options.clock),
                           dm_clock_boot_us(tree->options.clock), used_us, tree->boot_id);
}

/* What the run has used by now, the kernel being the one that the clock is of. */
static gint64
get_used_us(const DmProvider *provider, const RunClock *clock)
{
    return clock->used_us +
           MAX(0, dm_clock_boot_us(provider->tree->options.clock) - clock->boot_us);
}

/* What the device's run says of `node`, which users' runs go by too (F4); its default where the
 * device has no run. */
static gint64
get_of_device(const DmProvider *provider, DmNodeId node)
{
    const DmProvider *device =
        dm_tree_find_provider(provider->tree, DM_SCOPE_DEVICE, 0, provider->id);
    DmValue value;

    if ((device != NULL && dm_provider_get(device, node, &value)) ||
        dm_schema_get_default(node, &value))
        return value.u.integer;
    return 0;
}

static gint64
get_timeout_us(const DmProvider *provider)
{
    return get_of_device(provider, DM_NODE_FIRST_SYNC_TIME_OUT_UNTIL_SYNC_FAILURE) * MINUTE_US;
}

/* Whether the run can still end by itself. */
static bool
is_open(const DmProvider *provider)
{
    DmValue value;

    return dm_provider_get(provider, DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED,
                           &value) &&
           value.u.integer == IN_PROGRESS;
}

/* The server may have ended the run without a word on how (F4): then it does not time out. */
static bool
is_timed(const DmProvider *provider)
{
    DmValue value;

    return is_open(provider) &&
           dm_provider_get(provider, DM_NODE_FIRST_SYNC_IS_SYNC_DONE, &value) && !value.u.boolean;
}

bool
dm_first_sync_get_left(const DmProvider *provider, gint64 *ret_left_us)
{
    RunClock clock;

    if (!get_clock(provider, &clock))
        return false;
    *ret_left_us = get_timeout_us(provider) - get_used_us(provider, &clock);
    return true;
}

void
dm_first_sync_edit_begin(DmSessionEdits *edits, DmProvider *provider)
{
    g_autofree char *text = NULL;
    RunClock clock;

    if (!is_open(provider))
        return;
    text = format_clock(provider->tree,
                        get_clock(provider, &clock) ? get_used_us(provider, &clock) : 0);
    dm_session_edits_set(edits, provider, DM_STORE_OUTCOME, DM_FIRST_SYNC_STARTED, text);
}

/* F7: what the clock of another run of the kernel says, as of now; NULL: it is of this one. */
static char *
carry_over(const DmProvider *provider, const RunClock *clock)
{
    const DmTree *tree = provider->tree;
    gint64 gone_us = dm_clock_wall_us(tree->options.clock) - clock->wall_us;
    gint64 left_us = MAX(0, get_timeout_us(provider) - clock->used_us);

    if (strcmp(clock->boot_id, tree->boot_id) == 0 &&
        clock->boot_us <= dm_clock_boot_us(tree->options.clock))
        return NULL;
    return format_clock(tree, clock->used_us + CLAMP(gone_us, 0, left_us));
}

void
dm_first_sync_resume(DmTree *tree)
{
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();
    g_autoptr(GHashTable) clocks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    GHashTableIter iter;
    gpointer provider, text;

    for (guint i = 0; i < tree->providers->len; i++) {
        DmProvider *one = g_ptr_array_index(tree->providers, i);
        RunClock clock;
        char *carried;

        if (!is_timed(one) || !get_clock(one, &clock))
            continue;
        carried = carry_over(one, &clock);
        if (carried == NULL)
            continue;
        dm_session_edits_set(edits, one, DM_STORE_OUTCOME, DM_FIRST_SYNC_STARTED, carried);
        g_hash_table_insert(clocks, one, carried);
    }
    if (dm_session_edits_commit(edits, tree, NULL))
        return;
    /* The disk is of no use; the time goes on all the same. */
    g_hash_table_iter_init(&iter, clocks);
    while (g_hash_table_iter_next(&iter, &provider, &text))
        g_hash_table_replace(((DmProvider *)provider)->outcomes, g_strdup(DM_FIRST_SYNC_STARTED),
                             g_strdup(text));
}

/* -- the end ------------------------------------------------------------------------------------
 */

/* F4: the server has finished, and nothing that it expects is pending or failed. */
static bool
has_succeeded(const DmProvider *provider)
{
    g_auto(DmFirstSyncProgress) progress = {0};
    DmValue finished;

    if (!dm_provider_get(provider, DM_NODE_FIRST_SYNC_SERVER_HAS_FINISHED_PROVISIONING,
                         &finished) ||
        !finished.u.boolean || !dm_first_sync_get_progress(provider, &progress))
        return false;
    for (guint i = 0; i < DM_FIRST_SYNC_N_LISTS; i++)
        if (progress.categories[i].done != progress.categories[i].total)
            return false;
    return true;
}

static void
decide(DmTransaction *transaction, DmProvider *provider)
{
    const DmValue succeeded = dm_value_new_int(SUCCEEDED);
    const DmValue done = {.format = DM_FORMAT_BOOL, .u.boolean = true};

    if (!is_open(provider) || !has_succeeded(provider))
        return;
    dm_transaction_set(transaction, provider,
                       DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED, &succeeded);
    dm_transaction_set(transaction, provider, DM_NODE_FIRST_SYNC_IS_SYNC_DONE, &done);
}

/* A run that a server's session makes has it as its first. */
static void
start(DmTransaction *transaction, DmProvider *provider)
{
    g_autofree char *text = NULL;

    if (transaction->context->provider == NULL || !is_open(provider) ||
        g_hash_table_contains(provider->outcomes, DM_FIRST_SYNC_STARTED))
        return;
    text = format_clock(transaction->tree, 0);
    dm_transaction_set_outcome(transaction, provider, DM_FIRST_SYNC_STARTED, text);
}

void
dm_transaction_decide_first_syncs(DmTransaction *transaction)
{
    g_autoptr(GPtrArray) touched = NULL;
    guint n = transaction->undos->len;

    for (guint i = 0; i < n; i++) {
        const DmUndo *undo = &g_array_index(transaction->undos, DmUndo, i);
        DmProvider *provider = undo->provider;
        bool is_touched =
            undo->kind == DM_UNDO_OUTCOMES ||
            (undo->kind == DM_UNDO_NODE && dm_schema_is_below(undo->node, DM_NODE_FIRST_SYNC));

        if (provider == NULL || !is_touched || provider->is_gone)
            continue;
        if (undo->kind == DM_UNDO_NODE && undo->node == DM_NODE_FIRST_SYNC)
            start(transaction, provider);
        if (touched == NULL)
            touched = g_ptr_array_new();
        if (touched->len == 0 || g_ptr_array_index(touched, touched->len - 1) != provider)
            g_ptr_array_add(touched, provider);
    }
    for (guint i = 0; touched != NULL && i < touched->len; i++)
        decide(transaction, g_ptr_array_index(touched, i));
}

gint64
dm_first_sync_get_due_us(const DmTree *tree)
{
    gint64 now_us = dm_clock_boot_us(tree->options.clock);
    gint64 due_us = -1;

    for (guint i = 0; i < tree->providers->len; i++) {
        const DmProvider *provider = g_ptr_array_index(tree->providers, i);
        gint64 left_us;

        if (dm_first_sync_get_left(provider, &left_us) && is_timed(provider) &&
            (due_us < 0 || now_us + MAX(0, left_us) < due_us))
            due_us = now_us + MAX(0, left_us);
    }
    return due_us;
}

bool
dm_first_sync_expire(DmTree *tree, GError **error)
{
    static const DmContext root = {.uid = -1};
    const DmValue failed = dm_value_new_int(FAILED);

    dm_transaction_begin(tree->transaction, &root);
    for (guint i = 0; i < tree->providers->len; i++) {
        DmProvider *provider = g_ptr_array_index(tree->providers, i);
        gint64 left_us;

        if (dm_first_sync_get_left(provider, &left_us) && left_us <= 0 && is_timed(provider))
            dm_transaction_set(tree->transaction, provider,
                               DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED, &failed);
    }
    return dm_transaction_finish(tree->transaction, error);
}

/* -- trying again -------------------------------------------------------------------------------
 */

/* BlockInStatusPage: which ways out people have whom the page holds; 0: it holds nobody. */
#define BLOCK_RETRY 2

/* The run to try again; NULL and `error`. */
static DmProvider *
find_failed(DmTree *tree, const char *provider_id, DmScope scope, guint32 uid, GError **error)
{
    DmProvider *provider = dm_tree_find_provider(tree, scope, uid, provider_id);
    const char *whose = scope == DM_SCOPE_USER ? "user" : "device";
    DmValue value;
    gint64 ways_out;

    if (provider == NULL || !dm_provider_has(provider, DM_NODE_FIRST_SYNC)) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND,
                    "the %s's tree has no first sync of a provider “%s”", whose, provider_id);
        return NULL;
    }
    if (!dm_provider_get(provider, DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED,
                         &value) ||
        value.u.integer != FAILED) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "the %s's first sync with “%s” has not failed: there is nothing to try again",
                    whose, provider_id);
        return NULL;
    }
    ways_out = get_of_device(provider, DM_NODE_FIRST_SYNC_BLOCK_IN_STATUS_PAGE);
    if (ways_out != 0 && (ways_out & BLOCK_RETRY) == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "“%s” does not let people try its first sync again: ask its help desk",
                    provider_id);
        return NULL;
    }
    return provider;
}

/* The outcomes that the new run begins with: those of what need not be done again. The clock is the
 * old run's. */
static GHashTable *
copy_good_outcomes(const DmProvider *provider)
{
    GHashTable *good = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer name, text;

    g_hash_table_iter_init(&iter, provider->outcomes);
    while (g_hash_table_iter_next(&iter, &name, &text))
        if (strcmp(name, DM_FIRST_SYNC_STARTED) != 0 && !dm_first_sync_is_failed(text))
            g_hash_table_insert(good, g_strdup(name), g_strdup(text));
    return good;
}

/* G3 is about one run: within it no latch goes back. This one is over, and the latches of the next
 * begin as F5's Delete and Add would leave them, but for ServerHasFinishedProvisioning: that is the
 * server's word on its lists, which stay. A server that has said it does not say it again; without
 * it the new run could only time out (F4), and the lists would not be frozen any more (F2). */
bool
dm_first_sync_retry(DmTree *tree, const char *provider_id, DmScope scope, guint32 uid,
                    GError **error)
{
    static const DmContext root = {.uid = -1};
    DmProvider *provider = find_failed(tree, provider_id, scope, uid, error);

    if (provider == NULL)
        return false;
    dm_transaction_begin(tree->transaction, &root);
    dm_transaction_set(tree->transaction, provider,
                       DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED, NULL);
    dm_transaction_set(tree->transaction, provider, DM_NODE_FIRST_SYNC_IS_SYNC_DONE, NULL);
    dm_transaction_take_outcomes(tree->transaction, provider, copy_good_outcomes(provider));
    /* Where the server forced the failure there may be nothing left to wait for. */
    dm_transaction_decide_first_syncs(tree->transaction);
    return dm_transaction_finish(tree->transaction, error);
}
