/* SPDX-License-Identifier: MIT */

/* S4: the certificates to encrypt to, and whether the mode can work with them. */

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "tree/rules/topics.h"
#include "tree/transaction.h"

/* SecurityMode: from here on messages are encrypted. */
#define MODE_ENCRYPT 2

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)

/* Nobody is asked for the password of a PEM file; OpenSSL's own callback reads the terminal. */
static int
no_password(char *buffer, int size, int writing, void *data)
{
    return -1;
}

static X509 *
parse_pem(const char *text, gsize size)
{
    g_autoptr(BIO) bio = BIO_new_mem_buf(text, (int)size);

    return bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, no_password, NULL);
}

/* Base64 of DER, line breaks allowed, and nothing else. */
static X509 *
parse_base64(const char *text)
{
    g_autofree char *packed = g_strdup(text);
    g_autoptr(X509) certificate = NULL;
    const unsigned char *der;
    gsize n = 0;
    gsize size = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("+/= \t\r\n", *p) == NULL)
            return NULL;
        if (!g_ascii_isspace(*p))
            packed[n++] = *p;
    }
    packed[n] = '\0';
    if (n == 0 || n % 4 != 0)
        return NULL;
    der = g_base64_decode_inplace(packed, &size);
    certificate = d2i_X509(NULL, &der, (long)size);
    /* What follows a certificate is not part of one. */
    if (certificate == NULL || der != (const unsigned char *)packed + size)
        return NULL;
    return g_steal_pointer(&certificate);
}

static X509 *
parse_certificate(const char *text)
{
    const char *start = text + strspn(text, " \t\r\n");
    X509 *certificate = g_str_has_prefix(start, "-----BEGIN ") ? parse_pem(start, strlen(start))
                                                               : parse_base64(start);

    ERR_clear_error();
    return certificate;
}

static DmStatus
check_certificate(const DmRuleCall *call, const DmValue *value)
{
    g_autoptr(X509) certificate = NULL;

    if (value == NULL || value->format != DM_FORMAT_CHR)
        return DM_STATUS_OK;
    certificate = parse_certificate(value->u.chr == NULL ? "" : value->u.chr);
    return certificate == NULL ? DM_STATUS_BAD_FORMAT : DM_STATUS_OK;
}

/* Whether there is a certificate in `node`, and today is within its time. Whether it is revoked is
 * for the broker to find out: the tree has no network. */
static bool
is_usable(const DmProvider *provider, DmNodeId node, time_t now)
{
    g_autoptr(X509) certificate = NULL;
    DmValue value;

    if (!dm_provider_get(provider, node, &value) || value.u.chr == NULL)
        return false;
    certificate = parse_certificate(value.u.chr);
    return certificate != NULL && X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

/* A mode that cannot work is refused, and so is taking away what it works with. */
static DmStatus
commit_security(DmTransaction *transaction, DmProvider *provider)
{
    const DmClock *clock = dm_transaction_get_tree(transaction)->options.clock;
    time_t now = (time_t)(dm_clock_wall_us(clock) / G_USEC_PER_SEC);
    DmValue mode;

    if (!dm_provider_get(provider, DM_NODE_SECURITY_SECURITY_MODE, &mode) ||
        mode.u.integer < MODE_ENCRYPT || is_usable(provider, DM_NODE_SECURITY_CERT0, now) ||
        is_usable(provider, DM_NODE_SECURITY_CERT1, now))
        return DM_STATUS_OK;
    return DM_STATUS_NOT_SUPPORTED;
}

const DmRule dm_rule_certificate = {.check = check_certificate, .commit = commit_security};
