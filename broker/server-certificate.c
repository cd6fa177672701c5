/* SPDX-License-Identifier: MIT */

#include "broker/server-certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "broker/pem.h"
#include "common/error.h"
#include "syncml/certificate.h"

typedef STACK_OF(X509_INFO) Infos;

static void
infos_free(Infos *infos)
{
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Infos, infos_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

G_GNUC_PRINTF(2, 3)
static void *
refuse(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    ERR_clear_error();
    g_set_error_literal(error, DM_ERROR, DM_ERROR_CERTIFICATE, text);
    return NULL;
}

static X509 *
parse(DmKey *key, const char *text)
{
    const char *start = text + strspn(text, " \t\r\n");
    g_autoptr(X509) certificate = X509_new_ex(dm_key_get_context(key), NULL);
    g_autoptr(GBytes) der = NULL;
    g_autoptr(BIO) bio = NULL;
    const unsigned char *data;
    gsize size = 0;

    if (g_str_has_prefix(start, "-----BEGIN ")) {
        bio = BIO_new_mem_buf(start, -1);
        return PEM_read_bio_X509(bio, &certificate, dm_pem_refuse_pass_phrase, NULL)
                   ? g_steal_pointer(&certificate)
                   : NULL;
    }
    der = dm_certificate_from_base64(start, NULL);
    if (!der)
        return NULL;
    data = g_bytes_get_data(der, &size);
    return d2i_X509(&certificate, &data, (long)size) ? g_steal_pointer(&certificate) : NULL;
}

/* -- revocation ----------------------------------------------------------------------------------
 */

typedef enum { UNKNOWN, GOOD, REVOKED } Verdict;

/* CRLs and certificates of a PEM file. */
static Infos *
read_file(DmKey *key, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) cause = NULL;
    g_autoptr(BIO) bio = NULL;
    Infos *infos;
    gsize size = 0;

    if (!g_file_get_contents(path, &text, &size, &cause))
        return refuse(error, "%s", cause->message);
    if (size > DM_SERVER_CERTIFICATE_MAX_FILE)
        return refuse(error, "%s: more than %d bytes", path, DM_SERVER_CERTIFICATE_MAX_FILE);
    bio = BIO_new_mem_buf(text, (int)size);
    infos = PEM_X509_INFO_read_bio_ex(bio, NULL, dm_pem_refuse_pass_phrase, NULL,
                                      dm_key_get_context(key), NULL);
    ERR_clear_error();
    return infos ? infos : refuse(error, "%s: not a PEM file", path);
}

/* Whether it speaks for all certificates of its issuer: neither for some of them, nor only of what
 * has changed since another. */
static bool
is_whole(X509_CRL *crl)
{
    return X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0 &&
           X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

static bool
is_in_time(const ASN1_TIME *from, const ASN1_TIME *to, gint64 now_us)
{
    time_t now = (time_t)(now_us / G_USEC_PER_SEC);

    /* X509_cmp_time() says 0 for what is no time. */
    return from && to && X509_cmp_time(from, &now) < 0 && X509_cmp_time(to, &now) > 0;
}

static bool
is_issued_by(X509_CRL *crl, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);

    return key && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0 &&
           X509_CRL_verify(crl, key) == 1;
}

static bool
is_issued_by_one_of(X509_CRL *crl, const Infos *infos)
{
    for (int i = 0; infos && i < sk_X509_INFO_num(infos); i++) {
        const X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509 && is_issued_by(crl, info->x509))
            return true;
    }
    return false;
}

static Verdict
judge_by_crls(X509 *certificate, Infos *infos, Infos *authorities, gint64 now_us)
{
    Verdict verdict = UNKNOWN;

    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509_CRL *crl = sk_X509_INFO_value(infos, i)->crl;
        X509_REVOKED *entry = NULL;

        if (!crl || X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(certificate)) != 0)
            continue;
        /* 2: it was, and is not any more. */
        if (X509_CRL_get0_by_cert(crl, &entry, certificate) == 1)
            return REVOKED;
        if (is_whole(crl) &&
            is_in_time(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl), now_us) &&
            (is_issued_by(crl, certificate) || is_issued_by_one_of(crl, infos) ||
             is_issued_by_one_of(crl, authorities)))
            verdict = GOOD;
    }
    return verdict;
}

static bool
judge(DmKey *key, X509 *certificate, const DmServerCertificatePolicy *policy, Verdict *ret_verdict,
      GError **error)
{
    g_autoptr(Infos) crls = NULL;
    g_autoptr(Infos) authorities = NULL;

    *ret_verdict = UNKNOWN;
    if (!policy->crl_file)
        return true;
    crls = read_file(key, policy->crl_file, error);
    if (!crls)
        return false;
    /* That it cannot be read is told where TLS needs it. */
    authorities = policy->ca_file ? read_file(key, policy->ca_file, NULL) : NULL;
    *ret_verdict = judge_by_crls(certificate, crls, authorities, policy->now_us);
    ERR_clear_error();
    return true;
}

X509 *
dm_server_certificate_read(DmKey *key, const char *text, const DmServerCertificatePolicy *policy,
                           GError **error)
{
    time_t now = (time_t)(policy->now_us / G_USEC_PER_SEC);
    g_autoptr(X509) certificate = parse(key, text);
    Verdict verdict;

    if (!certificate)
        return refuse(error, "not a certificate");
    if (X509_cmp_time(X509_get0_notBefore(certificate), &now) >= 0)
        return refuse(error, "not valid yet");
    if (X509_cmp_time(X509_get0_notAfter(certificate), &now) <= 0)
        return refuse(error, "expired");
    if (!judge(key, certificate, policy, &verdict, error))
        return NULL;
    if (verdict == REVOKED)
        return refuse(error, "revoked");
    if (verdict == UNKNOWN && policy->must_check)
        return refuse(error,
                      "not checked for revocation, which its use depends on: no current CRL of its "
                      "issuer in [broker] crl-file");
    return g_steal_pointer(&certificate);
}

/* -- without a certificate in the tree -----------------------------------------------------------
 */

static bool
set_host(X509_VERIFY_PARAM *parameters, const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    if (!host || !*host)
        return false;
    if (g_hostname_is_ip_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1;
}

bool
dm_server_certificate_is_of(DmKey *key, X509 *signer, const char *ca_file, const char *url)
{
    g_autoptr(X509_STORE) store = X509_STORE_new();
    g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new_ex(dm_key_get_context(key), NULL);
    bool is_trusted;

    is_trusted =
        store && context &&
        (ca_file ? X509_STORE_load_file(store, ca_file) : X509_STORE_set_default_paths(store)) ==
            1 &&
        X509_STORE_CTX_init(context, store, signer, NULL) == 1 &&
        X509_STORE_CTX_set_default(context, "ssl_server") == 1 &&
        set_host(X509_STORE_CTX_get0_param(context), url) && X509_verify_cert(context) == 1;
    ERR_clear_error();
    return is_trusted;
}
