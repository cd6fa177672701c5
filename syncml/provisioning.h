/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/command.h"

/* A wap-provisioningdoc as structured settings (rules section 10). Names of nodes pass through as
 * they stand in the document: what is one is the tree's business. */

#define DM_PROVISIONING_MAX_BYTES 524288

/* A setting, and where it stood. */
typedef struct {
    DmCommand
        command; /* Replace of `./Device/Vendor/MSFT/DMClient/…`; text owned by the document */
    guint line;
    const char *parm; /* its name, for errors */
} DmProvisioningSetting;

typedef struct {
    char *thumbprint; /* as the document names it */
    char *store;      /* "Root", "My", "CA" */
    GBytes *der;
} DmProvisioningCertificate;

typedef struct {
    char *provider_id;       /* w7 PROVIDER-ID */
    GHashTable *account;     /* common/account.h */
    GArray *settings;        /* DmProvisioningSetting, in document order; ADDR first, as
                                ManagementServiceAddress */
    GPtrArray *certificates; /* DmProvisioningCertificate */
    GPtrArray *warnings;     /* char*: "line 12: …" (W2) */
    GStringChunk *text;
} DmProvisioning;

/* Parses a document with the reader's precautions. NULL and DM_ERROR INVALID (a mismatch of
 * ProviderID, a document that is none; the message names parm and line) or TOO_LARGE. */
DmProvisioning *dm_provisioning_parse(const char *bytes, gsize size, GError **error);
void dm_provisioning_free(DmProvisioning *provisioning);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmProvisioning, dm_provisioning_free)
