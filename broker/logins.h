/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/channel.h"
#include "dbus/tree-call.h"

/* Logins on their way to the tree, which says who wants a session for one (P9). None is lost while
 * the tree is away; one that the tree could not keep is. */
typedef struct DmLogins DmLogins;

/* Most users whose logins wait for the tree. */
#define DM_LOGINS_MAX 256

/* `channel` is borrowed, and outlives it. `on_wanted` gets each session that is wanted. */
DmLogins *dm_logins_new(DmChannel *channel,
                        void (*on_wanted)(const DmTreeSyncRequest *request, gpointer data),
                        gpointer data);

/* NULL is fine. */
void dm_logins_free(DmLogins *logins);

/* `uid` has logged in, just now (`is_new`) or before anybody watched. */
void dm_logins_note(DmLogins *logins, guint32 uid, bool is_new);

/* The tree is there, or there again: tells it what it has not heard. */
void dm_logins_tell(DmLogins *logins);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLogins, dm_logins_free)
