/* SPDX-License-Identifier: MIT */

#include "plugin/logs.h"

#include <string.h>

#include "common/error.h"
#include "common/source.h"
#include "dbus/tree-call.h"
#include "plugin/report.h"

struct DmLogs {
    DmTree *tree;
    char *directory;
    GMainContext *context;
    DmSocket *socket;     /* NULL: none is served */
    GHashTable *requests; /* id → Request */
};

typedef struct {
    DmLogs *logs;
    char *id;
    GSource *patience;
    DmLogsFunc func;
    gpointer data;
    GDestroyNotify free_data;
} Request;

static void
request_free(gpointer data)
{
    Request *request = data;

    dm_source_drop(&request->patience);
    request->free_data(request->data);
    g_free(request->id);
    g_free(request);
}

DmLogs *
dm_logs_new(DmTree *tree, const char *directory, GMainContext *context)
{
    DmLogs *logs = g_new0(DmLogs, 1);

    logs->tree = tree;
    logs->directory = g_strdup(directory);
    logs->context = context;
    logs->requests = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, request_free);
    return logs;
}

void
dm_logs_free(DmLogs *logs)
{
    if (logs == NULL)
        return;
    g_hash_table_unref(logs->requests);
    g_free(logs->directory);
    g_free(logs);
}

void
dm_logs_set_socket(DmLogs *logs, DmSocket *socket)
{
    logs->socket = socket;
}

/* -- making -------------------------------------------------------------------------------------
 */

static void
add_broker_files(DmArchive *archive, const GArray *files)
{
    for (guint i = 0; i < files->len; i++) {
        const DmTreeFile *file = &g_array_index(files, DmTreeFile, i);
        g_autofree char *name = g_strconcat("broker/", file->name, NULL);

        (void)dm_archive_add(archive, name, file->data, file->size);
    }
}

/* Says in the archive what is missing from it, and why. */
static void
add_absence(DmArchive *archive, const char *text)
{
    (void)dm_archive_add(archive, "broker/missing.txt", text, strlen(text));
}

static void
finish(Request *request, const GArray *files, const char *absence)
{
    g_autoptr(DmArchive) archive = dm_archive_new(g_get_real_time() / G_USEC_PER_SEC);
    g_autoptr(GError) error = NULL;
    DmLogs *logs = request->logs;
    int fd;

    dm_report_add(archive, logs->tree);
    if (files != NULL)
        add_broker_files(archive, files);
    else if (absence != NULL)
        add_absence(archive, absence);
    fd = dm_archive_to_fd(archive, logs->directory, &error);
    request->func(fd, error, request->data);
    g_hash_table_remove(logs->requests, request->id);
}

static gboolean
on_patience_over(gpointer data)
{
    finish(data, NULL, "dmclient-broker did not hand over its part in time.\n");
    return G_SOURCE_REMOVE;
}

void
dm_logs_collect(DmLogs *logs, DmLogsFunc func, gpointer data, GDestroyNotify free_data)
{
    g_autoptr(GError) error = NULL;
    Request *request;

    if (g_hash_table_size(logs->requests) >= DM_LOGS_MAX) {
        error = g_error_new_literal(DM_ERROR, DM_ERROR_BUSY, "too many archives are being made");
        func(-1, error, data);
        free_data(data);
        return;
    }
    request = g_new0(Request, 1);
    request->logs = logs;
    request->id = g_uuid_string_random();
    request->func = func;
    request->data = data;
    request->free_data = free_data;
    g_hash_table_insert(logs->requests, request->id, request);
    if (logs->socket == NULL || dm_socket_get_n_attending(logs->socket) == 0) {
        finish(request, NULL, "dmclient-broker was not connected.\n");
        return;
    }
    request->patience = g_timeout_source_new(DM_LOGS_PATIENCE_MS);
    g_source_set_callback(request->patience, on_patience_over, request, NULL);
    g_source_attach(request->patience, logs->context);
    dm_socket_request_logs(logs->socket, request->id);
}

void
dm_logs_take(DmLogs *logs, const char *id, const GArray *files)
{
    Request *request = g_hash_table_lookup(logs->requests, id);

    if (request != NULL)
        finish(request, files, NULL);
}
