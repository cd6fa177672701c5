/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

#include "broker/key.h"

/* Cert0 and Cert1 (S4): the server's own certificates, which enrolment or the server itself has put
 * into the tree. They are believed because they stand there, so no chain is asked for; whether one
 * can be used is a matter of its dates and of revocation.
 *
 * Revocation is looked up in the CRLs of a file by configuration; nothing is fetched, neither CRLs
 * nor OCSP. A certificate has been checked if the file has a CRL of its issuer that is in its time
 * and signed by the issuer, whose certificate is in that file, in the CA file, or is itself. One
 * that any CRL of its issuer lists is revoked, old or badly signed as that may be: who wrote the
 * file meant it. */

typedef struct {
    const char *ca_file;  /* PEM; NULL: none */
    const char *crl_file; /* PEM, CRLs and certificates of issuers; NULL: none */
    bool must_check;      /* what could not be checked is not to be used */
    gint64 now_us;        /* since the epoch */
} DmServerCertificatePolicy;

#define DM_SERVER_CERTIFICATE_MAX_FILE (8 * 1024 * 1024)

/* The certificate in `text`, base64 of DER or PEM, in the library context of `key`, if it can be
 * used; for X509_free(). NULL and DM_ERROR CERTIFICATE: none, expired, not valid yet, revoked, not
 * checked; or the CRL file cannot be read, and the message names it. */
X509 *dm_server_certificate_read(DmKey *key, const char *text,
                                 const DmServerCertificatePolicy *policy, GError **error);

/* Whether `signer`, which came with a message, is the server at `url` by the same rules as in TLS:
 * a chain to the CA file (NULL: the system's), for servers, that names the host. For a server that
 * signs and has no certificate in the tree. */
bool dm_server_certificate_is_of(DmKey *key, X509 *signer, const char *ca_file, const char *url);
