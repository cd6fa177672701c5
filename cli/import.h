/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Hands a certificate and its private key to the broker, which keeps them (security.md section 4):
 * runs dmclient-broker, the one beside this program if there is one, otherwise the one on PATH. The
 * certificate's thumbprint (SHA-256, lower-case hex), to free; NULL and DM_ERROR FAILED with what
 * the broker said, or NOT_FOUND without a broker. */
char *dm_import_certificate(const char *certificate, const char *key, GError **error);

/* dmclient-broker beside this program, or on PATH; NULL: there is none. Free with g_free(). */
char *dm_import_find_broker(void);
