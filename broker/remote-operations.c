/* SPDX-License-Identifier: MIT */

/* Signing and decrypting by a key of the provider: what is set is kept, and given to the device
 * with what it has to work on. */

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#include "broker/remote-private.h"

typedef struct {
    OSSL_LIB_CTX *software;
    const DmRemoteKey *remote;
    EVP_MD_CTX *hash; /* of what is signed; NULL: it comes hashed */
    int padding;      /* RSA_…_PADDING, 0: EC */
    char digest[DM_REMOTE_MAX_NAME];
    char mgf1[DM_REMOTE_MAX_NAME];
} Operation;

static void *
operation_new(void *provider_context)
{
    Operation *operation = g_new0(Operation, 1);

    operation->software = provider_context;
    return operation;
}

static void *
signature_new(void *provider_context, const char *properties)
{
    return operation_new(provider_context);
}

static void
operation_free(void *opaque)
{
    Operation *operation = opaque;

    if (!operation)
        return;
    EVP_MD_CTX_free(operation->hash);
    g_free(operation);
}

static void *
operation_dup(void *opaque)
{
    const Operation *operation = opaque;
    Operation *copy = g_memdup2(operation, sizeof(*operation));

    copy->hash = operation->hash ? EVP_MD_CTX_new() : NULL;
    if (copy->hash && EVP_MD_CTX_copy_ex(copy->hash, operation->hash) == 1)
        return copy;
    if (!copy->hash && !operation->hash)
        return copy;
    operation_free(copy);
    return NULL;
}

/* RSA's names and numbers for a padding: either may be asked for. */
static const struct {
    int number;
    const char *name;
} paddings[] = {
    {RSA_PKCS1_PADDING, OSSL_PKEY_RSA_PAD_MODE_PKCSV15},
    {RSA_PKCS1_OAEP_PADDING, OSSL_PKEY_RSA_PAD_MODE_OAEP},
    {RSA_PKCS1_PSS_PADDING, OSSL_PKEY_RSA_PAD_MODE_PSS},
};

static int
set_padding(Operation *operation, const OSSL_PARAM *param)
{
    int number = 0;

    if (param->data_type == OSSL_PARAM_UTF8_STRING) {
        for (gsize i = 0; i < G_N_ELEMENTS(paddings); i++)
            if (g_ascii_strcasecmp(paddings[i].name, param->data) == 0)
                operation->padding = paddings[i].number;
        return 1;
    }
    if (!OSSL_PARAM_get_int(param, &number))
        return 0;
    for (gsize i = 0; i < G_N_ELEMENTS(paddings); i++) {
        if (paddings[i].number == number) {
            operation->padding = number;
            return 1;
        }
    }
    return 0;
}

static int
get_padding(const Operation *operation, OSSL_PARAM *param)
{
    if (param->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_set_int(param, operation->padding);
    for (gsize i = 0; i < G_N_ELEMENTS(paddings); i++)
        if (paddings[i].number == operation->padding)
            return OSSL_PARAM_set_utf8_string(param, paddings[i].name);
    return 0;
}

static int
set_name(char *place, const OSSL_PARAM *param)
{
    return !param || OSSL_PARAM_get_utf8_string(param, &place, DM_REMOTE_MAX_NAME);
}

static int
operation_set(void *opaque, const OSSL_PARAM params[])
{
    Operation *operation = opaque;
    const OSSL_PARAM *padding;

    if (!params)
        return 1;
    padding = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PAD_MODE);
    return (!padding || set_padding(operation, padding)) &&
           set_name(operation->digest,
                    OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) &&
           set_name(operation->mgf1, OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_MGF1_DIGEST));
}

static int
operation_get(void *opaque, OSSL_PARAM params[])
{
    const Operation *operation = opaque;
    OSSL_PARAM *padding = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PAD_MODE);
    OSSL_PARAM *digest = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
    OSSL_PARAM *mgf1 = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MGF1_DIGEST);

    return (!padding || get_padding(operation, padding)) &&
           (!digest || OSSL_PARAM_set_utf8_string(digest, operation->digest)) &&
           (!mgf1 || OSSL_PARAM_set_utf8_string(mgf1, operation->mgf1));
}

/* The length of the salt is the digest's: TLS wants that, and a device has no other. */
static const OSSL_PARAM *
operation_settable(void *operation, void *provider_context)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_END,
    };

    return settable;
}

/* False where the key is only a public one. */
static int
begin(Operation *operation, void *opaque, int padding, const OSSL_PARAM params[])
{
    const DmRemoteData *data = opaque;

    if (data)
        operation->remote = data->remote;
    operation->padding =
        operation->remote && EVP_PKEY_is_a(operation->remote->inner, "RSA") ? padding : 0;
    return operation->remote && operation_set(operation, params);
}

/* -- signatures ----------------------------------------------------------------------------------
 */

static int
sign_init(void *opaque, void *key, const OSSL_PARAM params[])
{
    return begin(opaque, key, RSA_PKCS1_PADDING, params);
}

static EVP_PKEY_CTX *
open_device(const Operation *operation, int (*init)(EVP_PKEY_CTX *context))
{
    const DmRemoteKey *remote = operation->remote;
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_pkey(remote->context, remote->inner, remote->properties);

    if (context && init(context) > 0 &&
        (operation->padding == 0 || EVP_PKEY_CTX_set_rsa_padding(context, operation->padding) > 0))
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

/* What the device has to know of the digest: PKCS #1 has its name in the signature. */
static bool
set_digest(EVP_PKEY_CTX *context, const Operation *operation)
{
    EVP_MD *digest;
    bool good;

    if (!*operation->digest)
        return true;
    digest = EVP_MD_fetch(operation->software, operation->digest, NULL);
    good = digest && EVP_PKEY_CTX_set_signature_md(context, digest) > 0;
    EVP_MD_free(digest);
    return good;
}

static int
sign(void *opaque, unsigned char *signature, size_t *size, size_t max, const unsigned char *hashed,
     size_t hashed_size)
{
    const Operation *operation = opaque;
    EVP_PKEY_CTX *context;
    int result;

    if (!signature) {
        *size = (size_t)EVP_PKEY_get_size(operation->remote->inner);
        return *size > 0;
    }
    *size = max;
    context = open_device(operation, EVP_PKEY_sign_init);
    /* What a TPM does anyway, and has no word for. */
    if (context && operation->padding == RSA_PKCS1_PSS_PADDING)
        (void)EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST);
    result = context && set_digest(context, operation) &&
             EVP_PKEY_sign(context, signature, size, hashed, hashed_size) > 0;
    EVP_PKEY_CTX_free(context);
    return result;
}

static int
digest_sign_init(void *opaque, const char *digest, void *key, const OSSL_PARAM params[])
{
    Operation *operation = opaque;
    EVP_MD *fetched;
    int result;

    if (!begin(operation, key, RSA_PKCS1_PADDING, params))
        return 0;
    g_strlcpy(operation->digest, digest && *digest ? digest : "SHA256", DM_REMOTE_MAX_NAME);
    fetched = EVP_MD_fetch(operation->software, operation->digest, NULL);
    EVP_MD_CTX_free(operation->hash);
    operation->hash = EVP_MD_CTX_new();
    result = fetched && operation->hash && EVP_DigestInit_ex2(operation->hash, fetched, NULL) == 1;
    EVP_MD_free(fetched);
    return result;
}

static int
digest_sign_update(void *opaque, const unsigned char *data, size_t size)
{
    Operation *operation = opaque;

    return operation->hash && EVP_DigestUpdate(operation->hash, data, size) == 1;
}

static int
digest_sign_final(void *opaque, unsigned char *signature, size_t *size, size_t max)
{
    Operation *operation = opaque;
    unsigned char hashed[EVP_MAX_MD_SIZE];
    unsigned hashed_size = 0;

    if (!signature)
        return sign(opaque, NULL, size, max, NULL, 0);
    return operation->hash && EVP_DigestFinal_ex(operation->hash, hashed, &hashed_size) == 1 &&
           sign(opaque, signature, size, max, hashed, hashed_size);
}

/* -- decryption ----------------------------------------------------------------------------------
 */

static int
decrypt_init(void *opaque, void *key, const OSSL_PARAM params[])
{
    return begin(opaque, key, RSA_PKCS1_PADDING, params);
}

static bool
set_oaep(EVP_PKEY_CTX *context, const Operation *operation)
{
    if (operation->padding != RSA_PKCS1_OAEP_PADDING)
        return true;
    return !*operation->digest ||
           EVP_PKEY_CTX_set_rsa_oaep_md_name(context, operation->digest, NULL) > 0;
}

static int
decrypt(void *opaque, unsigned char *out, size_t *size, size_t max, const unsigned char *in,
        size_t in_size)
{
    const Operation *operation = opaque;
    EVP_PKEY_CTX *context;
    int result;

    if (!out) {
        *size = (size_t)EVP_PKEY_get_size(operation->remote->inner);
        return *size > 0;
    }
    *size = max;
    context = open_device(operation, EVP_PKEY_decrypt_init);
    result = context && set_oaep(context, operation) &&
             EVP_PKEY_decrypt(context, out, size, in, in_size) > 0;
    EVP_PKEY_CTX_free(context);
    return result;
}

const OSSL_DISPATCH dm_remote_signatures[] = {
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, operation_free),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_DUPCTX, operation_dup),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_SIGN, sign),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_sign_update),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_sign_final),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, operation_set),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, operation_settable),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, operation_get),
    DM_REMOTE_ENTRY(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, operation_settable),
    {0, NULL},
};

const OSSL_DISPATCH dm_remote_ciphers[] = {
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_NEWCTX, operation_new),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_FREECTX, operation_free),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_DUPCTX, operation_dup),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, operation_set),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, operation_settable),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, operation_get),
    DM_REMOTE_ENTRY(OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, operation_settable),
    {0, NULL},
};
