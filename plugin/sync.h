/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "plugin/socket.h"
#include "tree/tree.h"

/* Sessions that somebody asks for (design section 5, Manager): the broker is told, and started
 * where something can start it; requests for one provider merge; who wants to can wait for the end.
 * Follows the tree by itself. */
typedef struct DmSync DmSync;

/* One uid may ask for one session in this time. Root may always. */
#define DM_SYNC_PAUSE_US (60 * G_GINT64_CONSTANT(1000000))

/* Most callers that wait for the end of a session. */
#define DM_SYNC_MAX_WAITING 1024

typedef struct {
    const char *provider; /* id, of the device tree */
    const char *origin;   /* as of DmSessionInfo */
    bool is_limited;      /* to one in DM_SYNC_PAUSE_US of `uid` */
    guint32 uid;          /* who asks */
    gint64 user;          /* whose session it is, for ./User; -1: nobody's */
    bool wait;            /* for its end */
} DmSyncRequest;

/* `session` is the id; NULL with `error`: DM_ERROR NOT_FOUND (no such provider), BUSY (too soon or
 * too many wait: the message says how long), DISCONNECTED (nobody runs sessions: the message says
 * what to start), or, of the session that was waited for, FAILED with its result and reason. */
typedef void (*DmSyncFunc)(const char *session, const GError *error, gpointer data);

/* `tree` outlives it. */
DmSync *dm_sync_new(DmTree *tree, GMainContext *context);

/* Drops who waits: their functions are not called, their data is freed. NULL is fine. */
void dm_sync_free(DmSync *sync);

/* Where brokers attend; NULL: nowhere. Borrowed. */
void dm_sync_set_socket(DmSync *sync, DmSocket *socket);

/* The bus that can start the broker; NULL: none now. Referenced. */
void dm_sync_set_connection(DmSync *sync, DBusConnection *connection);

/* Asks for a session. `func` is called once, maybe before this returns: with its id as soon as a
 * broker knows of it, or with `wait` when it has ended. The one that is under way or already asked
 * for will do. */
void dm_sync_request(DmSync *sync, const DmSyncRequest *request, DmSyncFunc func, gpointer data,
                     GDestroyNotify free_data);

/* Tells brokers, or lets one be started, of the providers that are to be unenrolled (E2, E4). Where
 * none comes they are cleaned up without a last session. */
void dm_sync_unenroll(DmSync *sync);

/* A broker attends now, or one has left. */
void dm_sync_on_attending(DmSync *sync);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSync, dm_sync_free)
