/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>

/* Certificates and keys as files hold them. Nobody is asked for a pass phrase: what is encrypted
 * counts as not there. */

/* OpenSSL's pem_password_cb for that. */
int dm_pem_refuse_pass_phrase(char *buffer, int size, int writing, void *data);

/* The first certificate in `bytes` (PEM or DER), for X509_free(); NULL: none. */
X509 *dm_pem_read_certificate(GBytes *bytes);

/* The next certificate of PEM text, for X509_free(); NULL: no more. */
X509 *dm_pem_read_next_certificate(BIO *pem);

/* The private key in `bytes` (PEM or DER), for EVP_PKEY_free(); NULL: none. */
EVP_PKEY *dm_pem_read_key(GBytes *bytes);
