/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/key.h"

/* HTTP as protocol.md section 4 wants it: POSTs one after another over TLS with the enrolment's
 * client certificate, on a GLib main context, bounded in time and size. No redirects, no proxy, no
 * netrc, no cookies, no decompression; nothing comes from the environment. */
typedef struct DmTransport DmTransport;

#define DM_TRANSPORT_MAX_BODY 524288
#define DM_TRANSPORT_MAX_HEADERS 32768

typedef struct {
    const char *ca_file; /* NULL: the system's */
    const char *user_agent;
    guint connect_timeout_s;
    guint request_timeout_s;
    bool allow_http;        /* to the loopback interface, for tests */
    GBytes *certificate;    /* PEM, the leaf first; NULL: none */
    GBytes *key;            /* PEM; NULL: `token_key` has it */
    const DmKey *token_key; /* borrowed, and outlives it; NULL: none */
} DmTransportOptions;

/* What a server answered. Borrowed for the call. */
typedef struct {
    unsigned status;
    const char *content_type;     /* NULL: none given */
    const char *content_encoding; /* NULL: none given */
    GBytes *body;
} DmTransportAnswer;

/* Gets the answer, whatever its status, or an error: DM_ERROR INVALID (not HTTP, or an address that
 * may not be spoken to), TOO_LARGE, TIMEOUT, RESOLVE, CONNECT, TLS, CERTIFICATE. Its message names
 * host and port and the next step. Both where only the body is over the cap: it is empty then, the
 * error is TOO_LARGE. */
typedef void (*DmTransportFunc)(const DmTransportAnswer *answer, const GError *error,
                                gpointer data);

/* `options` is copied, its bytes are referenced; runs on `context` (NULL: the default). */
DmTransport *dm_transport_new(const DmTransportOptions *options, GMainContext *context);

/* Breaks off a request under way, whose function is not called any more. Allowed in that function.
 * NULL is fine. */
void dm_transport_free(DmTransport *transport);

/* Sends `body` to `url` with `headers` ("Name: value", NULL-terminated array) and calls `func`
 * once, never before this returns. One request at a time; `func` may start the next one. */
void dm_transport_post(DmTransport *transport, const char *url, const char *const *headers,
                       GBytes *body, DmTransportFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTransport, dm_transport_free)
