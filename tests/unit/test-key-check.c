/* SPDX-License-Identifier: MIT */

#include "broker/key-check.h"

#include <string.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/key-fixture.h"

/* What tests/session/test_check.py cannot have at will: certificates of tomorrow. */

#define THUMBPRINT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The path, to be freed. */
static char *
write_file(const char *directory, const char *name, GBytes *bytes)
{
    char *path = g_build_filename(directory, name, NULL);
    gsize size = 0;
    const char *data = g_bytes_get_data(bytes, &size);

    g_assert_true(
        g_file_set_contents_full(path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    return path;
}

/* What is said of a pair that is valid from and to so many days from now. */
static char *
check_dates(int from_days, int to_days)
{
    g_autofree char *directory = g_dir_make_tmp("dm-key-check-XXXXXX", NULL);
    EVP_PKEY *private = fixture_make_key(0);
    g_autoptr(GBytes) pem = fixture_write_key(private);
    g_autoptr(GBytes) made = fixture_make_certificate(private, "device", false);
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *certificate_path = NULL;
    g_autofree char *key_path = NULL;
    g_autofree char *thumbprint = NULL;
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_auto(DmKeyPair) pair = {0};
    gsize size = 0;
    const char *data = g_bytes_get_data(made, &size);
    BIO *in = BIO_new_mem_buf(data, (int)size);
    BIO *out = BIO_new(BIO_s_mem());
    X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);

    X509_time_adj_ex(X509_getm_notBefore(certificate), from_days, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(certificate), to_days, 60, NULL);
    g_assert_cmpint(X509_sign(certificate, private, EVP_sha256()), >, 0);
    g_assert_true(PEM_write_bio_X509(out, certificate));
    bytes = fixture_to_bytes(out);
    certificate_path = write_file(directory, "client.pem", bytes);
    key_path = write_file(directory, "client.key", pem);
    g_assert_true(dm_keys_import(directory, certificate_path, key_path, &thumbprint, NULL));
    dm_key_check_pair(directory, "P", thumbprint, findings, &pair);
    g_assert_nonnull(pair.private_key);
    X509_free(certificate);
    BIO_free(in);
    EVP_PKEY_free(private);
    fixture_remove(directory);
    return dm_findings_to_text(findings);
}

static void
test_dates(void)
{
    static const struct {
        int from_days, to_days;
        const char *begin, *what;
    } cases[] = {
        {-1, 40, "ok ", "is valid until"},
        {-1, 20, "warning ", "ends in 20 days"},
        {-3, -1, "error ", "has expired"},
        {1, 40, "error ", "not valid yet"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = check_dates(cases[i].from_days, cases[i].to_days);

        g_assert_true(g_str_has_prefix(text, cases[i].begin));
        g_assert_nonnull(strstr(text, cases[i].what));
    }
}

static void
test_not_a_pair(void)
{
    g_autofree char *directory = g_dir_make_tmp("dm-key-check-XXXXXX", NULL);
    g_autoptr(DmFindings) findings = dm_findings_new();
    g_autoptr(GBytes) nothing = g_bytes_new_static("nothing", 7);
    g_auto(DmKeyPair) pair = {0};
    g_autofree char *text = NULL;

    g_free(write_file(directory, THUMBPRINT ".pem", nothing));
    g_free(write_file(directory, THUMBPRINT ".key", nothing));
    dm_key_check_pair(directory, "P", THUMBPRINT, findings, &pair);
    g_assert_null(pair.private_key);
    text = dm_findings_to_text(findings);
    g_assert_true(g_str_has_prefix(text, "error   certificate"));
    fixture_remove(directory);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key-check/dates", test_dates);
    g_test_add_func("/key-check/not-a-pair", test_not_a_pair);
    return g_test_run();
}
