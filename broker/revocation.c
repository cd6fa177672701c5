/* SPDX-License-Identifier: MIT */

#include "broker/revocation.h"

#include <openssl/ocsp.h>
#include <string.h>

#define MAX_BYTES 65536
#define SKEW_S 300

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OCSP_RESPONSE, OCSP_RESPONSE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OCSP_BASICRESP, OCSP_BASICRESP_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OCSP_CERTID, OCSP_CERTID_free)

static const char *const names[] = {
    [DM_REVOCATION_OFF] = "off",
    [DM_REVOCATION_IF_STAPLED] = "if-stapled",
    [DM_REVOCATION_REQUIRE] = "require",
};

const char *
dm_revocation_to_name(DmRevocation policy)
{
    return names[policy];
}

bool
dm_revocation_from_name(const char *name, DmRevocation *ret_policy)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_policy = (DmRevocation)i;
            return true;
        }
    }
    return false;
}

/* What `basic` says of `certificate`; NULL: nothing. The responder chooses the hash of the id. */
static OCSP_SINGLERESP *
find_single(OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
        ASN1_OBJECT *algorithm = NULL;
        const EVP_MD *digest;
        g_autoptr(OCSP_CERTID) expected = NULL;

        (void)OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)(guintptr)id);
        digest = algorithm ? EVP_get_digestbyobj(algorithm) : NULL;
        expected = digest ? OCSP_cert_to_id(digest, certificate, issuer) : NULL;
        if (expected && OCSP_id_cmp(expected, id) == 0)
            return single;
    }
    return NULL;
}

static const char *
judge(OCSP_SINGLERESP *single)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int status;

    if (!single)
        return "its OCSP answer is about another certificate";
    status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
    if (!OCSP_check_validity(from, until, SKEW_S, -1))
        return "its OCSP answer is not in force: out of date, or the clock is wrong";
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return "its certificate was revoked";
    return status == V_OCSP_CERTSTATUS_GOOD ? NULL : "its authority does not know its certificate";
}

const char *
dm_revocation_check(const guint8 *bytes, gsize size, STACK_OF(X509) * chain, X509_STORE *store)
{
    g_autoptr(OCSP_RESPONSE) response = NULL;
    g_autoptr(OCSP_BASICRESP) basic = NULL;

    if (size <= MAX_BYTES)
        response = d2i_OCSP_RESPONSE(NULL, &bytes, (long)size);
    if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (!basic)
        return "its OCSP answer cannot be read";
    if (OCSP_basic_verify(basic, chain, store, 0) != 1)
        return "its OCSP answer is not signed by its authority";
    if (sk_X509_num(chain) < 2)
        return "it has no authority that could say whether it was revoked";
    return judge(find_single(basic, sk_X509_value(chain, 0), sk_X509_value(chain, 1)));
}
