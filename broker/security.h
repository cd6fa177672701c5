/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"
#include "broker/key.h"
#include "dbus/tree-call.h"

/* What a session's messages are wrapped in: the signature of each request (S2) and
 * application-layer security (S4), as the server has set them, never below the floors of the
 * configuration.
 *
 * S4's wire format, ours: the body is one CMS message, DER, Content-Type application/pkcs7-mime.
 * Mode 1: SignedData. 2: EnvelopedData. 3: EnvelopedData whose content is a SignedData. What is
 * sent is signed by the enrolment's key and encrypted to Cert0, to Cert1 if Cert0 cannot be used.
 * What comes must have the same mode (DER or BER): encrypted to the enrolment's certificate, signed
 * by Cert0 or Cert1, whichever can be used. A server that only signs (mode 1) and has neither in
 * the tree signs by a certificate that TLS would take for its host. */
typedef struct DmSecurity DmSecurity;

/* What a server's wrapping may add to a message: certificates, signatures, keys, and the heads of
 * pieces where it is made in pieces. */
#define DM_SECURITY_MAX_WRAPPING 65536

/* What `start` and `config` ask for, with the enrolment's key (NULL: none), borrowed: it outlives
 * this. NULL and DM_ERROR CERTIFICATE: there is no key, or no certificate of the server that it can
 * be done with; the message says why not with each. */
DmSecurity *dm_security_new(const DmTreeSession *start, const DmConfig *config, DmKey *key,
                            GError **error);
void dm_security_free(DmSecurity *security);

/* Whether bodies are something else than SyncML; false for NULL. */
bool dm_security_is_on(const DmSecurity *security);

/* The body of a request, and the headers that go with it, for dm_secured_clear(). */
typedef struct {
    GBytes *body;
    const char *content_type; /* "Content-Type: …" */
    const char *accept;       /* "Accept: …" */
    char *signature;          /* "MDM-Signature: …"; NULL: none */
} DmSecured;

void dm_secured_clear(DmSecured *secured);

/* Makes a request of a SyncML message; without a `security` the message as it is. False and
 * DM_ERROR CERTIFICATE, nothing written. */
bool dm_security_wrap(const DmSecurity *security, GBytes *message, DmSecured *ret_secured,
                      GError **error);

/* The SyncML message in an answer's body that came from `url`, verified and decrypted. Only while
 * dm_security_is_on(). NULL and DM_ERROR SECURITY: in the clear, unsigned, or wrong otherwise. */
GBytes *dm_security_unwrap(const DmSecurity *security, GBytes *body, const char *content_type,
                           const char *url, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSecurity, dm_security_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmSecured, dm_secured_clear)
