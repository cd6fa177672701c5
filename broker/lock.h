/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Only one session of a provider runs at a time (protocol.md section 8), whichever process runs it:
 * a byte of one file in the broker's directory is locked for each, and free again when its process
 * is gone, however that ended. */

/* Takes the lock of `provider` in `directory`, which is made if absent. A descriptor that holds it
 * until it is closed; -1 and DM_ERROR: BUSY (the message names the provider), DENIED, FULL,
 * STORAGE.
 */
int dm_lock_take(const char *directory, const char *provider, GError **error);
