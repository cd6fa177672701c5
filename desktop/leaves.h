/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "dbus/node-names.h"
#include "desktop/model.h"

/* Leaves of a provider in the model, by node: object, interface and property follow from the node
 * table (design section 5). */

/* The value on the bus, of whatever type; NULL while it is not there. Borrowed until the next
 * change of the model. */
GVariant *dm_leaf_find(const DmModel *model, const char *provider, DmNodeName leaf);

/* By type: "", 0 and false where there is none. A string is borrowed until the next change. */
const char *dm_leaf_get_string(const DmModel *model, const char *provider, DmNodeName leaf);
int dm_leaf_get_int(const DmModel *model, const char *provider, DmNodeName leaf);
bool dm_leaf_get_bool(const DmModel *model, const char *provider, DmNodeName leaf);

/* Whether the provider has the interior node. */
bool dm_leaf_has_interior(const DmModel *model, const char *provider, DmNodeName interior);

/* The path of an interior node's object; free with g_free(). */
char *dm_leaf_get_interior_path(const char *provider, DmNodeName interior);

/* What only an administrator may read of a provider. Calls `func` for each such leaf that is there,
 * in the order of the table. */
typedef void (*DmLeafFunc)(const char *name, GVariant *value, gpointer data);
void dm_leaf_foreach_detail(const DmModel *model, const char *provider, DmLeafFunc func,
                            gpointer data);

/* A value for people who know what it means: text, number, or items with a line each. Free with
 * g_free(). */
char *dm_leaf_format(GVariant *value);
