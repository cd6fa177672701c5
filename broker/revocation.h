/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/x509.h>
#include <stdbool.h>

/* Whether a server's certificate was revoked, by the OCSP answer that the server brings along
 * ("stapled"): nobody else is asked, and no other host learns of the connection. */
typedef enum {
    DM_REVOCATION_OFF,        /* none is asked for */
    DM_REVOCATION_IF_STAPLED, /* one that comes must be good; none is fine */
    DM_REVOCATION_REQUIRE,    /* one must come, and be good */
} DmRevocation;

/* "off", "if-stapled", "require" ↔ policy. Const; false: none of them. */
const char *dm_revocation_to_name(DmRevocation policy);
bool dm_revocation_from_name(const char *name, DmRevocation *ret_policy);

/* Judges a stapled answer (`size` bytes of DER) for the first certificate of `chain`, which was
 * verified with `store`: signed by the issuer or who he lets sign, in force, and "good". NULL: it
 * is; else the reason, a const string. */
const char *dm_revocation_check(const guint8 *bytes, gsize size, STACK_OF(X509) * chain,
                                X509_STORE *store);
