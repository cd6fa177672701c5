/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "tree/tree.h"

/* Renewal of a provider's certificate (S5): certificates and keys are the broker's, in files named
 * by thumbprint; the store holds which is the active one. The one before is kept in the account as
 * DM_ACCOUNT_OLD_THUMBPRINT until a session that began with the new one has ended regularly. */

/* Switches to the certificate `thumbprint` (SHA-256, 64 lower-case hex digits) in one commit, which
 * also stores SignedEntDMID (`signature`: base64 of a detached CMS SignedData by the old key over
 * EntDMID) and CertRenewTimeStamp (now). False and DM_ERROR: NOT_FOUND, INVALID (EntDMID is not
 * set; not a thumbprint; not base64 or over the row's cap), STORAGE, FULL. */
bool dm_tree_renew_certificate(DmTree *tree, const char *provider_id, const char *thumbprint,
                               const char *signature, GError **error);
