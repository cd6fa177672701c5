/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* The domain of real failures (disk, bus, TLS, hostile documents). A refused command is a DmStatus,
 * not an error. Messages name the file, node or host and, where there is one, the next step. */
#define DM_ERROR (dm_error_quark())
GQuark dm_error_quark(void);

typedef enum {
    DM_ERROR_FAILED,       /* anything without a code of its own */
    DM_ERROR_INVALID,      /* a document, message, file or argument that is not what it must be */
    DM_ERROR_TOO_LARGE,    /* over a cap */
    DM_ERROR_NOT_FOUND,    /* a provider, file or object that is not there */
    DM_ERROR_BUSY,         /* owned by somebody else, who is named */
    DM_ERROR_NEWER,        /* written by a newer version */
    DM_ERROR_CORRUPT,      /* a file of ours that cannot be read */
    DM_ERROR_STORAGE,      /* disk I/O */
    DM_ERROR_FULL,         /* disk full */
    DM_ERROR_DENIED,       /* permissions, ownership */
    DM_ERROR_DISCONNECTED, /* the peer is gone, or was never there */
    DM_ERROR_VERSION,      /* ABI or protocol version */
    DM_ERROR_TIMEOUT,
    DM_ERROR_RESOLVE, /* the host's name */
    DM_ERROR_CONNECT, /* no TCP connection */
    DM_ERROR_TLS,
    DM_ERROR_HTTP,     /* the server answered with a status that is no success */
    DM_ERROR_PROTOCOL, /* the peer broke the session's rules */
    DM_ERROR_CREDENTIALS,
    DM_ERROR_ABORTED,     /* ended by the other side on purpose */
    DM_ERROR_CERTIFICATE, /* no certificate or key that can be used */
    DM_ERROR_SECURITY,    /* a message that is not signed or encrypted as it must be (S4) */
} DmErrorCode;
