/* SPDX-License-Identifier: MIT */

#include "broker/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/directory.h"
#include "broker/pem.h"
#include "broker/secret.h"
#include "broker/token.h"
#include "common/error.h"
#include "syncml/certificate.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

/* -- errors ------------------------------------------------------------------------------------
 */

void
dm_key_pair_clear(DmKeyPair *pair)
{
    g_clear_pointer(&pair->private_key, dm_key_free);
    g_clear_pointer(&pair->certificate, g_bytes_unref);
    g_clear_pointer(&pair->key, g_bytes_unref);
}

G_GNUC_PRINTF(2, 3)
static bool
refuse(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    ERR_clear_error();
    g_set_error_literal(error, DM_ERROR, DM_ERROR_CERTIFICATE, text);
    return false;
}

/* -- reading -------------------------------------------------------------------------------------
 */

/* All of an open file, which must be a regular one of up to DM_KEYS_MAX_BYTES; closes it. */
static GBytes *
read_fd(int fd, const char *name, struct stat *ret_status, GError **error)
{
    char buffer[DM_KEYS_MAX_BYTES + 1];
    GBytes *bytes = NULL;
    gsize size = 0;
    gssize n = 1;

    if (fstat(fd, ret_status) < 0 || !S_ISREG(ret_status->st_mode)) {
        refuse(error, "%s: not a regular file", name);
    } else {
        while (size < sizeof(buffer) && n > 0) {
            n = read(fd, buffer + size, sizeof(buffer) - size);
            size += n > 0 ? (gsize)n : 0;
        }
        if (n < 0)
            refuse(error, "%s: %s", name, g_strerror(errno));
        else if (size > DM_KEYS_MAX_BYTES)
            refuse(error, "%s: more than %d bytes", name, DM_KEYS_MAX_BYTES);
        else
            bytes = dm_secret_new(buffer, size);
        OPENSSL_cleanse(buffer, sizeof(buffer));
    }
    close(fd);
    return bytes;
}

static GBytes *
read_path(const char *path, GError **error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        refuse(error, "%s: %s", path, g_strerror(errno));
        return NULL;
    }
    return read_fd(fd, path, &status, error);
}

static bool
read_info(GBytes *bytes, DmCertificateInfo *ret_info)
{
    gsize size = 0;
    const char *data = g_bytes_get_data(bytes, &size);

    return dm_certificate_read(data, size, ret_info, NULL);
}

/* -- the directory -------------------------------------------------------------------------------
 */

static bool
write_all(int fd, const char *bytes, gsize size)
{
    while (size > 0) {
        gssize n = write(fd, bytes, size);

        if (n < 0)
            return false;
        bytes += n;
        size -= (gsize)n;
    }
    return true;
}

/* A new file that is whole, on disk and the directory's owner's before it gets its name. */
static bool
write_file(const DmDirectory *directory, const char *path, const char *name, GBytes *bytes,
           GError **error)
{
    g_autofree char *unique = g_uuid_string_random();
    g_autofree char *temporary = g_strconcat(".", unique, NULL);
    gsize size = 0;
    const char *data = g_bytes_get_data(bytes, &size);
    int fd = openat(directory->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    bool good;

    if (fd < 0)
        return dm_directory_fail(path, name, error);
    good = dm_directory_give(directory, fd) && fchmod(fd, 0600) == 0 && write_all(fd, data, size) &&
           fsync(fd) == 0 && renameat(directory->fd, temporary, directory->fd, name) == 0 &&
           fsync(directory->fd) == 0;
    if (!good) {
        dm_directory_fail(path, name, error);
        unlinkat(directory->fd, temporary, 0);
    }
    close(fd);
    return good;
}

/* -- importing -----------------------------------------------------------------------------------
 */

/* The certificate, and after it whatever others a PEM file has: the chain that the server may need.
 */
static GBytes *
write_certificates(X509 *leaf, GBytes *source)
{
    g_autoptr(BIO) in = dm_secret_open(source);
    g_autoptr(BIO) out = BIO_new(BIO_s_mem());
    bool first = true;
    X509 *each;

    PEM_write_bio_X509(out, leaf);
    while ((each = dm_pem_read_next_certificate(in))) {
        if (!first)
            PEM_write_bio_X509(out, each);
        first = false;
        X509_free(each);
    }
    return dm_secret_take(out);
}

static GBytes *
write_key(EVP_PKEY *key)
{
    g_autoptr(BIO) out = BIO_new(BIO_s_secmem());

    PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    return dm_secret_take(out);
}

static bool
store_pair(const char *path, const char *thumbprint, GBytes *certificate, GBytes *key,
           GError **error)
{
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    g_autofree char *certificate_name = g_strconcat(thumbprint, ".pem", NULL);
    g_autofree char *key_name = g_strconcat(thumbprint, ".key", NULL);

    if (!dm_directory_open(path, true, &directory, error))
        return false;
    return write_file(&directory, path, key_name, key, error) &&
           write_file(&directory, path, certificate_name, certificate, error);
}

/* So that nobody takes them for left over from an enrolment that has ended. */
static void
touch_pair(const char *path, const char *thumbprint)
{
    static const char *const endings[] = {".pem", ".key"};
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;

    if (!dm_directory_open(path, false, &directory, NULL))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *name = g_strconcat(thumbprint, endings[i], NULL);

        (void)utimensat(directory.fd, name, NULL, AT_SYMLINK_NOFOLLOW);
    }
}

/* The bytes of a key, or of the line that leads to it. */
static GBytes *
read_key(const char *key, GError **error)
{
    g_autofree char *line = NULL;
    GBytes *bytes;

    if (!dm_token_is_uri(key))
        return read_path(key, error);
    line = g_strconcat(key, "\n", NULL);
    bytes = dm_secret_new(line, strlen(line));
    OPENSSL_cleanse(line, strlen(line));
    return bytes;
}

/* What of a key goes into our file: PKCS #8, or just what leads to a token's key. `name` is the
 * key's for messages. */
static GBytes *
check_key(X509 *certificate, GBytes *certificate_bytes, const char *certificate_path,
          GBytes *key_bytes, const char *name, GError **error)
{
    g_autoptr(EVP_PKEY) key = NULL;
    g_autoptr(DmKey) pair = NULL;

    if (dm_token_has(key_bytes)) {
        pair = dm_key_new(certificate_bytes, key_bytes, error);
        if (pair)
            return g_bytes_ref(key_bytes);
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    key = dm_pem_read_key(key_bytes);
    if (!key)
        refuse(error, "%s: no private key in it (PEM or DER, not encrypted)", name);
    else if (X509_check_private_key(certificate, key) != 1)
        refuse(error, "%s is not the key of %s", name, certificate_path);
    else
        return write_key(key);
    return NULL;
}

bool
dm_keys_import(const char *directory, const char *certificate_path, const char *key,
               char **ret_thumbprint, GError **error)
{
    /* There may be a PIN in a URI. */
    const char *key_name = dm_token_is_uri(key) ? "the key's URI" : key;
    g_autoptr(GBytes) certificate_bytes = read_path(certificate_path, error);
    g_autoptr(GBytes) key_bytes = certificate_bytes ? read_key(key, error) : NULL;
    g_autoptr(X509) certificate = NULL;
    g_autoptr(GBytes) certificate_pem = NULL;
    g_autoptr(GBytes) key_stored = NULL;
    g_auto(DmKeyPair) present = {0};
    DmCertificateInfo info;

    if (!key_bytes)
        return false;
    certificate = dm_pem_read_certificate(certificate_bytes);
    if (!certificate || !read_info(certificate_bytes, &info))
        return refuse(error, "%s: no certificate in it (PEM or DER)", certificate_path);
    key_stored =
        check_key(certificate, certificate_bytes, certificate_path, key_bytes, key_name, error);
    if (!key_stored)
        return false;
    if (!dm_keys_load(directory, info.thumbprint, &present, NULL)) {
        certificate_pem = write_certificates(certificate, certificate_bytes);
        if (!store_pair(directory, info.thumbprint, certificate_pem, key_stored, error))
            return false;
    } else {
        touch_pair(directory, info.thumbprint);
    }
    *ret_thumbprint = g_strdup(info.thumbprint);
    return true;
}

/* -- loading -------------------------------------------------------------------------------------
 */

static bool
is_thumbprint(const char *text)
{
    return strlen(text) == DM_THUMBPRINT_SIZE &&
           strspn(text, "0123456789abcdef") == DM_THUMBPRINT_SIZE;
}

static GBytes *
load_file(const DmDirectory *directory, const char *path, const char *name, GError **error)
{
    g_autofree char *shown = g_build_filename(path, name, NULL);
    g_autoptr(GBytes) bytes = NULL;
    struct stat status;
    int fd = openat(directory->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        refuse(error, "%s: %s: provision the certificate and its key again", shown,
               g_strerror(errno));
        return NULL;
    }
    bytes = read_fd(fd, shown, &status, error);
    if (bytes && ((status.st_mode & 077) != 0 || status.st_uid != directory->uid)) {
        refuse(error, "%s: must be 0600 and of the directory's owner", shown);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}

bool
dm_keys_load(const char *path, const char *thumbprint, DmKeyPair *ret_pair, GError **error)
{
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    g_autofree char *certificate_name = g_strconcat(thumbprint, ".pem", NULL);
    g_autofree char *key_name = g_strconcat(thumbprint, ".key", NULL);
    g_auto(DmKeyPair) pair = {0};
    g_autoptr(GError) cause = NULL;
    DmCertificateInfo info;

    if (!is_thumbprint(thumbprint))
        return refuse(error, "the enrolment names no certificate: provision it with one");
    if (!dm_directory_open(path, false, &directory, &cause)) {
        /* Nothing was ever put there. */
        if (cause->code == DM_ERROR_NOT_FOUND)
            cause->code = DM_ERROR_CERTIFICATE;
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    pair.certificate = load_file(&directory, path, certificate_name, error);
    pair.key = pair.certificate ? load_file(&directory, path, key_name, error) : NULL;
    if (!pair.key)
        return false;
    pair.private_key = dm_key_new(pair.certificate, pair.key, &cause);
    if (!pair.private_key && dm_token_has(pair.key))
        return refuse(error, "%s/%s: %s", path, key_name, cause->message);
    if (!pair.private_key ||
        !dm_certificate_describe(dm_key_get_certificate(pair.private_key), &info) ||
        strcmp(info.thumbprint, thumbprint) != 0)
        return refuse(error,
                      "%s/%s: not a certificate of that name with its key: provision it again",
                      path, certificate_name);
    ret_pair->certificate = g_steal_pointer(&pair.certificate);
    ret_pair->key = g_steal_pointer(&pair.key);
    ret_pair->private_key = g_steal_pointer(&pair.private_key);
    ret_pair->expires_us = info.not_after_us;
    return true;
}

/* -- removing ------------------------------------------------------------------------------------
 */

/* A time to come is that of a clock which has been set back since: nobody knows what it was. */
static bool
is_from_before(const DmDirectory *directory, const char *name, gint64 before_us)
{
    struct stat status;
    gint64 time_us;

    if (fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    time_us =
        (gint64)status.st_mtim.tv_sec * G_USEC_PER_SEC + (gint64)status.st_mtim.tv_nsec / 1000;
    return time_us <= before_us || time_us > g_get_real_time() + G_USEC_PER_SEC;
}

bool
dm_keys_remove(const char *path, const char *thumbprint, gint64 before_us, GError **error)
{
    /* The key first: what is left after a power cut is no secret. */
    static const char *const endings[] = {".key", ".pem"};
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    g_autoptr(GError) cause = NULL;

    if (!is_thumbprint(thumbprint))
        return refuse(error, "what is no thumbprint names no certificate to remove");
    if (!dm_directory_open(path, false, &directory, &cause)) {
        if (cause->code == DM_ERROR_NOT_FOUND)
            return true;
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *name = g_strconcat(thumbprint, endings[i], NULL);

        if (is_from_before(&directory, name, before_us) && unlinkat(directory.fd, name, 0) < 0 &&
            errno != ENOENT)
            return dm_directory_fail(path, name, error);
    }
    return fsync(directory.fd) == 0 || dm_directory_fail(path, "", error);
}
