/* SPDX-License-Identifier: MIT */

#include "broker/cms.h"

#include <openssl/x509.h>

#include "broker/renewal.h"
#include "common/error.h"
#include "tests/unit/key-fixture.h"

/* What the openssl command thinks of these messages is asked in tests/session/. */

typedef struct {
    const char *what;
    guint bits;
} Kind;

static const Kind kinds[] = {{"EC", 0}, {"RSA", 2048}};

static GBytes *
make_content(gsize size)
{
    return g_bytes_new_take(g_strnfill(size, 'x'), size);
}

static void
test_round_trip(void)
{
    static const gsize sizes[] = {0, 1, 16, 500000};

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(DmKey) key = fixture_make_pair(kinds[i].bits, "device", true);
        X509 *certificate = dm_key_get_certificate(key);
        g_autoptr(GPtrArray) signers = g_ptr_array_new();

        g_ptr_array_add(signers, certificate);
        for (gsize j = 0; j < G_N_ELEMENTS(sizes); j++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GBytes) content = make_content(sizes[j]);
            g_autoptr(GBytes) signed_data = dm_cms_sign(key, content, DM_CMS_WHOLE, &error);
            g_autoptr(GBytes) enveloped = dm_cms_encrypt(key, certificate, signed_data, &error);
            g_autoptr(GBytes) opened = dm_cms_decrypt(key, enveloped, &error);
            X509 *signer = NULL;
            g_autoptr(GBytes) verified = dm_cms_verify(key, opened, signers, &signer, &error);

            g_assert_no_error(error);
            g_assert_true(g_bytes_equal(opened, signed_data));
            g_assert_true(g_bytes_equal(verified, content));
            g_assert_cmpint(X509_cmp(signer, certificate), ==, 0);
            X509_free(signer);
        }
    }
}

static void
assert_refused(GBytes *bytes, GError **error)
{
    g_assert_null(bytes);
    g_assert_error(*error, DM_ERROR, DM_ERROR_SECURITY);
    g_clear_error(error);
}

/* Every byte of a signed message counts, but for what the signature does not cover: no change makes
 * another content of it. */
static void
test_every_byte(void)
{
    g_autoptr(DmKey) key = fixture_make_pair(0, "device", true);
    g_autoptr(GPtrArray) signers = g_ptr_array_new();
    g_autoptr(GBytes) content = make_content(20);
    g_autoptr(GBytes) signed_data = dm_cms_sign(key, content, DM_CMS_WHOLE, NULL);
    gsize size = 0;
    const guint8 *data = g_bytes_get_data(signed_data, &size);
    guint n_refused = 0;

    g_ptr_array_add(signers, dm_key_get_certificate(key));
    for (gsize i = 0; i < size; i++) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        g_autoptr(GBytes) changed = NULL;
        g_autoptr(GBytes) got = NULL;
        g_autoptr(GError) error = NULL;

        copy[i] ^= 0x01;
        changed = g_bytes_new(copy, size);
        got = dm_cms_verify(key, changed, signers, NULL, &error);
        g_assert_true((got == NULL) == (error != NULL));
        if (got)
            g_assert_true(g_bytes_equal(got, content));
        else
            n_refused++;
    }
    g_assert_cmpuint(n_refused, >, size / 3); /* the certificate inside is not looked at */
}

static void
test_every_length(void)
{
    g_autoptr(DmKey) key = fixture_make_pair(0, "device", true);
    g_autoptr(GBytes) content = make_content(20);
    g_autoptr(GBytes) signed_data = dm_cms_sign(key, content, DM_CMS_WHOLE, NULL);
    g_autoptr(GBytes) enveloped = dm_cms_encrypt(key, dm_key_get_certificate(key), content, NULL);

    for (gsize i = 0; i < g_bytes_get_size(signed_data); i++) {
        g_autoptr(GBytes) cut = g_bytes_new_from_bytes(signed_data, 0, i);
        GError *error = NULL;

        assert_refused(dm_cms_verify(key, cut, NULL, NULL, &error), &error);
    }
    for (gsize i = 0; i < g_bytes_get_size(enveloped); i++) {
        g_autoptr(GBytes) cut = g_bytes_new_from_bytes(enveloped, 0, i);
        GError *error = NULL;

        assert_refused(dm_cms_decrypt(key, cut, &error), &error);
    }
}

static void
test_types(void)
{
    g_autoptr(DmKey) key = fixture_make_pair(0, "device", true);
    g_autoptr(DmKey) other = fixture_make_pair(0, "device", true);
    g_autoptr(GBytes) content = make_content(20);
    g_autoptr(GBytes) whole = dm_cms_sign(key, content, DM_CMS_WHOLE, NULL);
    g_autoptr(GBytes) detached = dm_cms_sign(key, content, DM_CMS_DETACHED, NULL);
    g_autoptr(GBytes) enveloped = dm_cms_encrypt(key, dm_key_get_certificate(key), content, NULL);
    g_autoptr(GPtrArray) nobody = g_ptr_array_new();
    GError *error = NULL;

    assert_refused(dm_cms_decrypt(key, whole, &error), &error);
    assert_refused(dm_cms_verify(key, enveloped, NULL, NULL, &error), &error);
    assert_refused(dm_cms_verify(key, detached, NULL, NULL, &error), &error);
    assert_refused(dm_cms_verify(key, whole, nobody, NULL, &error), &error);
    /* Same issuer and serial number, another key. */
    assert_refused(dm_cms_decrypt(other, enveloped, &error), &error);
}

/* S5: what the old key signs fits the node, with keys of every usual size; the issuer's name does
 * not matter where the certificate has a key identifier. */
static void
test_renewal(void)
{
    static const struct {
        guint bits;
        bool has_key_id;
        bool fits;
        guint name_size;
    } cases[] = {
        {0, true, true, 10},      {0, false, true, 10},      {0, true, true, 600},
        {2048, true, true, 10},   {2048, false, true, 10},   {2048, true, true, 600},
        {2048, false, true, 190}, {2048, false, false, 640}, {3072, true, true, 600},
        {3072, false, true, 10},  {4096, true, true, 600},   {4096, false, true, 10},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strnfill(cases[i].name_size, 'n');
        g_autoptr(DmKey) key = fixture_make_pair(cases[i].bits, name, cases[i].has_key_id);
        g_autoptr(GError) error = NULL;
        g_autofree char *text =
            dm_renewal_sign(key, "4d5c1d0e-6b1a-4f56-8a0e-1d0e6b1a4f56", &error);

        g_test_message("%u bits, name of %u: %" G_GSIZE_FORMAT, cases[i].bits, cases[i].name_size,
                       text ? strlen(text) : 0);
        if (cases[i].fits) {
            g_assert_no_error(error);
            g_assert_cmpuint(strlen(text), <=, DM_RENEWAL_MAX_SIGNATURE);
            g_assert_null(strpbrk(text, " \r\n"));
        } else {
            g_assert_null(text);
            g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cms/S4-what-is-sealed-opens", test_round_trip);
    g_test_add_func("/cms/S4-no-changed-byte-makes-another-content", test_every_byte);
    g_test_add_func("/cms/S4-cut-anywhere-is-refused", test_every_length);
    g_test_add_func("/cms/S4-another-type-key-or-signer-is-refused", test_types);
    g_test_add_func("/cms/S5-the-signature-fits-its-node", test_renewal);
    return g_test_run();
}
