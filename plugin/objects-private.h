/* SPDX-License-Identifier: MIT */
#pragma once

#include "plugin/access.h"
#include "plugin/interface.h"
#include "plugin/objects.h"

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
    DmAccess *access;
    GSource *trim; /* NULL: no large reply is on its way */
    guint trim_ms;
};

/* -- objects-methods.c: the methods of the standard interfaces ----------------------------------
 */

/* An error reply. `detail` NULL: no reason to name it. What callers sent is quoted only if short.
 */
DBusMessage *dm_objects_new_error(DBusMessage *call, const char *name, const char *sentence,
                                  const char *detail);

/* The reply with that body; an error where it is too large for one message. */
DBusMessage *dm_objects_finish_reply(DBusMessage *call, DmBody *body, const char *signature);

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
