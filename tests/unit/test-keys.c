/* SPDX-License-Identifier: MIT */

#include "broker/keys.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "tests/unit/add-test.h"
#include "tests/unit/fixture.h"

/* 2038-01-19T03:14:07Z */
#define NOT_AFTER "20380119031407Z"
#define NOT_AFTER_US (G_GINT64_CONSTANT(2147483647) * G_USEC_PER_SEC)

typedef struct {
    char *folder;    /* of everything */
    char *directory; /* of the keys; not there yet */
    char *certificate;
    char *key;
    char *other_key;
    char *thumbprint;
} Fixture;

static char *
write_pem(const char *folder, const char *name, X509 *certificate, EVP_PKEY *key)
{
    char *path = g_build_filename(folder, name, NULL);
    FILE *file = fopen(path, "w");

    g_assert_nonnull(file);
    if (certificate)
        g_assert_cmpint(PEM_write_X509(file, certificate), ==, 1);
    if (key)
        g_assert_cmpint(PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
    g_assert_cmpint(fclose(file), ==, 0);
    return path;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"device", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(certificate), NOT_AFTER);
    X509_set_pubkey(certificate, key);
    g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
    return certificate;
}

static char *
digest_of(X509 *certificate)
{
    g_autofree unsigned char *der = NULL;
    unsigned char *end;
    int size = i2d_X509(certificate, NULL);

    der = g_malloc((gsize)size);
    end = der;
    i2d_X509(certificate, &end);
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, der, (gsize)size);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);

    fixture->folder = g_dir_make_tmp("dm-keys-XXXXXX", NULL);
    fixture->directory = g_build_filename(fixture->folder, "state", "broker", NULL);
    fixture->certificate = write_pem(fixture->folder, "client.pem", certificate, NULL);
    fixture->key = write_pem(fixture->folder, "client.key", NULL, key);
    fixture->other_key = write_pem(fixture->folder, "other.key", NULL, other);
    fixture->thumbprint = digest_of(certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    fixture_remove(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->directory);
    g_free(fixture->certificate);
    g_free(fixture->key);
    g_free(fixture->other_key);
    g_free(fixture->thumbprint);
}

static char *
path_of(const Fixture *fixture, const char *suffix)
{
    return g_strconcat(fixture->directory, "/", fixture->thumbprint, suffix, NULL);
}

static void
import(const Fixture *fixture)
{
    g_autofree char *thumbprint = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_keys_import(fixture->directory, fixture->certificate, fixture->key,
                                 &thumbprint, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(thumbprint, ==, fixture->thumbprint);
}

static void
assert_refused(const Fixture *fixture, const char *certificate, const char *key, const char *named)
{
    g_autofree char *thumbprint = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(dm_keys_import(fixture->directory, certificate, key, &thumbprint, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CERTIFICATE);
    g_assert_nonnull(strstr(error->message, named));
    g_assert_null(thumbprint);
    g_assert_false(g_file_test(fixture->directory, G_FILE_TEST_EXISTS));
}

static void
assert_load_fails(const Fixture *fixture, DmErrorCode code, const char *named)
{
    g_auto(DmKeyPair) pair = {0};
    g_autoptr(GError) error = NULL;

    g_assert_false(dm_keys_load(fixture->directory, fixture->thumbprint, &pair, &error));
    g_assert_error(error, DM_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, named));
    g_assert_null(pair.certificate);
    g_assert_null(pair.key);
}

static mode_t
mode_of(const char *path)
{
    struct stat status;

    g_assert_cmpint(lstat(path, &status), ==, 0);
    return status.st_mode & 07777;
}

static void
test_import(Fixture *fixture, gconstpointer data)
{
    g_autofree char *certificate = path_of(fixture, ".pem");
    g_autofree char *key = path_of(fixture, ".key");
    g_auto(DmKeyPair) pair = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = NULL;
    guint n = 0;

    import(fixture);
    g_assert_cmpuint(mode_of(fixture->directory), ==, 0700);
    g_assert_cmpuint(mode_of(certificate), ==, 0600);
    g_assert_cmpuint(mode_of(key), ==, 0600);
    dir = g_dir_open(fixture->directory, 0, NULL);
    while (g_dir_read_name(dir))
        n++;
    g_assert_cmpuint(n, ==, 2);

    g_assert_true(dm_keys_load(fixture->directory, fixture->thumbprint, &pair, &error));
    g_assert_no_error(error);
    g_assert_cmpint(pair.expires_us, ==, NOT_AFTER_US);
    g_assert_nonnull(g_strstr_len(g_bytes_get_data(pair.key, NULL),
                                  (gssize)g_bytes_get_size(pair.key), "BEGIN PRIVATE KEY"));
    g_assert_nonnull(g_strstr_len(g_bytes_get_data(pair.certificate, NULL),
                                  (gssize)g_bytes_get_size(pair.certificate), "BEGIN CERTIFICATE"));
}

static void
test_idempotent(Fixture *fixture, gconstpointer data)
{
    g_autofree char *key = path_of(fixture, ".key");
    struct stat before, after;

    import(fixture);
    g_assert_cmpint(stat(key, &before), ==, 0);
    import(fixture);
    g_assert_cmpint(stat(key, &after), ==, 0);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
}

static void
test_repairs(Fixture *fixture, gconstpointer data)
{
    g_autofree char *certificate = path_of(fixture, ".pem");
    g_auto(DmKeyPair) pair = {0};

    /* What a kill between the two renames leaves. */
    import(fixture);
    g_assert_cmpint(g_remove(certificate), ==, 0);
    assert_load_fails(fixture, DM_ERROR_CERTIFICATE, certificate);
    import(fixture);
    g_assert_true(dm_keys_load(fixture->directory, fixture->thumbprint, &pair, NULL));
}

static void
test_no_pair(Fixture *fixture, gconstpointer data)
{
    assert_refused(fixture, fixture->certificate, fixture->other_key, "other.key");
    assert_refused(fixture, fixture->key, fixture->key, "client.key: no certificate");
    assert_refused(fixture, fixture->certificate, fixture->certificate, "client.pem: no private");
    assert_refused(fixture, "/nonexistent/a.pem", fixture->key, "/nonexistent/a.pem");
    assert_refused(fixture, fixture->certificate, fixture->folder, fixture->folder);
}

static void
test_encrypted_key(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "locked.key", NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(path, "w");

    /* Refused, and nobody at a terminal is asked. */
    g_assert_cmpint(
        PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), ==, 1);
    g_assert_cmpint(fclose(file), ==, 0);
    EVP_PKEY_free(key);
    assert_refused(fixture, fixture->certificate, path, "locked.key");
}

static void
test_too_large(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->folder, "large.pem", NULL);
    g_autofree char *bytes = g_strnfill(DM_KEYS_MAX_BYTES + 1, 'x');

    g_assert_true(g_file_set_contents(path, bytes, -1, NULL));
    assert_refused(fixture, path, fixture->key, "large.pem: more than");
}

static void
test_open_directory(Fixture *fixture, gconstpointer data)
{
    g_autofree char *thumbprint = NULL;
    g_autoptr(GError) error = NULL;

    import(fixture);
    g_assert_cmpint(g_chmod(fixture->directory, 0750), ==, 0);
    assert_load_fails(fixture, DM_ERROR_DENIED, "0700");
    g_assert_false(dm_keys_import(fixture->directory, fixture->certificate, fixture->key,
                                  &thumbprint, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_DENIED);
}

static void
test_open_files(Fixture *fixture, gconstpointer data)
{
    g_autofree char *key = path_of(fixture, ".key");
    g_autofree char *elsewhere = g_build_filename(fixture->folder, "moved.key", NULL);

    import(fixture);
    g_assert_cmpint(g_chmod(key, 0640), ==, 0);
    assert_load_fails(fixture, DM_ERROR_CERTIFICATE, key);
    g_assert_cmpint(g_chmod(key, 0600), ==, 0);
    g_assert_cmpint(g_rename(key, elsewhere), ==, 0);
    g_assert_cmpint(symlink(elsewhere, key), ==, 0);
    assert_load_fails(fixture, DM_ERROR_CERTIFICATE, key);
}

static void
test_symlink_is_replaced(Fixture *fixture, gconstpointer data)
{
    g_autofree char *key = path_of(fixture, ".key");
    g_autofree char *target = g_build_filename(fixture->folder, "target", NULL);
    struct stat status;

    /* Written beside and renamed: what the name pointed to is not touched. */
    g_assert_cmpint(g_mkdir_with_parents(fixture->directory, 0700), ==, 0);
    g_assert_true(g_file_set_contents(target, "mine", -1, NULL));
    g_assert_cmpint(symlink(target, key), ==, 0);
    import(fixture);
    g_assert_cmpint(lstat(key, &status), ==, 0);
    g_assert_true(S_ISREG(status.st_mode));
    g_assert_cmpint(stat(target, &status), ==, 0);
    g_assert_cmpint(status.st_size, ==, 4);
}

static void
test_wrong_content(Fixture *fixture, gconstpointer data)
{
    g_autofree char *key = path_of(fixture, ".key");
    g_autofree char *text = NULL;
    gsize size = 0;

    import(fixture);
    g_assert_true(g_file_get_contents(fixture->other_key, &text, &size, NULL));
    g_assert_true(g_file_set_contents(key, text, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(key, 0600), ==, 0);
    assert_load_fails(fixture, DM_ERROR_CERTIFICATE, fixture->thumbprint);
}

static void
test_thumbprint_is_no_path(Fixture *fixture, gconstpointer data)
{
    static const char *const names[] = {"", "../../etc/passwd", "ABCDEF", "client"};

    import(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_auto(DmKeyPair) pair = {0};
        g_autoptr(GError) error = NULL;

        g_assert_false(dm_keys_load(fixture->directory, names[i], &pair, &error));
        g_assert_error(error, DM_ERROR, DM_ERROR_CERTIFICATE);
    }
}

static void
test_absent(Fixture *fixture, gconstpointer data)
{
    assert_load_fails(fixture, DM_ERROR_CERTIFICATE, fixture->directory);
}

/* -- removing ------------------------------------------------------------------------------------
 */

static bool
is_there(const Fixture *fixture)
{
    g_auto(DmKeyPair) pair = {0};

    return dm_keys_load(fixture->directory, fixture->thumbprint, &pair, NULL);
}

/* Gives both files a time of the wall clock. */
static void
set_time(const Fixture *fixture, gint64 time_us)
{
    static const char *const endings[] = {".pem", ".key"};
    const struct timespec times[] = {{.tv_sec = time_us / G_USEC_PER_SEC},
                                     {.tv_sec = time_us / G_USEC_PER_SEC}};

    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *name = g_strconcat(fixture->thumbprint, endings[i], NULL);
        g_autofree char *path = g_build_filename(fixture->directory, name, NULL);

        g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
    }
}

static void
test_remove(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) folder = NULL;

    g_assert_true(dm_keys_remove(fixture->directory, fixture->thumbprint, G_MAXINT64, &error));
    import(fixture);
    g_assert_true(dm_keys_remove(fixture->directory, fixture->thumbprint, G_MAXINT64, &error));
    g_assert_no_error(error);
    folder = g_dir_open(fixture->directory, 0, NULL);
    g_assert_null(g_dir_read_name(folder));
    g_assert_true(dm_keys_remove(fixture->directory, fixture->thumbprint, G_MAXINT64, &error));
    g_assert_false(dm_keys_remove(fixture->directory, "../client", G_MAXINT64, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CERTIFICATE);
    g_assert_true(g_file_test(fixture->certificate, G_FILE_TEST_EXISTS));
}

static void
test_remove_spares_newer(Fixture *fixture, gconstpointer data)
{
    gint64 now_us = g_get_real_time();
    gint64 hour_us = 3600 * (gint64)G_USEC_PER_SEC;

    import(fixture);
    set_time(fixture, now_us - hour_us);
    g_assert_true(
        dm_keys_remove(fixture->directory, fixture->thumbprint, now_us - 2 * hour_us, NULL));
    g_assert_true(is_there(fixture));
    /* Imported again they are of now. */
    import(fixture);
    g_assert_true(dm_keys_remove(fixture->directory, fixture->thumbprint, now_us - hour_us, NULL));
    g_assert_true(is_there(fixture));
    /* The clock has been set back since. */
    set_time(fixture, now_us + hour_us);
    g_assert_true(dm_keys_remove(fixture->directory, fixture->thumbprint, now_us - hour_us, NULL));
    g_assert_false(is_there(fixture));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/keys/security-4-files-by-thumbprint", test_import);
    ADD("/keys/import-is-idempotent", test_idempotent);
    ADD("/keys/import-repairs-half-a-pair", test_repairs);
    ADD("/keys/not-a-pair-is-refused", test_no_pair);
    ADD("/keys/encrypted-key-is-refused", test_encrypted_key);
    ADD("/keys/large-file-is-refused", test_too_large);
    ADD("/keys/security-4-open-directory-is-refused", test_open_directory);
    ADD("/keys/security-4-open-file-or-link-is-refused", test_open_files);
    ADD("/keys/security-4-link-is-not-written-through", test_symlink_is_replaced);
    ADD("/keys/file-of-another-pair-is-refused", test_wrong_content);
    ADD("/keys/thumbprint-is-no-path", test_thumbprint_is_no_path);
    ADD("/keys/absent-directory", test_absent);
    ADD("/keys/E3-removed", test_remove);
    ADD("/keys/E3-those-of-a-later-enrolment-stay", test_remove_spares_newer);
    return g_test_run();
}
