/* SPDX-License-Identifier: MIT */

/* Keys of the provider: one of a device, and public ones that are compared with it. */

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "broker/remote-private.h"

static void *
key_new(void *provider_context)
{
    DmRemoteData *data = g_new0(DmRemoteData, 1);

    data->software = provider_context;
    return data;
}

static void
key_free(void *opaque)
{
    DmRemoteData *data = opaque;

    if (!data)
        return;
    EVP_PKEY_free(data->key);
    g_free(data);
}

static int
key_has(const void *opaque, int selection)
{
    const DmRemoteData *data = opaque;

    return data && data->key &&
           ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || data->remote != NULL);
}

static int
key_match(const void *one, const void *other, int selection)
{
    const DmRemoteData *a = one, *b = other;

    return a->key && b->key && EVP_PKEY_eq(a->key, b->key) == 1;
}

static int
import_as(const char *type, DmRemoteData *data, const OSSL_PARAM params[])
{
    const OSSL_PARAM *inner = OSSL_PARAM_locate_const(params, DM_REMOTE_PARAM_INNER);
    EVP_PKEY_CTX *context;
    int result;

    if (inner) {
        if (inner->data_size != sizeof(data->remote))
            return 0;
        memcpy(&data->remote, inner->data, sizeof(data->remote));
        data->key = data->remote->inner;
        return EVP_PKEY_up_ref(data->key);
    }
    context = EVP_PKEY_CTX_new_from_name(data->software, type, NULL);
    /* fromdata only reads. */
    result = context && EVP_PKEY_fromdata_init(context) > 0 &&
             EVP_PKEY_fromdata(context, &data->key, EVP_PKEY_PUBLIC_KEY,
                               (OSSL_PARAM *)(gpointer)params) > 0;
    EVP_PKEY_CTX_free(context);
    return result;
}

static int
rsa_import(void *data, int selection, const OSSL_PARAM params[])
{
    return import_as("RSA", data, params);
}

static int
ec_import(void *data, int selection, const OSSL_PARAM params[])
{
    return import_as("EC", data, params);
}

static const OSSL_PARAM *
rsa_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_octet_string(DM_REMOTE_PARAM_INNER, NULL, 0),
        OSSL_PARAM_END,
    };

    return types;
}

static const OSSL_PARAM *
ec_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(DM_REMOTE_PARAM_INNER, NULL, 0),
        OSSL_PARAM_END,
    };

    return types;
}

static int
key_get_params(void *opaque, OSSL_PARAM params[])
{
    const DmRemoteData *data = opaque;
    char group[DM_REMOTE_MAX_NAME];
    OSSL_PARAM *param;

    /* Not EVP_PKEY_get_params(): an engine's key has none. */
    if (((param = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_BITS)) &&
         !OSSL_PARAM_set_int(param, EVP_PKEY_get_bits(data->key))) ||
        ((param = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_SECURITY_BITS)) &&
         !OSSL_PARAM_set_int(param, EVP_PKEY_get_security_bits(data->key))) ||
        ((param = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MAX_SIZE)) &&
         !OSSL_PARAM_set_int(param, EVP_PKEY_get_size(data->key))) ||
        ((param = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST)) &&
         !OSSL_PARAM_set_utf8_string(param, "SHA256")))
        return 0;
    param = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_GROUP_NAME);
    return !param || (EVP_PKEY_get_group_name(data->key, group, sizeof(group), NULL) == 1 &&
                      OSSL_PARAM_set_utf8_string(param, group));
}

static const OSSL_PARAM *
key_gettable_params(void *provider_context)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_END,
    };

    return gettable;
}

static const char *
rsa_name_operation(int operation)
{
    return "RSA";
}

static const char *
ec_name_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define KEY_FUNCTIONS(type)                                                                        \
    DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new),                                               \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),                                         \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),                                           \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_MATCH, key_match),                                       \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                             \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),                   \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, type##_import),                                  \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, type##_import_types),                      \
        DM_REMOTE_ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, type##_name_operation),            \
    {                                                                                              \
        0, NULL                                                                                    \
    }

const OSSL_DISPATCH dm_remote_rsa_keys[] = {KEY_FUNCTIONS(rsa)};
const OSSL_DISPATCH dm_remote_ec_keys[] = {KEY_FUNCTIONS(ec)};
