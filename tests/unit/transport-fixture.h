/* SPDX-License-Identifier: MIT */
#pragma once

#include <arpa/inet.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/transport.h"
#include "common/error.h"
#include "tests/unit/fixture.h"

/* A transport, and an HTTP server that does what a test plans, on the default main context. */

#define BODY "<SyncML/>"

/* What the server does once a request is there. */
typedef struct {
    const char *text;  /* sent as it stands; NULL: nothing */
    const char *again; /* then this, for as long as somebody reads */
    bool hang;         /* keeps the connection, otherwise it is closed (or kept for the next one) */
    bool keep;
} Plan;

/* An HTTP server in the test's own main context, plain and on the loopback interface. */
typedef struct {
    int fd;
    guint port;
    guint source;
    Plan plan;
    bool takes_connect;     /* a proxy's request has no body */
    GPtrArray *connections; /* Connection */
    GPtrArray *requests;    /* char* */
    guint64 n_sent;
} Server;

typedef struct {
    Server *server;
    int fd;
    guint in, out;
    GString *request;
    GString *left; /* to be sent */
} Connection;

typedef struct {
    Server server;
    DmTransport *transport;
    bool is_done;
    guint n_calls;
    unsigned status;
    char *type;
    char *encoding;
    bool wants_bearer;
    gint64 date_s, retry_after_ms;
    GBytes *body;
    GError *error;
} Fixture;

static inline void
connection_close(Connection *connection)
{
    if (connection->fd < 0)
        return;
    if (connection->in)
        g_source_remove(connection->in);
    if (connection->out)
        g_source_remove(connection->out);
    close(connection->fd);
    connection->fd = -1;
}

static inline void
connection_free(gpointer data)
{
    Connection *connection = data;

    connection_close(connection);
    g_string_free(connection->request, TRUE);
    g_string_free(connection->left, TRUE);
    g_free(connection);
}

static inline gboolean
on_writable(int fd, GIOCondition condition, gpointer data)
{
    Connection *connection = data;
    const Plan *plan = &connection->server->plan;
    gssize n;

    if (connection->left->len == 0 && plan->again)
        g_string_append(connection->left, plan->again);
    n = send(fd, connection->left->str, connection->left->len, MSG_NOSIGNAL);
    if (n > 0) {
        connection->server->n_sent += (guint64)n;
        g_string_erase(connection->left, 0, n);
    }
    if (n >= 0 && (connection->left->len > 0 || plan->again))
        return G_SOURCE_CONTINUE;
    connection->out = 0;
    if (n < 0 || (!plan->keep && !plan->hang))
        connection_close(connection);
    return G_SOURCE_REMOVE;
}

static inline bool
is_whole(const char *request, bool takes_connect)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    if (takes_connect && g_str_has_prefix(request, "CONNECT "))
        return end != NULL;
    return end && length && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

static inline gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    Connection *connection = data;
    Server *server = connection->server;
    char buffer[4096];
    gssize n = recv(fd, buffer, sizeof(buffer), 0);

    if (n <= 0) {
        connection->in = 0;
        connection_close(connection);
        return G_SOURCE_REMOVE;
    }
    g_string_append_len(connection->request, buffer, n);
    if (!is_whole(connection->request->str, server->takes_connect))
        return G_SOURCE_CONTINUE;
    g_ptr_array_add(server->requests, g_strdup(connection->request->str));
    g_string_truncate(connection->request, 0);
    if (server->plan.text) {
        g_string_append(connection->left, server->plan.text);
        connection->out = g_unix_fd_add(fd, G_IO_OUT, on_writable, connection);
    } else if (!server->plan.hang) {
        connection->in = 0;
        connection_close(connection);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static inline gboolean
on_connection(int fd, GIOCondition condition, gpointer data)
{
    Server *server = data;
    Connection *connection = g_new0(Connection, 1);

    connection->server = server;
    connection->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    g_assert_cmpint(connection->fd, >=, 0);
    connection->request = g_string_new(NULL);
    connection->left = g_string_new(NULL);
    connection->in = g_unix_fd_add(connection->fd, G_IO_IN, on_readable, connection);
    g_ptr_array_add(server->connections, connection);
    return G_SOURCE_CONTINUE;
}

static inline void
server_start(Server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(server->fd, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(listen(server->fd, 8), ==, 0);
    g_assert_cmpint(getsockname(server->fd, (struct sockaddr *)&address, &size), ==, 0);
    server->port = ntohs(address.sin_port);
    server->connections = g_ptr_array_new_with_free_func(connection_free);
    server->requests = g_ptr_array_new_with_free_func(g_free);
    server->source = g_unix_fd_add(server->fd, G_IO_IN, on_connection, server);
}

static inline void
server_stop(Server *server)
{
    g_ptr_array_unref(server->connections);
    g_ptr_array_unref(server->requests);
    g_source_remove(server->source);
    close(server->fd);
}

static inline DmTransportOptions
default_options(void)
{
    const DmTransportOptions options = {
        .user_agent = "Test/1",
        .connect_timeout_s = 5,
        .request_timeout_s = 20,
        .stall_timeout_s = 20,
        .allow_http = true,
    };

    return options;
}

static inline void
set_up(Fixture *fixture, gconstpointer data)
{
    const DmTransportOptions options = default_options();

    server_start(&fixture->server);
    fixture->transport = dm_transport_new(&options, NULL, NULL);
}

static inline void
forget(Fixture *fixture)
{
    g_clear_pointer(&fixture->type, g_free);
    g_clear_pointer(&fixture->encoding, g_free);
    g_clear_pointer(&fixture->body, g_bytes_unref);
    g_clear_error(&fixture->error);
    fixture->is_done = false;
    fixture->status = 0;
}

static inline void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_transport_free(fixture->transport);
    server_stop(&fixture->server);
    forget(fixture);
}

static inline void
on_answer(const DmTransportAnswer *answer, const GError *error, gpointer data)
{
    Fixture *fixture = data;

    fixture->n_calls++;
    fixture->is_done = true;
    fixture->error = error ? g_error_copy(error) : NULL;
    if (!answer)
        return;
    fixture->status = answer->status;
    fixture->type = g_strdup(answer->content_type);
    fixture->encoding = g_strdup(answer->content_encoding);
    fixture->body = g_bytes_ref(answer->body);
    fixture->wants_bearer = answer->wants_bearer;
    fixture->date_s = answer->date_s;
    fixture->retry_after_ms = answer->retry_after_ms;
}

static inline void
post_to(Fixture *fixture, const char *url)
{
    static const char *const headers[] = {"Content-Type: text/x-test", "X-One: 1", NULL};
    g_autoptr(GBytes) body = g_bytes_new_static(BODY, strlen(BODY));

    forget(fixture);
    dm_transport_post(fixture->transport, url, headers, body, on_answer, fixture);
    g_assert_false(fixture->is_done); /* never before it returns */
    WAIT_UNTIL(fixture->is_done);
}

static inline char *
make_url(const Fixture *fixture)
{
    return g_strdup_printf("http://127.0.0.1:%u/a/../b?x=1", fixture->server.port);
}

static inline void
post(Fixture *fixture, Plan plan)
{
    g_autofree char *url = make_url(fixture);

    fixture->server.plan = plan;
    post_to(fixture, url);
}

static inline void
assert_answer(const Fixture *fixture, unsigned status, const char *body)
{
    gsize size = 0;
    const char *bytes;

    g_assert_no_error(fixture->error);
    g_assert_cmpuint(fixture->status, ==, status);
    bytes = g_bytes_get_data(fixture->body, &size);
    g_assert_cmpmem(bytes, (int)size, body, (int)strlen(body));
}

static inline void
assert_error(const Fixture *fixture, DmErrorCode code, const char *named)
{
    g_assert_error(fixture->error, DM_ERROR, (gint)code);
    g_assert_nonnull(strstr(fixture->error->message, named));
}
