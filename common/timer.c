/* SPDX-License-Identifier: MIT */

#include "common/timer.h"

#include <glib-unix.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/source.h"

struct DmTimer {
    GMainContext *context;
    void (*func)(gpointer data);
    gpointer data;
    int fd;          /* -1: none yet */
    GSource *source; /* watches `fd`; or GLib's timer */
    gint64 due_us;   /* -1: not set */
};

static void
fire(DmTimer *timer)
{
    timer->due_us = -1;
    timer->func(timer->data);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    guint64 n = 0;

    /* Nothing to read: it was set to another time meanwhile. */
    if (read(fd, &n, sizeof n) == (ssize_t)sizeof n)
        fire(data);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_elapsed(gpointer data)
{
    DmTimer *timer = data;

    dm_source_drop(&timer->source);
    fire(timer);
    return G_SOURCE_REMOVE;
}

DmTimer *
dm_timer_new(GMainContext *context, void (*func)(gpointer data), gpointer data)
{
    DmTimer *timer = g_new0(DmTimer, 1);

    timer->context = context;
    timer->func = func;
    timer->data = data;
    timer->fd = -1;
    timer->due_us = -1;
    return timer;
}

void
dm_timer_free(DmTimer *timer)
{
    if (timer == NULL)
        return;
    dm_source_drop(&timer->source);
    if (timer->fd >= 0)
        close(timer->fd);
    g_free(timer);
}

static bool
open_fd(DmTimer *timer)
{
    if (timer->fd >= 0)
        return true;
    timer->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer->fd < 0)
        return false;
    dm_source_drop(&timer->source);
    timer->source = g_unix_fd_source_new(timer->fd, G_IO_IN);
    g_source_set_static_name(timer->source, "boot-time timer");
    g_source_set_callback(timer->source, G_SOURCE_FUNC(on_readable), timer, NULL);
    g_source_attach(timer->source, timer->context);
    return true;
}

static void
set_glib(DmTimer *timer, gint64 due_us)
{
    gint64 wait_ms = MAX(0, due_us - dm_clock_boot_us(dm_clock_system())) / 1000 + 1;

    dm_source_drop(&timer->source);
    timer->source = g_timeout_source_new((guint)MIN(wait_ms, G_MAXINT));
    g_source_set_callback(timer->source, on_elapsed, timer, NULL);
    g_source_attach(timer->source, timer->context);
}

void
dm_timer_set(DmTimer *timer, gint64 due_us)
{
    struct itimerspec spec = {0};
    gint64 at_us = MAX(due_us, 1);

    if (due_us < 0 ? timer->due_us < 0 : timer->due_us == due_us)
        return;
    timer->due_us = MAX(due_us, -1);
    if (due_us < 0 && timer->fd < 0) {
        dm_source_drop(&timer->source);
        return;
    }
    if (!open_fd(timer)) {
        set_glib(timer, due_us);
        return;
    }
    /* All zero stops it. */
    if (due_us >= 0) {
        spec.it_value.tv_sec = (time_t)(at_us / G_USEC_PER_SEC);
        spec.it_value.tv_nsec = (long)(at_us % G_USEC_PER_SEC) * 1000;
    }
    (void)timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}
