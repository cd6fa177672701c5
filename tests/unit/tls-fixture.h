/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* Certificates, revocation lists and OCSP answers made on the spot. */

#define DAY_S 86400L

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} Identity;

static inline void
identity_clear(Identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    *identity = (Identity){NULL, NULL};
}

static inline void
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    g_assert_nonnull(extension);
    g_assert_cmpint(X509_add_ext(certificate, extension, -1), ==, 1);
    X509_EXTENSION_free(extension);
}

/* By `issuer`, or its own; valid from `from_s` to `until_s`, from now. `names` NULL: an authority.
 */
static inline Identity
make_identity(const char *name, const Identity *issuer, const char *names, long from_s,
              long until_s)
{
    static int serial = 0;
    Identity made = {EVP_EC_gen("P-256"), X509_new()};
    const Identity *signer = issuer ? issuer : &made;

    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), until_s);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(signer->certificate));
    add_extension(made.certificate, signer->certificate, NID_subject_key_identifier, "hash");
    add_extension(made.certificate, signer->certificate, NID_basic_constraints,
                  names ? "critical,CA:FALSE" : "critical,CA:TRUE");
    add_extension(made.certificate, signer->certificate, NID_key_usage,
                  names ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    if (names)
        add_extension(made.certificate, signer->certificate, NID_subject_alt_name, names);
    g_assert_cmpint(X509_sign(made.certificate, signer->key, EVP_sha256()), >, 0);
    return made;
}

static inline char *
write_pem(const char *dir, const char *name, X509 *certificate, X509_CRL *list)
{
    char *path = g_build_filename(dir, name, NULL);
    BIO *file = BIO_new_file(path, "w");

    g_assert_nonnull(file);
    if (certificate)
        g_assert_cmpint(PEM_write_bio_X509(file, certificate), ==, 1);
    if (list)
        g_assert_cmpint(PEM_write_bio_X509_CRL(file, list), ==, 1);
    BIO_free(file);
    return path;
}

/* Of `issuer`, with `revoked` (NULL: none); in force until `until_s`. */
static inline X509_CRL *
make_list(const Identity *issuer, const Identity *revoked, long until_s)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *time = X509_gmtime_adj(NULL, -2 * DAY_S);

    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate));
    X509_CRL_set1_lastUpdate(list, time);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
        X509_REVOKED_set_revocationDate(entry, time);
        X509_CRL_add0_revoked(list, entry);
    }
    X509_gmtime_adj(time, until_s);
    X509_CRL_set1_nextUpdate(list, time);
    X509_CRL_sort(list);
    g_assert_cmpint(X509_CRL_sign(list, issuer->key, EVP_sha256()), >, 0);
    ASN1_TIME_free(time);
    return list;
}

/* What `signer` says of `certificate`, issued by `issuer`: V_OCSP_CERTSTATUS_…; DER. */
static inline GBytes *
make_ocsp(const Identity *signer, const Identity *issuer, const Identity *of, const EVP_MD *digest,
          int status, long until_s)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(digest, of->certificate, issuer->certificate);
    ASN1_TIME *from = X509_gmtime_adj(NULL, -2 * DAY_S);
    ASN1_TIME *until = X509_gmtime_adj(NULL, until_s);
    OCSP_RESPONSE *response;
    unsigned char *der = NULL;
    int size;
    GBytes *bytes;

    OCSP_basic_add1_status(basic, id, status, 0, from, from, until);
    g_assert_cmpint(OCSP_basic_sign(basic, signer->certificate, signer->key, EVP_sha256(), NULL, 0),
                    ==, 1);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    size = i2d_OCSP_RESPONSE(response, &der);
    g_assert_cmpint(size, >, 0);
    bytes = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return bytes;
}

static inline GBytes *
to_pem(X509 *certificate, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    long size;
    GBytes *bytes;

    if (certificate)
        PEM_write_bio_X509(memory, certificate);
    if (key)
        PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
    size = BIO_get_mem_data(memory, &data);
    bytes = g_bytes_new(data, (gsize)size);
    BIO_free(memory);
    return bytes;
}
