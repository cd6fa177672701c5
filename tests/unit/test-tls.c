/* SPDX-License-Identifier: MIT */

#include "broker/tls.h"

#include <glib/gstdio.h>
#include <string.h>

#include "broker/pins.h"
#include "common/error.h"
#include "tests/unit/add-test.h"
#include "tests/unit/tls-fixture.h"

#define NAME "mdm.example.test"
#define NAMES "DNS:" NAME ",IP:127.0.0.1,IP:::1"

/* A handshake in memory between a device and a server. */
typedef struct {
    char *dir, *ca_file;
    Identity ca, other_ca, server, client;
    DmKey *key;
    DmTlsOptions options;
    GBytes *staple; /* what the server brings; NULL: nothing */
    int tls_version;
    const Identity *presents; /* the server */

    bool is_good;
    char *refusal;
    bool has_shown; /* the client certificate */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GBytes) key = NULL;

    fixture->dir = g_dir_make_tmp("dm-tls-XXXXXX", NULL);
    fixture->ca = make_identity("ca", NULL, NULL, -DAY_S, DAY_S);
    fixture->other_ca = make_identity("other", NULL, NULL, -DAY_S, DAY_S);
    fixture->server = make_identity("server", &fixture->ca, NAMES, -DAY_S, DAY_S);
    fixture->client = make_identity("client", &fixture->ca, "DNS:device", -DAY_S, DAY_S);
    fixture->ca_file = write_pem(fixture->dir, "ca.pem", fixture->ca.certificate, NULL);
    fixture->options.ca_file = fixture->ca_file;
    fixture->options.chain = to_pem(fixture->client.certificate, NULL);
    key = to_pem(NULL, fixture->client.key);
    fixture->key = dm_key_new(fixture->options.chain, key, NULL);
    g_assert_nonnull(fixture->key);
    fixture->options.key = fixture->key;
    fixture->presents = &fixture->server;
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_key_free(fixture->key);
    g_bytes_unref(fixture->options.chain);
    g_clear_pointer(&fixture->staple, g_bytes_unref);
    identity_clear(&fixture->ca);
    identity_clear(&fixture->other_ca);
    identity_clear(&fixture->server);
    identity_clear(&fixture->client);
    g_unlink(fixture->ca_file);
    g_rmdir(fixture->dir);
    g_free(fixture->ca_file);
    g_free(fixture->dir);
    g_free(fixture->refusal);
}

static int
on_status(SSL *ssl, void *data)
{
    const Fixture *fixture = data;
    gsize size;
    const void *bytes;
    unsigned char *copy;

    if (!fixture->staple)
        return SSL_TLSEXT_ERR_NOACK;
    bytes = g_bytes_get_data(fixture->staple, &size);
    copy = OPENSSL_memdup(bytes, size);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)size);
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
make_server(Fixture *fixture)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    X509_STORE *store = SSL_CTX_get_cert_store(context);

    X509_STORE_add_cert(store, fixture->ca.certificate);
    SSL_CTX_use_certificate(context, fixture->presents->certificate);
    SSL_CTX_use_PrivateKey(context, fixture->presents->key);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_tlsext_status_cb(context, on_status);
    SSL_CTX_set_tlsext_status_arg(context, fixture);
    if (fixture->tls_version)
        SSL_CTX_set_max_proto_version(context, fixture->tls_version);
    return context;
}

/* Lets both speak until both are done, or one gives up. */
static void
shake_hands(Fixture *fixture, SSL *client, SSL *server)
{
    bool client_done = false, server_done = false;

    for (int i = 0; i < 20 && !(client_done && server_done); i++) {
        int result = SSL_connect(client);

        if (result != 1 && SSL_get_error(client, result) != SSL_ERROR_WANT_READ)
            break;
        client_done = result == 1;
        result = SSL_accept(server);
        if (result != 1 && SSL_get_error(server, result) != SSL_ERROR_WANT_READ)
            break;
        server_done = result == 1;
    }
    fixture->is_good = client_done && server_done;
    fixture->has_shown = SSL_get0_peer_certificate(server) != NULL;
}

/* The device connects to `host`. */
static void
connect_to(Fixture *fixture, const char *host)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmTls) tls = dm_tls_new(&fixture->options, &error);
    SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX *server_context = make_server(fixture);
    BIO *one, *other;
    SSL *client, *server;

    g_assert_no_error(error);
    g_assert_cmpint(BIO_new_bio_pair(&one, 0, &other, 0), ==, 1);
    g_assert_true(dm_tls_apply(tls, client_context));
    client = SSL_new(client_context);
    server = SSL_new(server_context);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    dm_tls_set_host(tls, host);
    g_assert_null(dm_tls_get_refusal(tls));
    shake_hands(fixture, client, server);
    g_free(fixture->refusal);
    fixture->refusal = g_strdup(dm_tls_get_refusal(tls));
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_context);
    SSL_CTX_free(server_context);
}

static void
assert_good(Fixture *fixture)
{
    g_assert_cmpstr(fixture->refusal, ==, NULL);
    g_assert_true(fixture->is_good);
    g_assert_true(fixture->has_shown);
}

/* Refused with these words, and the server has not seen the device's certificate. */
static void
assert_refused(Fixture *fixture, const char *part)
{
    g_assert_false(fixture->is_good);
    g_assert_nonnull(fixture->refusal);
    g_test_message("%s", fixture->refusal);
    g_assert_nonnull(strstr(fixture->refusal, part));
    g_assert_false(fixture->has_shown);
}

/* Every test with TLS 1.2 and 1.3. */
static void
each_version(Fixture *fixture, void (*test)(Fixture *fixture))
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (gsize i = 0; i < G_N_ELEMENTS(versions); i++) {
        fixture->tls_version = versions[i];
        test(fixture);
    }
}

static void
try_hosts(Fixture *fixture)
{
    static const char *const good[] = {NAME, "MDM.example.test", "127.0.0.1", "::1"};
    static const char below[] = "x." NAME;
    static const char *const bad[] = {"example.test", "other.example.test", "127.0.0.2", "::2",
                                      below};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        connect_to(fixture, good[i]);
        assert_good(fixture);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        connect_to(fixture, bad[i]);
        assert_refused(fixture, "another host");
    }
}

static void
test_hosts(Fixture *fixture, gconstpointer data)
{
    each_version(fixture, try_hosts);
}

static void
test_old_version(Fixture *fixture, gconstpointer data)
{
    fixture->tls_version = TLS1_1_VERSION;
    connect_to(fixture, NAME);
    g_assert_false(fixture->is_good);
    g_assert_false(fixture->has_shown);
}

static void
try_servers(Fixture *fixture)
{
    const struct {
        Identity identity;
        const char *part;
    } cases[] = {
        {make_identity("expired", &fixture->ca, NAMES, -2 * DAY_S, -DAY_S), "dates"},
        {make_identity("future", &fixture->ca, NAMES, DAY_S, 2 * DAY_S), "clock"},
        {make_identity("stranger", &fixture->other_ca, NAMES, -DAY_S, DAY_S), "ca-file"},
        {make_identity("itself", NULL, NAMES, -DAY_S, DAY_S), "ca-file"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Identity identity = cases[i].identity;

        fixture->presents = &identity;
        connect_to(fixture, NAME);
        assert_refused(fixture, cases[i].part);
        identity_clear(&identity);
    }
    fixture->presents = &fixture->server;
}

static void
test_servers(Fixture *fixture, gconstpointer data)
{
    each_version(fixture, try_servers);
}

static void
try_pins(Fixture *fixture)
{
    g_autofree char *server = dm_pins_of(fixture->server.certificate);
    g_autofree char *ca = dm_pins_of(fixture->ca.certificate);
    g_autofree char *other = dm_pins_of(fixture->other_ca.certificate);
    g_autofree char *client = dm_pins_of(fixture->client.certificate);
    const char *const cases[][2] = {{server, other}, {other, server}, {ca, other}, {other, client}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strconcat(cases[i][0], ";", cases[i][1], NULL);
        const char *must = NULL;

        fixture->options.pins = dm_pins_parse(text, &must);
        connect_to(fixture, NAME);
        if (i < 3)
            assert_good(fixture);
        else
            assert_refused(fixture, "[broker] pins");
        g_clear_pointer(&fixture->options.pins, g_bytes_unref);
    }
}

static void
test_pins(Fixture *fixture, gconstpointer data)
{
    each_version(fixture, try_pins);
}

static void
try_list(Fixture *fixture, X509_CRL *list, const char *part)
{
    g_autofree char *path = write_pem(fixture->dir, "list.pem", NULL, list);

    fixture->options.crl_file = path;
    connect_to(fixture, NAME);
    if (part)
        assert_refused(fixture, part);
    else
        assert_good(fixture);
    fixture->options.crl_file = NULL;
    g_unlink(path);
    X509_CRL_free(list);
}

static void
try_lists(Fixture *fixture)
{
    try_list(fixture, make_list(&fixture->ca, NULL, DAY_S), NULL);
    try_list(fixture, make_list(&fixture->ca, &fixture->client, DAY_S), NULL);
    try_list(fixture, make_list(&fixture->ca, &fixture->server, DAY_S), "do not trust");
    try_list(fixture, make_list(&fixture->ca, NULL, -DAY_S), "tls-crl-file");
    try_list(fixture, make_list(&fixture->other_ca, NULL, DAY_S), "tls-crl-file");
}

static void
test_lists(Fixture *fixture, gconstpointer data)
{
    each_version(fixture, try_lists);
}

static void
staple(Fixture *fixture, GBytes *answer, const char *part)
{
    fixture->staple = answer;
    connect_to(fixture, NAME);
    if (part)
        assert_refused(fixture, part);
    else
        assert_good(fixture);
    g_clear_pointer(&fixture->staple, g_bytes_unref);
}

static void
try_staples(Fixture *fixture)
{
    const Identity *ca = &fixture->ca, *server = &fixture->server;
    g_autoptr(GBytes) good = make_ocsp(ca, ca, server, EVP_sha1(), V_OCSP_CERTSTATUS_GOOD, DAY_S);
    static const char nonsense[] = "nonsense";

    staple(fixture, g_bytes_ref(good), NULL);
    staple(fixture, make_ocsp(ca, ca, server, EVP_sha256(), V_OCSP_CERTSTATUS_GOOD, DAY_S), NULL);
    staple(fixture, make_ocsp(ca, ca, server, EVP_sha1(), V_OCSP_CERTSTATUS_REVOKED, DAY_S),
           "revoked");
    staple(fixture, make_ocsp(ca, ca, server, EVP_sha1(), V_OCSP_CERTSTATUS_UNKNOWN, DAY_S),
           "does not know");
    staple(fixture, make_ocsp(ca, ca, server, EVP_sha1(), V_OCSP_CERTSTATUS_GOOD, -DAY_S),
           "out of date");
    staple(fixture, make_ocsp(ca, ca, &fixture->client, EVP_sha1(), V_OCSP_CERTSTATUS_GOOD, DAY_S),
           "another certificate");
    staple(fixture,
           make_ocsp(&fixture->other_ca, ca, server, EVP_sha1(), V_OCSP_CERTSTATUS_GOOD, DAY_S),
           "not signed");
    staple(fixture, make_ocsp(server, ca, server, EVP_sha1(), V_OCSP_CERTSTATUS_GOOD, DAY_S),
           "not signed");
    staple(fixture, g_bytes_new_static(nonsense, sizeof nonsense), "cannot be read");
    staple(fixture, g_bytes_new_from_bytes(good, 0, g_bytes_get_size(good) - 1), "cannot be read");
}

static void
test_staples(Fixture *fixture, gconstpointer data)
{
    fixture->options.revocation = DM_REVOCATION_IF_STAPLED;
    each_version(fixture, try_staples);
    staple(fixture, NULL, NULL);
    fixture->options.revocation = DM_REVOCATION_REQUIRE;
    each_version(fixture, try_staples);
    staple(fixture, NULL, "revocation=require");
    fixture->tls_version = TLS1_2_VERSION;
    staple(fixture, NULL, "revocation=require");
    /* Nobody asks for one. */
    fixture->options.revocation = DM_REVOCATION_OFF;
    staple(fixture,
           make_ocsp(&fixture->ca, &fixture->ca, &fixture->server, EVP_sha1(),
                     V_OCSP_CERTSTATUS_REVOKED, DAY_S),
           NULL);
}

static void
assert_not_made(const Fixture *fixture, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(dm_tls_new(&fixture->options, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_TLS);
    g_assert_nonnull(strstr(error->message, part));
}

static void
test_files(Fixture *fixture, gconstpointer data)
{
    g_autofree char *empty = g_build_filename(fixture->dir, "empty.pem", NULL);

    g_assert_true(g_file_set_contents(empty, "nothing\n", -1, NULL));
    fixture->options.ca_file = empty;
    assert_not_made(fixture, empty);
    fixture->options.ca_file = "/nonexistent/ca.pem";
    assert_not_made(fixture, "/nonexistent/ca.pem");
    fixture->options.ca_file = fixture->ca_file;
    fixture->options.crl_file = empty;
    assert_not_made(fixture, "tls-crl-file");
    fixture->options.crl_file = NULL;
    g_unlink(empty);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/tls/protocol-4-the-host-is-checked-before-we-show-ourselves", test_hosts);
    ADD("/tls/protocol-4-TLS-1.2-or-later", test_old_version);
    ADD("/tls/protocol-4-chain-and-dates", test_servers);
    ADD("/tls/protocol-4-pins", test_pins);
    ADD("/tls/revocation-lists", test_lists);
    ADD("/tls/revocation-by-stapled-answers", test_staples);
    ADD("/tls/files-that-cannot-be-used", test_files);
    return g_test_run();
}
