/* SPDX-License-Identifier: MIT */

#include "broker/curl-loop.h"

#include <glib-unix.h>
#include <stdbool.h>

#include "common/source.h"

struct DmCurlLoop {
    GMainContext *context;
    DmCurlLoopFunc func;
    gpointer data;
    GPtrArray *sockets; /* of Socket */
    GSource *timer;
};

typedef struct {
    DmCurlLoop *loop;
    curl_socket_t fd;
    GIOCondition condition; /* that curl asked for last */
    bool is_wanted;         /* curl still does */
    GSource *source;
} Socket;

static void
free_socket(gpointer data)
{
    Socket *socket = data;

    dm_source_drop(&socket->source);
    g_free(socket);
}

static Socket *
find_socket(const DmCurlLoop *loop, curl_socket_t fd)
{
    for (guint i = 0; i < loop->sockets->len; i++) {
        Socket *socket = loop->sockets->pdata[i];

        if (socket->fd == fd)
            return socket;
    }
    return NULL;
}

static gboolean
on_ready(int fd, GIOCondition condition, gpointer data)
{
    Socket *socket = data;
    int events = 0;

    /* A hang-up between two requests, or a descriptor that curl has closed since. */
    if (!socket->is_wanted) {
        g_ptr_array_remove_fast(socket->loop->sockets, socket);
        return G_SOURCE_REMOVE;
    }
    if (condition & G_IO_IN)
        events |= CURL_CSELECT_IN;
    if (condition & G_IO_OUT)
        events |= CURL_CSELECT_OUT;
    if (condition & (G_IO_ERR | G_IO_HUP))
        events |= CURL_CSELECT_ERR;
    socket->loop->func(fd, events, socket->loop->data);
    return G_SOURCE_CONTINUE;
}

static void
watch(DmCurlLoop *loop, curl_socket_t fd, GIOCondition condition)
{
    Socket *socket = g_new0(Socket, 1);

    socket->loop = loop;
    socket->fd = fd;
    socket->condition = condition;
    socket->is_wanted = true;
    socket->source = g_unix_fd_source_new(fd, condition);
    g_source_set_callback(socket->source, G_SOURCE_FUNC(on_ready), socket, NULL);
    /* As in dbus/loop.c: it stays in the poll set. */
    g_source_set_can_recurse(socket->source, TRUE);
    g_source_attach(socket->source, loop->context);
    g_ptr_array_add(loop->sockets, socket);
}

/* curl takes its socket back after each request and brings it again for the next; GLib wakes its
 * loop up for each change of what it polls. So a socket that is no longer wanted stays until
 * something happens on it. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    DmCurlLoop *loop = data;
    Socket *socket = find_socket(loop, fd);
    GIOCondition condition = 0;

    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        condition |= G_IO_IN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        condition |= G_IO_OUT;
    if (socket != NULL && (condition == 0 || condition == socket->condition)) {
        socket->is_wanted = condition != 0;
        return 0;
    }
    if (socket != NULL)
        g_ptr_array_remove_fast(loop->sockets, socket);
    if (condition != 0)
        watch(loop, fd, condition);
    return 0;
}

static gboolean
on_time(gpointer data)
{
    DmCurlLoop *loop = data;

    /* curl may set the next one meanwhile. */
    g_source_unref(g_steal_pointer(&loop->timer));
    loop->func(CURL_SOCKET_TIMEOUT, 0, loop->data);
    return G_SOURCE_REMOVE;
}

static int
on_set_timer(CURLM *multi, long timeout_ms, void *data)
{
    DmCurlLoop *loop = data;

    dm_source_drop(&loop->timer);
    if (timeout_ms < 0)
        return 0;
    loop->timer = g_timeout_source_new((guint)timeout_ms);
    g_source_set_callback(loop->timer, on_time, loop, NULL);
    g_source_attach(loop->timer, loop->context);
    return 0;
}

DmCurlLoop *
dm_curl_loop_new(CURLM *multi, GMainContext *context, DmCurlLoopFunc func, gpointer data)
{
    DmCurlLoop *loop = g_new0(DmCurlLoop, 1);

    loop->context = g_main_context_ref(context);
    loop->func = func;
    loop->data = data;
    loop->sockets = g_ptr_array_new_with_free_func(free_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

void
dm_curl_loop_free(DmCurlLoop *loop)
{
    if (loop == NULL)
        return;
    g_ptr_array_unref(loop->sockets);
    dm_source_drop(&loop->timer);
    g_main_context_unref(loop->context);
    g_free(loop);
}
