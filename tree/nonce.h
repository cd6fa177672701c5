/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "tree/tree.h"

/* Makes `nonce` (base64) the AAUTHDATA of the account's APPAUTH of `level`
 * (DM_ACCOUNT_LEVEL_SERVER, DM_ACCOUNT_LEVEL_CLIENT) in one commit: what the SyncML layer's next
 * session begins with (protocol.md section 5). The same again writes nothing. False and DM_ERROR:
 * NOT_FOUND (no such provider), INVALID (no such level, not base64, over DM_ACCOUNT_MAX_VALUE),
 * STORAGE, FULL. The nonce stands in no message. */
bool dm_tree_renew_nonce(DmTree *tree, const char *provider_id, const char *level,
                         const char *nonce, GError **error);
