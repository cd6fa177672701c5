/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* HWDevID: HMAC-SHA-256 of `machine_id` (32 hex digits, as in /etc/machine-id) with a key of this
 * application's own, upper-case hex; the machine-id cannot be had back from it (S6). Free with
 * g_free(). NULL if `machine_id` is no machine-id. */
char *dm_identity_hw_dev_id(const char *machine_id);

/* The same for the machine-id in `path`; NULL and DM_ERROR NOT_FOUND or INVALID. */
char *dm_identity_read_hw_dev_id(const char *path, GError **error);
