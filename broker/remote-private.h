/* SPDX-License-Identifier: MIT */
#pragma once

#include <openssl/core.h>

#include "broker/remote-key.h"

/* What the files of the provider in broker/remote-key.h share. */

/* A pointer to a DmRemoteKey as a key's parameter: the key itself, not its numbers. */
#define DM_REMOTE_PARAM_INNER "dmclient-inner"
#define DM_REMOTE_MAX_NAME 64

struct DmRemoteKey {
    EVP_PKEY *inner;
    OSSL_LIB_CTX *context;
    const char *properties;

    OSSL_LIB_CTX *own; /* has the provider below, and nothing else */
    OSSL_PROVIDER *provider;
    EVP_PKEY *outer;
};

/* What the provider knows of a key: one of a device, or the public half of another that is to be
 * compared with it. */
typedef struct {
    OSSL_LIB_CTX *software;
    const DmRemoteKey *remote; /* NULL: a public key */
    EVP_PKEY *key;
} DmRemoteData;

/* An entry of a dispatch table. */
#define DM_REMOTE_ENTRY(id, function)                                                              \
    {                                                                                              \
        id, (void (*)(void))(function)                                                             \
    }

extern const OSSL_DISPATCH dm_remote_rsa_keys[];
extern const OSSL_DISPATCH dm_remote_ec_keys[];
extern const OSSL_DISPATCH dm_remote_signatures[];
extern const OSSL_DISPATCH dm_remote_ciphers[];
