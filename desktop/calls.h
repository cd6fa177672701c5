/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "desktop/model.h"

/* What can be asked of the service. Each call may have a person asked for a password, waits as long
 * as it takes, and ends with `callback`; the object that g_task_get_source_object() names is the
 * model. `provider` is a path. */

void dm_call_sync(DmModel *model, const char *provider, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer data);
void dm_call_unenroll(DmModel *model, const char *provider, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer data);
void dm_call_retry(DmModel *model, const char *provider, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer data);

/* Asks for the leave to read the details of the provider; has the model read them then. */
void dm_call_authorise(DmModel *model, const char *provider, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data);

/* Has logs collected, and writes the archive to `file`, for the user alone to read. */
void dm_call_collect_logs(DmModel *model, GFile *file, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data);

/* Whether it worked; an error of the service with its name on the bus, one of the file, or
 * G_IO_ERROR_CANCELLED. */
gboolean dm_call_finish(GAsyncResult *result, GError **error);
