/* SPDX-License-Identifier: MIT */
#pragma once

#include "plugin/access.h"
#include "plugin/interface.h"
#include "plugin/objects.h"
#include "plugin/queue.h"
#include "plugin/unread.h"
#include "tree/history.h"

/* What the files of the export share; nobody else includes it. */

struct DmObjects {
    DmObjectsOptions options;
    DmNodeInterfaces *interfaces;
    guint listener;
    /* What the bus has been told of: path of a provider → bits of its objects, as the indices of
     * dm_node_interfaces_get(). */
    GHashTable *shown;
    const char *health; /* as last told; const */

    DBusConnection *connection; /* NULL: none */
    guint connection_number;    /* counts those there were */
    DmAccess *access;
    DmQueue *queue;   /* calls that wait for their turn */
    DmUnread *unread; /* users that leave too much unread */
    GSource *trim;    /* NULL: no large reply is on its way */
    guint trim_ms;
};

/* -- objects.c: calls and their callers ---------------------------------------------------------
 */

/* Sends the reply to a call, which it owns; nothing where none is wanted. */
void dm_objects_reply(DmObjects *objects, DBusMessage *call, DBusMessage *reply);

/* -- interface-session.c ------------------------------------------------------------------------
 */

/* Appends what everybody may know of a session that has ended, the a{sv} of Finished. */
void dm_session_interface_append_ended(DmBody *body, const DmHistoryEntry *entry);

/* -- objects-signals.c: what the bus is told by itself ------------------------------------------
 */

/* Notes what there is, as told. */
void dm_objects_note_all(DmObjects *objects);

/* The tree's listener. */
void dm_objects_on_changes(const DmChange *changes, gsize n_changes, gpointer data);

/* Sends a message, which it owns, if there is a connection. */
void dm_objects_send(DmObjects *objects, DBusMessage *message);

/* Gives back the memory of a large reply once it has gone out. */
void dm_objects_trim_later(DmObjects *objects);
