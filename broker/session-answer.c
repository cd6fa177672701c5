/* SPDX-License-Identifier: MIT */

#include "broker/session-private.h"

#include "broker/notes.h"
#include "common/error.h"
#include "common/log.h"
#include "common/source.h"

/* -- ends ----------------------------------------------------------------------------------------
 */

/* Whether the server has nothing more to say (protocol.md section 1): no command in a message with
 * Final, or in one without Final after another without. While there is more to send, it says so by
 * not asking for that. */
static bool
is_last(const DmSession *session)
{
    if (dm_answer_has_commands(session->answer))
        return false;
    if (!dm_outbox_is_empty(session->outbox))
        return session->message->final &&
               !dm_check_has_alert(session->message, DM_ALERT_NEXT_MESSAGE);
    return session->message->final || session->has_asked;
}

static void
drop_message(DmSession *session)
{
    g_clear_pointer(&session->answer, dm_answer_free);
    g_clear_pointer(&session->message, dm_message_free);
}

static void
end_regularly(DmSession *session)
{
    if (!dm_outbox_is_empty(session->outbox))
        dm_log_warning("the server ends the session without asking for the rest of an answer",
                       "DM_PROVIDER", session->options.provider);
    dm_session_end(session, NULL);
}

/* -- keep-alive (S3) -----------------------------------------------------------------------------
 */

static gboolean
on_keep_alive(gpointer data)
{
    DmSession *session = data;

    dm_session_stop_keep_alive(session);
    if (dm_session_send_pending(session))
        dm_journal_add(session->options.journal, session->options.provider,
                       "the answer is not ready yet");
    return G_SOURCE_REMOVE;
}

static void
start_keep_alive(DmSession *session)
{
    if (!session->options.start->keep_alive)
        return;
    session->keep_alive =
        g_timeout_source_new_seconds(session->options.config->keep_alive_interval_s);
    g_source_set_callback(session->keep_alive, on_keep_alive, session, NULL);
    g_source_attach(session->keep_alive, session->context);
}

void
dm_session_stop_keep_alive(DmSession *session)
{
    dm_source_drop(&session->keep_alive);
}

/* -- commands ------------------------------------------------------------------------------------
 */

/* Hands the answer at hand to the outbox. One that came for the rest of another, and has no command
 * of its own, goes before it, and ends no package. */
static void
file_answer(DmSession *session, DmReply *reply, GPtrArray *dropped)
{
    bool has_commands = dm_answer_has_commands(session->answer);
    bool is_urgent = !dm_outbox_is_empty(session->outbox) && !has_commands;
    const DmOutboxEntry entry = {
        .message = session->message,
        .answer = session->answer,
        .reply = reply,
        .dropped = dropped,
    };

    dm_notes_add(session->answer, reply, &session->record.tally, session->options.journal,
                 session->options.provider);
    if (!is_urgent)
        session->is_final = session->message->final;
    session->message = NULL;
    session->answer = NULL;
    dm_outbox_add(session->outbox, &entry, is_urgent);
}

static GPtrArray *
copy_dropped(const DmSession *session)
{
    const GPtrArray *dropped = dm_chunks_get_dropped(session->chunks);
    GPtrArray *copy;

    if (dropped->len == 0)
        return NULL;
    copy = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < dropped->len; i++)
        g_ptr_array_add(copy, g_strdup(dropped->pdata[i]));
    return copy;
}

static void
on_applied(DmReply *applied, const GError *error, gpointer data)
{
    DmSession *session = data;
    g_autoptr(DmReply) reply = applied;

    if (session->is_over)
        return;
    session->is_running = false;
    dm_session_stop_keep_alive(session);
    if (error) {
        dm_session_end(session, error);
        return;
    }
    if (session->max_object >= 0)
        dm_answer_limit_objects(session->answer, reply, (gsize)session->max_object);
    /* E2: an Exec of Unenroll; not even its Status is sent. */
    if (dm_reply_is_stopped(reply)) {
        dm_notes_add(session->answer, reply, &session->record.tally, session->options.journal,
                     session->options.provider);
        session->record.is_stopped = true;
        dm_session_end(session, NULL);
        return;
    }
    file_answer(session, g_steal_pointer(&reply), copy_dropped(session));
    if (!session->is_posting)
        dm_session_go_on(session);
}

static void
run_commands(DmSession *session)
{
    gsize n_commands = 0;
    const DmCommand *commands = dm_answer_get_batch(session->answer, &n_commands);
    const DmContext context = {
        .session = session->options.start->token,
        .message = session->n_run,
        .provider = session->options.provider,
        .uid = session->options.uid,
    };

    session->record.n_commands += (guint)n_commands;
    session->is_running = true;
    start_keep_alive(session);
    dm_routes_apply(session->options.routes, &context, commands, n_commands, on_applied, session);
}

void
dm_session_take_commands(DmSession *session, DmMessage *message, bool is_repeat)
{
    session->n_run++;
    session->message = message;
    dm_chunks_take(session->chunks, message);
    session->answer = dm_answer_new_limited(message, dm_session_get_room(session));
    if (is_last(session)) {
        drop_message(session);
        end_regularly(session);
    } else if (is_repeat) {
        drop_message(session);
        dm_session_end_with(session, DM_ERROR_PROTOCOL,
                            "the server sent the same message twice in a row");
    } else if (session->record.n_sent >= session->options.config->max_messages) {
        drop_message(session);
        dm_session_end_with(session, DM_ERROR_TOO_LARGE, "the session has too many messages");
    } else {
        run_commands(session);
    }
}

void
dm_session_hold_commands(DmSession *session, DmMessage *message)
{
    g_queue_push_tail(&session->held, message);
}

void
dm_session_go_on(DmSession *session)
{
    if (session->is_running)
        start_keep_alive(session);
    else if (!g_queue_is_empty(&session->held))
        dm_session_take_commands(session, g_queue_pop_head(&session->held), false);
    else
        dm_session_send_answer(session, NULL);
}

void
dm_session_challenge_server(DmSession *session, DmMessage *message)
{
    g_autoptr(GError) error = NULL;
    DmAuthElement chal;

    if (!dm_credentials_challenge_server(session->credentials, &chal)) {
        dm_message_free(message);
        g_set_error(&error, DM_ERROR, DM_ERROR_CREDENTIALS,
                    "the server's own credentials are missing or wrong: correct APPAUTH of level "
                    "CLIENT");
        dm_session_abort(session, session->header_status, error);
        return;
    }
    session->message = message;
    session->answer = dm_answer_new(message);
    file_answer(session, dm_answer_refuse(session->answer, session->header_status), NULL);
    dm_session_send_answer(session, &chal);
}
