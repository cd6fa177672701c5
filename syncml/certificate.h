/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

#define DM_CERTIFICATE_MAX_BYTES 16384 /* DER */
#define DM_THUMBPRINT_SIZE 64          /* hex digits */

/* What is asked of a certificate here. */
typedef struct {
    char thumbprint[DM_THUMBPRINT_SIZE + 1]; /* SHA-256 of the DER, lower-case hex */
    gint64 not_before_us;                    /* since the epoch */
    gint64 not_after_us;
} DmCertificateInfo;

/* Reads a certificate: DER, or the first one in PEM text. False and DM_ERROR INVALID or TOO_LARGE,
 * nothing written. */
bool dm_certificate_read(const char *bytes, gsize size, DmCertificateInfo *ret_info,
                         GError **error);

/* The same of one that is parsed already. False: it has no valid period; nothing written. */
bool dm_certificate_describe(const X509 *certificate, DmCertificateInfo *ret_info);

/* The DER behind a certificate in base64, which may hold white space. NULL and DM_ERROR INVALID or
 * TOO_LARGE. */
GBytes *dm_certificate_from_base64(const char *text, GError **error);
