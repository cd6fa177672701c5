/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>

#include "broker/key.h"

/* Cryptographic Message Syntax (RFC 5652) for rules S2, S4 and S5: bytes in, bytes out, DER. Only
 * OpenSSL's CMS functions, in the key's own library context. Errors say what is wrong, never what
 * stood in the bytes. */

/* Who may have signed one message, and for how many one may be encrypted. */
#define DM_CMS_MAX_SIGNERS 4
#define DM_CMS_MAX_RECIPIENTS 16

typedef enum {
    DM_CMS_WHOLE,    /* S4: the content is in it, and the certificate */
    DM_CMS_DETACHED, /* S2: without the content, with the certificate */
    DM_CMS_SMALL,    /* S5: without either: who reads it knows both */
} DmCmsForm;

/* A SignedData of `data` by `key`: SHA-256, signed attributes content-type, message-digest,
 * signing-time and, but in the small form, signing-certificate-v2. NULL and DM_ERROR CERTIFICATE
 * (the key cannot sign). */
GBytes *dm_cms_sign(DmKey *key, GBytes *data, DmCmsForm form, GError **error);

/* An EnvelopedData of `data` to `recipient`: AES-256-CBC, its key by RSA-OAEP or ECDH with SHA-256.
 * NULL and DM_ERROR CERTIFICATE. */
GBytes *dm_cms_encrypt(DmKey *key, X509 *recipient, GBytes *data, GError **error);

/* The content of an EnvelopedData to `key`, wiped on free. NULL and DM_ERROR SECURITY: not CMS (DER
 * or BER, nothing behind it), not an EnvelopedData, not to this key, not AES-256-CBC, or it does
 * not decrypt. */
GBytes *dm_cms_decrypt(DmKey *key, GBytes *bytes, GError **error);

/* The content of a SignedData, wiped on free, once every signature in it has been verified. Signers
 * are among `signers` (X509*); without (NULL) the certificates in it say who they are, and whether
 * one may be believed is for the caller to find out. `*ret_signer` (the first one's) is for
 * X509_free(), NULL: nobody wants to know. NULL and DM_ERROR SECURITY: not CMS, not a SignedData
 * with content, an unknown signer, a digest weaker than SHA-256, a wrong signature. */
GBytes *dm_cms_verify(DmKey *key, GBytes *bytes, GPtrArray *signers, X509 **ret_signer,
                      GError **error);
