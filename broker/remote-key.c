/* SPDX-License-Identifier: MIT */

#include "broker/remote-key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdbool.h>

#include "broker/remote-private.h"

#define PROVIDER "dmclient-key"
#define PROPERTIES "provider=" PROVIDER

/* -- the provider --------------------------------------------------------------------------------
 */

#define RSA_NAMES "RSA:rsaEncryption:1.2.840.113549.1.1.1"

static const OSSL_ALGORITHM *
query(void *provider_context, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM key_algorithms[] = {
        {RSA_NAMES, PROPERTIES, dm_remote_rsa_keys, NULL},
        {"EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, dm_remote_ec_keys, NULL},
        {NULL},
    };
    static const OSSL_ALGORITHM signature_algorithms[] = {
        {RSA_NAMES, PROPERTIES, dm_remote_signatures, NULL},
        {"ECDSA", PROPERTIES, dm_remote_signatures, NULL},
        {NULL},
    };
    static const OSSL_ALGORITHM cipher_algorithms[] = {
        {RSA_NAMES, PROPERTIES, dm_remote_ciphers, NULL},
        {NULL},
    };

    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return key_algorithms;
    case OSSL_OP_SIGNATURE:
        return signature_algorithms;
    case OSSL_OP_ASYM_CIPHER:
        return cipher_algorithms;
    default:
        return NULL;
    }
}

static void
tear_down(void *provider_context)
{
    OSSL_LIB_CTX_free(provider_context);
}

/* The provider's own context is for hashing, and for public keys that are compared: OpenSSL's
 * algorithms, no configuration. */
static int
set_up(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
       void **provider_context)
{
    static const OSSL_DISPATCH functions[] = {
        DM_REMOTE_ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
        DM_REMOTE_ENTRY(OSSL_FUNC_PROVIDER_TEARDOWN, tear_down),
        {0, NULL},
    };

    *provider_context = OSSL_LIB_CTX_new();
    *out = functions;
    return *provider_context != NULL;
}

/* -- wrapping ------------------------------------------------------------------------------------
 */

static bool
wrap(DmRemoteKey *key, const char *type)
{
    const DmRemoteKey *self = key;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(DM_REMOTE_PARAM_INNER, &self, sizeof(self)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key->own, type, PROPERTIES);
    bool good = context && EVP_PKEY_fromdata_init(context) > 0 &&
                EVP_PKEY_fromdata(context, &key->outer, EVP_PKEY_KEYPAIR, params) > 0;

    EVP_PKEY_CTX_free(context);
    return good;
}

DmRemoteKey *
dm_remote_key_new(EVP_PKEY *inner, OSSL_LIB_CTX *context, const char *properties)
{
    const char *type = EVP_PKEY_is_a(inner, "RSA")  ? "RSA"
                       : EVP_PKEY_is_a(inner, "EC") ? "EC"
                                                    : NULL;
    DmRemoteKey *key = g_new0(DmRemoteKey, 1);

    key->inner = inner;
    key->context = context;
    key->properties = properties;
    key->own = OSSL_LIB_CTX_new();
    if (type && key->own && OSSL_PROVIDER_add_builtin(key->own, PROVIDER, set_up) == 1)
        key->provider = OSSL_PROVIDER_load(key->own, PROVIDER);
    if (key->provider && wrap(key, type))
        return key;
    dm_remote_key_free(key);
    return NULL;
}

void
dm_remote_key_free(DmRemoteKey *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->outer);
    if (key->provider)
        OSSL_PROVIDER_unload(key->provider);
    OSSL_LIB_CTX_free(key->own);
    g_free(key);
}

EVP_PKEY *
dm_remote_key_get(const DmRemoteKey *key)
{
    return key->outer;
}
