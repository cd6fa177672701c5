/* SPDX-License-Identifier: MIT */

#include "broker/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "broker/pins.h"
#include "common/error.h"

struct DmTls {
    X509_STORE *store;
    GBytes *pins;
    DmRevocation revocation;
    const DmKey *key; /* NULL: none */
    GBytes *chain;
    char *host;
    char *refusal;
};

/* -- the files ----------------------------------------------------------------------------------
 */

static bool
fail_file(GError **error, const char *path, const char *what, const char *setting)
{
    ERR_clear_error();
    g_set_error(error, DM_ERROR, DM_ERROR_TLS, "%s: %s: check [broker] %s", path, what, setting);
    return false;
}

/* By name: X509_STORE_set_default_paths() asks the environment first. Certificates of the directory
 * are read as they are needed. */
static bool
load_system_trust(DmTls *tls, GError **error)
{
    if (g_file_test(X509_get_default_cert_file(), G_FILE_TEST_EXISTS))
        (void)X509_STORE_load_file(tls->store, X509_get_default_cert_file());
    ERR_clear_error();
    return X509_STORE_load_path(tls->store, X509_get_default_cert_dir()) == 1 ||
           fail_file(error, X509_get_default_cert_dir(), "cannot be used", "ca-file");
}

static bool
load_trust(DmTls *tls, const DmTlsOptions *options, GError **error)
{
    X509_LOOKUP *lookup;

    if (!options->ca_file)
        return load_system_trust(tls, error);
    lookup = X509_STORE_add_lookup(tls->store, X509_LOOKUP_file());
    if (!lookup || X509_load_cert_file(lookup, options->ca_file, X509_FILETYPE_PEM) < 1)
        return fail_file(error, options->ca_file, "cannot be read, or holds no certificate",
                         "ca-file");
    return true;
}

/* With lists each certificate of a chain must be covered by one that is in force. */
static bool
load_lists(DmTls *tls, const DmTlsOptions *options, GError **error)
{
    X509_LOOKUP *lookup;

    if (!options->crl_file)
        return true;
    lookup = X509_STORE_add_lookup(tls->store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, options->crl_file, X509_FILETYPE_PEM) < 1)
        return fail_file(error, options->crl_file, "cannot be read, or holds no revocation list",
                         "tls-crl-file");
    return X509_STORE_set_flags(tls->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

DmTls *
dm_tls_new(const DmTlsOptions *options, GError **error)
{
    g_autoptr(DmTls) tls = g_new0(DmTls, 1);

    tls->store = X509_STORE_new();
    g_assert(tls->store);
    tls->pins = options->pins ? g_bytes_ref(options->pins) : NULL;
    tls->revocation = options->revocation;
    tls->key = options->key;
    tls->chain = options->chain ? g_bytes_ref(options->chain) : NULL;
    if (!load_trust(tls, options, error) || !load_lists(tls, options, error))
        return NULL;
    return g_steal_pointer(&tls);
}

void
dm_tls_free(DmTls *tls)
{
    if (!tls)
        return;
    X509_STORE_free(tls->store);
    g_clear_pointer(&tls->chain, g_bytes_unref);
    g_clear_pointer(&tls->pins, g_bytes_unref);
    g_free(tls->host);
    g_free(tls->refusal);
    g_free(tls);
}

/* -- the handshake -------------------------------------------------------------------------------
 */

void
dm_tls_set_host(DmTls *tls, const char *host)
{
    g_free(tls->host);
    tls->host = g_strdup(host);
    g_clear_pointer(&tls->refusal, g_free);
}

const char *
dm_tls_get_refusal(const DmTls *tls)
{
    return tls->refusal;
}

static void
refuse(DmTls *tls, const char *reason)
{
    g_free(tls->refusal);
    tls->refusal = g_strdup(reason);
}

static const char *
get_advice(int code)
{
    switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "it is for another host: check the provider's server address";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "check its dates, and this device's clock";
    case X509_V_ERR_CERT_REVOKED:
        return "do not trust this server; its administrator must install another one";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return "no revocation list in force covers it: renew the file of [broker] tls-crl-file";
    default:
        return "check its name, dates and authority, and [broker] ca-file";
    }
}

static void
refuse_chain(DmTls *tls, int code)
{
    g_autofree char *text = g_strdup_printf("the server's certificate is not trusted: %s: %s",
                                            X509_verify_cert_error_string(code), get_advice(code));

    refuse(tls, text);
}

static bool
set_expected_host(const DmTls *tls, X509_VERIFY_PARAM *param)
{
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return tls->host && (X509_VERIFY_PARAM_set1_ip_asc(param, tls->host) == 1 ||
                         X509_VERIFY_PARAM_set1_host(param, tls->host, 0) == 1);
}

/* The whole judgement of a server's chain. */
static int
on_verify(X509_STORE_CTX *context, void *data)
{
    DmTls *tls = data;

    if (!set_expected_host(tls, X509_STORE_CTX_get0_param(context))) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    if (X509_verify_cert(context) != 1) {
        refuse_chain(tls, X509_STORE_CTX_get_error(context));
        return 0;
    }
    if (tls->pins && !dm_pins_match(tls->pins, X509_STORE_CTX_get0_chain(context))) {
        refuse(tls, "none of the server's keys is pinned: somebody stands in between, or the "
                    "server has a new key that [broker] pins must name");
        X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}

static int
on_status(SSL *ssl, void *data)
{
    DmTls *tls = data;
    const unsigned char *bytes = NULL;
    long size = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    const char *reason = NULL;
    g_autofree char *text = NULL;

    if (bytes && size > 0 && chain)
        reason = dm_revocation_check(bytes, (gsize)size, chain, tls->store);
    else if (tls->revocation == DM_REVOCATION_REQUIRE)
        reason = "it brings no OCSP answer, which [broker] revocation=require demands";
    if (!reason)
        return 1;
    text = g_strdup_printf("the server is not trusted: %s", reason);
    refuse(tls, text);
    return 0;
}

bool
dm_tls_apply(DmTls *tls, SSL_CTX *context)
{
    g_clear_pointer(&tls->refusal, g_free);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return false;
    SSL_CTX_set1_cert_store(context, tls->store);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_verify, tls);
    if (tls->revocation != DM_REVOCATION_OFF) {
        SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
        SSL_CTX_set_tlsext_status_cb(context, on_status);
        SSL_CTX_set_tlsext_status_arg(context, tls);
    }
    return !tls->key || dm_key_use_in_tls(tls->key, tls->chain, context);
}
