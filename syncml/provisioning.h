/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/command.h"

/* A wap-provisioningdoc as structured settings (rules section 10). Names of nodes pass through as
 * they stand in the document: what is one, and what of it is taken, is the tree's business. Push,
 * which is ignored with a warning (U3), and rows that only the client fills (W2) are in `settings`
 * like all others: the tree's result for each says what it left out. */

#define DM_PROVISIONING_MAX_BYTES 524288
#define DM_PROVISIONING_MAX_TAG_BYTES 32768 /* a certificate is an attribute */
#define DM_PROVISIONING_MAX_ELEMENTS 4096
#define DM_PROVISIONING_MAX_CERTIFICATES 32
#define DM_PROVISIONING_MAX_WARNINGS 64

/* A setting, and where it stood. Text is owned by the document. */
typedef struct {
    /* On `./Device/Vendor/MSFT/DMClient/…`: Replace of a leaf; Add of a leaf whose parm has no
     * value, which gives it its default (V1); Add of an interior node, once for each that a
     * characteristic names below the provider, also if the tree makes it by itself (V10). Format
     * from `datatype`. */
    DmCommand command;
    guint line;
    const char *parm; /* name of parm or characteristic, for errors */
} DmProvisioningSetting;

/* A server address of the APPLICATION (ADDR), and where it stood. Text is owned by the document. */
typedef struct {
    const char *address;
    guint line;
} DmProvisioningAddress;

typedef struct {
    char *thumbprint; /* as the document names it */
    char *store;      /* "Root", "My", "CA" */
    char *owner;      /* "System" or "User" */
    GBytes *der;
} DmProvisioningCertificate;

typedef struct {
    char *provider_id;       /* w7 PROVIDER-ID, or else DMClient's */
    GHashTable *account;     /* common/account.h; the addresses as DM_ACCOUNT_ADDRESS (W3) */
    GArray *addresses;       /* DmProvisioningAddress: those of DM_ACCOUNT_ADDRESS, in order */
    GArray *settings;        /* DmProvisioningSetting, in document order */
    GPtrArray *certificates; /* DmProvisioningCertificate */
    GPtrArray *warnings;     /* char*: "line 12: …" (W2) */
    GStringChunk *text;
} DmProvisioning;

/* Parses a document with the reader's precautions. NULL and DM_ERROR INVALID (a document that is
 * none, another ProviderID in DMClient than in APPLICATION, something that is no certificate) or
 * TOO_LARGE; the message names the line, and the parm if there is one. Whether there is an address
 * and what the values are worth is judged by the tree. */
DmProvisioning *dm_provisioning_parse(const char *bytes, gsize size, GError **error);
void dm_provisioning_free(DmProvisioning *provisioning);

/* An empty document, for the parser to fill. */
DmProvisioning *dm_provisioning_new(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmProvisioning, dm_provisioning_free)
