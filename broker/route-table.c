/* SPDX-License-Identifier: MIT */

#include "broker/route-table.h"

#include <string.h>
#include <sys/un.h>

#include "broker/device.h"

/* Where the DMClient tree is: an address, whose nodes are the tree's business (A1, A2). */
static const char *const dmclient_prefix[] = {"Vendor", "MSFT", "DMClient"};

typedef struct {
    DmUri *prefix;
    guint socket; /* its number */
} Row;

struct DmRouteTable {
    GArray *rows;       /* Row */
    GPtrArray *sockets; /* char* */
};

static void
row_clear(gpointer data)
{
    g_free(((Row *)data)->prefix);
}

DmRouteTable *
dm_route_table_new(void)
{
    DmRouteTable *table = g_new0(DmRouteTable, 1);

    table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
    g_array_set_clear_func(table->rows, row_clear);
    table->sockets = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void
dm_route_table_free(DmRouteTable *table)
{
    if (!table)
        return;
    g_array_unref(table->rows);
    g_ptr_array_unref(table->sockets);
    g_free(table);
}

bool
dm_route_table_is_dmclient(const DmUri *uri)
{
    /* Vendor and MSFT in any case, the tree's own name exactly (A2). */
    return uri->n_segments >= G_N_ELEMENTS(dmclient_prefix) &&
           dm_uri_segment_is(uri, 0, dmclient_prefix[0]) &&
           dm_uri_segment_is(uri, 1, dmclient_prefix[1]) &&
           strcmp(uri->segments[2], dmclient_prefix[2]) == 0;
}

/* The number of the socket, which is added if it is another one. */
static guint
add_socket(DmRouteTable *table, const char *socket)
{
    guint number;

    if (g_ptr_array_find_with_equal_func(table->sockets, socket, g_str_equal, &number))
        return number;
    g_ptr_array_add(table->sockets, g_strdup(socket));
    return table->sockets->len - 1;
}

const char *
dm_route_table_add(DmRouteTable *table, const char *prefix, const char *socket)
{
    g_autofree DmUri *uri = g_new(DmUri, 1);
    Row row;

    if (table->rows->len == DM_ROUTE_TABLE_MAX)
        return "one of at most 32 routes";
    if (dm_uri_parse(prefix, uri) != DM_STATUS_OK || uri->n_segments == 0 ||
        uri->query != DM_QUERY_NONE)
        return "named by a LocURI, such as ./Vendor/MSFT/Policy";
    if (dm_route_table_is_dmclient(uri) || dm_device_has(uri))
        return "named by a LocURI outside DMClient, DevInfo and DevDetail";
    if (!g_path_is_absolute(socket) ||
        strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "the absolute path of a socket, of at most 107 bytes";
    /* It points into itself: kept where it was made. */
    row = (Row){g_steal_pointer(&uri), add_socket(table, socket)};
    g_array_append_val(table->rows, row);
    return NULL;
}

static bool
is_same_segment(const DmUri *prefix, const DmUri *uri, guint index)
{
    if (index < 2 && (dm_uri_segment_is(prefix, index, dmclient_prefix[index])))
        return dm_uri_segment_is(uri, index, dmclient_prefix[index]);
    return strcmp(prefix->segments[index], uri->segments[index]) == 0;
}

static bool
is_above(const DmUri *prefix, const DmUri *uri)
{
    bool is_same = prefix->scope == uri->scope && prefix->n_segments <= uri->n_segments;

    for (guint i = 0; is_same && i < prefix->n_segments; i++)
        is_same = is_same_segment(prefix, uri, i);
    return is_same;
}

int
dm_route_table_find(const DmRouteTable *table, const DmUri *uri)
{
    guint best = 0;
    int found = -1;

    for (guint i = 0; i < table->rows->len; i++) {
        const Row *row = &g_array_index(table->rows, Row, i);

        if (row->prefix->n_segments > best && is_above(row->prefix, uri)) {
            best = row->prefix->n_segments;
            found = (int)row->socket;
        }
    }
    return found;
}

guint
dm_route_table_count(const DmRouteTable *table)
{
    return table->sockets->len;
}

const char *
dm_route_table_get_socket(const DmRouteTable *table, guint number)
{
    return g_ptr_array_index(table->sockets, number);
}
