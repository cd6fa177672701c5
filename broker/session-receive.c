/* SPDX-License-Identifier: MIT */

#include "broker/session-private.h"

#include "broker/address.h"
#include "broker/http.h"
#include "common/error.h"
#include "common/log.h"
#include "syncml/auth.h"
#include "syncml/reader.h"

#define CONTENT_TYPE "application/vnd.syncml.dm+xml"
#define CONTENT_TYPE_WBXML "application/vnd.syncml.dm+wbxml"

/* -- credentials ---------------------------------------------------------------------------------
 */

/* Package 1 again, as the next message, with the credentials that the server asks for (section 5).
 */
static void
answer_challenge(DmSession *session, const DmMessage *message, const DmElement *challenge)
{
    DmPackageFirst first = session->first;
    g_autoptr(GError) error = NULL;

    if (!dm_credentials_take_challenge(session->credentials, &challenge->chal,
                                       session->record.n_sent, &error)) {
        dm_session_end(session, error);
        return;
    }
    dm_journal_add(session->options.journal, session->options.provider,
                   "the server asks for credentials");
    first.challenge = message->header.msg_id;
    first.challenge_status = session->header_status;
    dm_session_send_first(session, &first);
}

/* Nonces that the next session needs. */
static void
keep_nonces(DmSession *session)
{
    const char *level;
    char *nonce;

    while ((nonce = dm_credentials_take_nonce(session->credentials, &level))) {
        session->handlers.on_nonce(level, nonce, session->data);
        dm_auth_wipe(nonce);
    }
}

typedef enum {
    VERDICT_RUN,       /* its commands are to be run */
    VERDICT_CHALLENGE, /* … and are refused, for the server has to say who it is */
    VERDICT_OVER,      /* the session has ended, or something else was answered */
} Verdict;

/* What the server says of the device's credentials, and what it has of its own. */
static Verdict
check_credentials(DmSession *session, const DmMessage *message, const DmChecked *checked)
{
    DmStatus status = dm_credentials_check_server(session->credentials, &message->header.cred);

    if (!session->is_pending)
        session->header_status = status;
    if (status >= DM_STATUS_BAD_REQUEST && session->is_pending) {
        dm_session_end_with(session, DM_ERROR_CREDENTIALS,
                            "the server's own credentials are wrong in the middle of the session");
        return VERDICT_OVER;
    }
    if (status >= DM_STATUS_BAD_REQUEST)
        return VERDICT_CHALLENGE;
    if (checked->challenge) {
        answer_challenge(session, message, checked->challenge);
        return VERDICT_OVER;
    }
    if (checked->header)
        dm_credentials_take_status(session->credentials,
                                   (guint)g_ascii_strtoull(checked->header->data, NULL, 10),
                                   &checked->header->chal);
    keep_nonces(session);
    return VERDICT_RUN;
}

/* -- the server's message ------------------------------------------------------------------------
 */

/* Where the next message goes, if the server may say so (section 1). */
static void
take_resp_uri(DmSession *session, const DmMessage *message)
{
    const char *uri = message->header.resp_uri;

    if (!uri || !*uri)
        return;
    if (!dm_address_is_listed(uri, (const char *const *)session->options.start->addresses)) {
        dm_log_warning("the server's RespURI is on no listed host and is ignored", "DM_PROVIDER",
                       session->options.provider);
        return;
    }
    g_free(session->target);
    session->target = g_strdup(uri);
}

static void
take_header(DmSession *session, const DmMessage *message)
{
    /* 0 could not be meant. */
    if (message->header.max_msg_size > 0)
        session->max_size = message->header.max_msg_size;
    if (message->header.max_obj_size > 0)
        session->max_object = message->header.max_obj_size;
    if (!session->is_pending) {
        g_free(session->msg_ref);
        session->msg_ref = g_strdup(message->header.msg_id);
        session->is_silent = message->header.no_resp;
    }
    take_resp_uri(session, message);
}

/* What the message says of the session itself. */
static Verdict
check_message(DmSession *session, const DmMessage *message)
{
    g_autoptr(GError) error = NULL;
    DmChecked checked;
    DmStatus status = dm_check_header(message, session->options.start->session_id, &error);

    if (status != DM_STATUS_OK) {
        dm_session_abort(session, status, error);
        return VERDICT_OVER;
    }
    if (dm_check_has_alert(message, DM_ALERT_ABORT)) {
        dm_session_end_with(session, DM_ERROR_ABORTED,
                            "the server aborted the session (Alert 1223)");
        return VERDICT_OVER;
    }
    if (!dm_check_statuses(message, session->record.n_sent, dm_package_count_first(&session->first),
                           &checked, &error)) {
        dm_session_end(session, error);
        return VERDICT_OVER;
    }
    if (checked.n_strays > 0)
        dm_log_warning("the server sent a Status for a command that was never sent", "DM_PROVIDER",
                       session->options.provider);
    if (dm_check_refuses_results(message, session->record.n_sent))
        dm_outbox_skip_object(session->outbox);
    take_header(session, message);
    return check_credentials(session, message, &checked);
}

/* The answer to a request-pending message neither ends the session nor is a repetition, and what it
 * asks for is done after what is under way. */
static void
take_pending_answer(DmSession *session, DmMessage *message)
{
    g_autoptr(DmMessage) owned = message;
    Verdict verdict = check_message(session, message);

    if (verdict == VERDICT_OVER)
        return;
    session->is_pending = false;
    if (dm_check_has_commands(message))
        dm_session_hold_commands(session, g_steal_pointer(&owned));
    dm_session_go_on(session);
}

static void
take_real_answer(DmSession *session, GBytes *bytes, DmMessage *message)
{
    g_autoptr(DmMessage) owned = message;
    g_autoptr(GBytes) last = g_steal_pointer(&session->last_bytes);

    session->last_bytes = g_bytes_ref(bytes);
    switch (check_message(session, message)) {
    case VERDICT_RUN:
        dm_session_take_commands(session, g_steal_pointer(&owned),
                                 last && g_bytes_equal(last, bytes));
        break;
    case VERDICT_CHALLENGE:
        dm_session_challenge_server(session, g_steal_pointer(&owned));
        break;
    case VERDICT_OVER:
        break;
    }
}

static void
take_message(DmSession *session, GBytes *bytes)
{
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    const char *text = g_bytes_get_data(bytes, &size);
    DmMessage *message;

    dm_journal_add_message(session->options.journal, session->options.provider, DM_MESSAGE_RECEIVED,
                           session->record.n_received + 1, bytes);
    message = dm_reader_parse(text, size, DM_READ_MESSAGE, &error);
    if (!message) {
        g_clear_pointer(&session->msg_ref, g_free);
        g_prefix_error(&error, "the server's answer: ");
        if (error->code == DM_ERROR_TOO_LARGE)
            dm_session_abort(session, DM_STATUS_TOO_LARGE, error);
        else
            dm_session_end(session, error);
        return;
    }
    session->record.n_received++;
    if (session->is_pending)
        take_pending_answer(session, message);
    else
        take_real_answer(session, bytes, message);
}

/* -- the server's HTTP answer --------------------------------------------------------------------
 */

/* S4: what is in the clear, unsigned or otherwise not as agreed is the end, without an answer. */
static void
take_secured(DmSession *session, const DmTransportAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) message = dm_security_unwrap(session->options.security, answer->body,
                                                   answer->content_type, session->target, &error);

    if (message)
        take_message(session, message);
    else
        dm_session_end_with(session, (DmErrorCode)error->code, error->message);
}

/* An empty body is a regular end, but where the server was only told to wait. */
static void
take_empty(DmSession *session)
{
    if (!session->is_pending) {
        dm_session_end(session, NULL);
        return;
    }
    session->is_pending = false;
    dm_session_go_on(session);
}

/* `cut` not NULL: the body was over the cap. */
static void
take_answer(DmSession *session, const DmTransportAnswer *answer, const GError *cut)
{
    g_autoptr(GError) error = NULL;

    session->record.bytes_received += g_bytes_get_size(answer->body);
    dm_journal_add(session->options.journal, session->options.provider, "HTTP status %u",
                   answer->status);
    if (answer->status != 200) {
        error = dm_http_new_error(answer);
        dm_session_end(session, error);
    } else if (cut) {
        dm_session_abort(session, DM_STATUS_TOO_LARGE, cut);
    } else if (dm_security_is_on(session->options.security)) {
        take_secured(session, answer);
    } else if (g_bytes_get_size(answer->body) == 0) {
        take_empty(session);
    } else if (answer->content_encoding &&
               g_ascii_strcasecmp(answer->content_encoding, "identity") != 0) {
        dm_session_end_with(session, DM_ERROR_INVALID,
                            "the answer is compressed, which was not asked for");
    } else if (dm_http_is_type(answer->content_type, CONTENT_TYPE_WBXML)) {
        g_set_error(&error, DM_ERROR, DM_ERROR_INVALID,
                    "the server answers in WBXML, and only XML is spoken");
        dm_session_abort(session, DM_STATUS_BAD_FORMAT, error);
    } else if (!dm_http_is_type(answer->content_type, CONTENT_TYPE)) {
        dm_session_end_with(session, DM_ERROR_INVALID,
                            "the answer's Content-Type is not " CONTENT_TYPE
                            ": is this an OMA-DM server?");
    } else {
        take_message(session, answer->body);
    }
}

void
dm_session_on_answer(const DmTransportAnswer *answer, const GError *error, gpointer data)
{
    DmSession *session = data;

    session->is_posting = false;
    if (session->is_over)
        return;
    if (session->abort_cause) {
        dm_session_end(session, session->abort_cause);
        return;
    }
    if (!session->has_answered && !dm_reach_take(session->reach, answer, error))
        return;
    if (!answer) {
        dm_session_end(session, error);
        return;
    }
    if (!session->has_answered)
        dm_session_note_first_answer(session, answer);
    take_answer(session, answer, error);
}
