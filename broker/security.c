/* SPDX-License-Identifier: MIT */

#include "broker/security.h"

#include <openssl/x509.h>
#include <string.h>

#include "broker/cms.h"
#include "broker/server-certificate.h"
#include "common/error.h"
#include "common/log.h"

#define CONTENT_TYPE "application/pkcs7-mime"
#define CONTENT_TYPE_SYNCML "application/vnd.syncml.dm+xml"

typedef enum { MODE_SIGN = 1, MODE_ENCRYPT = 2, MODE_BOTH = 3 } Mode;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

struct DmSecurity {
    DmKey *key;
    guint mode; /* Mode, or 0 */
    bool signs_requests;
    char *ca_file;
    GPtrArray *certificates; /* X509*: the server's that can be used, the first to encrypt to */
    guint n_enrolled;        /* of Cert0 and Cert1 that are set, usable or not */
};

/* -- setting up ----------------------------------------------------------------------------------
 */

static bool
signs(const DmSecurity *security)
{
    return security->mode == MODE_SIGN || security->mode == MODE_BOTH;
}

static bool
encrypts(const DmSecurity *security)
{
    return security->mode == MODE_ENCRYPT || security->mode == MODE_BOTH;
}

/* One of the two; why it cannot be used goes into `reasons`, and to the log if there is another. */
static void
add_certificate(DmSecurity *security, const char *name, const char *text,
                const DmServerCertificatePolicy *policy, GString *reasons)
{
    g_autoptr(GError) error = NULL;
    X509 *certificate;

    if (text) {
        security->n_enrolled++;
        certificate = dm_server_certificate_read(security->key, text, policy, &error);
        if (certificate) {
            g_ptr_array_add(security->certificates, certificate);
            return;
        }
    }
    g_string_append_printf(reasons, "%s%s: %s", reasons->len > 0 ? "; " : "", name,
                           error ? error->message : "not set");
}

static bool
find_certificates(DmSecurity *security, const DmTreeSession *start, const DmConfig *config,
                  GError **error)
{
    const DmServerCertificatePolicy policy = {
        .ca_file = config->ca_file,
        .crl_file = config->crl_file,
        .must_check = start->must_check,
        .now_us = g_get_real_time(),
    };
    g_autoptr(GString) reasons = g_string_new(NULL);

    add_certificate(security, "Cert0", start->cert0, &policy, reasons);
    add_certificate(security, "Cert1", start->cert1, &policy, reasons);
    if (security->certificates->len > 0) {
        if (security->certificates->len < security->n_enrolled)
            dm_log_warning("a certificate of the server cannot be used", "DM_CAUSE", reasons->str);
        return true;
    }
    if (security->mode == MODE_SIGN && security->n_enrolled == 0)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_CERTIFICATE,
                "application-layer security, mode %u, needs a certificate of the server: %s",
                security->mode, reasons->str);
    return false;
}

DmSecurity *
dm_security_new(const DmTreeSession *start, const DmConfig *config, DmKey *key, GError **error)
{
    g_autoptr(DmSecurity) security = g_new0(DmSecurity, 1);

    security->key = key;
    security->mode = (guint)CLAMP(start->security_mode, 0, MODE_BOTH);
    security->mode = MAX(security->mode, config->minimum_security_mode);
    security->signs_requests = start->sign || config->require_signing;
    security->ca_file = g_strdup(config->ca_file);
    security->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)X509_free);
    if ((security->mode > 0 || security->signs_requests) && !key) {
        g_set_error(error, DM_ERROR, DM_ERROR_CERTIFICATE,
                    "messages are to be signed or encrypted, and the enrolment has no client "
                    "certificate: provision it with --certificate and --key");
        return NULL;
    }
    if (encrypts(security) && !dm_key_can_decrypt(key)) {
        g_set_error(
            error, DM_ERROR, DM_ERROR_CERTIFICATE,
            "application-layer security, mode %u, encrypts to the client's certificate, and "
            "its key is an EC key in a token, which only signs: use an RSA key",
            security->mode);
        return NULL;
    }
    if (security->mode > 0 && !find_certificates(security, start, config, error))
        return NULL;
    return g_steal_pointer(&security);
}

void
dm_security_free(DmSecurity *security)
{
    if (!security)
        return;
    g_clear_pointer(&security->certificates, g_ptr_array_unref);
    g_free(security->ca_file);
    g_free(security);
}

bool
dm_security_is_on(const DmSecurity *security)
{
    return security && security->mode > 0;
}

/* -- requests ------------------------------------------------------------------------------------
 */

void
dm_secured_clear(DmSecured *secured)
{
    g_clear_pointer(&secured->body, g_bytes_unref);
    g_clear_pointer(&secured->signature, g_free);
}

static GBytes *
wrap_body(const DmSecurity *security, GBytes *message, GError **error)
{
    g_autoptr(GBytes) body = g_bytes_ref(message);
    GBytes *outer;

    if (signs(security)) {
        outer = dm_cms_sign(security->key, body, DM_CMS_WHOLE, error);
        g_bytes_unref(body);
        body = outer;
    }
    if (body && encrypts(security)) {
        outer = dm_cms_encrypt(security->key, security->certificates->pdata[0], body, error);
        g_bytes_unref(body);
        body = outer;
    }
    return g_steal_pointer(&body);
}

/* S2: a header over exactly the bytes of the body. */
static char *
make_signature(const DmSecurity *security, GBytes *body, GError **error)
{
    g_autoptr(GBytes) der = dm_cms_sign(security->key, body, DM_CMS_DETACHED, error);
    g_autofree char *base64 = NULL;
    gsize size = 0;
    const guchar *data;

    if (!der)
        return NULL;
    data = g_bytes_get_data(der, &size);
    base64 = g_base64_encode(data, size);
    return g_strconcat("MDM-Signature: ", base64, NULL);
}

bool
dm_security_wrap(const DmSecurity *security, GBytes *message, DmSecured *ret_secured,
                 GError **error)
{
    g_auto(DmSecured) secured = {0};

    if (!security) {
        secured.body = g_bytes_ref(message);
    } else {
        secured.body = wrap_body(security, message, error);
        if (!secured.body)
            return false;
        if (security->signs_requests &&
            !(secured.signature = make_signature(security, secured.body, error)))
            return false;
    }
    secured.content_type = "Content-Type: " CONTENT_TYPE_SYNCML "; charset=utf-8";
    secured.accept = "Accept: " CONTENT_TYPE_SYNCML;
    if (dm_security_is_on(security)) {
        secured.content_type = "Content-Type: " CONTENT_TYPE;
        secured.accept = "Accept: " CONTENT_TYPE;
    }
    *ret_secured = secured;
    memset(&secured, 0, sizeof secured);
    return true;
}

/* -- answers -------------------------------------------------------------------------------------
 */

static void *
refuse(GError **error, const char *text)
{
    g_set_error_literal(error, DM_ERROR, DM_ERROR_SECURITY, text);
    return NULL;
}

static bool
is_cms_type(const char *content_type)
{
    gsize size = strlen(CONTENT_TYPE);

    return content_type && g_ascii_strncasecmp(content_type, CONTENT_TYPE, size) == 0 &&
           strchr("; \t", content_type[size]);
}

static GBytes *
verify(const DmSecurity *security, GBytes *bytes, const char *url, GError **error)
{
    bool has_certificates = security->certificates->len > 0;
    g_autoptr(X509) signer = NULL;
    g_autoptr(GBytes) content = dm_cms_verify(
        security->key, bytes, has_certificates ? security->certificates : NULL, &signer, error);

    if (!content || has_certificates)
        return g_steal_pointer(&content);
    if (!signer || !dm_server_certificate_is_of(security->key, signer, security->ca_file, url))
        return refuse(error, "the message is signed by somebody else than the server");
    return g_steal_pointer(&content);
}

GBytes *
dm_security_unwrap(const DmSecurity *security, GBytes *body, const char *content_type,
                   const char *url, GError **error)
{
    g_autoptr(GBytes) content = NULL;
    GBytes *inner;

    g_return_val_if_fail(dm_security_is_on(security), NULL);

    if (g_bytes_get_size(body) == 0)
        return refuse(error, "the answer is empty, and so neither signed nor encrypted");
    if (!is_cms_type(content_type))
        return refuse(error, "the answer is in the clear: its Content-Type is not " CONTENT_TYPE);
    content = g_bytes_ref(body);
    if (encrypts(security)) {
        inner = dm_cms_decrypt(security->key, content, error);
        g_bytes_unref(content);
        content = inner;
    }
    if (content && signs(security)) {
        inner = verify(security, content, url, error);
        g_bytes_unref(content);
        content = inner;
    }
    return g_steal_pointer(&content);
}
