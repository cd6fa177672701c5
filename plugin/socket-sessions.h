/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

#include "tree/tree.h"

/* Which peer of the tree socket runs which session: one whose peer goes, and does not come back, is
 * over. */
typedef struct DmSocketSessions DmSocketSessions;

/* How long a peer whose connection is gone has to come back and go on, if nothing else is said. */
#define DM_SOCKET_SESSIONS_PATIENCE_MS 30000

/* Sessions that are under way already have that long too. `tree` outlives it. `patience_ms`: 0 the
 * time above. */
DmSocketSessions *dm_socket_sessions_new(DmTree *tree, GMainContext *context, guint patience_ms);
void dm_socket_sessions_free(DmSocketSessions *sessions);

/* `peer`'s `call` has been answered: the session that it began or went on with is that peer's.
 * `broker`: the process, if the peer attends; 0: it does not. */
void dm_socket_sessions_note(DmSocketSessions *sessions, gconstpointer peer, unsigned long broker,
                             DBusMessage *call);

/* Process `broker` attends from now on: what another one that attended left behind is over. */
void dm_socket_sessions_attend(DmSocketSessions *sessions, unsigned long broker);

/* The peer is gone. */
void dm_socket_sessions_drop(DmSocketSessions *sessions, gconstpointer peer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSocketSessions, dm_socket_sessions_free)
