/* SPDX-License-Identifier: MIT */
#include "tree/unenroll.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "tree/apply-verbs.h"
#include "tree/journal.h"
#include "tree/replies.h"
#include "tree/store-private.h"
#include "tree/unenroll-private.h"

#define MAX_BY 64
#define MAX_REASON 512

void
dm_unenrollment_free(DmUnenrollment *unenrollment)
{
    if (unenrollment == NULL)
        return;
    g_free(unenrollment->provider);
    g_free(unenrollment->session);
    g_free(unenrollment->by);
    g_free(unenrollment->reason);
    g_free(unenrollment->thumbprint);
    g_free(unenrollment);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmUnenrollment, dm_unenrollment_free)

/* -- looking ------------------------------------------------------------------------------------
 */

const DmUnenrollment *const *
dm_tree_get_unenrollments(const DmTree *tree, gsize *ret_n)
{
    *ret_n = tree->unenrollments->len;
    return (const DmUnenrollment *const *)tree->unenrollments->pdata;
}

const DmUnenrollment *
dm_tree_find_unenrollment(const DmTree *tree, const char *id)
{
    for (guint i = tree->unenrollments->len; i-- > 0;) {
        const DmUnenrollment *one = g_ptr_array_index(tree->unenrollments, i);

        if (strcmp(one->provider, id) == 0)
            return one;
    }
    return NULL;
}

DmUnenrollment *
dm_unenroll_find_pending(const DmTree *tree, const char *id)
{
    for (guint i = 0; i < tree->unenrollments->len; i++) {
        DmUnenrollment *one = g_ptr_array_index(tree->unenrollments, i);

        if (one->done_us == 0 && strcmp(one->provider, id) == 0)
            return one;
    }
    return NULL;
}

bool
dm_unenroll_is_over(const DmTree *tree, const DmContext *context)
{
    if (context->provider == NULL)
        return false;
    for (guint i = 0; i < tree->unenrollments->len; i++) {
        const DmUnenrollment *one = g_ptr_array_index(tree->unenrollments, i);

        if ((one->done_us == 0 && strcmp(one->provider, context->provider) == 0) ||
            (*one->session != '\0' && g_strcmp0(one->session, context->session) == 0))
            return true;
    }
    return false;
}

gint64
dm_tree_get_unenroll_due_us(const DmTree *tree)
{
    gint64 due_us = -1;

    for (guint i = 0; i < tree->unenrollments->len; i++) {
        const DmUnenrollment *one = g_ptr_array_index(tree->unenrollments, i);

        if (one->done_us == 0 && (due_us < 0 || one->due_us < due_us))
            due_us = one->due_us;
    }
    return due_us;
}

/* -- in a transaction ---------------------------------------------------------------------------
 */

/* Text of a caller as it may be kept and shown: valid, one line, not endless. */
static char *
clean(const char *text, gsize max)
{
    char *cleaned = g_utf8_make_valid(text, (gssize)strnlen(text, max));

    for (char *c = cleaned; *c != '\0'; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    return cleaned;
}

static DmUnenrollment *
new_unenrollment(const DmTree *tree, const DmProvider *provider, const char *session,
                 const char *by, const char *reason)
{
    const DmClock *clock = tree->options.clock;
    const char *thumbprint = g_hash_table_lookup(provider->account, DM_ACCOUNT_THUMBPRINT);
    DmUnenrollment *one = g_new0(DmUnenrollment, 1);

    one->enrolment = provider->key;
    one->provider = g_strdup(provider->id);
    one->session = g_strdup(session != NULL ? session : "");
    one->requested_us = MAX(dm_clock_wall_us(clock), 1);
    one->by = clean(by, MAX_BY);
    one->reason = clean(reason, MAX_REASON);
    one->thumbprint = g_strdup(thumbprint != NULL ? thumbprint : "");
    one->due_us = dm_clock_boot_us(clock) + DM_UNENROLL_PATIENCE_US;
    return one;
}

static void
request(DmTransaction *transaction, DmProvider *provider, const char *by, const char *reason)
{
    for (guint i = 0; i < transaction->unenrolls->len; i++) {
        const DmUnenrollment *one = g_ptr_array_index(transaction->unenrolls, i);

        if (one->done_us == 0 && strcmp(one->provider, provider->id) == 0)
            return;
    }
    if (dm_unenroll_find_pending(transaction->tree, provider->id) != NULL)
        return;
    g_ptr_array_add(
        transaction->unenrolls,
        new_unenrollment(transaction->tree, provider, transaction->context->session, by, reason));
}

void
dm_transaction_request_unenroll(DmTransaction *transaction, DmProvider *provider)
{
    bool is_server = transaction->context->provider != NULL;
    guint n = transaction->unenrolls->len;

    request(transaction, provider, is_server ? "server" : "root",
            is_server ? "the server ended the enrolment" : "the administrator ended the enrolment");
    /* No session of local root's has to end first. */
    if (!is_server && transaction->unenrolls->len > n)
        ((DmUnenrollment *)g_ptr_array_index(transaction->unenrolls, n))->due_us =
            dm_clock_boot_us(transaction->tree->options.clock);
}

DmUnenrollment *
dm_unenroll_note_done(const DmTree *tree, const DmProvider *provider)
{
    const DmUnenrollment *pending = dm_unenroll_find_pending(tree, provider->id);
    DmUnenrollment *done =
        pending != NULL
            ? new_unenrollment(tree, provider, pending->session, pending->by, pending->reason)
            : new_unenrollment(tree, provider, "", "root", "the administrator deleted it");

    done->done_us = done->requested_us;
    if (pending != NULL)
        done->requested_us = pending->requested_us;
    return done;
}

static bool
put(DmStore *store, const DmUnenrollment *one, GError **error)
{
    const DmStoreUnenrollment row = {
        .enrolment = one->enrolment,
        .provider = one->provider,
        .session = one->session,
        .requested_us = one->requested_us,
        .done_us = one->done_us,
        .by = one->by,
        .reason = one->reason,
        .thumbprint = one->thumbprint,
    };

    return dm_store_put_unenrollment(store, &row, error) &&
           (one->done_us == 0 ||
            dm_store_delete_replies(store, one->provider, one->session, error));
}

bool
dm_unenroll_write(const DmTransaction *transaction, DmStore *store, GError **error)
{
    for (guint i = 0; i < transaction->unenrolls->len; i++) {
        DmUnenrollment *one = g_ptr_array_index(transaction->unenrolls, i);
        const DmProvider *provider =
            dm_tree_find_provider(transaction->tree, DM_SCOPE_DEVICE, 0, one->provider);

        /* A provider of the same message has its key only now. */
        if (one->enrolment == 0 && provider != NULL)
            one->enrolment = provider->key;
        if (one->enrolment != 0 && !put(store, one, error))
            return false;
    }
    return true;
}

static guint
count_done(const DmTree *tree)
{
    guint n = 0;

    for (guint i = 0; i < tree->unenrollments->len; i++)
        n += ((const DmUnenrollment *)g_ptr_array_index(tree->unenrollments, i))->done_us != 0;
    return n;
}

/* As the store does. */
static void
forget_oldest(DmTree *tree)
{
    guint n = count_done(tree);

    for (guint i = 0; n > DM_STORE_MAX_UNENROLLMENTS && i < tree->unenrollments->len;) {
        if (((const DmUnenrollment *)g_ptr_array_index(tree->unenrollments, i))->done_us == 0) {
            i++;
            continue;
        }
        g_ptr_array_remove_index(tree->unenrollments, i);
        n--;
    }
}

void
dm_unenroll_settle(DmTransaction *transaction)
{
    DmTree *tree = transaction->tree;

    while (transaction->unenrolls->len > 0) {
        DmUnenrollment *one = g_ptr_array_steal_index(transaction->unenrolls, 0);
        DmUnenrollment *pending = dm_unenroll_find_pending(tree, one->provider);

        if (one->done_us != 0) {
            if (pending != NULL)
                g_ptr_array_remove(tree->unenrollments, pending);
            dm_replies_forget(tree, one->provider, one->session);
        } else if (dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, one->provider) == NULL) {
            dm_unenrollment_free(one); /* removed by the same message */
            continue;
        }
        g_ptr_array_add(tree->unenrollments, one);
    }
    forget_oldest(tree);
}

/* -- asking and cleaning up ---------------------------------------------------------------------
 */

static DmProvider *
find(DmTree *tree, const char *id, GError **error)
{
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, id);

    if (provider == NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "no provider “%s” is enrolled", id);
    return provider;
}

bool
dm_tree_request_unenroll(DmTree *tree, const char *id, const char *by, const char *reason,
                         GError **error)
{
    static const DmContext root = {.uid = -1};
    DmProvider *provider = find(tree, id, error);

    if (provider == NULL)
        return false;
    dm_transaction_begin(tree->transaction, &root);
    request(tree->transaction, provider, by, reason);
    return dm_transaction_finish(tree->transaction, error);
}

/* One commit: the enrolment is there as a whole, or gone as a whole with its note. */
static bool
clean_up(DmTree *tree, DmProvider *provider, GError **error)
{
    static const DmContext root = {.uid = -1};

    dm_transaction_begin(tree->transaction, &root);
    dm_apply_delete_provider(tree->transaction, provider);
    return dm_transaction_finish(tree->transaction, error);
}

bool
dm_tree_unenroll(DmTree *tree, const char *id, const char *by, const char *reason, GError **error)
{
    return dm_tree_request_unenroll(tree, id, by, reason, error) &&
           dm_tree_finish_unenroll(tree, id, error);
}

bool
dm_tree_finish_unenroll(DmTree *tree, const char *id, GError **error)
{
    DmUnenrollment *pending = dm_unenroll_find_pending(tree, id);
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, id);

    if (pending != NULL && provider != NULL) {
        if (clean_up(tree, provider, error))
            return true;
        pending->due_us = dm_clock_boot_us(tree->options.clock) + DM_UNENROLL_PATIENCE_US;
        return false;
    }
    if (provider == NULL && dm_tree_find_unenrollment(tree, id) != NULL)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND,
                "nobody asked for provider “%s” to be unenrolled", id);
    return false;
}

bool
dm_tree_finish_unenrolls(DmTree *tree, gint64 now_us, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) first = NULL;

    for (guint i = 0; i < tree->unenrollments->len; i++) {
        const DmUnenrollment *one = g_ptr_array_index(tree->unenrollments, i);

        if (one->done_us == 0 && one->due_us <= now_us)
            g_ptr_array_add(ids, g_strdup(one->provider));
    }
    for (guint i = 0; i < ids->len; i++)
        (void)dm_tree_finish_unenroll(tree, g_ptr_array_index(ids, i),
                                      first == NULL ? &first : NULL);
    if (first == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}

/* -- loading ------------------------------------------------------------------------------------
 */

static void
on_row(const DmStoreUnenrollment *row, gpointer data)
{
    DmTree *tree = data;
    DmUnenrollment *one = g_new0(DmUnenrollment, 1);

    *one = (DmUnenrollment){
        .enrolment = row->enrolment,
        .provider = g_strdup(row->provider),
        .session = g_strdup(row->session),
        .requested_us = row->requested_us,
        .done_us = row->done_us,
        .by = g_strdup(row->by),
        .reason = g_strdup(row->reason),
        .thumbprint = g_strdup(row->thumbprint),
    };
    g_ptr_array_add(tree->unenrollments, one);
}

/* The rows come by enrolment; here they stand in the order in which they ended, pending ones last.
 */
static int
compare(gconstpointer a, gconstpointer b)
{
    const DmUnenrollment *x = *(const DmUnenrollment *const *)a;
    const DmUnenrollment *y = *(const DmUnenrollment *const *)b;
    guint64 done_x = (guint64)x->done_us - 1, done_y = (guint64)y->done_us - 1;

    if (done_x != done_y)
        return done_x < done_y ? -1 : 1;
    return x->enrolment < y->enrolment ? -1 : x->enrolment > y->enrolment;
}

/* An enrolment that is gone, as a repaired file may have it, is not waited for. */
static void
drop_orphans(DmTree *tree)
{
    for (guint i = tree->unenrollments->len; i-- > 0;) {
        DmUnenrollment *one = g_ptr_array_index(tree->unenrollments, i);
        const DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, one->provider);

        if (one->done_us == 0 && (provider == NULL || provider->key != one->enrolment))
            one->done_us = MAX(one->requested_us, 1);
    }
}

bool
dm_unenroll_load(DmTree *tree, GError **error)
{
    if (!dm_store_load_unenrollments(tree->store, on_row, tree, error))
        return false;
    drop_orphans(tree);
    g_ptr_array_sort(tree->unenrollments, compare);
    return true;
}
