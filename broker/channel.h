/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "dbus/tree-call.h"

/* The tree socket as a session needs it: a connection that is lost during a call is made again, and
 * what had no answer is sent once more, in order. That is safe: Apply is exactly once by session
 * and message (security.md section 1), and no report does more when it comes twice. */
typedef struct DmChannel DmChannel;

/* How long it tries to reach a socket that went away. */
#define DM_CHANNEL_RECONNECT_MS 5000

/* Connects, blocking for at most a few seconds. NULL and DM_ERROR as dm_tree_client_new(), but
 * DISCONNECTED also where there is no socket: NOT_FOUND is left to providers. */
DmChannel *dm_channel_new(const char *socket_path, GMainContext *context, GError **error);

/* Functions of calls under way are not called any more. Allowed in such a function. NULL is fine.
 */
void dm_channel_free(DmChannel *channel);

/* Sends `message`; `func` gets the answer (borrowed) or an error, as dm_tree_client_call_async()
 * says, and DISCONNECTED when the connection was lost twice or does not come back. */
void dm_channel_call(DmChannel *channel, DBusMessage *message, DmTreeReplyFunc func, gpointer data);

/* Functions with this `data` are not called any more; what was sent stays sent. */
void dm_channel_forget(DmChannel *channel, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmChannel, dm_channel_free)
