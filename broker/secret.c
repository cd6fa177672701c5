/* SPDX-License-Identifier: MIT */

#include "broker/secret.h"

#include <openssl/crypto.h>
#include <string.h>

typedef struct {
    gsize size;
    char bytes[];
} Secret;

static void
secret_free(gpointer data)
{
    Secret *secret = data;

    OPENSSL_cleanse(secret->bytes, secret->size);
    g_free(secret);
}

GBytes *
dm_secret_new(const void *bytes, gsize size)
{
    Secret *secret = g_malloc(sizeof(Secret) + size + 1);

    secret->size = size;
    if (size > 0)
        memcpy(secret->bytes, bytes, size);
    secret->bytes[size] = '\0';
    return g_bytes_new_with_free_func(secret->bytes, size, secret_free, secret);
}

BIO *
dm_secret_open(GBytes *bytes)
{
    gsize size = 0;
    const void *data = g_bytes_get_data(bytes, &size);

    return BIO_new_mem_buf(size > 0 ? data : "", (int)size);
}

GBytes *
dm_secret_take(BIO *bio)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);

    return dm_secret_new(data, (gsize)size);
}
