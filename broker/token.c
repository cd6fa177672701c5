/* SPDX-License-Identifier: MIT */

/* For engines, the only way to PKCS #11 that Debian 12 has packaged. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "broker/token.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <string.h>

#include "broker/remote-key.h"
#include "common/error.h"

#define TSS2_BEGIN "-----BEGIN TSS2 PRIVATE KEY-----"
#define TPM2_PROPERTIES "provider=tpm2"
#define TPM2_SCHEME "tpm2:"
#define HANDLE_SCHEME "handle:"
#define PKCS11_SCHEME "pkcs11:"
#define MODULE_PATH "module-path="

struct DmToken {
    OSSL_LIB_CTX *context; /* of the TPM; NULL: PKCS #11, which has the process's own */
    OSSL_PROVIDER *software;
    OSSL_PROVIDER *tpm2;
    ENGINE *engine;
    EVP_PKEY *inner;
    DmRemoteKey *remote;
};

static void *
refuse(GError **error, const char *text)
{
    ERR_clear_error();
    g_set_error_literal(error, DM_ERROR, DM_ERROR_CERTIFICATE, text);
    return NULL;
}

/* -- what it is ----------------------------------------------------------------------------------
 */

static bool
has_prefix(const char *text, const char *scheme)
{
    return g_ascii_strncasecmp(text, scheme, strlen(scheme)) == 0;
}

bool
dm_token_is_uri(const char *uri)
{
    if (strlen(uri) > DM_TOKEN_MAX_URI ||
        (!has_prefix(uri, TPM2_SCHEME) && !has_prefix(uri, HANDLE_SCHEME) &&
         !has_prefix(uri, PKCS11_SCHEME)))
        return false;
    for (; *uri; uri++)
        if (!g_ascii_isgraph(*uri))
            return false;
    return true;
}

/* The one line of a file that holds a URI; NULL: it holds something else. */
static char *
get_uri(GBytes *key)
{
    gsize size = 0;
    const char *data = g_bytes_get_data(key, &size);
    g_autofree char *text = NULL;

    if (size > DM_TOKEN_MAX_URI + 1)
        return NULL;
    text = g_strndup(data, size);
    g_strchomp(text);
    return dm_token_is_uri(text) ? g_steal_pointer(&text) : NULL;
}

static bool
is_tss2(GBytes *key)
{
    gsize size = 0;
    const char *data = g_bytes_get_data(key, &size);

    return size > 0 && g_strstr_len(data, (gssize)size, TSS2_BEGIN) != NULL;
}

bool
dm_token_has(GBytes *key)
{
    g_autofree char *uri = get_uri(key);

    return uri != NULL || is_tss2(key);
}

/* -- TPM 2 ---------------------------------------------------------------------------------------
 */

static bool
open_tpm2(DmToken *token, GError **error)
{
    token->context = OSSL_LIB_CTX_new();
    token->software = token->context ? OSSL_PROVIDER_load(token->context, "default") : NULL;
    token->tpm2 = token->software ? OSSL_PROVIDER_load(token->context, "tpm2") : NULL;
    if (!token->tpm2)
        return refuse(error, "the TPM cannot be used: is the package tpm2-openssl installed, and "
                             "may this user open /dev/tpmrm0?");
    return true;
}

static EVP_PKEY *
decode_tss2(DmToken *token, GBytes *key)
{
    gsize size = 0;
    const void *data = g_bytes_get_data(key, &size);
    BIO *bio = BIO_new_mem_buf(data, (int)size);
    EVP_PKEY *inner = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&inner, "PEM", NULL, NULL, 0,
                                                              token->context, "?" TPM2_PROPERTIES);

    if (decoder)
        (void)OSSL_DECODER_from_bio(decoder, bio);
    OSSL_DECODER_CTX_free(decoder);
    BIO_free(bio);
    return inner;
}

static EVP_PKEY *
load_handle(DmToken *token, const char *uri)
{
    g_autofree char *handle = has_prefix(uri, TPM2_SCHEME)
                                  ? g_strconcat(HANDLE_SCHEME, uri + strlen(TPM2_SCHEME), NULL)
                                  : g_strdup(uri);
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(handle, token->context, "?" TPM2_PROPERTIES,
                                               UI_null(), NULL, NULL, NULL, NULL);
    EVP_PKEY *inner = NULL;

    while (store && !inner && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (!info)
            break;
        inner = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    return inner;
}

static bool
load_tpm2(DmToken *token, GBytes *key, const char *uri, GError **error)
{
    if (!open_tpm2(token, error))
        return false;
    token->inner = uri ? load_handle(token, uri) : decode_tss2(token, key);
    if (!token->inner)
        return refuse(error, "the TPM has no such key, or it is behind a password, or this is "
                             "another TPM than the one that made it");
    token->remote = dm_remote_key_new(token->inner, token->context, TPM2_PROPERTIES);
    return token->remote || refuse(error, "the TPM's key is neither RSA nor EC");
}

/* -- PKCS #11 ------------------------------------------------------------------------------------
 */

/* Takes the path of the module, which is for us, out of the URI. */
static char *
take_module_path(char *uri)
{
    char *start = strchr(uri, '?');
    char *end;
    char *path;

    while (start && !has_prefix(start + 1, MODULE_PATH))
        start = strchr(start + 1, '&');
    if (!start)
        return NULL;
    end = start + 1 + strcspn(start + 1, "&");
    path = g_uri_unescape_segment(start + 1 + strlen(MODULE_PATH), end, NULL);
    /* "?a&b" without a is "?b", without b "?a". */
    if (*end)
        memmove(start + 1, end + 1, strlen(end + 1) + 1);
    else
        *start = '\0';
    return path;
}

static bool
open_engine(DmToken *token, const char *module_path, GError **error)
{
    ENGINE *engine;

    ENGINE_load_dynamic();
    engine = ENGINE_by_id("pkcs11");
    /* libcurl makes every engine there is the process's own for all keys: not this one. */
    if (engine)
        ENGINE_set_flags(engine, ENGINE_get_flags(engine) | ENGINE_FLAGS_NO_REGISTER_ALL);
    if (engine &&
        (!module_path || ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module_path, 0) == 1) &&
        ENGINE_init(engine) == 1)
        token->engine = engine;
    else
        ENGINE_free(engine);
    return token->engine ||
           refuse(error, "PKCS #11 cannot be used: is the package libengine-pkcs11-openssl "
                         "installed, and module-path in the URI right?");
}

static bool
load_pkcs11(DmToken *token, char *uri, GError **error)
{
    g_autofree char *module_path = take_module_path(uri);

    if (module_path && !g_path_is_absolute(module_path))
        return refuse(error, "module-path in the PKCS #11 URI must be an absolute path");
    if (!open_engine(token, module_path, error))
        return false;
    token->inner =
        ENGINE_load_private_key(token->engine, uri, (UI_METHOD *)(gpointer)UI_null(), NULL);
    if (!token->inner)
        return refuse(error, "the PKCS #11 token has no such key, or the PIN (pin-value in the "
                             "URI) is missing or wrong");
    token->remote = dm_remote_key_new(token->inner, NULL, NULL);
    return token->remote || refuse(error, "the token's key is neither RSA nor EC");
}

/* -- life ----------------------------------------------------------------------------------------
 */

DmToken *
dm_token_new(GBytes *key, GError **error)
{
    g_autoptr(DmToken) token = g_new0(DmToken, 1);
    char *uri = get_uri(key);
    bool good = uri && has_prefix(uri, PKCS11_SCHEME) ? load_pkcs11(token, uri, error)
                                                      : load_tpm2(token, key, uri, error);

    if (uri) /* there may be a PIN in it */
        OPENSSL_cleanse(uri, strlen(uri));
    g_free(uri);
    ERR_clear_error();
    return good ? g_steal_pointer(&token) : NULL;
}

void
dm_token_free(DmToken *token)
{
    if (!token)
        return;
    dm_remote_key_free(token->remote);
    EVP_PKEY_free(token->inner);
    if (token->engine) {
        ENGINE_finish(token->engine);
        ENGINE_free(token->engine);
    }
    if (token->tpm2)
        OSSL_PROVIDER_unload(token->tpm2);
    if (token->software)
        OSSL_PROVIDER_unload(token->software);
    OSSL_LIB_CTX_free(token->context);
    g_free(token);
}

EVP_PKEY *
dm_token_get_key(const DmToken *token)
{
    return dm_remote_key_get(token->remote);
}
