/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "broker/key.h"

/* Keys and certificates made for a test; `bits` 0 is EC on P-256, others are RSA. */

static inline EVP_PKEY *
fixture_make_key(guint bits)
{
    EVP_PKEY *key = bits > 0 ? EVP_RSA_gen(bits) : EVP_EC_gen("P-256");

    g_assert_nonnull(key);
    return key;
}

static inline GBytes *
fixture_to_bytes(BIO *bio)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    GBytes *bytes = g_bytes_new(data, (gsize)size);

    BIO_free(bio);
    return bytes;
}

/* A self-signed certificate, PEM. `name` is its subject and issuer; `has_key_id`: with a subject
 * key identifier. */
static inline GBytes *
fixture_make_certificate(EVP_PKEY *key, const char *name, bool has_key_id)
{
    X509 *certificate = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    X509V3_CTX context;

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    for (const char *p = name; *p != '\0'; p += MIN(strlen(p), 64))
        g_assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                                 MBSTRING_ASC, (const unsigned char *)p,
                                                 (int)MIN(strlen(p), 64), -1, 0));
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(certificate), "20491231000000Z");
    X509_set_pubkey(certificate, key);
    if (has_key_id) {
        X509_EXTENSION *extension;

        X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_key_identifier, "hash");
        g_assert_nonnull(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
    g_assert_true(PEM_write_bio_X509(bio, certificate));
    X509_free(certificate);
    return fixture_to_bytes(bio);
}

static inline GBytes *
fixture_write_key(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());

    g_assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    return fixture_to_bytes(bio);
}

static inline DmKey *
fixture_make_pair(guint bits, const char *name, bool has_key_id)
{
    EVP_PKEY *private = fixture_make_key(bits);
    g_autoptr(GBytes) certificate = fixture_make_certificate(private, name, has_key_id);
    g_autoptr(GBytes) pem = fixture_write_key(private);
    g_autoptr(GError) error = NULL;
    DmKey *key = dm_key_new(certificate, pem, &error);

    g_assert_no_error(error);
    EVP_PKEY_free(private);
    return key;
}
