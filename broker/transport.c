/* SPDX-License-Identifier: MIT */

#include "broker/transport.h"

#include <curl/curl.h>
#include <string.h>

#include "broker/address.h"
#include "broker/curl-loop.h"
#include "broker/http.h"
#include "broker/redirect.h"
#include "common/error.h"
#include "common/source.h"

#define LOW_SPEED_BYTES_S 100L

typedef enum { OVER_NOTHING, OVER_BODY, OVER_HEADERS } Over;

struct DmTransport {
    GMainContext *context;
    CURLM *multi;
    CURL *easy;
    DmCurlLoop *loop;
    GSource *refused; /* an address that may not be spoken to: told from the loop, as all else */

    DmTls *tls;
    guint request_timeout_s;
    gsize max_body;
    bool allow_http;
    GStrv listed; /* NULL: any host */

    /* the request under way */
    char *url; /* that of the redirect that is followed, if one is */
    guint n_followed;
    gint64 deadline_us; /* of g_get_monotonic_time() */
    GBytes *request;
    struct curl_slist *headers;
    GByteArray *body;
    gsize header_bytes;
    guint header_lines;
    Over over;
    GError *error;
    char detail[CURL_ERROR_SIZE];
    DmTransportFunc func; /* NULL: none under way */
    gpointer data;
};

/* -- errors --------------------------------------------------------------------------------------
 */

typedef struct {
    CURLcode result;
    DmErrorCode code;
    const char *text;
} Failure;

/* What curl's results mean here; the text follows "HOST:PORT: ". */
static const Failure failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, DM_ERROR_RESOLVE,
     "the name cannot be resolved: check the address and the network"},
    {CURLE_COULDNT_RESOLVE_PROXY, DM_ERROR_RESOLVE,
     "the proxy's name cannot be resolved: check [broker] proxy and the network"},
    {CURLE_PROXY, DM_ERROR_CONNECT, "the proxy does not do its part: check [broker] proxy"},
    {CURLE_COULDNT_CONNECT, DM_ERROR_CONNECT,
     "no connection: check that the server runs and that nothing blocks the port"},
    {CURLE_GOT_NOTHING, DM_ERROR_CONNECT, "the connection was closed without an answer"},
    {CURLE_SEND_ERROR, DM_ERROR_CONNECT, "the connection broke while sending"},
    {CURLE_RECV_ERROR, DM_ERROR_CONNECT, "the connection broke while receiving"},
    {CURLE_PARTIAL_FILE, DM_ERROR_CONNECT, "the connection was closed inside the answer"},
    {CURLE_OPERATION_TIMEDOUT, DM_ERROR_TIMEOUT, "timed out: check the server and the network"},
    {CURLE_SSL_CONNECT_ERROR, DM_ERROR_TLS,
     "TLS failed: TLS 1.2 or later is needed, and a client certificate that the server takes"},
    {CURLE_PEER_FAILED_VERIFICATION, DM_ERROR_TLS,
     "the server's certificate is not trusted: check its name, dates and authority ([broker] "
     "ca-file)"},
    {CURLE_SSL_CIPHER, DM_ERROR_TLS, "no common TLS cipher"},
    /* What curl says when one header line outgrows its buffer; GLib ends the process on the other.
     */
    {CURLE_OUT_OF_MEMORY, DM_ERROR_TOO_LARGE, "a header of the answer is too long"},
#if LIBCURL_VERSION_NUM >= 0x080600
    {CURLE_TOO_LARGE, DM_ERROR_TOO_LARGE, "a header of the answer is too long"},
#endif
    {CURLE_UNSUPPORTED_PROTOCOL, DM_ERROR_INVALID, "the answer is not HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, DM_ERROR_INVALID, "the answer is not HTTP"},
    {CURLE_BAD_CONTENT_ENCODING, DM_ERROR_INVALID, "the answer is encoded in an unknown way"},
};

static const Failure *
find_failure(CURLcode result)
{
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++)
        if (failures[i].result == result)
            return &failures[i];
    return NULL;
}

/* With TLS 1.3 a refused client certificate shows only when the answer is read. */
static bool
is_tls_alert(CURLcode result, const char *detail)
{
    return (result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR) &&
           strstr(detail, "alert") != NULL;
}

/* What our own checks have to say; NULL: nothing. */
static char *
describe_refusal(const DmTransport *transport)
{
    if (transport->over == OVER_BODY)
        return g_strdup_printf("the answer is over %" G_GSIZE_FORMAT " bytes", transport->max_body);
    if (transport->over == OVER_HEADERS)
        return g_strdup_printf("the answer's headers are over %d bytes or %d lines",
                               DM_TRANSPORT_MAX_HEADERS, DM_TRANSPORT_MAX_HEADER_LINES);
    return g_strdup(dm_tls_get_refusal(transport->tls));
}

/* The status with which a proxy refused the way to the server; 0: it did not. */
static long
get_proxy_status(const DmTransport *transport)
{
    long status = 0;

    curl_easy_getinfo(transport->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status / 100 == 2 ? 0 : status;
}

static void
set_failure(DmTransport *transport, CURLcode result, GError **error)
{
    g_autofree char *host = dm_address_describe(transport->url);
    g_autofree char *refusal = describe_refusal(transport);
    const Failure *failure = find_failure(result);
    const char *detail = *transport->detail ? transport->detail : curl_easy_strerror(result);
    long proxy_status = get_proxy_status(transport);

    if (refusal)
        g_set_error(error, DM_ERROR,
                    transport->over == OVER_NOTHING ? DM_ERROR_TLS : DM_ERROR_TOO_LARGE, "%s: %s",
                    host, refusal);
    else if (proxy_status > 0)
        g_set_error(error, DM_ERROR, DM_ERROR_CONNECT,
                    "%s: the proxy answers with HTTP status %ld and does not connect: check "
                    "[broker] proxy and what it lets through",
                    host, proxy_status);
    else if (is_tls_alert(result, detail))
        g_set_error(error, DM_ERROR, DM_ERROR_TLS,
                    "%s: the server ended TLS: does it take this client certificate? (%s)", host,
                    detail);
    else if (failure)
        g_set_error(error, DM_ERROR, failure->code, "%s: %s (%s)", host, failure->text, detail);
    else
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: %s", host, detail);
}

/* -- one request ---------------------------------------------------------------------------------
 */

static void
clear_request(DmTransport *transport)
{
    curl_slist_free_all(transport->headers);
    transport->headers = NULL;
    g_clear_pointer(&transport->url, g_free);
    g_clear_pointer(&transport->request, g_bytes_unref);
    g_clear_error(&transport->error);
    transport->func = NULL;
}

/* Tells who asked, who may start the next request or free the transport: nothing after it. */
static void
finish(DmTransport *transport, const DmTransportAnswer *answer, const GError *error)
{
    DmTransportFunc func = transport->func;
    gpointer data = transport->data;

    clear_request(transport);
    func(answer, error, data);
}

/* The value of a header field; NULL: it is not there. Borrowed until the next request. */
static const char *
find_header(CURL *easy, const char *name, gsize index)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(easy, name, index, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

static bool
wants_bearer(CURL *easy)
{
    const char *challenge;

    for (gsize i = 0; (challenge = find_header(easy, "WWW-Authenticate", i)); i++)
        if (g_ascii_strncasecmp(challenge, "Bearer", 6) == 0 && strchr(" ,", challenge[6]))
            return true;
    return false;
}

/* Sends the request to `transport->url`: the first time, or after a redirect. */
static void
send_request(DmTransport *transport)
{
    CURL *easy = transport->easy;
    g_autofree char *host = dm_address_copy_host(transport->url);
    gint64 left_ms = (transport->deadline_us - g_get_monotonic_time()) / 1000;
    gsize size = 0;

    g_clear_pointer(&transport->body, g_byte_array_unref);
    transport->body = g_byte_array_new();
    transport->header_bytes = 0;
    transport->header_lines = 0;
    transport->over = OVER_NOTHING;
    transport->detail[0] = '\0';
    dm_tls_set_host(transport->tls, host);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)MAX(left_ms, 1));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transport->headers);
    curl_easy_setopt(easy, CURLOPT_URL, transport->url);
    if (transport->request) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, g_bytes_get_data(transport->request, &size));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    } else {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    curl_multi_add_handle(transport->multi, easy);
}

/* Goes where a redirect leads; false, with the reason, where it does not. */
static bool
follow(DmTransport *transport, unsigned status, char **ret_reason)
{
    char *target = dm_redirect_follow(
        status, transport->url, find_header(transport->easy, "Location", 0),
        (const char *const *)transport->listed, transport->n_followed, ret_reason);

    if (!target)
        return false;
    curl_multi_remove_handle(transport->multi, transport->easy);
    g_free(transport->url);
    transport->url = target;
    transport->n_followed++;
    send_request(transport);
    return true;
}

static void
on_done(DmTransport *transport, CURLcode result)
{
    CURL *easy = transport->easy;
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *url = g_strdup(transport->url);
    g_autofree char *type = g_strdup(find_header(easy, "Content-Type", 0));
    g_autofree char *encoding = g_strdup(find_header(easy, "Content-Encoding", 0));
    g_autofree char *refusal = NULL;
    g_autoptr(GBytes) body = NULL;
    g_autoptr(GError) error = NULL;
    DmTransportAnswer answer = {.content_type = type, .content_encoding = encoding};
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK && dm_redirect_is_one((unsigned)status) &&
        follow(transport, (unsigned)status, &refusal))
        return;
    if (result == CURLE_FILESIZE_EXCEEDED) /* Content-Length says so */
        transport->over = OVER_BODY;
    if (transport->over == OVER_BODY)
        g_byte_array_set_size(transport->body, 0);
    body = g_byte_array_free_to_bytes(g_steal_pointer(&transport->body));
    answer.status = (unsigned)status;
    answer.url = url;
    answer.refusal = refusal;
    answer.wants_bearer = wants_bearer(easy);
    answer.date_s = dm_http_parse_date(find_header(easy, "Date", 0));
    answer.retry_after_ms = dm_http_parse_retry_after(find_header(easy, "Retry-After", 0), now_s);
    answer.body = body;
    if (result != CURLE_OK)
        set_failure(transport, result, &error);
    curl_multi_remove_handle(transport->multi, easy);
    finish(transport, !error || transport->over == OVER_BODY ? &answer : NULL, error);
}

/* Drives curl for what happened on `fd`; the last thing that its caller does. */
static void
drive(curl_socket_t fd, int events, gpointer data)
{
    DmTransport *transport = data;
    int n_running = 0;
    int n_left = 0;
    const CURLMsg *message;

    curl_multi_socket_action(transport->multi, fd, events, &n_running);
    while ((message = curl_multi_info_read(transport->multi, &n_left))) {
        if (message->msg == CURLMSG_DONE) {
            on_done(transport, message->data.result);
            return; /* there is one request at a time */
        }
    }
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *data)
{
    DmTransport *transport = data;

    if (transport->body->len + size * n > transport->max_body) {
        transport->over = OVER_BODY;
        return 0;
    }
    g_byte_array_append(transport->body, (const guint8 *)bytes, (guint)(size * n));
    return size * n;
}

/* Counts all of them together: those of 1xx answers and trailers too. */
static size_t
on_header(char *bytes, size_t size, size_t n, void *data)
{
    DmTransport *transport = data;

    transport->header_bytes += size * n;
    transport->header_lines++;
    if (transport->header_bytes > DM_TRANSPORT_MAX_HEADERS ||
        transport->header_lines > DM_TRANSPORT_MAX_HEADER_LINES) {
        transport->over = OVER_HEADERS;
        return 0;
    }
    return size * n;
}

/* -- setting up ----------------------------------------------------------------------------------
 */

/* Certificates, keys and trust are OpenSSL's business from here on: curl loads nothing. */
static CURLcode
on_tls(CURL *easy, void *context, void *data)
{
    DmTransport *transport = data;

    return dm_tls_apply(transport->tls, context) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static void
set_tls(DmTransport *transport)
{
    CURL *easy = transport->easy;

    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transport);
}

static void
set_limits(DmTransport *transport, const DmTransportOptions *options)
{
    CURL *easy = transport->easy;

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)options->connect_timeout_s);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)options->stall_timeout_s);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)transport->max_body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transport);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transport);
}

static void
set_proxy(DmTransport *transport, const char *proxy)
{
    CURL *easy = transport->easy;

    /* "" and not NULL: with that curl asks the environment. */
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    /* It passes bytes on and sees no header of ours. */
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, proxy ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void
set_http(DmTransport *transport, const char *user_agent)
{
    CURL *easy = transport->easy;

    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, transport->allow_http ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* broker/redirect.h decides */
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Names are resolved in a thread of curl's; a slow one is left alone, not waited for. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transport->detail);
}

DmTransport *
dm_transport_new(const DmTransportOptions *options, GMainContext *context, GError **error)
{
    DmTls *tls = dm_tls_new(&options->tls, error);
    DmTransport *transport;

    if (!tls)
        return NULL;
    transport = g_new0(DmTransport, 1);
    transport->tls = tls;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    transport->context = g_main_context_ref(context ? context : g_main_context_default());
    transport->request_timeout_s = options->request_timeout_s;
    transport->max_body = DM_TRANSPORT_MAX_BODY + options->wrapping;
    transport->allow_http = options->allow_http;
    transport->listed = g_strdupv((GStrv)(guintptr)options->listed); /* which only reads it */

    transport->multi = curl_multi_init();
    transport->easy = curl_easy_init();
    g_assert(transport->multi && transport->easy);
    transport->loop = dm_curl_loop_new(transport->multi, transport->context, drive, transport);
    set_http(transport, options->user_agent);
    set_proxy(transport, options->proxy);
    set_tls(transport);
    set_limits(transport, options);
    return transport;
}

void
dm_transport_free(DmTransport *transport)
{
    if (!transport)
        return;
    if (transport->body) {
        curl_multi_remove_handle(transport->multi, transport->easy);
        g_byte_array_unref(transport->body);
    }
    curl_easy_cleanup(transport->easy);
    curl_multi_cleanup(transport->multi);
    dm_curl_loop_free(transport->loop);
    dm_source_drop(&transport->refused);
    clear_request(transport);
    dm_tls_free(transport->tls);
    g_strfreev(transport->listed);
    g_main_context_unref(transport->context);
    g_free(transport);
    curl_global_cleanup();
}

static gboolean
on_refused(gpointer data)
{
    DmTransport *transport = data;
    g_autoptr(GError) error = g_steal_pointer(&transport->error);

    g_source_unref(g_steal_pointer(&transport->refused));
    finish(transport, NULL, error);
    return G_SOURCE_REMOVE;
}

/* A host that is not the provider's gets no certificate, no signature and no message. */
static bool
check(const DmTransport *transport, const char *url, GError **error)
{
    g_autofree char *host = dm_address_describe(url);

    if (!dm_address_check(url, transport->allow_http, error))
        return false;
    if (!transport->listed ||
        dm_address_has_listed_host(url, (const char *const *)transport->listed))
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "server address %s is not on a host of the provider's list", host);
    return false;
}

void
dm_transport_post(DmTransport *transport, const char *url, const char *const *headers, GBytes *body,
                  DmTransportFunc func, gpointer data)
{
    g_return_if_fail(!transport->func);

    transport->func = func;
    transport->data = data;
    if (!check(transport, url, &transport->error)) {
        transport->refused = g_idle_source_new();
        g_source_set_callback(transport->refused, on_refused, transport, NULL);
        g_source_attach(transport->refused, transport->context);
        return;
    }
    transport->url = g_strdup(url);
    transport->n_followed = 0;
    transport->deadline_us = g_get_monotonic_time() + transport->request_timeout_s * G_USEC_PER_SEC;
    transport->request = body ? g_bytes_ref(body) : NULL;
    for (gsize i = 0; headers && headers[i]; i++)
        transport->headers = curl_slist_append(transport->headers, headers[i]);
    /* No waiting for "100 Continue". */
    transport->headers = curl_slist_append(transport->headers, "Expect:");
    send_request(transport);
}
