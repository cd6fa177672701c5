/* SPDX-License-Identifier: MIT */

#include "broker/pins.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#define ONE "sha256/MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
#define TWO "sha256/YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="

static void
test_read(void)
{
    const char *must = NULL;
    g_autoptr(GBytes) pins = dm_pins_parse(ONE ";" TWO, &must);
    g_autoptr(GBytes) blanks = dm_pins_parse(" " ONE " ; " TWO ";;", &must);
    g_autoptr(GBytes) same = dm_pins_parse(ONE ";" TWO ";" ONE, &must);

    g_assert_cmpuint(g_bytes_get_size(pins), ==, 64);
    g_assert_cmpmem(g_bytes_get_data(pins, NULL), 32, "12345678901234567890123456789012", 32);
    g_assert_true(g_bytes_equal(pins, blanks));
    g_assert_true(g_bytes_equal(pins, same));
    g_assert_null(must);
}

static void
test_refused(void)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {ONE, "two different pins"},
        {ONE ";" ONE, "two different pins"},
        {"", "two different pins"},
        {";", "two different pins"},
        {ONE ";sha256/MTIz", "base64"},
        {ONE ";" TWO "x", "base64"},
        {ONE ";sha1/MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", "sha256/"},
        {ONE ";MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", "sha256/"},
        {ONE ";sha256/MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI", "base64"},
        {ONE ";sha256/MTIzNDU2Nzg5MDEyMzQ1 Njc4OTAxMjM0NTY3ODkwMTI=", "base64"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *must = NULL;

        g_test_message("%s", cases[i].text);
        g_assert_null(dm_pins_parse(cases[i].text, &must));
        g_assert_nonnull(strstr(must, cases[i].part));
    }
}

static void
test_most(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *must = NULL;

    for (guint i = 0; i <= DM_PINS_MAX; i++) {
        guint8 hash[32] = {(guint8)i};
        g_autofree char *base64 = g_base64_encode(hash, sizeof hash);
        g_autoptr(GBytes) pins = NULL;

        g_string_append_printf(text, "sha256/%s;", base64);
        pins = dm_pins_parse(text->str, &must);
        g_assert_cmpint(pins != NULL, ==, i + 1 >= DM_PINS_MIN && i + 1 <= DM_PINS_MAX);
    }
    g_assert_nonnull(strstr(must, "16"));
}

/* A certificate that holds a new key, as far as a pin looks. */
static X509 *
make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    g_assert_nonnull(key);
    g_assert_cmpint(X509_set_pubkey(certificate, key), ==, 1);
    EVP_PKEY_free(key);
    return certificate;
}

static void
test_match(void)
{
    X509 *leaf = make_certificate(), *authority = make_certificate(), *other = make_certificate();
    STACK_OF(X509) *chain = sk_X509_new_null();
    g_autofree char *leaf_pin = dm_pins_of(leaf);
    g_autofree char *authority_pin = dm_pins_of(authority);
    g_autofree char *other_pin = dm_pins_of(other);
    g_autofree char *with_leaf = g_strconcat(ONE ";", leaf_pin, NULL);
    g_autofree char *with_authority = g_strconcat(authority_pin, ";", other_pin, NULL);
    g_autofree char *without = g_strconcat(other_pin, ";" ONE, NULL);
    const char *must = NULL;
    g_autoptr(GBytes) one = dm_pins_parse(with_leaf, &must);
    g_autoptr(GBytes) two = dm_pins_parse(with_authority, &must);
    g_autoptr(GBytes) three = dm_pins_parse(without, &must);

    sk_X509_push(chain, leaf);
    sk_X509_push(chain, authority);
    g_assert_true(dm_pins_match(one, chain));
    g_assert_true(dm_pins_match(two, chain));
    g_assert_false(dm_pins_match(three, chain));
    sk_X509_pop_free(chain, X509_free);
    X509_free(other);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pins/read", test_read);
    g_test_add_func("/pins/protocol-4-one-alone-and-nonsense-are-refused", test_refused);
    g_test_add_func("/pins/cap", test_most);
    g_test_add_func("/pins/any-key-of-the-chain", test_match);
    return g_test_run();
}
