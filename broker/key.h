/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

/* The device's private key with its certificate, ready to be used (security.md section 4). Its
 * messages are worked on in an OpenSSL library context of its own, which reads no configuration of
 * the host's. */
typedef struct DmKey DmKey;

/* The key in `key` (PEM or DER, not encrypted, or what broker/token.h leads to; wiped by its owner)
 * to the first certificate in `certificate` (PEM or DER). NULL and DM_ERROR CERTIFICATE: not a
 * certificate, not a key, not a pair, a token that cannot be used; the message follows a file's
 * name. */
DmKey *dm_key_new(GBytes *certificate, GBytes *key, GError **error);
void dm_key_free(DmKey *key);

/* All three are borrowed; the context, made when it is first asked for: it takes milliseconds. */
OSSL_LIB_CTX *dm_key_get_context(DmKey *key);
X509 *dm_key_get_certificate(const DmKey *key);
EVP_PKEY *dm_key_get_private(const DmKey *key);

/* Whether the key is in a token, and so in no file that could be given to somebody else. */
bool dm_key_is_in_token(const DmKey *key);

/* Whether messages can be encrypted to it: not with a token's EC key, which only signs. */
bool dm_key_can_decrypt(const DmKey *key);

/* Lets a TLS client present the certificate, with the others of `chain` (PEM, the leaf first), and
 * sign by the key, which must outlive `tls`. False: OpenSSL does not take them. */
bool dm_key_use_in_tls(const DmKey *key, GBytes *chain, SSL_CTX *tls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmKey, dm_key_free)
