/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

/* A private key that does not leave its device, in a form that OpenSSL takes wherever it takes a
 * key: in TLS and CMS of any library context.
 *
 * A provider's key is used by OpenSSL 3.0 in the provider of the caller's choice where that takes
 * it, and from a TPM's key it takes the public half: then there is nothing to sign with. So the key
 * is wrapped into one of a small provider of ours, which exports nothing, hashes here, and gives
 * only what has to be signed or decrypted to the device. */
typedef struct DmRemoteKey DmRemoteKey;

/* Wraps `inner`, RSA or EC, which works in `context` with the properties `properties` (const; NULL:
 * any); all are borrowed and outlive it. NULL: of another type. */
DmRemoteKey *dm_remote_key_new(EVP_PKEY *inner, OSSL_LIB_CTX *context, const char *properties);
void dm_remote_key_free(DmRemoteKey *key);

/* Borrowed. */
EVP_PKEY *dm_remote_key_get(const DmRemoteKey *key);
