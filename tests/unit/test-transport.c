/* SPDX-License-Identifier: MIT */

#include "broker/transport.h"

#include "tests/unit/add-test.h"
#include "tests/unit/transport-fixture.h"

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

/* A server that hangs up between two requests is heard once, and the next one connects anew. */
static void
test_hang_up_between(Fixture *fixture, gconstpointer data)
{
    const Plan plan = {.text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .keep = true};
    guint n_rounds = 0;

    post(fixture, plan);
    assert_answer(fixture, 200, "ok");
    connection_close(fixture->server.connections->pdata[0]);
    while (g_main_context_iteration(NULL, FALSE))
        g_assert_cmpuint(++n_rounds, <, 10);
    g_assert_cmpuint(n_rounds, >, 0);
    post(fixture, plan);
    assert_answer(fixture, 200, "ok");
    g_assert_cmpuint(fixture->server.connections->len, ==, 2);
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
    static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY"};

    for (gsize i = 0; i < G_N_ELEMENTS(proxies); i++)
        g_setenv(proxies[i], "http://127.0.0.1:9", TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD("/transport/protocol-4-post", test_post);
    ADD("/transport/protocol-1-empty-body", test_empty);
    ADD("/transport/protocol-4-one-connection-and-no-cookies", test_one_connection);
    ADD("/transport/hang-up-between-requests", test_hang_up_between);
    ADD("/transport/protocol-4-no-redirect-no-authentication", test_status_and_redirect);
    ADD("/transport/protocol-4-cap-announced", test_cap_announced);
    ADD("/transport/protocol-4-cap-reached-is-fine", test_cap_reached);
    ADD("/transport/protocol-4-endless-body", test_endless_body);
    ADD("/transport/protocol-4-endless-chunks", test_endless_chunks);
    ADD("/transport/protocol-4-endless-headers", test_endless_headers);
    ADD("/transport/protocol-4-no-decompression", test_no_decompression);
    ADD("/transport/broken-connections", test_broken);
    ADD("/transport/no-connection", test_no_connection);
    ADD("/transport/no-name", test_no_name);
    ADD("/transport/protocol-4-timeout", test_timeout);
    ADD("/transport/L1-addresses", test_address);
    ADD("/transport/protocol-4-nothing-from-the-environment", test_no_environment);
    ADD("/transport/protocol-4-listed-hosts-only", test_listed);
    ADD("/transport/protocol-4-fields-of-an-answer", test_fields);
    ADD("/transport/protocol-4-proxy", test_proxy);
    ADD("/transport/protocol-4-too-slow", test_stall);
    ADD("/transport/free-any-time", test_free);
    return g_test_run();
}
