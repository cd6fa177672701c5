/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/key.h"

/* Renewal of an enrolment's certificate (S5): the new one is put beside the old one, the old key
 * signs who the device is, and one call makes the tree switch. */

/* What fits the node that keeps it. */
#define DM_RENEWAL_MAX_SIGNATURE 1024

/* The signed identifier: base64, without line breaks, of a detached CMS SignedData by the OLD key
 * over the UTF-8 bytes of `identifier`. No certificate is in it, the organisation has it; who
 * signed is named by the certificate's subject key identifier where it has one, otherwise by issuer
 * and serial number. It fits with EC and with RSA up to 4,096 bits. Free with g_free(). NULL and
 * DM_ERROR CERTIFICATE, TOO_LARGE. */
char *dm_renewal_sign(DmKey *old, const char *identifier, GError **error);

typedef struct {
    const char *provider;
    const char *socket;
    const char *key_directory;
    const char *certificate; /* the new one and its key, as dm_keys_import() takes them */
    const char *key;
} DmRenewalOptions;

/* The whole renewal, blocking for a few seconds at most: for the command line. `*ret_thumbprint` is
 * the new certificate's, for g_free(). False and DM_ERROR as dm_keys_import(), dm_keys_load() and
 * dm_tree_client_call(); NOT_FOUND (no such provider), INVALID (no identifier to sign). The old
 * certificate is in use then. */
bool dm_renewal_run(const DmRenewalOptions *options, char **ret_thumbprint, GError **error);
