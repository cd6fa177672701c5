/* SPDX-License-Identifier: MIT */

#include "broker/key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "broker/pem.h"
#include "broker/secret.h"
#include "broker/token.h"
#include "common/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

struct DmKey {
    OSSL_LIB_CTX *context; /* NULL: not wanted yet */
    X509 *certificate;
    DmToken *token;    /* NULL: the key is here */
    EVP_PKEY *private; /* the token's is borrowed from it */
};

static void *
refuse(GError **error, const char *text)
{
    ERR_clear_error();
    g_set_error_literal(error, DM_ERROR, DM_ERROR_CERTIFICATE, text);
    return NULL;
}

DmKey *
dm_key_new(GBytes *certificate, GBytes *private, GError **error)
{
    g_autoptr(DmKey) key = g_new0(DmKey, 1);

    key->certificate = dm_pem_read_certificate(certificate);
    if (!key->certificate)
        return refuse(error, "no certificate in it (PEM or DER)");
    if (dm_token_has(private)) {
        key->token = dm_token_new(private, error);
        if (!key->token)
            return NULL;
        key->private = dm_token_get_key(key->token);
    } else {
        key->private = dm_pem_read_key(private);
    }
    if (!key->private)
        return refuse(error, "no private key in it (PEM or DER, not encrypted)");
    if (X509_check_private_key(key->certificate, key->private) != 1)
        return refuse(error, "not the certificate's key");
    ERR_clear_error();
    return g_steal_pointer(&key);
}

void
dm_key_free(DmKey *key)
{
    if (!key)
        return;
    if (!key->token)
        EVP_PKEY_free(key->private);
    dm_token_free(key->token);
    X509_free(key->certificate);
    OSSL_LIB_CTX_free(key->context);
    g_free(key);
}

OSSL_LIB_CTX *
dm_key_get_context(DmKey *key)
{
    if (!key->context)
        key->context = OSSL_LIB_CTX_new();
    return key->context;
}

X509 *
dm_key_get_certificate(const DmKey *key)
{
    return key->certificate;
}

EVP_PKEY *
dm_key_get_private(const DmKey *key)
{
    return key->private;
}

bool
dm_key_is_in_token(const DmKey *key)
{
    return key->token != NULL;
}

bool
dm_key_can_decrypt(const DmKey *key)
{
    return !key->token || EVP_PKEY_is_a(key->private, "RSA");
}

/* Skips the leaf, which is there already: to parse a certificate takes OpenSSL 3 a millisecond. */
static void
add_chain(GBytes *chain, SSL_CTX *tls)
{
    g_autoptr(BIO) bio = dm_secret_open(chain);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    bool has_leaf = PEM_read_bio(bio, &name, &header, &der, &size) == 1;
    X509 *each;

    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    while (has_leaf && (each = dm_pem_read_next_certificate(bio)))
        if (SSL_CTX_add0_chain_cert(tls, each) != 1)
            X509_free(each);
    ERR_clear_error();
}

bool
dm_key_use_in_tls(const DmKey *key, GBytes *chain, SSL_CTX *tls)
{
    if (SSL_CTX_use_certificate(tls, key->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(tls, key->private) != 1)
        return false;
    add_chain(chain, tls);
    return true;
}
