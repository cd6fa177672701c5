/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Only one session of a provider runs at a time (protocol.md section 8), whichever process runs it:
 * a byte of one file in the broker's directory is locked for each, and free again when its process
 * is gone, however that ended. */

/* Takes the lock of the one process that attends for `directory`, likewise; BUSY: there is one. */
int dm_lock_take_daemon(const char *directory, GError **error);

/* Whether a process attends for `directory`; makes nothing, and does not stand in its way. */
bool dm_lock_has_daemon(const char *directory);

/* Takes the lock of `provider` in `directory`, which is made if absent. A descriptor that holds it
 * until it is closed; -1 and DM_ERROR: BUSY (the message names the provider), DENIED, FULL,
 * STORAGE.
 */
int dm_lock_take(const char *directory, const char *provider, GError **error);

/* Waits, without polling, until the lock of a provider may be free. */
typedef struct DmLockWatch DmLockWatch;

/* Calls `func` once on `context` (NULL: the default), at once if it is free already; never before
 * this returns. It may free the watch. NULL and DM_ERROR if that cannot be watched. */
DmLockWatch *dm_lock_watch_new(const char *directory, const char *provider, GMainContext *context,
                               void (*func)(gpointer data), gpointer data, GError **error);

/* NULL is fine. */
void dm_lock_watch_free(DmLockWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLockWatch, dm_lock_watch_free)
