/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* The tree socket, server side: takes the calls of dbus/tree-call.h from root and the broker, sends
 * the signals (security.md section 1). Follows the tree by itself. */
typedef struct DmSocket DmSocket;

/* Connections at a time; more are closed as they come. */
#define DM_SOCKET_MAX_CONNECTIONS 32

typedef struct {
    const char *path;    /* where to listen; NULL: at what the service manager handed over */
    bool allow_own_uid;  /* V9: outside the system instance the service's own uid counts as root */
    const char *product; /* what Hello answers, "dmclient 0.1.0" */
    GMainContext *context; /* NULL: the default one */
    guint patience_ms;     /* with a broker that is gone in a session; 0: 30 s */
    /* Called after each call, before its answer is sent: something may have been written, or may
     * have failed to be. NULL: not called. */
    void (*on_called)(gpointer data);
    /* Called when a peer that runs sessions has come (Attend) or gone. NULL: not called. */
    void (*on_attending)(gpointer data);
    /* Gets what such a peer hands over for `request` (HandLogs): DmTreeFiles, borrowed. NULL: not
     * called. */
    void (*on_logs)(const char *request, const GArray *files, gpointer data);
    gpointer data;
} DmSocketOptions;

/* Listens, as mode 0660; a socket that nobody serves any more is replaced. `tree` outlives it. NULL
 * and DM_ERROR: BUSY (somebody serves it, who is named), DENIED, INVALID (path too long), FAILED.
 */
DmSocket *dm_socket_new(DmTree *tree, const DmSocketOptions *options, GError **error);

/* Stops listening, removes the path, cuts all connections. NULL is fine. */
void dm_socket_free(DmSocket *socket);

/* Connections, greeted or not. */
guint dm_socket_get_n_connections(const DmSocket *socket);

/* How many run sessions (Attend). */
guint dm_socket_get_n_attending(const DmSocket *socket);

/* Send SyncRequested, LogsRequested and ReloadRequested to those who do. */
void dm_socket_request_sync(DmSocket *socket, const char *provider, const char *session,
                            const char *origin, gint64 uid);
void dm_socket_request_logs(DmSocket *socket, const char *request);
void dm_socket_request_reload(DmSocket *socket);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSocket, dm_socket_free)
