/* SPDX-License-Identifier: MIT */

#include "broker/exits.h"

#include "common/error.h"

/* 0 to 6 and 64 as dmclientctl has them (design section 6), the session's own from 10 on. */
static const DmExit ok = {0, "", "the session reached a regular end"};
static const DmExit failed = {1, "failed", "anything that has no code of its own"};
static const DmExit not_found = {3, "not-found",
                                 "no such provider; the message lists those there are"};
static const DmExit denied = {4, "denied",
                              "not permitted to use the socket, a file or a directory"};
static const DmExit not_served = {6, "not-served",
                                  "nobody serves the tree socket, or it went away"};
static const DmExit resolve = {10, "resolve", "the server's name could not be resolved"};
static const DmExit connecting = {11, "connect", "the connection was refused or broke"};
static const DmExit tls = {12, "tls", "TLS failed: certificate, host name or version"};
static const DmExit http = {13, "http",
                            "the server answered with an HTTP status that is no success"};
static const DmExit malformed = {
    14, "malformed",
    "the server's answer is not SyncML or not well-formed, or its address is none"};
static const DmExit too_large = {15, "too-large", "an answer or the session is over a cap"};
static const DmExit timed_out = {16, "timeout", "something took too long"};
static const DmExit protocol = {17, "protocol", "the server broke the rules of the session"};
static const DmExit aborted = {18, "aborted", "the server aborted the session (Alert 1223)"};
static const DmExit credentials = {19, "credentials",
                                   "the server asks for credentials, or refuses them"};
static const DmExit certificate = {20, "certificate",
                                   "no client certificate or key that can be used"};
static const DmExit storage = {21, "storage", "the disk failed or is full, here or at the tree"};
static const DmExit version = {22, "version", "the tree socket speaks another version"};
static const DmExit busy = {23, "busy",
                            "a session with this provider, or another broker, is running already"};
static const DmExit security = {
    24, "security", "the server's answer is not signed or encrypted as it must be (S4)"};
static const DmExit usage = {DM_EXIT_USAGE, "usage", "wrong option, argument or configuration"};

/* One entry for each DM_ERROR code. */
static const DmExit *const by_error[] = {
    [DM_ERROR_FAILED] = &failed,
    [DM_ERROR_INVALID] = &malformed,
    [DM_ERROR_TOO_LARGE] = &too_large,
    [DM_ERROR_NOT_FOUND] = &not_found,
    [DM_ERROR_BUSY] = &busy,
    [DM_ERROR_NEWER] = &storage,
    [DM_ERROR_CORRUPT] = &storage,
    [DM_ERROR_STORAGE] = &storage,
    [DM_ERROR_FULL] = &storage,
    [DM_ERROR_DENIED] = &denied,
    [DM_ERROR_DISCONNECTED] = &not_served,
    [DM_ERROR_VERSION] = &version,
    [DM_ERROR_TIMEOUT] = &timed_out,
    [DM_ERROR_RESOLVE] = &resolve,
    [DM_ERROR_CONNECT] = &connecting,
    [DM_ERROR_TLS] = &tls,
    [DM_ERROR_HTTP] = &http,
    [DM_ERROR_PROTOCOL] = &protocol,
    [DM_ERROR_CREDENTIALS] = &credentials,
    [DM_ERROR_ABORTED] = &aborted,
    [DM_ERROR_CERTIFICATE] = &certificate,
    [DM_ERROR_SECURITY] = &security,
};

static const DmExit *const in_order[] = {
    &ok,          &failed,      &not_found, &denied,    &not_served, &resolve,  &connecting,
    &tls,         &http,        &malformed, &too_large, &timed_out,  &protocol, &aborted,
    &credentials, &certificate, &storage,   &version,   &busy,       &security, &usage,
};

const DmExit *
dm_exits_from_error(const GError *error)
{
    const DmExit *found = NULL;

    if (!error)
        return &ok;
    if (error->domain == DM_ERROR && (guint)error->code < G_N_ELEMENTS(by_error))
        found = by_error[error->code];
    return found ? found : &failed;
}

void
dm_exits_append_table(GString *text)
{
    for (gsize i = 0; i < G_N_ELEMENTS(in_order); i++)
        g_string_append_printf(text, "  %3d  %-12s %s\n", in_order[i]->code,
                               *in_order[i]->name ? in_order[i]->name : "ok", in_order[i]->text);
}
