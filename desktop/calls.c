/* SPDX-License-Identifier: MIT */
#include "desktop/calls.h"

#include <gio/gunixfdlist.h>
#include <gio/gunixinputstream.h>

#include "dbus/names.h"
#include "dbus/node-names.h"

/* A session, or a person at a password, takes as long as it takes. */
#define NO_TIMEOUT G_MAXINT

gboolean
dm_call_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
on_answer(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    if (reply == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}

/* A task, unless there is no bus: then it has failed already and NULL is returned. */
static GTask *
begin(DmModel *model, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(model, cancellable, callback, data);

    if (dm_model_get_bus(model) != NULL)
        return task;
    g_task_return_new_error(task, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED, "no bus");
    g_object_unref(task);
    return NULL;
}

/* Calls a method of the manager, with `options`, floating or NULL. */
static void
call(DmModel *model, const char *method, const char *provider, GVariant *options,
     GAsyncReadyCallback on_reply, GTask *task)
{
    g_autoptr(GVariant) arguments = options != NULL ? g_variant_new("(o@a{sv})", provider, options)
                                                    : g_variant_new("(oa{sv})", provider, NULL);

    g_variant_ref_sink(arguments);
    if (task != NULL)
        g_dbus_connection_call(dm_model_get_bus(model), DM_BUS_NAME, DM_BUS_ROOT,
                               DM_BUS_INTERFACE_MANAGER, method, arguments, NULL,
                               G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, NO_TIMEOUT,
                               g_task_get_cancellable(task), on_reply, task);
}

static void
on_pong(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GVariant *reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    const GError *error = g_task_get_task_data(task);

    g_clear_pointer(&reply, g_variant_unref);
    if (error != NULL)
        g_task_return_error(task, g_error_copy(error));
    else
        g_task_return_boolean(task, TRUE);
}

/* The answer overtakes the signals of what the session has left: they are here when the service has
 * answered once more. */
static void
on_session_end(GObject *source, GAsyncResult *result, gpointer data)
{
    GTask *task = data;
    GError *error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    if (reply == NULL)
        g_task_set_task_data(task, error, (GDestroyNotify)g_error_free);
    g_dbus_connection_call(G_DBUS_CONNECTION(source), DM_BUS_NAME, DM_BUS_ROOT,
                           "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, g_task_get_cancellable(task),
                           on_pong, task);
}

void
dm_call_sync(DmModel *model, const char *provider, GCancellable *cancellable,
             GAsyncReadyCallback callback, gpointer data)
{
    GVariantDict options;

    g_variant_dict_init(&options, NULL);
    g_variant_dict_insert(&options, "wait", "b", TRUE);
    call(model, "Sync", provider, g_variant_dict_end(&options), on_session_end,
         begin(model, cancellable, callback, data));
}

void
dm_call_unenroll(DmModel *model, const char *provider, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer data)
{
    call(model, dm_node_name(DM_NAME_UNENROLL), provider, NULL, on_answer,
         begin(model, cancellable, callback, data));
}

void
dm_call_retry(DmModel *model, const char *provider, GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer data)
{
    call(model, "RetryFirstSync", provider, NULL, on_answer,
         begin(model, cancellable, callback, data));
}

/* -- details ------------------------------------------------------------------------------------
 */

static void
on_authorised(GObject *source, GAsyncResult *result, gpointer data)
{
    GTask *task = data;

    /* GetManagedObjects asks nobody: it has what was allowed just now. */
    dm_model_reload(g_task_get_source_object(task));
    on_answer(source, result, data);
}

void
dm_call_authorise(DmModel *model, const char *provider, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = begin(model, cancellable, callback, data);

    /* Any of the class would do; this one has a default, and so is always there. */
    if (task != NULL)
        g_dbus_connection_call(dm_model_get_bus(model), DM_BUS_NAME, provider,
                               "org.freedesktop.DBus.Properties", "Get",
                               g_variant_new("(ss)", DM_BUS_INTERFACE_PROVIDER,
                                             dm_node_name(DM_NAME_SYNC_APPLICATION_VERSION)),
                               NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, NO_TIMEOUT,
                               cancellable, on_authorised, task);
}

/* -- logs ---------------------------------------------------------------------------------------
 */

static void
on_copied(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;

    if (g_output_stream_splice_finish(G_OUTPUT_STREAM(source), result, &error) < 0)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}

/* The archive, to be read; NULL and `error`. */
static GInputStream *
open_archive(GVariant *reply, GUnixFDList *descriptors, GError **error)
{
    gint32 index = -1;
    int fd;

    if (g_variant_is_of_type(reply, G_VARIANT_TYPE("(h)")))
        g_variant_get(reply, "(h)", &index);
    if (descriptors == NULL || index < 0 || index >= g_unix_fd_list_get_length(descriptors)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "no archive");
        return NULL;
    }
    fd = g_unix_fd_list_get(descriptors, index, error);
    return fd >= 0 ? g_unix_input_stream_new(fd, TRUE) : NULL;
}

static void
on_file(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    g_autoptr(GFileOutputStream) out = g_file_replace_finish(G_FILE(source), result, &error);
    GInputStream *archive = g_object_get_data(G_OBJECT(task), "archive");

    if (out == NULL) {
        g_task_return_error(task, error);
        return;
    }
    g_output_stream_splice_async(
        G_OUTPUT_STREAM(out), archive,
        G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
        G_PRIORITY_DEFAULT, g_task_get_cancellable(task), on_copied, g_object_ref(task));
}

static void
on_archive(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GUnixFDList) descriptors = NULL;
    GError *error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &descriptors, result, &error);
    GInputStream *archive = reply != NULL ? open_archive(reply, descriptors, &error) : NULL;

    if (archive == NULL) {
        g_task_return_error(task, error);
        return;
    }
    g_object_set_data_full(G_OBJECT(task), "archive", archive, g_object_unref);
    g_file_replace_async(g_task_get_task_data(task), NULL, FALSE, G_FILE_CREATE_PRIVATE,
                         G_PRIORITY_DEFAULT, g_task_get_cancellable(task), on_file,
                         g_object_ref(task));
}

void
dm_call_collect_logs(DmModel *model, GFile *file, GCancellable *cancellable,
                     GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = begin(model, cancellable, callback, data);

    if (task == NULL)
        return;
    g_task_set_task_data(task, g_object_ref(file), g_object_unref);
    g_dbus_connection_call_with_unix_fd_list(
        dm_model_get_bus(model), DM_BUS_NAME, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "CollectLogs",
        g_variant_new("(a{sv})", NULL), NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
        NO_TIMEOUT, NULL, cancellable, on_archive, task);
}
