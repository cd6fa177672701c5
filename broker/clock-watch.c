/* SPDX-License-Identifier: MIT */

#include "broker/clock-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/source.h"

struct DmClockWatch {
    int fd;
    GSource *source;
    void (*func)(gpointer data);
    gpointer data;
};

/* A timer that is never due, and is cancelled when the clock is set. */
static bool
arm(int fd)
{
    const struct itimerspec never = {.it_value = {.tv_sec = (time_t)G_MAXINT64 / G_USEC_PER_SEC}};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    DmClockWatch *watch = data;
    guint64 n;
    bool is_set = read(fd, &n, sizeof n) < 0 && errno == ECANCELED;

    /* Armed first: what happens from now on is news again. */
    (void)arm(fd);
    if (is_set)
        watch->func(watch->data);
    return G_SOURCE_CONTINUE;
}

DmClockWatch *
dm_clock_watch_new(GMainContext *context, void (*func)(gpointer data), gpointer data)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    DmClockWatch *watch;

    if (fd < 0)
        return NULL;
    if (!arm(fd)) {
        close(fd);
        return NULL;
    }
    watch = g_new0(DmClockWatch, 1);
    watch->fd = fd;
    watch->func = func;
    watch->data = data;
    watch->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_static_name(watch->source, "wall clock");
    g_source_set_callback(watch->source, G_SOURCE_FUNC(on_readable), watch, NULL);
    g_source_attach(watch->source, context);
    return watch;
}

void
dm_clock_watch_free(DmClockWatch *watch)
{
    if (!watch)
        return;
    dm_source_drop(&watch->source);
    close(watch->fd);
    g_free(watch);
}
