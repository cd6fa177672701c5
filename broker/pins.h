/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* Pins: SHA-256 hashes of public keys (SubjectPublicKeyInfo), one of which the chain of a server
 * must have (protocol.md section 4). */

#define DM_PINS_MIN 2
#define DM_PINS_MAX 16

/* Reads `sha256/BASE64` pins, `;` between them, into hashes of 32 bytes one after the other. NULL
 * and what the text must be, a const string, in `*ret_must`. One alone is refused: it would lock
 * out every device on the day that its key is lost or changed. */
GBytes *dm_pins_parse(const char *text, const char **ret_must);

/* The pin of a certificate's key, as dm_pins_parse() reads it. Free with g_free(). */
char *dm_pins_of(const X509 *certificate);

/* Whether a certificate of `chain` has a key with one of the hashes in `pins`. */
bool dm_pins_match(GBytes *pins, const STACK_OF(X509) * chain);
