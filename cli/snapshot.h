/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/ask.h"
#include "cli/options.h"
#include "cli/printer.h"
#include "dbus/node-names.h"

/* What the public bus shows of the service at one moment: what a person without rights may see. */
typedef struct {
    GHashTable *objects;  /* object path to its interfaces, GVariant a{sa{sv}} */
    GPtrArray *providers; /* DmSnapshotProvider, by id */
    char *version;
    char *health;
    bool managed;
} DmSnapshot;

/* A user's first sync beside the device's. */
typedef struct {
    char *path; /* of the object that has it */
    guint32 uid;
} DmSnapshotUser;

typedef struct {
    char *id;
    char *path;
    GArray *users; /* DmSnapshotUser, by uid */
} DmSnapshotProvider;

/* Reads everything by two calls, each bounded in time. NULL and an error as dm_ask_call() has
 * them. */
DmSnapshot *dm_snapshot_new(DmAsk *ask, GError **error);
void dm_snapshot_free(DmSnapshot *snapshot);

/* Whether the object has the interface; NULL path: no. */
bool dm_snapshot_has(const DmSnapshot *snapshot, const char *path, const char *interface);

/* A property's value, to unref; NULL if it is not there or of another type. */
GVariant *dm_snapshot_get(const DmSnapshot *snapshot, const char *path, const char *interface,
                          const char *property, const char *type);

/* The same for a string, "" and absent alike NULL, to free; and for a time, absent 0. */
char *dm_snapshot_get_string(const DmSnapshot *snapshot, const char *path, const char *interface,
                             const char *property);
gint64 dm_snapshot_get_time(const DmSnapshot *snapshot, const char *path, const char *interface,
                            const char *property);

/* The string of a leaf of the provider, in the group of `interior` or its own (DM_NAME_PROVIDER);
 * NULL while unset. Free with g_free(). */
char *dm_snapshot_get_leaf(const DmSnapshot *snapshot, const DmSnapshotProvider *provider,
                           DmNodeName interior, DmNodeName leaf);

/* The path of the provider's interior node; free with g_free(). */
char *dm_snapshot_get_path(const DmSnapshotProvider *provider, DmNodeName interior);

/* dm_snapshot_new() by a connection of its own, which goes into `*ret_ask` (NULL: not wanted), free
 * with dm_ask_free(). NULL: it could not be, why is said, and the exit code is in `*ret_exit`. */
DmSnapshot *dm_snapshot_open(DmPrinter *printer, DmAsk **ret_ask, DmExit *ret_exit);

/* Leaves only the providers that the command line asks for. OK with at least one; otherwise says
 * what is missing: NOT_ENROLLED, or NOT_FOUND with the names there are. */
DmExit dm_snapshot_select(DmSnapshot *snapshot, const DmArguments *arguments, DmPrinter *printer);

/* The one provider that the command line asks for, or that there is; borrowed. NULL otherwise, and
 * it is said, with USAGE where there are several. */
const DmSnapshotProvider *dm_snapshot_select_one(DmSnapshot *snapshot, const DmArguments *arguments,
                                                 DmPrinter *printer, DmExit *ret_exit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSnapshot, dm_snapshot_free)
