/* SPDX-License-Identifier: MIT */

/* struct ucred */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "broker/monitor.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/json.h"
#include "broker/recorder.h"
#include "common/error.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/source.h"

#define MAX_REQUEST 16
#define BACKLOG 4

struct DmMonitor {
    char *path;
    DmJournal *journal;
    DmRecorder *recorder;
    GMainContext *context;
    int fd; /* -1: nobody can watch */
    GSource *source;
    GPtrArray *watchers; /* Watcher */
};

typedef struct {
    DmMonitor *monitor;
    int fd;
    GSource *in, *out; /* out: NULL, nothing waits */
    GString *pending;
    char request[MAX_REQUEST];
    gsize n_request;
    bool watches;
} Watcher;

static void
watcher_free(gpointer data)
{
    Watcher *watcher = data;

    dm_source_drop(&watcher->in);
    dm_source_drop(&watcher->out);
    close(watcher->fd);
    g_string_free(watcher->pending, TRUE);
    g_free(watcher);
}

static void on_event(const DmJournalEvent *event, gpointer data);

/* Events cost nothing while nobody wants them. */
static void
follow_journal(DmMonitor *monitor)
{
    bool any = false;

    for (guint i = 0; i < monitor->watchers->len; i++)
        any |= ((const Watcher *)monitor->watchers->pdata[i])->watches;
    dm_journal_set_watch(monitor->journal, any ? on_event : NULL, monitor);
}

static void
drop(Watcher *watcher)
{
    DmMonitor *monitor = watcher->monitor;

    g_ptr_array_remove_fast(monitor->watchers, watcher);
    follow_journal(monitor);
}

/* -- sending -------------------------------------------------------------------------------------
 */

/* Writes what can be written; false: it is gone, or does not read. */
static bool
flush(Watcher *watcher)
{
    GString *pending = watcher->pending;

    while (pending->len > 0) {
        gssize n = send(watcher->fd, pending->str, pending->len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return pending->len <= DM_MONITOR_MAX_PENDING;
        if (n <= 0)
            return false;
        g_string_erase(pending, 0, n);
    }
    return true;
}

static gboolean
on_writable(int fd, GIOCondition condition, gpointer data)
{
    Watcher *watcher = data;

    if (!flush(watcher)) {
        drop(watcher);
        return G_SOURCE_REMOVE;
    }
    if (watcher->pending->len > 0)
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&watcher->out, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* False: it is to be dropped. */
static bool
push(Watcher *watcher, const GString *line)
{
    g_string_append_len(watcher->pending, line->str, (gssize)line->len);
    if (!flush(watcher))
        return false;
    if (watcher->pending->len > 0 && !watcher->out) {
        watcher->out = g_unix_fd_source_new(watcher->fd, G_IO_OUT);
        g_source_set_callback(watcher->out, G_SOURCE_FUNC(on_writable), watcher, NULL);
        g_source_attach(watcher->out, watcher->monitor->context);
    }
    return true;
}

static GString *
begin_line(const char *event)
{
    GString *json = g_string_new(NULL);

    dm_json_open(json, NULL, '{');
    dm_json_add_text(json, "event", event);
    return json;
}

static void
end_line(GString *json)
{
    dm_json_close(json, '}');
    g_string_append_c(json, '\n');
}

static void
on_event(const DmJournalEvent *event, gpointer data)
{
    DmMonitor *monitor = data;
    GString *json = begin_line(event->kind);

    dm_json_add_text(json, "time", event->time);
    dm_json_add_text(json, "provider", event->provider);
    dm_json_add_text(json, "text", event->text);
    if (event->number > 0) {
        dm_json_add_number(json, "message", event->number);
        dm_json_add_number(json, "bytes", event->size);
    }
    if (event->verb) {
        dm_json_add_text(json, "verb", event->verb);
        dm_json_add_text(json, "locuri", event->loc_uri);
        dm_json_add_number(json, "status", event->status);
    }
    end_line(json);
    for (guint i = monitor->watchers->len; i > 0; i--) {
        Watcher *watcher = monitor->watchers->pdata[i - 1];

        if (watcher->watches && !push(watcher, json))
            drop(watcher);
    }
    g_string_free(json, TRUE);
}

/* -- who comes -----------------------------------------------------------------------------------
 */

static char *
format_time(gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);

    return g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
}

/* What "raw" came to. */
static void
append_raw(GString *json, DmRecorder *recorder)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) line = NULL;
    g_autofree char *until = NULL;
    const char *path = NULL;
    gint64 until_us = 0;

    if (dm_recorder_start(recorder, &path, &until_us, &error)) {
        until = format_time(until_us);
        line = begin_line("raw");
        dm_json_add_text(line, "path", path);
        dm_json_add_text(line, "until", until);
    } else {
        line = begin_line("error");
        dm_json_add_text(line, "text", error->message);
    }
    end_line(line);
    g_string_append(json, line->str);
}

/* False: it is to be dropped. */
static bool
take_request(Watcher *watcher)
{
    bool is_raw = strcmp(watcher->request, "raw") == 0;
    g_autoptr(GString) json = NULL;

    if (!is_raw && strcmp(watcher->request, "watch") != 0)
        return false;
    json = begin_line("watching");
    dm_json_add_text(json, "version", DM_VERSION);
    end_line(json);
    if (is_raw)
        append_raw(json, watcher->monitor->recorder);
    watcher->watches = true;
    follow_journal(watcher->monitor);
    return push(watcher, json);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    Watcher *watcher = data;
    char *end = watcher->request + watcher->n_request;
    gssize n = recv(fd, end, MAX_REQUEST - watcher->n_request, MSG_DONTWAIT);
    char *line_end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    /* One line is all that anybody says. */
    if (n <= 0 || watcher->watches) {
        drop(watcher);
        return G_SOURCE_REMOVE;
    }
    watcher->n_request += (gsize)n;
    line_end = memchr(watcher->request, '\n', watcher->n_request);
    if (line_end)
        *line_end = '\0';
    if (line_end ? take_request(watcher) : watcher->n_request < MAX_REQUEST)
        return G_SOURCE_CONTINUE;
    drop(watcher);
    return G_SOURCE_REMOVE;
}

static bool
may_watch(int fd)
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static gboolean
on_connection(int fd, GIOCondition condition, gpointer data)
{
    DmMonitor *monitor = data;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    Watcher *watcher;

    if (peer < 0)
        return G_SOURCE_CONTINUE;
    if (!may_watch(peer) || monitor->watchers->len == DM_MONITOR_MAX_WATCHERS) {
        close(peer);
        return G_SOURCE_CONTINUE;
    }
    watcher = g_new0(Watcher, 1);
    watcher->monitor = monitor;
    watcher->fd = peer;
    watcher->pending = g_string_new(NULL);
    watcher->in = g_unix_fd_source_new(peer, G_IO_IN);
    g_source_set_callback(watcher->in, G_SOURCE_FUNC(on_readable), watcher, NULL);
    g_source_attach(watcher->in, monitor->context);
    g_ptr_array_add(monitor->watchers, watcher);
    return G_SOURCE_CONTINUE;
}

/* -- listening -----------------------------------------------------------------------------------
 */

/* The directory lets nobody else in, and has one broker that stays: a socket there is left over. */
static int
listen_at(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: a socket's path has at most 107 bytes",
                    path);
        return -1;
    }
    (void)unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Before it has a name: nobody sees another mode. */
    if (fd >= 0 && fchmod(fd, 0600) == 0 &&
        bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

DmMonitor *
dm_monitor_new(const char *directory, DmJournal *journal, GMainContext *context)
{
    DmMonitor *monitor = g_new0(DmMonitor, 1);
    g_autoptr(GError) error = NULL;

    monitor->path = g_build_filename(directory, DM_MONITOR_SOCKET, NULL);
    monitor->journal = journal;
    monitor->recorder = dm_recorder_new(directory, journal, DM_RECORDER_HOUR_US, context);
    monitor->context = context;
    monitor->watchers = g_ptr_array_new_with_free_func(watcher_free);
    monitor->fd = listen_at(monitor->path, &error);
    if (monitor->fd < 0) {
        dm_log_warning("sessions cannot be watched", "DM_CAUSE", error->message);
        return monitor;
    }
    monitor->source = g_unix_fd_source_new(monitor->fd, G_IO_IN);
    g_source_set_callback(monitor->source, G_SOURCE_FUNC(on_connection), monitor, NULL);
    g_source_attach(monitor->source, context);
    return monitor;
}

void
dm_monitor_free(DmMonitor *monitor)
{
    if (!monitor)
        return;
    dm_journal_set_watch(monitor->journal, NULL, NULL);
    dm_source_drop(&monitor->source);
    g_ptr_array_unref(monitor->watchers);
    if (monitor->fd >= 0) {
        close(monitor->fd);
        (void)unlink(monitor->path);
    }
    dm_recorder_free(monitor->recorder);
    g_free(monitor->path);
    g_free(monitor);
}
