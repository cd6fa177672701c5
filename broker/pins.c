/* SPDX-License-Identifier: MIT */

#include "broker/pins.h"

#include <openssl/evp.h>
#include <string.h>

#define PREFIX "sha256/"
#define HASH_SIZE 32

static bool
hash_key(const X509 *certificate, guint8 hash[HASH_SIZE])
{
    const X509_PUBKEY *key = X509_get_X509_PUBKEY(certificate);
    unsigned char *der = NULL;
    int size = key ? i2d_X509_PUBKEY(key, &der) : -1;
    bool good = size > 0 && EVP_Digest(der, (size_t)size, hash, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    return good;
}

static bool
contains(const guint8 *hashes, gsize n, const guint8 hash[HASH_SIZE])
{
    for (gsize i = 0; i < n; i++)
        if (memcmp(hashes + i * HASH_SIZE, hash, HASH_SIZE) == 0)
            return true;
    return false;
}

/* Exactly the 32 bytes, in base64 with its padding. */
static bool
read_pin(const char *text, guint8 hash[HASH_SIZE])
{
    g_autofree guchar *bytes = NULL;
    g_autofree char *again = NULL;
    gsize size = 0;

    if (!g_str_has_prefix(text, PREFIX))
        return false;
    text += strlen(PREFIX);
    bytes = g_base64_decode(text, &size);
    if (size != HASH_SIZE)
        return false;
    again = g_base64_encode(bytes, size);
    memcpy(hash, bytes, HASH_SIZE);
    return strcmp(again, text) == 0;
}

GBytes *
dm_pins_parse(const char *text, const char **ret_must)
{
    g_auto(GStrv) words = g_strsplit(text, ";", -1);
    g_autoptr(GByteArray) hashes = g_byte_array_new();
    guint n = 0;

    for (gsize i = 0; words[i]; i++) {
        guint8 hash[HASH_SIZE];

        if (*g_strstrip(words[i]) == '\0')
            continue;
        if (!read_pin(words[i], hash)) {
            *ret_must = "pins \"sha256/\" and the base64 of 32 bytes, ';' between them";
            return NULL;
        }
        if (contains(hashes->data, n, hash))
            continue;
        g_byte_array_append(hashes, hash, HASH_SIZE);
        n++;
    }
    if (n >= DM_PINS_MIN && n <= DM_PINS_MAX)
        return g_byte_array_free_to_bytes(g_steal_pointer(&hashes));
    *ret_must = n > DM_PINS_MAX
                    ? "at most 16 pins"
                    : "two different pins or more: with one alone no device can reach the server "
                      "once its key is lost or changed, so name a spare key too";
    return NULL;
}

char *
dm_pins_of(const X509 *certificate)
{
    guint8 hash[HASH_SIZE];
    g_autofree char *text = NULL;

    if (!hash_key(certificate, hash))
        return NULL;
    text = g_base64_encode(hash, sizeof hash);
    return g_strconcat(PREFIX, text, NULL);
}

bool
dm_pins_match(GBytes *pins, const STACK_OF(X509) * chain)
{
    gsize size;
    const guint8 *hashes = g_bytes_get_data(pins, &size);

    for (int i = 0; i < sk_X509_num(chain); i++) {
        guint8 hash[HASH_SIZE];

        if (hash_key(sk_X509_value(chain, i), hash) && contains(hashes, size / HASH_SIZE, hash))
            return true;
    }
    return false;
}
