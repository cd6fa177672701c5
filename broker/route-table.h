/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/uri.h"

/* Which other trees there are, as the administrator says (protocol.md section 7): prefixes of
 * LocURIs and the sockets that serve what is below them. */
typedef struct DmRouteTable DmRouteTable;

/* Most prefixes. */
#define DM_ROUTE_TABLE_MAX 32

DmRouteTable *dm_route_table_new(void);
void dm_route_table_free(DmRouteTable *table); /* NULL is fine */

/* Adds one. NULL, or what prefix or socket must be, in words for an error. */
const char *dm_route_table_add(DmRouteTable *table, const char *prefix, const char *socket);

/* The number of the socket that serves `uri`, the longest prefix that is it or stands above it
 * deciding; -1: none. Vendor and MSFT are known in any case, all else exactly (A2). */
int dm_route_table_find(const DmRouteTable *table, const DmUri *uri);

/* How many sockets, each once, and the path of one of them; borrowed. */
guint dm_route_table_count(const DmRouteTable *table);
const char *dm_route_table_get_socket(const DmRouteTable *table, guint number);

/* Whether `uri` is in the DMClient tree, which is nobody else's. */
bool dm_route_table_is_dmclient(const DmUri *uri);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRouteTable, dm_route_table_free)
