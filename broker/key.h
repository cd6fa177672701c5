/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

/* The device's private key with its certificate, ready to be used (security.md section 4). It lives
 * in an OpenSSL library context of its own, which reads no configuration of the host's. */
typedef struct DmKey DmKey;

/* The key in `key` (PEM or DER, not encrypted; wiped by its owner) to the first certificate in
 * `certificate` (PEM or DER). NULL and DM_ERROR CERTIFICATE: not a certificate, not a key, not a
 * pair; the message follows a file's name. */
DmKey *dm_key_new(GBytes *certificate, GBytes *key, GError **error);
void dm_key_free(DmKey *key);

/* All three are borrowed. */
OSSL_LIB_CTX *dm_key_get_context(const DmKey *key);
X509 *dm_key_get_certificate(const DmKey *key);
EVP_PKEY *dm_key_get_private(const DmKey *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmKey, dm_key_free)
