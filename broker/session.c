/* SPDX-License-Identifier: MIT */

#include "broker/session.h"

#include <string.h>

#include "broker/address.h"
#include "broker/check.h"
#include "broker/credentials.h"
#include "broker/http.h"
#include "broker/notes.h"
#include "broker/origin.h"
#include "broker/package.h"
#include "broker/reach.h"
#include "common/error.h"
#include "common/log.h"
#include "syncml/answer.h"
#include "syncml/reader.h"

#define CONTENT_TYPE "application/vnd.syncml.dm+xml"
#define CONTENT_TYPE_WBXML "application/vnd.syncml.dm+wbxml"
#define ALERT_ABORT 1223
#define ORIGIN_SINCE 4.0 /* version that brings the header UserAgentOrigin (S1) */

struct DmSession {
    DmSessionOptions options;
    GMainContext *context;
    DmSessionHandlers handlers;
    gpointer data;

    DmSessionRecord record;
    DmReach *reach; /* which address is asked, until one answers */
    char *target;   /* where the next message goes */
    char *mode;
    DmPackageFirst first;
    GSource *timer;     /* from the first answer on */
    GBytes *last_bytes; /* of the server, against repetition */
    gint64 max_size;    /* of a message to the server; -1 not told */
    DmCredentials *credentials;
    DmStatus header_status; /* of the message at work */
    bool has_answered;
    bool has_asked; /* Alert 1222 was in what was sent last */
    bool is_over;
    GError *abort_cause; /* an Alert 1223 is under way */

    /* the message at work */
    DmMessage *message;
    DmAnswer *answer;
};

bool
dm_session_is_origin(const char *word)
{
    return dm_origin_to_number(word) != NULL && strcmp(word, DM_TREE_ORIGIN_UNENROLL) != 0;
}

/* -- ends ----------------------------------------------------------------------------------------
 */

/* The one way out; nothing after it. */
static void
end(DmSession *session, const GError *error)
{
    if (session->is_over)
        return;
    session->is_over = true;
    if (session->timer)
        g_source_destroy(session->timer);
    session->handlers.on_ended(&session->record, error, session->data);
}

static void
end_with(DmSession *session, DmErrorCode code, const char *text)
{
    g_autofree char *host = dm_address_describe(session->target);
    g_autoptr(GError) error = g_error_new(DM_ERROR, (gint)code, "%s: %s", host, text);

    end(session, error);
}

static gboolean
on_out_of_time(gpointer data)
{
    end_with(data, DM_ERROR_TIMEOUT, "the session took too long: [broker] session-timeout");
    return G_SOURCE_REMOVE;
}

/* -- sending -------------------------------------------------------------------------------------
 */

static void on_answer(const DmTransportAnswer *answer, const GError *error, gpointer data);

static void
post(DmSession *session, GBytes *message)
{
    const char *platform = dm_device_get_platform();
    g_autofree char *url = dm_address_make_url(session->target, session->mode, platform);
    g_autofree char *request_id = g_uuid_string_random();
    g_autofree char *request_header = g_strconcat("client-request-id: ", request_id, NULL);
    g_autofree char *origin_header =
        g_strconcat("UserAgentOrigin: ", dm_origin_to_number(session->options.origin), NULL);
    g_autofree char *number = NULL;
    bool has_origin = g_ascii_strtod(session->options.start->version, NULL) >= ORIGIN_SINCE;
    g_auto(DmSecured) secured = {0};
    g_autoptr(GError) error = NULL;
    const char *headers[6] = {request_header};
    guint n = 1;

    if (!dm_security_wrap(session->options.security, message, &secured, &error)) {
        end(session, error);
        return;
    }
    headers[n++] = secured.content_type;
    headers[n++] = secured.accept;
    if (secured.signature)
        headers[n++] = secured.signature;
    if (has_origin)
        headers[n++] = origin_header;
    session->record.n_sent++;
    session->record.bytes_sent += g_bytes_get_size(secured.body);
    number = g_strdup_printf("%u", session->record.n_sent);
    dm_log_debug("sending a message", "DM_MESSAGE", number, "DM_REQUEST", request_id);
    dm_journal_add_message(session->options.journal, session->options.provider, DM_MESSAGE_SENT,
                           session->record.n_sent, message);
    dm_transport_post(session->options.transport, url, headers, secured.body, on_answer, session);
}

/* The header of the message that is sent next. */
static DmPackage
next_package(const DmSession *session)
{
    const char *const *addresses = (const char *const *)session->options.start->addresses;
    DmPackage package = {
        .session_id = session->options.start->session_id,
        .dev_id = session->options.dev_id,
        .address = session->target,
        .message = session->record.n_sent + 1,
    };

    if (dm_address_is_listed(session->target, addresses))
        dm_credentials_fill(session->credentials, &package.cred, &package.user_name);
    return package;
}

/* Tells the server that the session is over, and why, and ends with `cause` when that has got out
 * or failed. */
static void
abort_session(DmSession *session, unsigned status, const GError *cause)
{
    const DmPackage package = next_package(session);
    g_autofree char *counted = g_strdup_printf("%u", session->record.n_received + 1);
    const char *msg_id = session->message ? session->message->header.msg_id : NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (session->record.n_sent >= session->options.config->max_messages) {
        end(session, cause);
        return;
    }
    /* What could not be read has no number but that of its turn. */
    bytes = dm_package_write_abort(&package, msg_id ? msg_id : counted, status);
    session->abort_cause = g_error_copy(cause);
    post(session, bytes);
}

/* -- addresses (L3) ------------------------------------------------------------------------------
 */

static void
on_try(const char *address, gpointer data)
{
    DmSession *session = data;
    g_autoptr(GBytes) bytes = NULL;
    DmPackage package;

    g_free(session->target);
    session->target = g_strdup(address);
    /* What no server has taken was not said. */
    session->record.n_sent = 0;
    package = next_package(session);
    bytes = dm_package_write_first(&package, session->options.device, &session->first);
    session->handlers.on_connecting(&session->record, session->data);
    post(session, bytes);
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
    end(data, error);
}

static void
on_first_answer(DmSession *session, const DmTransportAnswer *answer)
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

/* -- the server's message ------------------------------------------------------------------------
 */

/* Whether the server has nothing more to say (section 1): no command in a message with Final, or in
 * one without Final after another without. */
static bool
is_last(const DmSession *session)
{
    return !dm_answer_has_commands(session->answer) &&
           (session->message->final || session->has_asked);
}

/* Where the next message goes, if the server may say so (section 1). */
static void
take_resp_uri(DmSession *session)
{
    const char *uri = session->message->header.resp_uri;

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

/* Answers the message at work with what its commands came to; `chal` may be NULL. */
static void
answer_with(DmSession *session, const DmReply *reply, const DmAuthElement *chal)
{
    const DmPackage package = next_package(session);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) cause = NULL;

    session->has_asked = !session->message->final;
    bytes = dm_package_write_answer(&package, session->answer, reply, session->message,
                                    session->header_status, chal);
    if (session->max_size >= 0 && g_bytes_get_size(bytes) > (gsize)session->max_size) {
        g_set_error(&cause, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "the answer has %" G_GSIZE_FORMAT
                    " bytes, and the server takes %" G_GINT64_FORMAT " (MaxMsgSize)",
                    g_bytes_get_size(bytes), session->max_size);
        abort_session(session, DM_STATUS_TOO_LARGE, cause);
        return;
    }
    post(session, bytes);
}

static void
on_applied(DmReply *applied, const GError *error, gpointer data)
{
    DmSession *session = data;
    g_autoptr(DmReply) reply = applied;

    if (session->is_over)
        return;
    if (error) {
        end(session, error);
        return;
    }
    dm_notes_add(session->answer, reply, &session->record.tally, session->options.journal,
                 session->options.provider);
    /* E2: an Exec of Unenroll; not even its Status is sent. */
    if (dm_reply_is_stopped(reply)) {
        session->record.is_stopped = true;
        end(session, NULL);
        return;
    }
    answer_with(session, reply, NULL);
}

static void
run_commands(DmSession *session)
{
    gsize n_commands = 0;
    const DmCommand *commands = dm_answer_get_batch(session->answer, &n_commands);
    const DmContext context = {
        .session = session->options.start->token,
        .message = session->record.n_received,
        .provider = session->options.provider,
        .uid = session->options.uid,
    };

    session->record.n_commands += (guint)n_commands;
    dm_routes_apply(session->options.routes, &context, commands, n_commands, on_applied, session);
}

/* Package 1 again, as the next message, with the credentials that the server asks for (section 5).
 */
static void
answer_challenge(DmSession *session, const DmElement *challenge)
{
    DmPackageFirst first = session->first;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    DmPackage package;

    if (!dm_credentials_take_challenge(session->credentials, &challenge->chal,
                                       session->record.n_sent, &error)) {
        end(session, error);
        return;
    }
    dm_journal_add(session->options.journal, session->options.provider,
                   "the server asks for credentials");
    first.challenge = session->message->header.msg_id;
    first.challenge_status = session->header_status;
    package = next_package(session);
    bytes = dm_package_write_first(&package, session->options.device, &first);
    post(session, bytes);
}

/* Nothing of the message runs: the server did not say who it is, or said it wrong. */
static void
challenge_server(DmSession *session)
{
    g_autoptr(DmReply) reply = NULL;
    g_autoptr(GError) error = NULL;
    DmAuthElement chal;

    if (!dm_credentials_challenge_server(session->credentials, &chal)) {
        g_set_error(&error, DM_ERROR, DM_ERROR_CREDENTIALS,
                    "the server's own credentials are missing or wrong: correct APPAUTH of level "
                    "CLIENT");
        abort_session(session, session->header_status, error);
        return;
    }
    session->answer = dm_answer_new(session->message);
    reply = dm_answer_refuse(session->answer, session->header_status);
    dm_notes_add(session->answer, reply, &session->record.tally, session->options.journal,
                 session->options.provider);
    answer_with(session, reply, &chal);
}

/* What the server says of the device's credentials, and what it has of its own. False: it has been
 * answered, or the session has ended. */
static bool
check_credentials(DmSession *session, const DmChecked *checked)
{
    session->header_status =
        dm_credentials_check_server(session->credentials, &session->message->header.cred);
    if (session->header_status >= DM_STATUS_BAD_REQUEST) {
        challenge_server(session);
        return false;
    }
    if (checked->challenge) {
        answer_challenge(session, checked->challenge);
        return false;
    }
    if (checked->header)
        dm_credentials_take_status(session->credentials,
                                   (guint)g_ascii_strtoull(checked->header->data, NULL, 10),
                                   &checked->header->chal);
    return true;
}

/* What the message says of the session itself. False: it has ended, or has been answered. */
static bool
check_message(DmSession *session)
{
    const DmMessage *message = session->message;
    g_autoptr(GError) error = NULL;
    DmChecked checked;
    DmStatus status = dm_check_header(message, session->options.start->session_id, &error);

    if (status != DM_STATUS_OK) {
        abort_session(session, status, error);
        return false;
    }
    if (dm_check_has_alert(message, ALERT_ABORT)) {
        end_with(session, DM_ERROR_ABORTED, "the server aborted the session (Alert 1223)");
        return false;
    }
    if (!dm_check_statuses(message, session->record.n_sent, dm_package_count_first(&session->first),
                           &checked, &error)) {
        end(session, error);
        return false;
    }
    if (checked.n_strays > 0)
        dm_log_warning("the server sent a Status for a command that was never sent", "DM_PROVIDER",
                       session->options.provider);
    if (message->header.max_msg_size >= 0)
        session->max_size = message->header.max_msg_size;
    take_resp_uri(session);
    return check_credentials(session, &checked);
}

static void
drop_message(DmSession *session)
{
    g_clear_pointer(&session->answer, dm_answer_free);
    g_clear_pointer(&session->message, dm_message_free);
}

static void
take_message(DmSession *session, GBytes *bytes)
{
    g_autoptr(GBytes) last = g_steal_pointer(&session->last_bytes);
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    const char *text = g_bytes_get_data(bytes, &size);

    session->last_bytes = g_bytes_ref(bytes);
    dm_journal_add_message(session->options.journal, session->options.provider, DM_MESSAGE_RECEIVED,
                           session->record.n_received + 1, bytes);
    session->message = dm_reader_parse(text, size, DM_READ_MESSAGE, &error);
    if (!session->message) {
        g_prefix_error(&error, "the server's answer: ");
        if (error->code == DM_ERROR_TOO_LARGE)
            abort_session(session, DM_STATUS_TOO_LARGE, error);
        else
            end(session, error);
        return;
    }
    session->record.n_received++;
    if (!check_message(session))
        return;
    session->answer = dm_answer_new(session->message);
    if (is_last(session))
        end(session, NULL);
    else if (last && g_bytes_equal(last, bytes))
        end_with(session, DM_ERROR_PROTOCOL, "the server sent the same message twice in a row");
    else if (session->record.n_sent >= session->options.config->max_messages)
        end_with(session, DM_ERROR_TOO_LARGE, "the session has too many messages");
    else
        run_commands(session);
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
        end_with(session, (DmErrorCode)error->code, error->message);
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
        end(session, error);
    } else if (cut) {
        abort_session(session, DM_STATUS_TOO_LARGE, cut);
    } else if (dm_security_is_on(session->options.security)) {
        take_secured(session, answer);
    } else if (g_bytes_get_size(answer->body) == 0) {
        end(session, NULL);
    } else if (answer->content_encoding &&
               g_ascii_strcasecmp(answer->content_encoding, "identity") != 0) {
        end_with(session, DM_ERROR_INVALID, "the answer is compressed, which was not asked for");
    } else if (dm_http_is_type(answer->content_type, CONTENT_TYPE_WBXML)) {
        g_set_error(&error, DM_ERROR, DM_ERROR_INVALID,
                    "the server answers in WBXML, and only XML is spoken");
        abort_session(session, DM_STATUS_BAD_FORMAT, error);
    } else if (!dm_http_is_type(answer->content_type, CONTENT_TYPE)) {
        end_with(session, DM_ERROR_INVALID,
                 "the answer's Content-Type is not " CONTENT_TYPE ": is this an OMA-DM server?");
    } else {
        take_message(session, answer->body);
    }
}

static void
on_answer(const DmTransportAnswer *answer, const GError *error, gpointer data)
{
    DmSession *session = data;

    if (session->is_over)
        return;
    if (session->abort_cause) {
        end(session, session->abort_cause);
        return;
    }
    drop_message(session);
    if (!session->has_answered && !dm_reach_take(session->reach, answer, error))
        return;
    if (!answer) {
        end(session, error);
        return;
    }
    if (!session->has_answered)
        on_first_answer(session, answer);
    take_answer(session, answer, error);
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
        .no_retry = options->no_retry || strcmp(options->origin, DM_TREE_ORIGIN_UNENROLL) == 0,
        .journal = options->journal,
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
    session->header_status = DM_STATUS_OK;
    session->credentials =
        dm_credentials_new(options->start->account, options->config->demands_credentials);
    session->mode = g_strdup(is_alone ? "Machine" : "Maintenance");
    /* E2: the last session is best effort, once. */
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
    if (session->timer) {
        g_source_destroy(session->timer);
        g_source_unref(session->timer);
    }
    dm_reach_free(session->reach);
    drop_message(session);
    dm_credentials_free(session->credentials);
    g_clear_pointer(&session->last_bytes, g_bytes_unref);
    g_clear_error(&session->abort_cause);
    g_free(session->target);
    g_free(session->mode);
    g_main_context_unref(session->context);
    g_free(session);
}
