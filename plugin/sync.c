/* SPDX-License-Identifier: MIT */

#include "plugin/sync.h"

#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "common/source.h"
#include "plugin/starter.h"
#include "tree/history.h"
#include "tree/session.h"
#include "tree/unenroll.h"

/* How long a broker that was started may take to attend, and one that attends to begin. */
#define ATTEND_MS 15000
#define BEGIN_MS 300000

struct DmSync {
    DmTree *tree;
    GMainContext *context;
    guint listener;
    DmSocket *socket; /* NULL: none is served */
    DmStarter *starter;
    GHashTable *requests; /* provider's id → Request, not begun yet */
    GHashTable *ends;     /* token → End */
    guint n_waiting;
    GHashTable *asked; /* uid → gint64 monotonic time of the last session asked for */
    GSource *unenrol;  /* patience with brokers before providers are cleaned up without one */
};

typedef struct {
    DmSync *sync;
    DmSyncFunc func;
    gpointer data;
    GDestroyNotify free_data;
} Waiter;

/* Who waits for the end of a session. */
typedef struct {
    char *provider;
    GPtrArray *waiters; /* Waiter */
} End;

/* A session that is asked for and has not begun. */
typedef struct {
    DmSync *sync;
    char *provider;
    char *token;
    char *origin;
    gint64 user;
    guint32 uid;      /* whose turn it was */
    GPtrArray *early; /* Waiter: for a broker that knows of it */
    bool is_told;     /* one did; it may have gone since, and the next one will be told */
    GSource *patience;
} Request;

static void
waiter_free(gpointer data)
{
    Waiter *waiter = data;

    waiter->sync->n_waiting--;
    waiter->free_data(waiter->data);
    g_free(waiter);
}

static void
request_free(gpointer data)
{
    Request *request = data;

    dm_source_drop(&request->patience);
    g_ptr_array_unref(request->early);
    g_free(request->provider);
    g_free(request->token);
    g_free(request->origin);
    g_free(request);
}

/* -- waiting ------------------------------------------------------------------------------------
 */

static GPtrArray *
new_waiters(void)
{
    return g_ptr_array_new_with_free_func(waiter_free);
}

static void
add_waiter(GPtrArray *waiters, DmSync *sync, DmSyncFunc func, gpointer data,
           GDestroyNotify free_data)
{
    Waiter *waiter = g_new(Waiter, 1);

    *waiter = (Waiter){sync, func, data, free_data};
    sync->n_waiting++;
    g_ptr_array_add(waiters, waiter);
}

static void
end_free(gpointer data)
{
    End *end = data;

    g_ptr_array_unref(end->waiters);
    g_free(end->provider);
    g_free(end);
}

static void
add_end(DmSync *sync, const char *provider, const char *token, DmSyncFunc func, gpointer data,
        GDestroyNotify free_data)
{
    End *end = g_hash_table_lookup(sync->ends, token);

    if (end == NULL) {
        end = g_new(End, 1);
        *end = (End){g_strdup(provider), new_waiters()};
        g_hash_table_insert(sync->ends, g_strdup(token), end);
    }
    add_waiter(end->waiters, sync, func, data, free_data);
}

/* Tells all of them, and is done with them. */
static void
tell(GPtrArray *waiters, const char *token, const GError *error)
{
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = g_ptr_array_index(waiters, i);

        waiter->func(error == NULL ? token : NULL, error, waiter->data);
    }
    g_ptr_array_set_size(waiters, 0);
}

/* The session of `token` has ended, or will never be. */
static void
tell_end(DmSync *sync, const char *token, const GError *error)
{
    g_autofree char *key = NULL;
    End *end = NULL;

    if (!g_hash_table_steal_extended(sync->ends, token, (gpointer *)&key, (gpointer *)&end))
        return;
    tell(end->waiters, token, error);
    end_free(end);
}

/* -- requests -----------------------------------------------------------------------------------
 */

static void
fail_request(DmSync *sync, Request *request, const GError *error)
{
    g_autofree char *token = g_strdup(request->token);

    /* Where no broker heard of it nobody has had a session. */
    if (!request->is_told)
        g_hash_table_remove(sync->asked, GUINT_TO_POINTER(request->uid));
    g_hash_table_steal(sync->requests, request->provider);
    tell(request->early, token, error);
    request_free(request);
    tell_end(sync, token, error);
}

static gboolean
on_patience_over(gpointer data)
{
    Request *request = data;
    g_autoptr(GError) error =
        g_error_new_literal(DM_ERROR, DM_ERROR_DISCONNECTED,
                            "dmclient-broker was told and does not begin: see its log, for "
                            "instance journalctl -u dmclient-broker");

    fail_request(request->sync, request, error);
    return G_SOURCE_REMOVE;
}

static void
set_patience(Request *request, guint patience_ms)
{
    dm_source_drop(&request->patience);
    request->patience = g_timeout_source_new(patience_ms);
    g_source_set_callback(request->patience, on_patience_over, request, NULL);
    g_source_attach(request->patience, request->sync->context);
}

static bool
is_attended(const DmSync *sync)
{
    return sync->socket != NULL && dm_socket_get_n_attending(sync->socket) > 0;
}

static void
send_request(DmSync *sync, Request *request)
{
    dm_socket_request_sync(sync->socket, request->provider, request->token, request->origin,
                           request->user);
    set_patience(request, BEGIN_MS);
    request->is_told = true;
    tell(request->early, request->token, NULL);
}

/* Those that no broker was told of. */
static void
fail_untold(DmSync *sync, const GError *error)
{
    g_autoptr(GList) requests = g_hash_table_get_values(sync->requests);

    for (GList *l = requests; l != NULL; l = l->next) {
        Request *request = l->data;

        if (!request->is_told)
            fail_request(sync, request, error);
    }
}

/* -- the broker ---------------------------------------------------------------------------------
 */

static void finish_unenrolls(DmSync *sync);

static void
on_start_failed(const GError *error, gpointer data)
{
    DmSync *sync = data;

    dm_log_warning("The broker could not be started", "REASON", error->message);
    fail_untold(sync, error);
    finish_unenrolls(sync);
}

/* Has the request carried out by who is there, or who can be started. */
static void
place_request(DmSync *sync, Request *request)
{
    g_autoptr(GError) error = NULL;

    if (is_attended(sync)) {
        send_request(sync, request);
    } else if ((sync->socket != NULL && dm_starter_start(sync->starter)) || request->is_told) {
        set_patience(request, DM_STARTER_PATIENCE_MS + ATTEND_MS);
    } else {
        error = g_error_new_literal(DM_ERROR, DM_ERROR_DISCONNECTED,
                                    "nobody runs sessions now: start dmclient-broker");
        fail_request(sync, request, error);
    }
}

void
dm_sync_on_attending(DmSync *sync)
{
    g_autoptr(GList) requests = g_hash_table_get_values(sync->requests);

    for (GList *l = requests; l != NULL; l = l->next)
        place_request(sync, l->data);
    dm_sync_unenroll(sync);
}

void
dm_sync_set_socket(DmSync *sync, DmSocket *socket)
{
    sync->socket = socket;
}

void
dm_sync_set_connection(DmSync *sync, DBusConnection *connection)
{
    g_autoptr(GError) error =
        g_error_new_literal(DM_ERROR, DM_ERROR_DISCONNECTED, "the bus went away");

    dm_starter_set_connection(sync->starter, connection);
    if (connection != NULL)
        return;
    /* Who asked over it is gone with it. What a broker knows of goes on. */
    g_hash_table_remove_all(sync->ends);
    fail_untold(sync, error);
}

/* -- asking -------------------------------------------------------------------------------------
 */

static gboolean
is_over(gpointer key, gpointer value, gpointer data)
{
    return *(const gint64 *)data - *(const gint64 *)value >= DM_SYNC_PAUSE_US;
}

/* Whether the uid may have another session now; notes that it had one. */
static bool
take_turn(DmSync *sync, const DmSyncRequest *request, GError **error)
{
    gint64 now_us = g_get_monotonic_time();
    gint64 *last;

    if (!request->is_limited)
        return true;
    (void)g_hash_table_foreach_remove(sync->asked, is_over, &now_us);
    last = g_hash_table_lookup(sync->asked, GUINT_TO_POINTER(request->uid));
    if (last != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_BUSY,
                    "one session a minute can be asked for: try again in %d s",
                    (int)((DM_SYNC_PAUSE_US - (now_us - *last)) / G_USEC_PER_SEC) + 1);
        return false;
    }
    last = g_new(gint64, 1);
    *last = now_us;
    g_hash_table_insert(sync->asked, GUINT_TO_POINTER(request->uid), last);
    return true;
}

static Request *
request_new(DmSync *sync, const DmSyncRequest *what, const char *token)
{
    Request *request = g_new0(Request, 1);

    request->sync = sync;
    request->provider = g_strdup(what->provider);
    request->token = g_strdup(token);
    request->origin = g_strdup(what->origin);
    request->user = what->user;
    request->uid = what->uid;
    request->early = new_waiters();
    g_hash_table_insert(sync->requests, request->provider, request);
    return request;
}

/* The request for a provider, made if need be; NULL with `error`. */
static Request *
find_request(DmSync *sync, const DmSyncRequest *what, bool *ret_is_new, GError **error)
{
    Request *request = g_hash_table_lookup(sync->requests, what->provider);
    const char *token;

    *ret_is_new = request == NULL;
    if (request != NULL)
        return request;
    if (!take_turn(sync, what, error) ||
        !dm_session_reserve(sync->tree, what->provider, &token, error))
        return NULL;
    return request_new(sync, what, token);
}

/* Answers at once. */
static void
answer(const char *session, const GError *error, DmSyncFunc func, gpointer data,
       GDestroyNotify free_data)
{
    func(session, error, data);
    free_data(data);
}

/* One that has not begun: it is made, or joined. */
static void
ask(DmSync *sync, const DmSyncRequest *what, DmSyncFunc func, gpointer data,
    GDestroyNotify free_data)
{
    g_autoptr(GError) error = NULL;
    bool is_new = false;
    Request *request = find_request(sync, what, &is_new, &error);

    if (request == NULL) {
        answer(NULL, error, func, data, free_data);
        return;
    }
    if (what->wait)
        add_end(sync, what->provider, request->token, func, data, free_data);
    else
        add_waiter(request->early, sync, func, data, free_data);
    if (is_new)
        place_request(sync, request);
    else if (is_attended(sync))
        tell(request->early, request->token, NULL);
}

/* L4: whoever asks while the session waits for its server has it try at once; not more often than
 * he may ask for sessions. */
static void
hurry(DmSync *sync, const DmSyncRequest *what, const char *current)
{
    const DmProvider *provider =
        dm_tree_find_provider(sync->tree, DM_SCOPE_DEVICE, 0, what->provider);

    if (dm_session_get_info(provider).state == DM_SESSION_BACKING_OFF && is_attended(sync) &&
        take_turn(sync, what, NULL))
        dm_socket_request_sync(sync->socket, what->provider, current, what->origin, what->user);
}

void
dm_sync_request(DmSync *sync, const DmSyncRequest *what, DmSyncFunc func, gpointer data,
                GDestroyNotify free_data)
{
    const DmProvider *provider =
        dm_tree_find_provider(sync->tree, DM_SCOPE_DEVICE, 0, what->provider);
    const char *current = provider != NULL ? dm_session_get_current(provider) : NULL;
    g_autoptr(GError) error = NULL;

    if (sync->n_waiting >= DM_SYNC_MAX_WAITING) {
        error = g_error_new_literal(DM_ERROR, DM_ERROR_BUSY, "too many wait for sessions already");
        answer(NULL, error, func, data, free_data);
    } else if (current == NULL) {
        ask(sync, what, func, data, free_data);
    } else {
        hurry(sync, what, current);
        if (what->wait)
            add_end(sync, what->provider, current, func, data, free_data);
        else
            answer(current, NULL, func, data, free_data);
    }
}

/* -- the tree's changes -------------------------------------------------------------------------
 */

/* What was asked for has begun: whoever did not wait for the end need not wait any longer. */
static void
note_begin(DmSync *sync, const char *id)
{
    const DmProvider *provider = dm_tree_find_provider(sync->tree, DM_SCOPE_DEVICE, 0, id);
    Request *request = g_hash_table_lookup(sync->requests, id);
    const char *current = provider != NULL ? dm_session_get_current(provider) : NULL;

    if (request == NULL || g_strcmp0(request->token, current) != 0)
        return;
    g_hash_table_steal(sync->requests, id);
    tell(request->early, request->token, NULL);
    request_free(request);
}

static void
note_end(DmSync *sync, const DmHistoryEntry *ended)
{
    g_autoptr(GError) error = NULL;

    if (!g_str_equal(ended->result, DM_HISTORY_OK))
        g_set_error(&error, DM_ERROR, DM_ERROR_FAILED, "the session failed (%s): %s", ended->result,
                    ended->reason);
    tell_end(sync, ended->id, error);
}

/* The provider is gone: nothing that was asked of it will be. */
static void
note_removal(DmSync *sync, const char *id)
{
    g_autoptr(GError) error =
        g_error_new_literal(DM_ERROR, DM_ERROR_NOT_FOUND, "the provider has been unenrolled");
    Request *request = g_hash_table_lookup(sync->requests, id);
    GHashTableIter iter;
    gpointer value;

    if (request != NULL)
        fail_request(sync, request, error);
    g_hash_table_iter_init(&iter, sync->ends);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        End *end = value;

        if (!g_str_equal(end->provider, id))
            continue;
        tell(end->waiters, NULL, error);
        g_hash_table_iter_remove(&iter);
    }
}

static void
on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    DmSync *sync = data;

    for (gsize i = 0; i < n_changes; i++) {
        const DmChange *change = &changes[i];

        if (change->scope != DM_SCOPE_DEVICE || change->node != DM_NODE_PROVIDER)
            continue;
        if (change->kind == DM_CHANGE_SESSION && change->ended != NULL)
            note_end(sync, change->ended);
        else if (change->kind == DM_CHANGE_SESSION)
            note_begin(sync, change->provider);
        else if (change->kind == DM_CHANGE_REMOVED)
            note_removal(sync, change->provider);
    }
}

/* -- life ---------------------------------------------------------------------------------------
 */

DmSync *
dm_sync_new(DmTree *tree, GMainContext *context)
{
    DmSync *sync = g_new0(DmSync, 1);

    sync->tree = tree;
    sync->context = context;
    sync->requests = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, request_free);
    sync->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, end_free);
    sync->asked = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    sync->starter = dm_starter_new(on_start_failed, sync);
    sync->listener = dm_tree_add_listener(tree, on_changes, sync);
    return sync;
}

void
dm_sync_free(DmSync *sync)
{
    if (sync == NULL)
        return;
    dm_tree_remove_listener(sync->tree, sync->listener);
    dm_starter_free(sync->starter);
    dm_source_drop(&sync->unenrol);
    g_hash_table_unref(sync->requests);
    g_hash_table_unref(sync->ends);
    g_hash_table_unref(sync->asked);
    g_free(sync);
}

/* -- unenrolling --------------------------------------------------------------------------------
 */

/* No broker comes: without a last session then. */
static void
finish_unenrolls(DmSync *sync)
{
    g_autoptr(GError) error = NULL;

    dm_source_drop(&sync->unenrol);
    if (!dm_tree_finish_unenrolls(sync->tree, G_MAXINT64, &error))
        dm_log_warning("A provider could not be cleaned up", "REASON", error->message);
}

static gboolean
on_unenroll_late(gpointer data)
{
    DmSync *sync = data;

    if (is_attended(sync))
        dm_source_drop(&sync->unenrol);
    else
        finish_unenrolls(sync);
    return G_SOURCE_REMOVE;
}

/* The unenrolments that wait for their last session. */
static guint
tell_unenrolls(DmSync *sync)
{
    const DmUnenrollment *const *all;
    guint n_pending = 0;
    gsize n;

    all = dm_tree_get_unenrollments(sync->tree, &n);
    for (gsize i = 0; i < n; i++) {
        if (all[i]->done_us != 0)
            continue;
        n_pending++;
        if (is_attended(sync))
            dm_socket_request_sync(sync->socket, all[i]->provider, "", DM_SESSION_ORIGIN_UNENROLL,
                                   -1);
    }
    return n_pending;
}

void
dm_sync_unenroll(DmSync *sync)
{
    if (tell_unenrolls(sync) == 0 || is_attended(sync))
        return;
    if (sync->socket == NULL || !dm_starter_start(sync->starter)) {
        finish_unenrolls(sync);
        return;
    }
    dm_source_drop(&sync->unenrol);
    sync->unenrol = g_timeout_source_new(DM_STARTER_PATIENCE_MS + ATTEND_MS);
    g_source_set_callback(sync->unenrol, on_unenroll_late, sync, NULL);
    g_source_attach(sync->unenrol, sync->context);
}
