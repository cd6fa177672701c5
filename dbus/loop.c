/* SPDX-License-Identifier: MIT */
#include "dbus/loop.h"

#include <stdbool.h>

#include "common/source.h"

/* How long a dispatch that ran out of memory waits before it is tried again. */
#define RETRY_MS 100

/* What one connection or server has on its context. libdbus holds the references, one for each kind
 * of callback, and lets go of them when the callbacks are taken away: so nothing has to be found
 * again by dm_loop_remove_*(). */
typedef struct {
    GMainContext *context;
    GSource *dispatch; /* NULL for a server */
} Loop;

/* -- sources: watches, timeouts, dispatch -------------------------------------------------------
 */

typedef struct {
    GSource base;
    DBusWatch *watch; /* NULL once libdbus has taken it back */
    gpointer tag;     /* the descriptor in the source; NULL while the watch is disabled */
} WatchSource;

typedef struct {
    GSource base;
    DBusTimeout *timeout; /* NULL once libdbus has taken it back */
} TimeoutSource;

typedef struct {
    GSource base;
    DBusConnection *connection;
    bool has_data; /* there is something to dispatch */
} DispatchSource;

/* What changes is seen to when the loop comes round. GLib would have it come round once more for
 * each change, of which libdbus makes several for a message; only another thread's loop has to be
 * told. */
static void
wake(GSource *source)
{
    GMainContext *context = g_source_get_context(source);

    if (context != NULL && !g_main_context_is_owner(context))
        g_main_context_wakeup(context);
}

/* A disabled watch leaves the poll set altogether: poll() reports a hang-up whether asked for it or
 * not, and would wake up for ever. */
static gboolean
on_watch_prepare(GSource *source, gint *timeout_ms)
{
    WatchSource *self = (WatchSource *)source;
    unsigned flags = self->watch != NULL ? dbus_watch_get_flags(self->watch) : 0;
    bool is_enabled = self->watch != NULL && dbus_watch_get_enabled(self->watch);
    GIOCondition events = (GIOCondition)((flags & DBUS_WATCH_READABLE ? G_IO_IN : 0) |
                                         (flags & DBUS_WATCH_WRITABLE ? G_IO_OUT : 0));

    *timeout_ms = -1;
    if (is_enabled && self->tag == NULL)
        self->tag = g_source_add_unix_fd(source, dbus_watch_get_unix_fd(self->watch), events);
    else if (!is_enabled && self->tag != NULL)
        g_source_remove_unix_fd(source, g_steal_pointer(&self->tag));
    return FALSE;
}

static gboolean
on_watch_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    WatchSource *self = (WatchSource *)source;
    GIOCondition condition =
        self->tag != NULL ? g_source_query_unix_fd(source, self->tag) : (GIOCondition)0;
    unsigned flags = 0;

    if (condition & G_IO_IN)
        flags |= DBUS_WATCH_READABLE;
    if (condition & G_IO_OUT)
        flags |= DBUS_WATCH_WRITABLE;
    if (condition & G_IO_HUP)
        flags |= DBUS_WATCH_HANGUP;
    if (condition & (G_IO_ERR | G_IO_NVAL))
        flags |= DBUS_WATCH_ERROR;
    /* Out of memory makes it false; the condition still holds then, and it is called again. */
    if (flags != 0 && self->watch != NULL)
        (void)dbus_watch_handle(self->watch, flags);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    TimeoutSource *self = (TimeoutSource *)source;

    if (self->timeout == NULL)
        return G_SOURCE_REMOVE;
    g_source_set_ready_time(source, g_source_get_time(source) +
                                        dbus_timeout_get_interval(self->timeout) * (gint64)1000);
    (void)dbus_timeout_handle(self->timeout);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_dispatch_prepare(GSource *source, gint *timeout_ms)
{
    *timeout_ms = -1;
    return ((DispatchSource *)source)->has_data;
}

/* One message a turn. */
static gboolean
on_dispatch_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    DispatchSource *self = (DispatchSource *)source;
    DBusConnection *connection = dbus_connection_ref(self->connection);
    DBusDispatchStatus status = dbus_connection_dispatch(connection);
    gint64 retry_us = -1;

    self->has_data = status == DBUS_DISPATCH_DATA_REMAINS;
    if (status == DBUS_DISPATCH_NEED_MEMORY)
        retry_us = g_source_get_time(source) + RETRY_MS * (gint64)1000;
    g_source_set_ready_time(source, retry_us);
    dbus_connection_unref(connection);
    return G_SOURCE_CONTINUE;
}

/* Const but for GLib, whose functions want them without. */
static GSourceFuncs watch_funcs = {.prepare = on_watch_prepare, .dispatch = on_watch_ready};
static GSourceFuncs timeout_funcs = {.dispatch = on_timeout_ready};
static GSourceFuncs dispatch_funcs = {.prepare = on_dispatch_prepare,
                                      .dispatch = on_dispatch_ready};

/* -- what libdbus calls -------------------------------------------------------------------------
 */

static void
free_source(void *data)
{
    g_source_unref(data);
}

static dbus_bool_t
on_add_watch(DBusWatch *watch, void *data)
{
    Loop *loop = data;
    WatchSource *source = (WatchSource *)g_source_new(&watch_funcs, sizeof(WatchSource));

    source->watch = watch;
    g_source_set_static_name(&source->base, "dbus watch");
    dbus_watch_set_data(watch, source, free_source);
    /* No loop runs within it; or GLib would take the descriptor out of the poll set meanwhile, and
     * wake itself up for that. */
    g_source_set_can_recurse(&source->base, TRUE);
    g_source_attach(&source->base, loop->context);
    return TRUE;
}

static void
on_remove_watch(DBusWatch *watch, void *data)
{
    WatchSource *source = dbus_watch_get_data(watch);

    if (source == NULL)
        return;
    source->watch = NULL;
    g_source_destroy(&source->base);
    dbus_watch_set_data(watch, NULL, NULL);
}

static void
on_toggle_watch(DBusWatch *watch, void *data)
{
    WatchSource *source = dbus_watch_get_data(watch);

    if (source != NULL)
        wake(&source->base);
}

static void
update_timeout(TimeoutSource *source)
{
    gint64 ready_us = -1;

    if (dbus_timeout_get_enabled(source->timeout))
        ready_us =
            g_get_monotonic_time() + dbus_timeout_get_interval(source->timeout) * (gint64)1000;
    g_source_set_ready_time(&source->base, ready_us);
}

static dbus_bool_t
on_add_timeout(DBusTimeout *timeout, void *data)
{
    Loop *loop = data;
    TimeoutSource *source = (TimeoutSource *)g_source_new(&timeout_funcs, sizeof(TimeoutSource));

    source->timeout = timeout;
    g_source_set_static_name(&source->base, "dbus timeout");
    dbus_timeout_set_data(timeout, source, free_source);
    update_timeout(source);
    g_source_attach(&source->base, loop->context);
    return TRUE;
}

static void
on_remove_timeout(DBusTimeout *timeout, void *data)
{
    TimeoutSource *source = dbus_timeout_get_data(timeout);

    if (source == NULL)
        return;
    source->timeout = NULL;
    g_source_destroy(&source->base);
    dbus_timeout_set_data(timeout, NULL, NULL);
}

static void
on_toggle_timeout(DBusTimeout *timeout, void *data)
{
    TimeoutSource *source = dbus_timeout_get_data(timeout);

    if (source != NULL)
        update_timeout(source);
}

/* Must not dispatch by itself: only notes that there is something to do. */
static void
on_dispatch_status(DBusConnection *connection, DBusDispatchStatus status, void *data)
{
    Loop *loop = data;

    if (status != DBUS_DISPATCH_DATA_REMAINS)
        return;
    ((DispatchSource *)loop->dispatch)->has_data = true;
    wake(loop->dispatch);
}

/* -- attaching ----------------------------------------------------------------------------------
 */

static Loop *
loop_new(GMainContext *context)
{
    Loop *loop = g_rc_box_new0(Loop);

    loop->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
    return loop;
}

static void
clear_loop(gpointer data)
{
    Loop *loop = data;

    dm_source_drop(&loop->dispatch);
    g_main_context_unref(loop->context);
}

static void
unref_loop(void *data)
{
    g_rc_box_release_full(data, clear_loop);
}

void
dm_loop_add_connection(DBusConnection *connection, GMainContext *context)
{
    Loop *loop = loop_new(context);
    DispatchSource *dispatch;

    dbus_connection_ref(connection);
    loop->dispatch = g_source_new(&dispatch_funcs, sizeof(DispatchSource));
    dispatch = (DispatchSource *)loop->dispatch;
    dispatch->connection = connection;
    g_source_set_static_name(loop->dispatch, "dbus dispatch");
    g_source_attach(loop->dispatch, loop->context);

    dbus_connection_set_dispatch_status_function(connection, on_dispatch_status,
                                                 g_rc_box_acquire(loop), unref_loop);
    /* False only when memory is out, which ends the program in GLib too. */
    if (!dbus_connection_set_watch_functions(connection, on_add_watch, on_remove_watch,
                                             on_toggle_watch, g_rc_box_acquire(loop), unref_loop) ||
        !dbus_connection_set_timeout_functions(connection, on_add_timeout, on_remove_timeout,
                                               on_toggle_timeout, g_rc_box_acquire(loop),
                                               unref_loop))
        g_error("out of memory");
    dispatch->has_data =
        dbus_connection_get_dispatch_status(connection) == DBUS_DISPATCH_DATA_REMAINS;
    unref_loop(loop);
}

void
dm_loop_remove_connection(DBusConnection *connection)
{
    dbus_connection_set_dispatch_status_function(connection, NULL, NULL, NULL);
    (void)dbus_connection_set_timeout_functions(connection, NULL, NULL, NULL, NULL, NULL);
    (void)dbus_connection_set_watch_functions(connection, NULL, NULL, NULL, NULL, NULL);
    dbus_connection_unref(connection);
}

void
dm_loop_add_server(DBusServer *server, GMainContext *context)
{
    Loop *loop = loop_new(context);

    dbus_server_ref(server);
    if (!dbus_server_set_watch_functions(server, on_add_watch, on_remove_watch, on_toggle_watch,
                                         g_rc_box_acquire(loop), unref_loop) ||
        !dbus_server_set_timeout_functions(server, on_add_timeout, on_remove_timeout,
                                           on_toggle_timeout, g_rc_box_acquire(loop), unref_loop))
        g_error("out of memory");
    unref_loop(loop);
}

void
dm_loop_remove_server(DBusServer *server)
{
    (void)dbus_server_set_timeout_functions(server, NULL, NULL, NULL, NULL, NULL);
    (void)dbus_server_set_watch_functions(server, NULL, NULL, NULL, NULL, NULL);
    dbus_server_unref(server);
}
