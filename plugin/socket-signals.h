/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

#include "tree/tree.h"

/* The signals of the tree socket, made from the tree's changes. */
typedef struct DmSocketSignals DmSocketSignals;

/* Gets each signal, borrowed. */
typedef void (*DmSocketSend)(DBusMessage *signal, gpointer data);

/* Notes when each provider is due now, sends nothing yet. `tree` outlives it. */
DmSocketSignals *dm_socket_signals_new(const DmTree *tree, DmSocketSend send, gpointer data);
void dm_socket_signals_free(DmSocketSignals *signals);

/* Sends Changed for each provider whose nodes a commit changed, then Due for each whose next
 * session is due at another time than was last said, then Unenrolled for each that is gone. */
void dm_socket_signals_tell(DmSocketSignals *signals, const DmChange *changes, gsize n_changes);

/* Signals for those who run sessions; unref with dbus_message_unref(). */
DBusMessage *dm_socket_signals_new_sync(const char *provider, const char *session,
                                        const char *origin, gint64 uid);
DBusMessage *dm_socket_signals_new_logs(const char *request);
DBusMessage *dm_socket_signals_new_reload(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSocketSignals, dm_socket_signals_free)
