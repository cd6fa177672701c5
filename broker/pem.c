/* SPDX-License-Identifier: MIT */

#include "broker/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "broker/secret.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

int
dm_pem_refuse_pass_phrase(char *buffer, int size, int writing, void *data)
{
    return -1;
}

X509 *
dm_pem_read_next_certificate(BIO *pem)
{
    X509 *certificate = PEM_read_bio_X509(pem, NULL, dm_pem_refuse_pass_phrase, NULL);

    ERR_clear_error();
    return certificate;
}

X509 *
dm_pem_read_certificate(GBytes *bytes)
{
    g_autoptr(BIO) bio = dm_secret_open(bytes);
    X509 *certificate = dm_pem_read_next_certificate(bio);

    if (!certificate) {
        (void)BIO_reset(bio);
        certificate = d2i_X509_bio(bio, NULL);
    }
    ERR_clear_error();
    return certificate;
}

EVP_PKEY *
dm_pem_read_key(GBytes *bytes)
{
    g_autoptr(BIO) bio = dm_secret_open(bytes);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, dm_pem_refuse_pass_phrase, NULL);

    if (!key) {
        (void)BIO_reset(bio);
        key = d2i_PrivateKey_bio(bio, NULL);
    }
    ERR_clear_error();
    return key;
}
