/* SPDX-License-Identifier: MIT */

#include "syncml/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "common/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)

/* A PEM file may hold a chain; text around the certificates is fine. */
#define MAX_PEM_BYTES (8 * DM_CERTIFICATE_MAX_BYTES)

/* Never asks for a passphrase on a terminal. */
static int
refuse_passphrase(char *buffer, int size, int writing, void *data)
{
    return -1;
}

static X509 *
parse(const char *bytes, gsize size)
{
    const unsigned char *der = (const unsigned char *)bytes;
    g_autoptr(BIO) bio = NULL;
    X509 *certificate = d2i_X509(NULL, &der, (long)size);

    if (certificate != NULL && (const char *)der == bytes + size)
        return certificate;
    X509_free(certificate);
    bio = BIO_new_mem_buf(bytes, (int)size);
    return bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL);
}

static bool
time_to_us(const ASN1_TIME *time, gint64 *ret_us)
{
    struct tm tm;

    if (!ASN1_TIME_to_tm(time, &tm))
        return false;
    *ret_us = (gint64)timegm(&tm) * G_USEC_PER_SEC;
    return true;
}

bool
dm_certificate_describe(const X509 *certificate, DmCertificateInfo *ret_info)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    DmCertificateInfo info;

    if (!X509_digest(certificate, EVP_sha256(), digest, &digest_size) ||
        digest_size * 2 != DM_THUMBPRINT_SIZE ||
        !time_to_us(X509_get0_notBefore(certificate), &info.not_before_us) ||
        !time_to_us(X509_get0_notAfter(certificate), &info.not_after_us))
        return false;
    for (unsigned i = 0; i < digest_size; i++)
        g_snprintf(info.thumbprint + 2 * i, 3, "%02x", digest[i]);
    *ret_info = info;
    return true;
}

static bool
read_certificate(const char *bytes, gsize size, DmCertificateInfo *ret_info, GError **error)
{
    g_autoptr(X509) certificate = parse(bytes, size);

    if (certificate == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "neither a DER nor a PEM certificate");
        return false;
    }
    if (!dm_certificate_describe(certificate, ret_info)) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "a certificate without a valid period");
        return false;
    }
    return true;
}

bool
dm_certificate_read(const char *bytes, gsize size, DmCertificateInfo *ret_info, GError **error)
{
    bool good;

    if (size > MAX_PEM_BYTES) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "a certificate of %" G_GSIZE_FORMAT " bytes; at most %d are taken", size,
                    MAX_PEM_BYTES);
        return false;
    }
    /* Trying DER on PEM fails on purpose: leave the process's error queue as it was. */
    ERR_set_mark();
    good = read_certificate(bytes, size, ret_info, error);
    ERR_pop_to_mark();
    return good;
}

GBytes *
dm_certificate_from_base64(const char *text, GError **error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n";
    g_autofree guchar *der = NULL;
    DmCertificateInfo info;
    gsize size = 0;

    if (text[strspn(text, allowed)] != '\0') { /* which GLib would pass over */
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "no base64");
        return NULL;
    }
    der = g_base64_decode(text, &size);
    if (size > DM_CERTIFICATE_MAX_BYTES) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE, "a certificate of more than %d bytes",
                    DM_CERTIFICATE_MAX_BYTES);
        return NULL;
    }
    if (size == 0 || der[0] == '-' || !dm_certificate_read((const char *)der, size, &info, error)) {
        if (error != NULL && *error == NULL)
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "no DER in it");
        return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&der), size);
}
