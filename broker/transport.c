/* SPDX-License-Identifier: MIT */

#include "broker/transport.h"

#include <curl/curl.h>
#include <glib-unix.h>
#include <string.h>

#include "broker/address.h"
#include "common/error.h"

#define LOW_SPEED_BYTES_S 100L
#define LOW_SPEED_S 30L

typedef enum { OVER_NOTHING, OVER_BODY, OVER_HEADERS } Over;

struct DmTransport {
    GMainContext *context;
    CURLM *multi;
    CURL *easy;
    GSource *timer;
    GSource *refused; /* an address that may not be spoken to: told from the loop, as all else */

    char *ca_file;
    guint connect_timeout_s;
    guint request_timeout_s;
    bool allow_http;
    GBytes *certificate; /* curl reads these two where they are */
    GBytes *key;
    const DmKey *token_key;

    /* the request under way */
    char *url;
    GBytes *request;
    struct curl_slist *headers;
    GByteArray *body;
    gsize header_bytes;
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
    {CURLE_SSL_ISSUER_ERROR, DM_ERROR_TLS, "the server's certificate has an unknown issuer"},
    {CURLE_SSL_CIPHER, DM_ERROR_TLS, "no common TLS cipher"},
    {CURLE_SSL_CACERT_BADFILE, DM_ERROR_TLS, "the CA file cannot be used: check [broker] ca-file"},
    {CURLE_SSL_CERTPROBLEM, DM_ERROR_CERTIFICATE,
     "the client certificate or its key cannot be used: provision them again"},
    {CURLE_FILESIZE_EXCEEDED, DM_ERROR_TOO_LARGE, "the answer is over 524288 bytes"},
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

static void
set_failure(DmTransport *transport, CURLcode result, GError **error)
{
    g_autofree char *host = dm_address_describe(transport->url);
    const Failure *failure = find_failure(result);
    const char *detail = *transport->detail ? transport->detail : curl_easy_strerror(result);

    if (transport->over == OVER_BODY)
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE, "%s: the answer is over %d bytes", host,
                    DM_TRANSPORT_MAX_BODY);
    else if (transport->over == OVER_HEADERS)
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "%s: the answer's headers are over %d bytes", host, DM_TRANSPORT_MAX_HEADERS);
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

static char *
copy_header(CURL *easy, const char *name)
{
    struct curl_header *header = NULL;

    if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return g_strdup(header->value);
}

static void
on_done(DmTransport *transport, CURLcode result)
{
    bool is_cut = transport->over == OVER_BODY || result == CURLE_FILESIZE_EXCEEDED;
    g_autofree char *type = copy_header(transport->easy, "Content-Type");
    g_autofree char *encoding = copy_header(transport->easy, "Content-Encoding");
    g_autoptr(GBytes) body = NULL;
    g_autoptr(GError) error = NULL;
    DmTransportAnswer answer = {.content_type = type, .content_encoding = encoding};
    long status = 0;

    if (is_cut)
        g_byte_array_set_size(transport->body, 0);
    body = g_byte_array_free_to_bytes(g_steal_pointer(&transport->body));
    curl_easy_getinfo(transport->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(transport->multi, transport->easy);
    answer.status = (unsigned)status;
    answer.body = body;
    if (result != CURLE_OK)
        set_failure(transport, result, &error);
    finish(transport, !error || is_cut ? &answer : NULL, error);
}

/* Drives curl for what happened on `fd`; the last thing that its caller does. */
static void
drive(DmTransport *transport, curl_socket_t fd, int events)
{
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

    if (transport->body->len + size * n > DM_TRANSPORT_MAX_BODY) {
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
    if (transport->header_bytes > DM_TRANSPORT_MAX_HEADERS) {
        transport->over = OVER_HEADERS;
        return 0;
    }
    return size * n;
}

/* -- curl on the main context --------------------------------------------------------------------
 */

static gboolean
on_fd(int fd, GIOCondition condition, gpointer data)
{
    int events = 0;

    if (condition & G_IO_IN)
        events |= CURL_CSELECT_IN;
    if (condition & G_IO_OUT)
        events |= CURL_CSELECT_OUT;
    if (condition & (G_IO_ERR | G_IO_HUP))
        events |= CURL_CSELECT_ERR;
    drive(data, fd, events);
    return G_SOURCE_CONTINUE;
}

static void
remove_source(GSource *source)
{
    if (!source)
        return;
    g_source_destroy(source);
    g_source_unref(source);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    DmTransport *transport = data;
    GIOCondition condition = 0;
    GSource *source = NULL;

    remove_source(socket_data);
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        condition |= G_IO_IN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        condition |= G_IO_OUT;
    if (condition) {
        source = g_unix_fd_source_new(fd, condition);
        g_source_set_callback(source, G_SOURCE_FUNC(on_fd), transport, NULL);
        g_source_attach(source, transport->context);
    }
    curl_multi_assign(transport->multi, fd, source);
    return 0;
}

static gboolean
on_timer(gpointer data)
{
    DmTransport *transport = data;

    /* curl may set the next one meanwhile. */
    g_source_unref(g_steal_pointer(&transport->timer));
    drive(transport, CURL_SOCKET_TIMEOUT, 0);
    return G_SOURCE_REMOVE;
}

static int
on_set_timer(CURLM *multi, long timeout_ms, void *data)
{
    DmTransport *transport = data;

    remove_source(g_steal_pointer(&transport->timer));
    if (timeout_ms < 0)
        return 0;
    transport->timer = g_timeout_source_new((guint)timeout_ms);
    g_source_set_callback(transport->timer, on_timer, transport, NULL);
    g_source_attach(transport->timer, transport->context);
    return 0;
}

/* -- setting up ----------------------------------------------------------------------------------
 */

static void
set_blob(CURL *easy, CURLoption option, GBytes *bytes)
{
    struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};

    if (!bytes)
        return;
    /* curl only reads it. */
    blob.data = (gpointer)(guintptr)g_bytes_get_data(bytes, &blob.len);
    curl_easy_setopt(easy, option, &blob);
}

/* A key that does not leave its token is given to OpenSSL itself. */
static CURLcode
on_tls(CURL *easy, void *tls, void *data)
{
    DmTransport *transport = data;

    return dm_key_use_in_tls(transport->token_key, transport->certificate, tls)
               ? CURLE_OK
               : CURLE_SSL_CERTPROBLEM;
}

static void
set_tls(DmTransport *transport)
{
    CURL *easy = transport->easy;

    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (transport->ca_file) {
        /* This file alone: the system's directory would be asked as well. */
        curl_easy_setopt(easy, CURLOPT_CAINFO, transport->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (transport->token_key) {
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transport);
        return;
    }
    set_blob(easy, CURLOPT_SSLCERT_BLOB, transport->certificate);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, transport->key);
}

static void
set_limits(DmTransport *transport)
{
    CURL *easy = transport->easy;

    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)transport->connect_timeout_s);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)transport->request_timeout_s);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES_S);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)DM_TRANSPORT_MAX_BODY);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transport);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transport);
}

static void
set_http(DmTransport *transport, const char *user_agent)
{
    CURL *easy = transport->easy;

    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, transport->allow_http ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
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
dm_transport_new(const DmTransportOptions *options, GMainContext *context)
{
    DmTransport *transport = g_new0(DmTransport, 1);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    transport->context = g_main_context_ref(context ? context : g_main_context_default());
    transport->ca_file = g_strdup(options->ca_file);
    transport->connect_timeout_s = options->connect_timeout_s;
    transport->request_timeout_s = options->request_timeout_s;
    transport->allow_http = options->allow_http;
    transport->certificate = options->certificate ? g_bytes_ref(options->certificate) : NULL;
    transport->key = options->key ? g_bytes_ref(options->key) : NULL;
    transport->token_key = options->token_key;

    transport->multi = curl_multi_init();
    transport->easy = curl_easy_init();
    g_assert(transport->multi && transport->easy);
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(transport->multi, CURLMOPT_SOCKETDATA, transport);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(transport->multi, CURLMOPT_TIMERDATA, transport);
    set_http(transport, options->user_agent);
    set_tls(transport);
    set_limits(transport);
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
    remove_source(transport->timer);
    remove_source(transport->refused);
    clear_request(transport);
    g_clear_pointer(&transport->certificate, g_bytes_unref);
    g_clear_pointer(&transport->key, g_bytes_unref);
    g_free(transport->ca_file);
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

void
dm_transport_post(DmTransport *transport, const char *url, const char *const *headers, GBytes *body,
                  DmTransportFunc func, gpointer data)
{
    CURL *easy = transport->easy;
    gsize size = 0;

    g_return_if_fail(!transport->func);

    transport->func = func;
    transport->data = data;
    if (!dm_address_check(url, transport->allow_http, &transport->error)) {
        transport->refused = g_idle_source_new();
        g_source_set_callback(transport->refused, on_refused, transport, NULL);
        g_source_attach(transport->refused, transport->context);
        return;
    }
    transport->url = g_strdup(url);
    transport->request = g_bytes_ref(body);
    transport->body = g_byte_array_new();
    transport->header_bytes = 0;
    transport->over = OVER_NOTHING;
    transport->detail[0] = '\0';
    for (gsize i = 0; headers && headers[i]; i++)
        transport->headers = curl_slist_append(transport->headers, headers[i]);
    /* No waiting for "100 Continue". */
    transport->headers = curl_slist_append(transport->headers, "Expect:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transport->headers);
    curl_easy_setopt(easy, CURLOPT_URL, transport->url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, g_bytes_get_data(transport->request, &size));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_multi_add_handle(transport->multi, easy);
}
