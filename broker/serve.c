/* SPDX-License-Identifier: MIT */

#include "broker/serve.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/error.h"
#include "common/notify.h"

typedef struct {
    GMainLoop *loop;
    DmDaemon *daemon;
} Service;

static void
on_ready(gpointer data)
{
    dm_notify("READY=1");
}

static void
on_stopped(gpointer data)
{
    Service *service = data;

    g_main_loop_quit(service->loop);
}

static gboolean
on_signal(int fd, GIOCondition condition, gpointer data)
{
    Service *service = data;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != (gssize)sizeof info)
        return G_SOURCE_CONTINUE;
    if (info.ssi_signo == SIGHUP) {
        dm_daemon_reload(service->daemon);
    } else {
        dm_notify("STOPPING=1");
        dm_daemon_stop(service->daemon);
    }
    return G_SOURCE_CONTINUE;
}

/* They come through a descriptor: g_unix_signal_add() would start a thread. */
static int
open_signals(GError **error)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "cannot listen to signals: %s",
                    g_strerror(errno));
    return fd;
}

bool
dm_serve_run(const DmDaemonOptions *options, GError **error)
{
    static const DmDaemonHandlers handlers = {.on_ready = on_ready, .on_stopped = on_stopped};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GSource) source = NULL;
    Service service = {.loop = loop};
    int signals = open_signals(error);

    if (signals < 0)
        return false;
    service.daemon = dm_daemon_new(options, NULL, &handlers, &service, error);
    if (service.daemon) {
        source = g_unix_fd_source_new(signals, G_IO_IN);
        g_source_set_callback(source, G_SOURCE_FUNC(on_signal), &service, NULL);
        g_source_attach(source, NULL);
        g_main_loop_run(loop);
        g_source_destroy(source);
        dm_daemon_free(service.daemon);
    }
    close(signals);
    return service.daemon != NULL;
}
