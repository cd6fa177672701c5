/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

/* A private key that a token holds (security.md section 4):
 *
 *   tpm2:0x81000001, handle:0x81000001   a persistent key of the TPM 2
 *   -----BEGIN TSS2 PRIVATE KEY-----     a key in a PEM file, which only this TPM 2 can read
 *   pkcs11:token=…;object=…              a PKCS #11 token's, RFC 7512; pin-value and module-path
 *                                        (default: the system's p11-kit) may stand in it
 *
 * The TPM is reached by the provider tpm2 (package tpm2-openssl), which the environment can lead
 * another way than to /dev/tpmrm0; PKCS #11 by the engine pkcs11 (package
 * libengine-pkcs11-openssl). Nobody is asked for a PIN. */
typedef struct DmToken DmToken;

#define DM_TOKEN_MAX_URI 1024

/* How the TPM is reached: the variable, and what it is where nobody set it. */
#define DM_TOKEN_ENV_TPM2 "TPM2OPENSSL_TCTI"
#define DM_TOKEN_TPM2 "device:/dev/tpmrm0"

/* Whether a key file's bytes, or a URI, are such a key: not one that is in the file itself. */
bool dm_token_has(GBytes *key);

/* Whether `uri` has one of the schemes above, and nothing in it that ends a line. */
bool dm_token_is_uri(const char *uri);

/* Opens the key; wiped by its owner. NULL and DM_ERROR CERTIFICATE: there is no such key, the token
 * cannot be reached, what it needs is not installed. */
DmToken *dm_token_new(GBytes *key, GError **error);
void dm_token_free(DmToken *token);

/* The key, for any library context; borrowed. */
EVP_PKEY *dm_token_get_key(const DmToken *token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmToken, dm_token_free)
