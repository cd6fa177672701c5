/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "plugin/logs.h"
#include "plugin/sync.h"
#include "tree/tree.h"

/* The tree on the bus (design section 5): objects, properties and the signals that tell of changes.
 * Follows the tree by itself, whether there is a connection or not. */
typedef struct DmObjects DmObjects;

typedef struct {
    /* Reads the configuration again; false and DM_ERROR, the file named, if it cannot be used. */
    bool (*reload)(gpointer data, GError **error);
    /* Called after a method has changed the tree, or has tried to. */
    void (*on_called)(gpointer data);
} DmObjectsHooks;

typedef struct {
    DmTree *tree;          /* borrowed, outlives the objects */
    DmSync *sync;          /* the same; sessions that are asked for */
    DmLogs *logs;          /* the same; archives */
    GMainContext *context; /* the connection's; NULL: the default one */
    bool own_uid_is_root;  /* outside the system instance (V9) */
    DmObjectsHooks hooks;
    gpointer data; /* of the hooks */
} DmObjectsOptions;

DmObjects *dm_objects_new(const DmObjectsOptions *options);

/* Takes them off the bus, says nothing more. NULL is fine. */
void dm_objects_free(DmObjects *objects);

/* Serves them on `connection`, which is authenticated, has its name and runs on the context; NULL:
 * on none, as after it was lost. Callers known on the one before are forgotten. */
void dm_objects_set_connection(DmObjects *objects, DBusConnection *connection);

/* Tells of the tree's health if it has changed since last time. For whoever has just written: a
 * failed write is no change of the tree, so that its listeners hear nothing. */
void dm_objects_check_health(DmObjects *objects);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmObjects, dm_objects_free)
