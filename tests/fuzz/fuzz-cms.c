/* SPDX-License-Identifier: MIT */

#include <openssl/x509.h>
#include <stdint.h>
#include <string.h>

#include "broker/cms.h"
#include "broker/server-certificate.h"
#include "tests/fuzz/fuzz-cms-keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static DmKey *
load(const char *certificate, const char *private)
{
    g_autoptr(GBytes) certificate_bytes = g_bytes_new_static(certificate, strlen(certificate));
    g_autoptr(GBytes) private_bytes = g_bytes_new_static(private, strlen(private));
    DmKey *key = dm_key_new(certificate_bytes, private_bytes, NULL);

    g_assert_nonnull(key);
    return key;
}

/* A message of a server in any mode, as the device of each kind of key takes it: what is refused
 * has an error and nothing else, what is taken is no larger than what came. */
static void
open_message(DmKey *key, GBytes *bytes)
{
    g_autoptr(GPtrArray) signers = g_ptr_array_new();
    GBytes *inner = NULL;

    g_ptr_array_add(signers, dm_key_get_certificate(key));
    for (guint mode = 1; mode <= 3; mode++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) content = g_bytes_ref(bytes);

        if (mode & 2) {
            inner = dm_cms_decrypt(key, content, &error);
            g_bytes_unref(content);
            content = inner;
        }
        if (content && (mode & 1)) {
            inner = dm_cms_verify(key, content, signers, NULL, &error);
            g_bytes_unref(content);
            content = inner;
        }
        g_assert_true((content == NULL) == (error != NULL));
        g_assert_true(!content || g_bytes_get_size(content) <= g_bytes_get_size(bytes));
    }
    inner = dm_cms_verify(key, bytes, NULL, NULL, NULL);
    g_clear_pointer(&inner, g_bytes_unref);
}

/* The same bytes as the text of a certificate in the tree. */
static void
read_certificate(DmKey *key, const uint8_t *data, size_t size)
{
    static const DmServerCertificatePolicy policy = {.now_us = G_GINT64_CONSTANT(1800000000000000)};
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    X509 *certificate = dm_server_certificate_read(key, text, &policy, &error);

    g_assert_true((certificate == NULL) == (error != NULL));
    X509_free(certificate);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static DmKey *ec, *rsa; /* they are slow to make */
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);

    if (!ec) {
        ec = load(ec_certificate, ec_key);
        rsa = load(rsa_certificate, rsa_key);
    }
    open_message(ec, bytes);
    open_message(rsa, bytes);
    read_certificate(ec, data, size);
    return 0;
}
