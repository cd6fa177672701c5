/* SPDX-License-Identifier: MIT */

#include "broker/cms.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "broker/secret.h"
#include "common/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CMS_ContentInfo, CMS_ContentInfo_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

/* Holds certificates of somebody else's; only the stack is freed. */
typedef STACK_OF(X509) Stack;

static void
stack_free(Stack *stack)
{
    sk_X509_free(stack);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stack, stack_free)

/* What OpenSSL has to say is about positions in bytes of a stranger: not for people. */
static void *
refuse(GError **error, DmErrorCode code, const char *text)
{
    ERR_clear_error();
    g_set_error_literal(error, DM_ERROR, (gint)code, text);
    return NULL;
}

static GBytes *
to_der(CMS_ContentInfo *cms)
{
    g_autoptr(BIO) out = BIO_new(BIO_s_mem());

    return i2d_CMS_bio(out, cms) == 1 ? dm_secret_take(out) : NULL;
}

/* -- writing -------------------------------------------------------------------------------------
 */

static unsigned
flags_of(DmCmsForm form, bool has_key_id)
{
    /* No list of ciphers in it: there is one, which is agreed. */
    unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;

    if (form != DM_CMS_WHOLE)
        flags |= CMS_DETACHED;
    if (form == DM_CMS_SMALL)
        return flags | CMS_NOCERTS | (has_key_id ? CMS_USE_KEYID : 0);
    return flags | CMS_CADES;
}

GBytes *
dm_cms_sign(DmKey *key, GBytes *data, DmCmsForm form, GError **error)
{
    X509 *certificate = dm_key_get_certificate(key);
    /* An issuer's name may be long. */
    unsigned flags = flags_of(form, X509_get0_subject_key_id(certificate) != NULL);
    g_autoptr(CMS_ContentInfo) cms =
        CMS_sign_ex(NULL, NULL, NULL, NULL, flags, dm_key_get_context(key), NULL);
    g_autoptr(BIO) in = dm_secret_open(data);
    GBytes *der = NULL;

    if (cms && CMS_add1_signer(cms, certificate, dm_key_get_private(key), EVP_sha256(), flags) &&
        CMS_final(cms, in, NULL, flags) == 1)
        der = to_der(cms);
    return der ? der : refuse(error, DM_ERROR_CERTIFICATE, "the client's key cannot sign");
}

/* Not the defaults, which are PKCS #1 v1.5 and SHA-1. */
static bool
set_key_transport(CMS_RecipientInfo *recipient)
{
    EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(recipient);

    if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_TRANS)
        return context && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0;
    return CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_AGREE && context &&
           EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0;
}

GBytes *
dm_cms_encrypt(DmKey *key, X509 *recipient, GBytes *data, GError **error)
{
    OSSL_LIB_CTX *context = dm_key_get_context(key);
    unsigned flags = CMS_BINARY | CMS_PARTIAL;
    g_autoptr(CMS_ContentInfo) cms =
        CMS_encrypt_ex(NULL, NULL, EVP_aes_256_cbc(), flags, context, NULL);
    g_autoptr(BIO) in = dm_secret_open(data);
    CMS_RecipientInfo *info =
        cms ? CMS_add1_recipient_cert(cms, recipient, flags | CMS_KEY_PARAM) : NULL;
    GBytes *der = NULL;

    if (info && set_key_transport(info) && CMS_final(cms, in, NULL, flags) == 1)
        der = to_der(cms);
    return der ? der
               : refuse(error, DM_ERROR_CERTIFICATE,
                        "the server's certificate has a key that nothing can be encrypted to");
}

/* -- reading -------------------------------------------------------------------------------------
 */

/* One ContentInfo of the type `nid`, and nothing behind it. */
static CMS_ContentInfo *
parse(DmKey *key, GBytes *bytes, int nid, const char *not_of_type, GError **error)
{
    g_autoptr(CMS_ContentInfo) cms = CMS_ContentInfo_new_ex(dm_key_get_context(key), NULL);
    gsize size = 0;
    const unsigned char *start = g_bytes_get_data(bytes, &size);
    const unsigned char *data = start;

    /* Where it fails there is nothing left of what it was given. */
    if (!cms || size == 0 || !d2i_CMS_ContentInfo(&cms, &data, (long)size))
        return refuse(error, DM_ERROR_SECURITY, "not a CMS message");
    if ((gsize)(data - start) != size)
        return refuse(error, DM_ERROR_SECURITY, "there is something behind the CMS message");
    if (OBJ_obj2nid(CMS_get0_type(cms)) != nid)
        return refuse(error, DM_ERROR_SECURITY, not_of_type);
    return g_steal_pointer(&cms);
}

static bool
is_agreed_cipher(BIO *chain)
{
    EVP_CIPHER_CTX *cipher = NULL;

    return BIO_get_cipher_ctx(chain, &cipher) > 0 && cipher &&
           EVP_CIPHER_CTX_get_nid(cipher) == NID_aes_256_cbc;
}

/* All that comes out of a chain of filters. */
static GBytes *
read_all(BIO *chain)
{
    g_autoptr(BIO) out = BIO_new(BIO_s_mem());
    guchar buffer[16384];
    bool is_kept = true;
    int n;

    while ((n = BIO_read(chain, buffer, sizeof(buffer))) > 0)
        is_kept = BIO_write(out, buffer, n) == n && is_kept;
    OPENSSL_cleanse(buffer, sizeof(buffer));
    /* The padding shows only at the end. */
    return is_kept && n == 0 && BIO_get_cipher_status(chain) > 0 ? dm_secret_take(out) : NULL;
}

GBytes *
dm_cms_decrypt(DmKey *key, GBytes *bytes, GError **error)
{
    g_autoptr(CMS_ContentInfo) cms =
        parse(key, bytes, NID_pkcs7_enveloped, "the message is not encrypted", error);
    g_autoptr(BIO) chain = NULL;
    GBytes *content;

    if (!cms)
        return NULL;
    if (sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)) > DM_CMS_MAX_RECIPIENTS)
        return refuse(error, DM_ERROR_SECURITY, "the message has too many recipients");
    if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
        return refuse(error, DM_ERROR_SECURITY, "what is encrypted is not data");
    if (CMS_decrypt_set1_pkey(cms, dm_key_get_private(key), dm_key_get_certificate(key)) != 1)
        return refuse(error, DM_ERROR_SECURITY,
                      "the message is not encrypted to this device's certificate");
    chain = CMS_dataInit(cms, NULL);
    if (!chain)
        return refuse(error, DM_ERROR_SECURITY, "the message cannot be decrypted");
    if (!is_agreed_cipher(chain))
        return refuse(error, DM_ERROR_SECURITY,
                      "the message is encrypted by another cipher than AES-256-CBC");
    content = read_all(chain);
    ERR_clear_error();
    return content ? content : refuse(error, DM_ERROR_SECURITY, "the message cannot be decrypted");
}

/* Goes into the next element, which must have this tag, or `over` it, whose end must be known. */
static bool
pass(const unsigned char **position, const unsigned char *end, int tag, bool over)
{
    long size = 0;
    int found = 0, class = 0;
    int kind = ASN1_get_object(position, &size, &found, &class, end - *position);

    if ((kind & 0x80) || found != tag || (over && (kind & 0x01)))
        return false;
    if (over)
        *position += size;
    return true;
}

/* How many digests a SignedData announces, up to one more than signers may have: OpenSSL hashes the
 * content once for each of them, and walks over all of them for each, and does not tell. */
static guint
count_digests(GBytes *bytes)
{
    gsize size = 0;
    const unsigned char *position = g_bytes_get_data(bytes, &size);
    const unsigned char *end = position + size;
    const unsigned char *set;
    bool is_marked;
    guint n = 0;

    /* ContentInfo, its type, [0], SignedData, version, digestAlgorithms */
    if (!pass(&position, end, V_ASN1_SEQUENCE, false) ||
        !pass(&position, end, V_ASN1_OBJECT, true) || !pass(&position, end, 0, false) ||
        !pass(&position, end, V_ASN1_SEQUENCE, false) ||
        !pass(&position, end, V_ASN1_INTEGER, true))
        return 0;
    set = position;
    is_marked = !pass(&set, end, V_ASN1_SET, true); /* where it ends, by two zeros */
    if (!is_marked)
        end = set;
    if (!pass(&position, end, V_ASN1_SET, false))
        return 0;
    while (n <= DM_CMS_MAX_SIGNERS && position < end && pass(&position, end, V_ASN1_SEQUENCE, true))
        n++;
    if (is_marked)
        return end - position >= 2 && position[0] == 0 && position[1] == 0 ? n : G_MAXUINT;
    return position == end ? n : G_MAXUINT;
}

/* Whether each of the signers has hashed with SHA-256 or more. */
static bool
check_digests(STACK_OF(CMS_SignerInfo) * infos)
{
    for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++) {
        X509_ALGOR *digest = NULL;
        const ASN1_OBJECT *name = NULL;
        int nid;

        CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, i), NULL, NULL, &digest, NULL);
        X509_ALGOR_get0(&name, NULL, NULL, digest);
        nid = OBJ_obj2nid(name);
        if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
            return false;
    }
    return true;
}

static X509 *
get_first_signer(CMS_ContentInfo *cms)
{
    g_autoptr(Stack) signers = CMS_get0_signers(cms);
    X509 *first = signers ? sk_X509_value(signers, 0) : NULL;

    if (first)
        X509_up_ref(first);
    return first;
}

/* Whether all of it may be looked at closer. */
static bool
check_signed(CMS_ContentInfo *cms, guint n_digests, GError **error)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    ASN1_OCTET_STRING **content = CMS_get0_content(cms);
    int n = sk_CMS_SignerInfo_num(infos);

    if (n < 1)
        return refuse(error, DM_ERROR_SECURITY, "nobody has signed the message");
    if (n > DM_CMS_MAX_SIGNERS)
        return refuse(error, DM_ERROR_SECURITY, "too many have signed the message");
    if (n_digests < 1 || n_digests > DM_CMS_MAX_SIGNERS)
        return refuse(error, DM_ERROR_SECURITY, "the message announces none, or too many digests");
    if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data || !content || !*content)
        return refuse(error, DM_ERROR_SECURITY, "the signed message has no content");
    if (!check_digests(infos))
        return refuse(error, DM_ERROR_SECURITY, "a signature with a weaker digest than SHA-256");
    return true;
}

GBytes *
dm_cms_verify(DmKey *key, GBytes *bytes, GPtrArray *signers, X509 **ret_signer, GError **error)
{
    g_autoptr(CMS_ContentInfo) cms =
        parse(key, bytes, NID_pkcs7_signed, "the message is not signed", error);
    g_autoptr(Stack) candidates = sk_X509_new_null();
    g_autoptr(BIO) out = BIO_new(BIO_s_mem());
    unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;

    if (!cms || !check_signed(cms, count_digests(bytes), error))
        return NULL;
    for (guint i = 0; signers && i < signers->len; i++)
        sk_X509_push(candidates, signers->pdata[i]);
    if (signers)
        flags |= CMS_NOINTERN;
    if (CMS_verify(cms, candidates, NULL, NULL, out, flags) != 1) {
        unsigned long first = ERR_peek_error();
        bool is_unknown = ERR_GET_LIB(first) == ERR_LIB_CMS &&
                          ERR_GET_REASON(first) == CMS_R_SIGNER_CERTIFICATE_NOT_FOUND;

        return refuse(error, DM_ERROR_SECURITY,
                      is_unknown ? "the message is signed by somebody else than the server"
                                 : "the message's signature is wrong");
    }
    if (ret_signer)
        *ret_signer = get_first_signer(cms);
    ERR_clear_error();
    return dm_secret_take(out);
}
