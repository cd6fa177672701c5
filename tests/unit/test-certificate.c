/* SPDX-License-Identifier: MIT */

/* Thumbprint and period of certificates made on the spot. */

#include <glib.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "common/error.h"
#include "syncml/certificate.h"

#define NOT_BEFORE "20240101000000Z"
#define NOT_BEFORE_US (G_GINT64_CONSTANT(1704067200) * G_USEC_PER_SEC)
#define NOT_AFTER "20500630123059Z" /* from 2050 on certificates use another type of time */
#define NOT_AFTER_US (G_GINT64_CONSTANT(2540205059) * G_USEC_PER_SEC)

/* A self-signed certificate as DER, and as PEM through `*ret_pem`; free both with g_free(). */
static guchar *
make_certificate(gsize *ret_size, char **ret_pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    unsigned char *der = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    guchar *copy;
    int size;
    long pem_size;

    g_assert_nonnull(key);
    g_assert_true(X509_set_version(certificate, X509_VERSION_3));
    g_assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
    g_assert_true(ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), NOT_BEFORE));
    g_assert_true(ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), NOT_AFTER));
    g_assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                             MBSTRING_UTF8, (const unsigned char *)"test", -1, -1,
                                             0));
    g_assert_true(X509_set_pubkey(certificate, key));
    g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
    size = i2d_X509(certificate, &der);
    g_assert_cmpint(size, >, 0);
    g_assert_true(PEM_write_bio_X509(bio, certificate));
    pem_size = BIO_get_mem_data(bio, &pem);
    *ret_pem = g_strndup(pem, (gsize)pem_size);
    *ret_size = (gsize)size;
    copy = g_memdup2(der, (gsize)size);
    OPENSSL_free(der);
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return copy;
}

static void
assert_read(const char *bytes, gsize size, const char *thumbprint)
{
    g_autofree char *exact = g_memdup2(bytes, size);
    g_autoptr(GError) error = NULL;
    DmCertificateInfo info;

    g_assert_true(dm_certificate_read(exact, size, &info, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(info.thumbprint, ==, thumbprint);
    g_assert_cmpint(info.not_before_us, ==, NOT_BEFORE_US);
    g_assert_cmpint(info.not_after_us, ==, NOT_AFTER_US);
}

static void
assert_refused(const char *bytes, gsize size, int code)
{
    g_autofree char *exact = g_memdup2(bytes, size);
    g_autoptr(GError) error = NULL;
    DmCertificateInfo info;

    g_assert_false(dm_certificate_read(exact, size, &info, &error));
    g_assert_error(error, DM_ERROR, code);
}

static void
test_read(void)
{
    gsize size;
    g_autofree char *pem = NULL;
    g_autofree char *der = (char *)make_certificate(&size, &pem);
    g_autofree char *thumbprint =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)der, size);
    g_autofree char *chain = g_strconcat("subject=test\n", pem, "junk", NULL);

    assert_read(der, size, thumbprint);
    assert_read(pem, strlen(pem), thumbprint);
    assert_read(chain, strlen(chain), thumbprint);
    g_assert_cmpuint(ERR_peek_error(), ==, 0); /* the process's own queue is left alone */
}

static void
test_refused(void)
{
    gsize size;
    g_autofree char *pem = NULL;
    g_autofree char *der = (char *)make_certificate(&size, &pem);
    g_autofree char *longer = g_malloc0(size + 1);
    g_autofree char *huge = g_malloc0(1 << 20);

    assert_refused("", 0, DM_ERROR_INVALID);
    assert_refused("certificate", 11, DM_ERROR_INVALID);
    assert_refused(der, size - 1, DM_ERROR_INVALID);
    memcpy(longer, der, size);
    assert_refused(longer, size + 1, DM_ERROR_INVALID);
    assert_refused(pem, strlen(pem) / 2, DM_ERROR_INVALID);
    assert_refused(huge, 1 << 20, DM_ERROR_TOO_LARGE);
    g_assert_cmpuint(ERR_peek_error(), ==, 0);
}

static void
test_base64(void)
{
    gsize size;
    g_autofree char *pem = NULL;
    g_autofree guchar *der = make_certificate(&size, &pem);
    g_autofree char *text = g_base64_encode(der, size);
    g_autofree char *spaced = g_strdup_printf(" %.20s\r\n%s ", text, text + 20);
    g_autofree char *dirty = g_strdup_printf("%.20s*%s", text, text + 20);
    g_autofree char *pem_text = g_base64_encode((const guchar *)pem, strlen(pem));
    g_autofree char *huge = g_strnfill(4 * DM_CERTIFICATE_MAX_BYTES, 'A');
    const char *const bad[] = {dirty, pem_text, "", "AAAA", "===="};
    g_autoptr(GBytes) plain = dm_certificate_from_base64(text, NULL);
    g_autoptr(GBytes) loose = dm_certificate_from_base64(spaced, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(g_bytes_get_size(plain), ==, size);
    g_assert_cmpint(memcmp(g_bytes_get_data(plain, NULL), der, size), ==, 0);
    g_assert_true(g_bytes_equal(plain, loose));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) invalid = NULL;

        g_assert_null(dm_certificate_from_base64(bad[i], &invalid));
        g_assert_error(invalid, DM_ERROR, DM_ERROR_INVALID);
    }
    g_assert_null(dm_certificate_from_base64(huge, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/certificate/thumbprint-and-period", test_read);
    g_test_add_func("/certificate/refused", test_refused);
    g_test_add_func("/certificate/W1-base64", test_base64);
    return g_test_run();
}
