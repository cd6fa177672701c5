/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/tls.h"

/* HTTP as protocol.md section 4 wants it: POSTs one after another over TLS with the enrolment's
 * client certificate, on a GLib main context, bounded in time and size, to the hosts of the
 * provider's list only. No proxy but the one that is given, no netrc, no cookies, no decompression;
 * nothing comes from the environment. */
typedef struct DmTransport DmTransport;

#define DM_TRANSPORT_MAX_BODY 524288   /* of a message as such */
#define DM_TRANSPORT_MAX_HEADERS 32768 /* bytes of all fields of an answer, and of those before */
#define DM_TRANSPORT_MAX_HEADER_LINES 256 /* likewise */

typedef struct {
    DmTlsOptions tls;
    const char *user_agent;
    const char *proxy; /* http://HOST:PORT; NULL: none */
    guint connect_timeout_s;
    guint request_timeout_s;
    guint stall_timeout_s;     /* under 100 B/s for so long ends a request */
    gsize wrapping;            /* bytes that a body may have beyond DM_TRANSPORT_MAX_BODY, for what
                                  the message is wrapped in */
    bool allow_http;           /* to the loopback interface, for tests */
    const char *const *listed; /* addresses whose hosts may be spoken to; NULL: any, and no
                                  redirect is followed */
} DmTransportOptions;

/* What a server answered. Borrowed for the call. */
typedef struct {
    unsigned status;
    const char *url;              /* that answered: another than was asked after a redirect */
    const char *content_type;     /* NULL: none given */
    const char *content_encoding; /* NULL: none given */
    const char *refusal;   /* why a redirect was not followed (dm_redirect_follow()), or NULL */
    bool wants_bearer;     /* a Bearer challenge came along */
    gint64 date_s;         /* of the server, seconds since the epoch; -1: not given */
    gint64 retry_after_ms; /* from now; -1: not given */
    GBytes *body;
} DmTransportAnswer;

/* Gets the answer, whatever its status, or an error: DM_ERROR INVALID (not HTTP, or an address that
 * may not be spoken to), TOO_LARGE, TIMEOUT, RESOLVE, CONNECT, TLS, CERTIFICATE. Its message names
 * host and port and the next step. Both where only the body is over the cap: it is empty then, the
 * error is TOO_LARGE. */
typedef void (*DmTransportFunc)(const DmTransportAnswer *answer, const GError *error,
                                gpointer data);

/* `options` is copied, its bytes are referenced; runs on `context` (NULL: the default). NULL and
 * the errors of dm_tls_new(). */
DmTransport *dm_transport_new(const DmTransportOptions *options, GMainContext *context,
                              GError **error);

/* Breaks off a request under way, whose function is not called any more. Allowed in that function.
 * NULL is fine. */
void dm_transport_free(DmTransport *transport);

/* Sends `body` to `url` with `headers` ("Name: value", NULL-terminated array; NULL: none), once
 * more where a redirect is followed, and calls `func` once, never before this returns. NULL `body`:
 * only asks for the headers of an answer (HEAD); never after one with a body. One request at a
 * time; `func` may start the next one. */
void dm_transport_post(DmTransport *transport, const char *url, const char *const *headers,
                       GBytes *body, DmTransportFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTransport, dm_transport_free)
