/* SPDX-License-Identifier: MIT */

#include "broker/transport.h"

#include <arpa/inet.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "tests/unit/fixture.h"

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

static void
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

static void
connection_free(gpointer data)
{
    Connection *connection = data;

    connection_close(connection);
    g_string_free(connection->request, TRUE);
    g_string_free(connection->left, TRUE);
    g_free(connection);
}

static gboolean
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

static bool
is_whole(const char *request, bool takes_connect)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    if (takes_connect && g_str_has_prefix(request, "CONNECT "))
        return end != NULL;
    return end && length && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

static gboolean
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

static gboolean
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

static void
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

static void
server_stop(Server *server)
{
    g_ptr_array_unref(server->connections);
    g_ptr_array_unref(server->requests);
    g_source_remove(server->source);
    close(server->fd);
}

static DmTransportOptions
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

static void
set_up(Fixture *fixture, gconstpointer data)
{
    const DmTransportOptions options = default_options();

    server_start(&fixture->server);
    fixture->transport = dm_transport_new(&options, NULL, NULL);
}

static void
forget(Fixture *fixture)
{
    g_clear_pointer(&fixture->type, g_free);
    g_clear_pointer(&fixture->encoding, g_free);
    g_clear_pointer(&fixture->body, g_bytes_unref);
    g_clear_error(&fixture->error);
    fixture->is_done = false;
    fixture->status = 0;
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_transport_free(fixture->transport);
    server_stop(&fixture->server);
    forget(fixture);
}

static void
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

static void
post_to(Fixture *fixture, const char *url)
{
    static const char *const headers[] = {"Content-Type: text/x-test", "X-One: 1", NULL};
    g_autoptr(GBytes) body = g_bytes_new_static(BODY, strlen(BODY));

    forget(fixture);
    dm_transport_post(fixture->transport, url, headers, body, on_answer, fixture);
    g_assert_false(fixture->is_done); /* never before it returns */
    WAIT_UNTIL(fixture->is_done);
}

static char *
make_url(const Fixture *fixture)
{
    return g_strdup_printf("http://127.0.0.1:%u/a/../b?x=1", fixture->server.port);
}

static void
post(Fixture *fixture, Plan plan)
{
    g_autofree char *url = make_url(fixture);

    fixture->server.plan = plan;
    post_to(fixture, url);
}

static void
assert_answer(const Fixture *fixture, unsigned status, const char *body)
{
    gsize size = 0;
    const char *bytes;

    g_assert_no_error(fixture->error);
    g_assert_cmpuint(fixture->status, ==, status);
    bytes = g_bytes_get_data(fixture->body, &size);
    g_assert_cmpmem(bytes, (int)size, body, (int)strlen(body));
}

static void
assert_error(const Fixture *fixture, DmErrorCode code, const char *named)
{
    g_assert_error(fixture->error, DM_ERROR, (gint)code);
    g_assert_nonnull(strstr(fixture->error->message, named));
}

/* -- the tests ----------------------------------------------------------------------------------
 */

static void
test_post(Fixture *fixture, gconstpointer data)
{
    const char *request;

    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Type: a/b; c=d\r\n"
                                 "Content-Length: 5\r\n\r\nhello"});
    assert_answer(fixture, 200, "hello");
    g_assert_cmpstr(fixture->type, ==, "a/b; c=d");
    g_assert_null(fixture->encoding);
    request = fixture->server.requests->pdata[0];
    g_assert_true(g_str_has_prefix(request, "POST /a/../b?x=1 HTTP/1.1\r\n"));
    g_assert_true(g_str_has_suffix(request, "\r\n\r\n" BODY));
    g_assert_nonnull(strstr(request, "\r\nUser-Agent: Test/1\r\n"));
    g_assert_nonnull(strstr(request, "\r\nContent-Type: text/x-test\r\n"));
    g_assert_nonnull(strstr(request, "\r\nX-One: 1\r\n"));
    g_assert_null(strstr(request, "Expect"));
    g_assert_null(strstr(request, "Accept-Encoding"));
    g_assert_null(strstr(request, "Cookie"));
    g_assert_null(strstr(request, "Authorization"));
}

static void
test_empty(Fixture *fixture, gconstpointer data)
{
    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
    assert_answer(fixture, 200, "");
    g_assert_null(fixture->type);
}

static void
test_one_connection(Fixture *fixture, gconstpointer data)
{
    const Plan plan = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok",
                       .keep = true};

    for (guint i = 0; i < 10; i++) {
        post(fixture, plan);
        assert_answer(fixture, 200, "ok");
    }
    g_assert_cmpuint(fixture->n_calls, ==, 10);
    g_assert_cmpuint(fixture->server.requests->len, ==, 10);
    g_assert_cmpuint(fixture->server.connections->len, ==, 1);
    g_assert_null(strstr(fixture->server.requests->pdata[9], "Cookie"));
}

static void
test_status_and_redirect(Fixture *fixture, gconstpointer data)
{
    g_autofree char *redirect =
        g_strdup_printf("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%u/c\r\n"
                        "Content-Length: 0\r\n\r\n",
                        fixture->server.port);

    post(fixture, (Plan){.text = redirect});
    assert_answer(fixture, 307, "");
    g_assert_cmpuint(fixture->server.requests->len, ==, 1);
    post(fixture, (Plan){.text = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                                 "Content-Length: 0\r\n\r\n"});
    assert_answer(fixture, 401, "");
    g_assert_cmpuint(fixture->server.requests->len, ==, 2);
}

static void
test_cap_announced(Fixture *fixture, gconstpointer data)
{
    post(fixture,
         (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 524289\r\n\r\n", .hang = true});
    assert_error(fixture, DM_ERROR_TOO_LARGE, "127.0.0.1");
    g_assert_cmpuint(fixture->status, ==, 200);
    g_assert_cmpuint(g_bytes_get_size(fixture->body), ==, 0);
}

static void
test_cap_reached(Fixture *fixture, gconstpointer data)
{
    g_autofree char *body = g_strnfill(DM_TRANSPORT_MAX_BODY, 'x');
    g_autofree char *text = g_strconcat("HTTP/1.1 200 OK\r\n\r\n", body, NULL);

    post(fixture, (Plan){.text = text});
    assert_answer(fixture, 200, body);
}

static void
test_endless_body(Fixture *fixture, gconstpointer data)
{
    g_autofree char *chunk = g_strnfill(16384, 'x');

    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\n\r\n", .again = chunk});
    assert_error(fixture, DM_ERROR_TOO_LARGE, "524288");
    /* Cut off while it came: no more than what the sockets hold. */
    g_assert_cmpuint(fixture->server.n_sent, <, 16 * 1024 * 1024);
}

static void
test_endless_chunks(Fixture *fixture, gconstpointer data)
{
    g_autofree char *bytes = g_strnfill(4096, 'x');
    g_autofree char *chunk = g_strdup_printf("1000\r\n%s\r\n", bytes);

    post(fixture,
         (Plan){.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .again = chunk});
    assert_error(fixture, DM_ERROR_TOO_LARGE, "524288");
}

static void
test_endless_headers(Fixture *fixture, gconstpointer data)
{
    g_autofree char *line = g_strnfill(1000, 'x');
    g_autofree char *header = g_strdup_printf("X-Filler: %s\r\n", line);

    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\n", .again = header});
    assert_error(fixture, DM_ERROR_TOO_LARGE, "headers");
    g_assert_cmpuint(fixture->status, ==, 0);
    /* Interim answers count as well. */
    post(fixture, (Plan){.text = "HTTP/1.1 100 Continue\r\n\r\n",
                         .again = "HTTP/1.1 100 Continue\r\nX-Filler: xxxxxxxxxxxxxxxx\r\n\r\n"});
    assert_error(fixture, DM_ERROR_TOO_LARGE, "headers");
    /* And one line without an end. */
    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nX-Filler: ", .again = line});
    assert_error(fixture, DM_ERROR_TOO_LARGE, "127.0.0.1");
}

static void
test_no_decompression(Fixture *fixture, gconstpointer data)
{
    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                                 "Content-Length: 4\r\n\r\n\x1f\x8b\x08x"});
    assert_answer(fixture, 200, "\x1f\x8b\x08x");
    g_assert_cmpstr(fixture->encoding, ==, "gzip");
}

static void
test_broken(Fixture *fixture, gconstpointer data)
{
    post(fixture, (Plan){.text = NULL});
    assert_error(fixture, DM_ERROR_CONNECT, "127.0.0.1");
    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"});
    assert_error(fixture, DM_ERROR_CONNECT, "127.0.0.1");
    post(fixture, (Plan){.text = "SSH-2.0-OpenSSH_9.2\r\n"});
    assert_error(fixture, DM_ERROR_INVALID, "not HTTP");
}

static void
test_no_connection(Fixture *fixture, gconstpointer data)
{
    Server gone = {0};
    g_autofree char *url = NULL;
    g_autofree char *host = NULL;

    server_start(&gone);
    url = g_strdup_printf("http://127.0.0.1:%u/", gone.port);
    host = g_strdup_printf("127.0.0.1:%u", gone.port);
    server_stop(&gone);
    post_to(fixture, url);
    assert_error(fixture, DM_ERROR_CONNECT, host);
}

static void
test_no_name(Fixture *fixture, gconstpointer data)
{
    post_to(fixture, "https://nowhere.invalid/dm");
    assert_error(fixture, DM_ERROR_RESOLVE, "nowhere.invalid:443");
}

static void
test_timeout(Fixture *fixture, gconstpointer data)
{
    DmTransportOptions options = default_options();

    dm_transport_free(fixture->transport);
    options.request_timeout_s = 1;
    fixture->transport = dm_transport_new(&options, NULL, NULL);
    post(fixture, (Plan){.hang = true});
    assert_error(fixture, DM_ERROR_TIMEOUT, "127.0.0.1");
    /* The next request works: nothing of the last one is left. */
    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"});
    assert_answer(fixture, 200, "1");
}

static void
test_address(Fixture *fixture, gconstpointer data)
{
    static const char *const refused[] = {
        "http://example.com/", "ftp://127.0.0.1/", "https://user:secret@127.0.0.1/",
        "file:///etc/passwd",  "https:///x",       "gopher://127.0.0.1:1/"};
    DmTransportOptions options = default_options();
    g_autofree char *url = make_url(fixture);

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        post_to(fixture, refused[i]);
        assert_error(fixture, DM_ERROR_INVALID, "server address");
    }
    dm_transport_free(fixture->transport);
    options.allow_http = false;
    fixture->transport = dm_transport_new(&options, NULL, NULL);
    post_to(fixture, url);
    assert_error(fixture, DM_ERROR_INVALID, "allow-http");
    g_assert_cmpuint(fixture->server.connections->len, ==, 0);
}

static void
test_no_environment(Fixture *fixture, gconstpointer data)
{
    /* main() has pointed every proxy variable to a port where nobody listens. */
    g_assert_nonnull(g_getenv("http_proxy"));
    post(fixture, (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"});
    assert_answer(fixture, 200, "1");
}

static void
test_listed(Fixture *fixture, gconstpointer data)
{
    static const char *const listed[] = {"https://mdm.example.test/dm", "http://localhost:1/",
                                         NULL};
    DmTransportOptions options = default_options();
    g_autofree char *url = make_url(fixture);

    dm_transport_free(fixture->transport);
    options.listed = listed;
    fixture->transport = dm_transport_new(&options, NULL, NULL);
    post_to(fixture, url);
    assert_error(fixture, DM_ERROR_INVALID, "not on a host of the provider's list");
    g_assert_cmpuint(fixture->server.connections->len, ==, 0);
}

static void
test_fields(Fixture *fixture, gconstpointer data)
{
    post(fixture, (Plan){.text = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
                                 "WWW-Authenticate: Negotiate\r\n"
                                 "WWW-Authenticate: bearer realm=\"x\"\r\n"
                                 "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 7\r\n\r\n"});
    assert_answer(fixture, 401, "");
    g_assert_true(fixture->wants_bearer);
    g_assert_cmpint(fixture->date_s, ==, 784111777);
    g_assert_cmpint(fixture->retry_after_ms, ==, 7000);
    post(fixture, (Plan){.text = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
                                 "WWW-Authenticate: Bearers\r\n\r\n"});
    assert_answer(fixture, 401, "");
    g_assert_false(fixture->wants_bearer);
    g_assert_cmpint(fixture->date_s, ==, -1);
    g_assert_cmpint(fixture->retry_after_ms, ==, -1);
}

/* A proxy is asked for a tunnel, and nothing that is for the server. */
static void
test_proxy(Fixture *fixture, gconstpointer data)
{
    DmTransportOptions options = default_options();
    g_autofree char *proxy = g_strdup_printf("http://127.0.0.1:%u", fixture->server.port);

    dm_transport_free(fixture->transport);
    options.proxy = proxy;
    fixture->transport = dm_transport_new(&options, NULL, NULL);
    fixture->server.takes_connect = true;
    fixture->server.plan = (Plan){.text = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"};
    post_to(fixture, "https://mdm.example.test/dm");
    assert_error(fixture, DM_ERROR_CONNECT, "407");
    g_assert_true(g_str_has_prefix(fixture->server.requests->pdata[0],
                                   "CONNECT mdm.example.test:443 HTTP/1.1\r\n"));
    g_assert_null(strstr(fixture->server.requests->pdata[0], "X-One"));
}

static void
test_stall(Fixture *fixture, gconstpointer data)
{
    DmTransportOptions options = default_options();

    dm_transport_free(fixture->transport);
    options.stall_timeout_s = 1;
    fixture->transport = dm_transport_new(&options, NULL, NULL);
    post(fixture,
         (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome", .hang = true});
    assert_error(fixture, DM_ERROR_TIMEOUT, "127.0.0.1");
}

static void
on_answer_free(const DmTransportAnswer *answer, const GError *error, gpointer data)
{
    Fixture *fixture = data;

    g_clear_pointer(&fixture->transport, dm_transport_free);
    on_answer(answer, error, data);
}

static void
test_free(Fixture *fixture, gconstpointer data)
{
    const DmTransportOptions options = default_options();
    g_autoptr(GBytes) body = g_bytes_new_static(BODY, strlen(BODY));
    g_autofree char *url = make_url(fixture);

    /* Inside the function that gets the answer. */
    fixture->server.plan = (Plan){.text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"};
    dm_transport_post(fixture->transport, url, NULL, body, on_answer_free, fixture);
    WAIT_UNTIL(fixture->is_done);
    assert_answer(fixture, 200, "1");

    /* With a request under way: nobody is called any more. */
    forget(fixture);
    fixture->server.plan = (Plan){.hang = true};
    fixture->transport = dm_transport_new(&options, NULL, NULL);
    dm_transport_post(fixture->transport, url, NULL, body, on_answer, fixture);
    while (fixture->server.requests->len < 2)
        g_main_context_iteration(NULL, TRUE);
    g_clear_pointer(&fixture->transport, dm_transport_free);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_false(fixture->is_done);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(Fixture *fixture, gconstpointer data);
    } tests[] = {
        {"/transport/protocol-4-post", test_post},
        {"/transport/protocol-1-empty-body", test_empty},
        {"/transport/protocol-4-one-connection-and-no-cookies", test_one_connection},
        {"/transport/protocol-4-no-redirect-no-authentication", test_status_and_redirect},
        {"/transport/protocol-4-cap-announced", test_cap_announced},
        {"/transport/protocol-4-cap-reached-is-fine", test_cap_reached},
        {"/transport/protocol-4-endless-body", test_endless_body},
        {"/transport/protocol-4-endless-chunks", test_endless_chunks},
        {"/transport/protocol-4-endless-headers", test_endless_headers},
        {"/transport/protocol-4-no-decompression", test_no_decompression},
        {"/transport/broken-connections", test_broken},
        {"/transport/no-connection", test_no_connection},
        {"/transport/no-name", test_no_name},
        {"/transport/protocol-4-timeout", test_timeout},
        {"/transport/L1-addresses", test_address},
        {"/transport/protocol-4-nothing-from-the-environment", test_no_environment},
        {"/transport/protocol-4-listed-hosts-only", test_listed},
        {"/transport/protocol-4-fields-of-an-answer", test_fields},
        {"/transport/protocol-4-proxy", test_proxy},
        {"/transport/protocol-4-too-slow", test_stall},
        {"/transport/free-any-time", test_free},
    };
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY"};

    for (gsize i = 0; i < G_N_ELEMENTS(proxies); i++)
        g_setenv(proxies[i], "http://127.0.0.1:9", TRUE);
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
    return g_test_run();
}
