/* SPDX-License-Identifier: MIT */

#include "broker/session-private.h"

#include "broker/address.h"
#include "broker/origin.h"
#include "common/error.h"
#include "common/log.h"

#define ORIGIN_SINCE 4.0 /* version that brings the header UserAgentOrigin (S1) */

/* By how much a larger message can grow more in its wrapping than a smaller one: the lengths of
 * each layer of CMS, padding, signatures of a few bytes more or less. */
#define WRAPPING_SPREAD 128

/* -- requests ------------------------------------------------------------------------------------
 */

static void
note_request(DmSession *session, GBytes *message, gsize sent, const char *request_id)
{
    gsize plain = g_bytes_get_size(message);
    g_autofree char *number = NULL;

    session->record.n_sent++;
    session->record.bytes_sent += sent;
    session->wrapping = MAX(session->wrapping, sent - MIN(sent, plain));
    number = g_strdup_printf("%u", session->record.n_sent);
    dm_log_debug("sending a message", "DM_MESSAGE", number, "DM_REQUEST", request_id);
    dm_journal_add_message(session->options.journal, session->options.provider, DM_MESSAGE_SENT,
                           session->record.n_sent, message);
}

static void
post(DmSession *session, GBytes *message)
{
    const char *platform = dm_device_get_platform();
    g_autofree char *url = dm_address_make_url(session->target, session->mode, platform);
    g_autofree char *request_id = g_uuid_string_random();
    g_autofree char *request_header = g_strconcat("client-request-id: ", request_id, NULL);
    g_autofree char *origin_header =
        g_strconcat("UserAgentOrigin: ", dm_origin_to_number(session->options.origin), NULL);
    bool has_origin = g_ascii_strtod(session->options.start->version, NULL) >= ORIGIN_SINCE;
    g_auto(DmSecured) secured = {0};
    g_autoptr(GError) error = NULL;
    const char *headers[6] = {request_header};
    guint n = 1;

    if (!dm_security_wrap(session->options.security, message, &secured, &error)) {
        dm_session_end(session, error);
        return;
    }
    headers[n++] = secured.content_type;
    headers[n++] = secured.accept;
    if (secured.signature)
        headers[n++] = secured.signature;
    if (has_origin)
        headers[n++] = origin_header;
    note_request(session, message, g_bytes_get_size(secured.body), request_id);
    session->is_posting = true;
    dm_transport_post(session->options.transport, url, headers, secured.body, dm_session_on_answer,
                      session);
}

DmPackage
dm_session_next_package(const DmSession *session)
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

void
dm_session_send_first(DmSession *session, const DmPackageFirst *first)
{
    const DmPackage package = dm_session_next_package(session);
    g_autoptr(GBytes) bytes = dm_package_write_first(&package, session->options.device, first);

    post(session, bytes);
}

/* -- answers -------------------------------------------------------------------------------------
 */

/* What the server takes: no more than a server may send us. */
static gsize
get_max_size(const DmSession *session)
{
    gsize size = DM_MESSAGE_MAX_BYTES;
    gsize wrapping = session->wrapping > 0 ? session->wrapping + WRAPPING_SPREAD : 0;

    if (session->max_size >= 0)
        size = MIN(size, (gsize)session->max_size);
    return size - MIN(size, wrapping);
}

static DmPackageAnswer
make_frame(const DmSession *session, const DmAuthElement *chal)
{
    return (DmPackageAnswer){
        .msg_ref = session->msg_ref,
        .header_status = session->header_status,
        .is_silent = session->is_silent,
        .chal = chal,
        .is_final = session->is_final && !dm_chunks_is_open(session->chunks),
        .max_size = get_max_size(session),
    };
}

gsize
dm_session_get_room(const DmSession *session)
{
    const DmPackage package = dm_session_next_package(session);
    const DmPackageAnswer frame = make_frame(session, NULL);

    return dm_package_get_room(&package, &frame);
}

void
dm_session_send_answer(DmSession *session, const DmAuthElement *chal)
{
    const DmPackage package = dm_session_next_package(session);
    const DmPackageAnswer frame = make_frame(session, chal);
    bool is_whole = false;
    g_autoptr(GBytes) bytes = dm_package_write_answer(&package, &frame, session->outbox, &is_whole);
    g_autoptr(GError) cause = NULL;

    if (!bytes) {
        g_set_error(&cause, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "the server takes messages of %" G_GINT64_FORMAT
                    " bytes only (MaxMsgSize), which no answer fits into",
                    session->max_size);
        dm_session_abort(session, DM_STATUS_TOO_LARGE, cause);
        return;
    }
    session->has_asked = is_whole && !frame.is_final;
    if (!is_whole)
        dm_journal_add(session->options.journal, session->options.provider,
                       "the answer goes on in another message");
    post(session, bytes);
}

bool
dm_session_send_pending(DmSession *session)
{
    const DmPackage package = dm_session_next_package(session);
    g_autoptr(GBytes) bytes = NULL;

    /* One is for the answer itself. */
    if (session->record.n_sent + 1 >= session->options.config->max_messages)
        return false;
    bytes = dm_package_write_pending(&package);
    session->is_pending = true;
    post(session, bytes);
    return true;
}

void
dm_session_abort(DmSession *session, unsigned status, const GError *cause)
{
    const DmPackage package = dm_session_next_package(session);
    g_autofree char *counted = g_strdup_printf("%u", session->record.n_received + 1);
    g_autoptr(GBytes) bytes = NULL;

    if (session->record.n_sent >= session->options.config->max_messages) {
        dm_session_end(session, cause);
        return;
    }
    /* What could not be read has no number but that of its turn. */
    bytes = dm_package_write_abort(&package, session->msg_ref ? session->msg_ref : counted, status);
    session->abort_cause = g_error_copy(cause);
    post(session, bytes);
}
