/* SPDX-License-Identifier: MIT */
#pragma once

#include <curl/curl.h>
#include <glib.h>

/* What curl waits for, sockets and a time, on a GLib main context. */
typedef struct DmCurlLoop DmCurlLoop;

/* What happened is for curl_multi_socket_action(): the socket, or CURL_SOCKET_TIMEOUT, and
 * CURL_CSELECT_* bits. It may free the loop. */
typedef void (*DmCurlLoopFunc)(curl_socket_t fd, int events, gpointer data);

/* Sets the socket and timer functions of `multi`, which is borrowed until it is freed. */
DmCurlLoop *dm_curl_loop_new(CURLM *multi, GMainContext *context, DmCurlLoopFunc func,
                             gpointer data);

/* After `multi`, which until then tells it of sockets. NULL is fine. */
void dm_curl_loop_free(DmCurlLoop *loop);
