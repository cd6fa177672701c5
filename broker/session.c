/* SPDX-License-Identifier: MIT */

#include "broker/session-private.h"

#include <string.h>

#include "broker/address.h"
#include "broker/http.h"
#include "broker/origin.h"
#include "common/error.h"
#include "common/source.h"

bool
dm_session_is_origin(const char *word)
{
    return dm_origin_to_number(word) != NULL && strcmp(word, DM_TREE_ORIGIN_UNENROLL) != 0;
}

/* -- ends ----------------------------------------------------------------------------------------
 */

void
dm_session_end(DmSession *session, const GError *error)
{
    if (session->is_over)
        return;
    session->is_over = true;
    dm_session_stop_keep_alive(session);
    if (session->timer)
        g_source_destroy(session->timer);
    session->handlers.on_ended(&session->record, error, session->data);
}

void
dm_session_end_with(DmSession *session, DmErrorCode code, const char *text)
{
    g_autofree char *host = dm_address_describe(session->target);
    g_autoptr(GError) error = g_error_new(DM_ERROR, (gint)code, "%s: %s", host, text);

    dm_session_end(session, error);
}

static gboolean
on_out_of_time(gpointer data)
{
    dm_session_end_with(data, DM_ERROR_TIMEOUT,
                        "the session took too long: [broker] session-timeout");
    return G_SOURCE_REMOVE;
}

/* -- addresses (L3) ------------------------------------------------------------------------------
 */

static void
on_try(const char *address, gpointer data)
{
    DmSession *session = data;

    g_free(session->target);
    session->target = g_strdup(address);
    /* What no server has taken was not said. */
    session->record.n_sent = 0;
    session->handlers.on_connecting(&session->record, session->data);
    dm_session_send_first(session, &session->first);
}

static void
on_wait(const DmReachWait *wait, gpointer data)
{
    DmSession *session = data;

    session->handlers.on_waiting(wait, session->data);
}

static void
on_given_up(const GError *error, gpointer data)
{
    dm_session_end(data, error);
}

void
dm_session_note_first_answer(DmSession *session, const DmTransportAnswer *answer)
{
    guint timeout_s = session->options.config->session_timeout_s;

    session->has_answered = true;
    session->record.has_skew =
        dm_http_measure_skew(answer, session->options.provider, &session->record.skew_s);
    session->record.address = dm_reach_get_address(session->reach);
    session->timer = g_timeout_source_new(timeout_s * 1000);
    g_source_set_callback(session->timer, on_out_of_time, session, NULL);
    g_source_attach(session->timer, session->context);
    session->handlers.on_running(&session->record, session->data);
}

/* -- life ----------------------------------------------------------------------------------------
 */

/* The first address is asked from the loop: nobody is called before the session is known. */
static gboolean
on_start(gpointer data)
{
    DmSession *session = data;

    g_clear_pointer(&session->timer, g_source_unref);
    dm_reach_begin(session->reach);
    return G_SOURCE_REMOVE;
}

DmSession *
dm_session_new(const DmSessionOptions *options, GMainContext *context,
               const DmSessionHandlers *handlers, gpointer data)
{
    DmSession *session = g_new0(DmSession, 1);
    const char *login_status =
        options->uid >= 0 ? "user" : dm_device_get_login_status(options->device);
    bool is_alone = strcmp(login_status, "none") == 0;
    static const DmReachHandlers on_reach = {on_try, on_wait, on_given_up};
    const DmReachOptions reach = {
        .provider = options->provider,
        .start = options->start,
        .no_retry = options->no_retry,
        .journal = options->journal,
        .network = options->network,
    };

    session->options = *options;
    session->first = (DmPackageFirst){
        .login_status = login_status,
        .asked = strcmp(options->origin, "push") == 0,
        .unenrols = strcmp(options->origin, DM_TREE_ORIGIN_UNENROLL) == 0,
    };
    session->context = g_main_context_ref(context ? context : g_main_context_default());
    session->handlers = *handlers;
    session->data = data;
    session->max_size = -1;
    session->max_object = -1;
    session->chunks = dm_chunks_new();
    session->outbox = dm_outbox_new();
    g_queue_init(&session->held);
    session->header_status = DM_STATUS_OK;
    session->credentials =
        dm_credentials_new(options->start->account, options->config->demands_credentials);
    session->mode = g_strdup(is_alone ? "Machine" : "Maintenance");
    session->reach = dm_reach_new(&reach, session->context, &on_reach, session);
    session->timer = g_idle_source_new();
    g_source_set_callback(session->timer, on_start, session, NULL);
    g_source_attach(session->timer, session->context);
    return session;
}

void
dm_session_hurry(DmSession *session)
{
    if (!session->is_over && !session->has_answered)
        dm_reach_hurry(session->reach);
}

const DmSessionRecord *
dm_session_get_record(const DmSession *session)
{
    return &session->record;
}

void
dm_session_free(DmSession *session)
{
    if (!session)
        return;
    dm_source_drop(&session->timer);
    dm_reach_free(session->reach);
    dm_session_stop_keep_alive(session);
    dm_answer_free(session->answer);
    dm_message_free(session->message);
    g_queue_clear_full(&session->held, (GDestroyNotify)dm_message_free);
    dm_outbox_free(session->outbox);
    dm_chunks_free(session->chunks);
    dm_credentials_free(session->credentials);
    g_clear_pointer(&session->last_bytes, g_bytes_unref);
    g_clear_error(&session->abort_cause);
    g_free(session->msg_ref);
    g_free(session->target);
    g_free(session->mode);
    g_main_context_unref(session->context);
    g_free(session);
}
