/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "dbus/tree-call.h"

/* The tree socket as sessions need it: a connection that is lost during a call is made again, and
 * what had no answer is sent once more, in order. That is safe: Apply is exactly once by session
 * and message (security.md section 1), and no report does more when it comes twice. */
typedef struct DmChannel DmChannel;

/* How long a call waits for a connection where there is none. */
#define DM_CHANNEL_PATIENCE_MS 5000

/* The pause between attempts to connect: the first, and for a channel that attends the longest. */
#define DM_CHANNEL_PAUSE_MS 100
#define DM_CHANNEL_MAX_PAUSE_MS 30000

/* Connects, blocking for at most a few seconds. NULL and DM_ERROR as dm_tree_client_new(), but
 * DISCONNECTED also where there is no socket: NOT_FOUND is left to providers. */
DmChannel *dm_channel_new(const char *socket_path, GMainContext *context, GError **error);

/* Connects when it is first needed, and again after each loss, without blocking; a call waits for
 * `patience_ms` at most. Never fails. */
DmChannel *dm_channel_new_lazy(const char *socket_path, GMainContext *context, guint patience_ms);

/* Called from the main context only, as the last thing that the channel does at a time. */
typedef struct {
    /* The tree has been told that this process attends; again each time after a loss. */
    void (*on_attended)(gpointer data);
    /* The connection is lost, or could not be made: once until the next on_attended. */
    void (*on_lost)(const GError *reason, gpointer data);
    void (*on_signal)(DBusMessage *signal, gpointer data); /* from before on_attended on */
} DmChannelHandlers;

/* A channel that attends, and connects for ever, with a growing pause. Never blocks, never fails.
 */
DmChannel *dm_channel_new_attending(const char *socket_path, GMainContext *context,
                                    const DmChannelHandlers *handlers, gpointer data);

/* Somebody serves the tree now, as far as the caller knows: the next attempt is made at once. */
void dm_channel_hurry(DmChannel *channel);

/* Functions of calls under way are not called any more. Allowed in such a function, and in any
 * handler. NULL is fine. */
void dm_channel_free(DmChannel *channel);

/* Sends `message`; `func` gets the answer (borrowed) or an error, as dm_tree_client_call_async()
 * says, and DISCONNECTED when the connection was lost twice or does not come back. */
void dm_channel_call(DmChannel *channel, DBusMessage *message, DmTreeReplyFunc func, gpointer data);

/* Functions with this `data` are not called any more; what was sent stays sent. */
void dm_channel_forget(DmChannel *channel, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmChannel, dm_channel_free)
