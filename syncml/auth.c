/* SPDX-License-Identifier: MIT */

#include "syncml/auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/text.h"

#define MD5_SIZE 16

DmAuthType
dm_auth_type_from_name(const char *name)
{
    if (name && g_ascii_strcasecmp(name, DM_AUTH_BASIC_NAME) == 0)
        return DM_AUTH_BASIC;
    if (name && g_ascii_strcasecmp(name, DM_AUTH_MD5_NAME) == 0)
        return DM_AUTH_MD5;
    return DM_AUTH_NONE;
}

void
dm_auth_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

char *
dm_auth_make_basic(const char *user, const char *secret)
{
    char *both = g_strconcat(user, ":", secret, NULL);
    char *encoded = g_base64_encode((const guchar *)both, strlen(both));

    dm_auth_wipe(both);
    return encoded;
}

/* base64(md5(bytes)), or NULL. */
static char *
hash(const void *bytes, gsize size)
{
    guchar digest[MD5_SIZE];
    char *encoded = NULL;

    if (EVP_Digest(bytes, size, digest, NULL, EVP_md5(), NULL) == 1)
        encoded = g_base64_encode(digest, sizeof(digest));
    explicit_bzero(digest, sizeof(digest));
    return encoded;
}

char *
dm_auth_make_md5(const char *user, const char *secret, GBytes *nonce)
{
    gsize nonce_size = 0;
    const void *nonce_bytes = g_bytes_get_data(nonce, &nonce_size);
    char *both = g_strconcat(user, ":", secret, NULL);
    char *inner = hash(both, strlen(both));
    char *outer = NULL;

    dm_auth_wipe(both);
    if (inner) {
        g_autoptr(GByteArray) text = g_byte_array_new();

        g_byte_array_append(text, (const guint8 *)inner, (guint)strlen(inner));
        g_byte_array_append(text, (const guint8 *)":", 1);
        if (nonce_size > 0)
            g_byte_array_append(text, nonce_bytes, (guint)nonce_size);
        outer = hash(text->data, text->len);
        explicit_bzero(text->data, text->len);
    }
    dm_auth_wipe(inner);
    return outer;
}

GBytes *
dm_auth_read_nonce(const char *text)
{
    gsize size = 0;
    guchar *bytes;

    if (!text)
        return g_bytes_new(NULL, 0);
    /* A literal nonce must not be lost in a decoder. */
    if (!dm_text_is_base64(text))
        return g_bytes_new(text, strlen(text));
    bytes = g_base64_decode(text, &size);
    return g_bytes_new_take(bytes, size);
}

bool
dm_auth_is_equal(const char *one, const char *other)
{
    gsize size = strlen(one);

    return size == strlen(other) && CRYPTO_memcmp(one, other, size) == 0;
}
