/* SPDX-License-Identifier: MIT */

/* Credentials of the SyncML layer in one session (protocol.md section 5). */

#include "broker/credentials.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "syncml/auth.h"

#define USER "Bruce2"
#define SECRET "OhBehave"
#define BASIC "QnJ1Y2UyOk9oQmVoYXZl"
#define MD5 "Zz6EivR3yeaaENcRN6lpAQ==" /* with the nonce `Nonce` */

static const DmAuthElement none = {0};

static void
set(GHashTable *account, const char *level, const char *key, const char *value)
{
    if (value)
        g_hash_table_insert(account, g_strconcat(level, "/", key, NULL), g_strdup(value));
}

/* With the credentials of the known answers on both sides; `type` is the server's, `nonce` both's.
 */
static DmCredentials *
make(const char *secret, const char *type, const char *nonce, bool demanded)
{
    g_autoptr(GHashTable) account = dm_account_new();
    static const char *const levels[] = {DM_ACCOUNT_LEVEL_SERVER, DM_ACCOUNT_LEVEL_CLIENT};

    for (gsize i = 0; i < G_N_ELEMENTS(levels); i++) {
        set(account, levels[i], DM_ACCOUNT_AUTH_TYPE, type);
        set(account, levels[i], DM_ACCOUNT_AUTH_NAME, USER);
        set(account, levels[i], DM_ACCOUNT_AUTH_SECRET, secret);
        set(account, levels[i], DM_ACCOUNT_AUTH_DATA, nonce);
    }
    return dm_credentials_new(account, demanded);
}

static DmAuthElement
element(const char *type, const char *next_nonce, const char *data)
{
    return (DmAuthElement){
        .present = true, .type = type, .format = "b64", .next_nonce = next_nonce, .data = data};
}

static void
challenge(DmCredentials *credentials, const char *type, const char *next_nonce)
{
    const DmAuthElement chal = element(type, next_nonce, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_credentials_take_challenge(credentials, &chal, 1, &error));
    g_assert_no_error(error);
}

static void
assert_cred(DmCredentials *credentials, const char *type, const char *data, const char *user)
{
    DmAuthElement cred = {0};
    const char *name = NULL;

    g_assert_true(dm_credentials_fill(credentials, &cred, &name) == (data != NULL));
    g_assert_true(cred.present == (data != NULL));
    g_assert_cmpstr(cred.type, ==, data ? type : NULL);
    g_assert_cmpstr(cred.data, ==, data);
    g_assert_cmpstr(name, ==, user);
}

/* The next nonce to be kept: "LEVEL nonce", or NULL. */
static void
assert_nonce(DmCredentials *credentials, const char *expected)
{
    const char *level = NULL;
    char *nonce = dm_credentials_take_nonce(credentials, &level);
    g_autofree char *text = nonce ? g_strconcat(level, " ", nonce, NULL) : NULL;

    g_assert_cmpstr(text, ==, expected);
    dm_auth_wipe(nonce);
}

/* -- the device's own -------------------------------------------------------------------------- */

static void
test_known_answers(void)
{
    static const struct {
        const char *type, *next_nonce, *data, *user;
    } cases[] = {
        {DM_AUTH_BASIC_NAME, NULL, BASIC, NULL},
        {DM_AUTH_MD5_NAME, "Tm9uY2U=", MD5, USER},
        {DM_AUTH_MD5_NAME, "Nonce", MD5, USER},
        {"SYNCML:AUTH-MD5", "Nonce", MD5, USER},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DmCredentials) credentials = make(SECRET, "DIGEST", "other", false);
        const char *name = i == 0 ? DM_AUTH_BASIC_NAME : DM_AUTH_MD5_NAME;

        assert_cred(credentials, NULL, NULL, NULL);
        challenge(credentials, cases[i].type, cases[i].next_nonce);
        assert_cred(credentials, name, cases[i].data, cases[i].user);
    }
}

static void
test_212_ends_it(void)
{
    g_autoptr(DmCredentials) credentials = make(SECRET, "DIGEST", "Nonce", false);

    challenge(credentials, DM_AUTH_MD5_NAME, NULL);
    dm_credentials_take_status(credentials, 200, &none);
    assert_cred(credentials, DM_AUTH_MD5_NAME, MD5, USER);
    dm_credentials_take_status(credentials, 212, &none);
    assert_cred(credentials, NULL, NULL, NULL);
}

static void
test_refused_challenges(void)
{
    static const struct {
        const char *secret, *type;
        guint n_sent;
        const char *words;
    } cases[] = {
        {SECRET, NULL, 1, "without saying which"},
        {SECRET, "syncml:auth-MAC", 1, "not spoken"},
        {NULL, DM_AUTH_BASIC_NAME, 1, "has none"},
        {SECRET, DM_AUTH_BASIC_NAME, 2, "middle"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DmCredentials) credentials = make(cases[i].secret, "DIGEST", NULL, false);
        const DmAuthElement chal = cases[i].type ? element(cases[i].type, NULL, NULL) : none;
        g_autoptr(GError) error = NULL;

        g_assert_false(dm_credentials_take_challenge(credentials, &chal, cases[i].n_sent, &error));
        g_assert_error(error, DM_ERROR, DM_ERROR_CREDENTIALS);
        g_assert_nonnull(strstr(error->message, cases[i].words));
        g_assert_null(strstr(error->message, SECRET));
        assert_cred(credentials, NULL, NULL, NULL);
    }
}

static void
test_once(void)
{
    const DmAuthElement chal = element(DM_AUTH_BASIC_NAME, NULL, NULL);
    g_autoptr(DmCredentials) credentials = make(SECRET, "DIGEST", NULL, false);
    g_autoptr(GError) error = NULL;

    challenge(credentials, DM_AUTH_BASIC_NAME, NULL);
    g_assert_false(dm_credentials_take_challenge(credentials, &chal, 1, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CREDENTIALS);
}

/* -- the server's ------------------------------------------------------------------------------ */

static void
test_server(void)
{
    static const struct {
        const char *secret, *type, *data; /* of its Cred; type NULL: it has none */
        bool demanded;
        DmStatus status;
    } cases[] = {
        {SECRET, NULL, NULL, false, DM_STATUS_OK},
        {SECRET, NULL, NULL, true, DM_STATUS_MISSING_CREDENTIALS},
        {SECRET, DM_AUTH_BASIC_NAME, BASIC, false, DM_STATUS_AUTHENTICATED},
        {SECRET, DM_AUTH_BASIC_NAME, BASIC, true, DM_STATUS_AUTHENTICATED},
        {SECRET, DM_AUTH_MD5_NAME, MD5, true, DM_STATUS_AUTHENTICATED},
        {SECRET, DM_AUTH_MD5_NAME, BASIC, false, DM_STATUS_INVALID_CREDENTIALS},
        {SECRET, DM_AUTH_BASIC_NAME, "", false, DM_STATUS_INVALID_CREDENTIALS},
        {SECRET, DM_AUTH_BASIC_NAME, NULL, false, DM_STATUS_INVALID_CREDENTIALS},
        {SECRET, "syncml:auth-MAC", MD5, false, DM_STATUS_INVALID_CREDENTIALS},
        /* Nothing to compare with is no agreement. */
        {NULL, DM_AUTH_BASIC_NAME, "QnJ1Y2UyOg==", false, DM_STATUS_INVALID_CREDENTIALS},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DmCredentials) credentials =
            make(cases[i].secret, "DIGEST", "Nonce", cases[i].demanded);
        const DmAuthElement cred =
            cases[i].type ? element(cases[i].type, NULL, cases[i].data) : none;

        g_assert_cmpint(dm_credentials_check_server(credentials, &cred), ==, cases[i].status);
    }
}

/* 212 lasts for the session, until a Cred that is wrong. */
static void
test_server_is_known(void)
{
    const DmAuthElement right = element(DM_AUTH_BASIC_NAME, NULL, BASIC);
    const DmAuthElement wrong = element(DM_AUTH_BASIC_NAME, NULL, "eDp4");
    g_autoptr(DmCredentials) credentials = make(SECRET, "BASIC", NULL, true);

    g_assert_cmpint(dm_credentials_check_server(credentials, &right), ==, DM_STATUS_AUTHENTICATED);
    g_assert_cmpint(dm_credentials_check_server(credentials, &none), ==, DM_STATUS_AUTHENTICATED);
    g_assert_cmpint(dm_credentials_check_server(credentials, &wrong), ==,
                    DM_STATUS_INVALID_CREDENTIALS);
    g_assert_cmpint(dm_credentials_check_server(credentials, &none), ==,
                    DM_STATUS_MISSING_CREDENTIALS);
}

/* Makes the Cred that the challenge asks for. */
static DmStatus
answer_challenge(DmCredentials *credentials, const DmAuthElement *chal)
{
    g_autoptr(GBytes) nonce = dm_auth_read_nonce(chal->next_nonce);
    char *data = dm_auth_make_md5(USER, SECRET, nonce);
    const DmAuthElement cred = element(DM_AUTH_MD5_NAME, NULL, data);
    DmStatus status = dm_credentials_check_server(credentials, &cred);

    dm_auth_wipe(data);
    return status;
}

static void
test_challenge(void)
{
    const DmAuthElement old = element(DM_AUTH_MD5_NAME, NULL, MD5);
    g_autoptr(DmCredentials) credentials = make(SECRET, "DIGEST", "Nonce", true);
    g_autofree char *nonce = NULL;
    DmAuthElement chal;

    g_assert_true(dm_credentials_challenge_server(credentials, &chal));
    g_assert_cmpstr(chal.type, ==, DM_AUTH_MD5_NAME);
    nonce = g_strdup(chal.next_nonce);
    g_assert_cmpuint(strlen(nonce), ==, 24);
    g_assert_cmpint(dm_credentials_check_server(credentials, &old), ==,
                    DM_STATUS_INVALID_CREDENTIALS);
    assert_nonce(credentials, NULL);
    g_assert_cmpint(answer_challenge(credentials, &chal), ==, DM_STATUS_AUTHENTICATED);
    g_assert_false(dm_credentials_challenge_server(credentials, &chal));
    {
        g_autofree char *expected = g_strconcat("CLIENT ", nonce, NULL);

        assert_nonce(credentials, expected);
        assert_nonce(credentials, NULL);
    }
}

/* -- nonces for the next session --------------------------------------------------------------- */

static void
test_nonce_is_kept_once_taken(void)
{
    const DmAuthElement next = element(DM_AUTH_MD5_NAME, "dHdv", NULL);
    g_autoptr(DmCredentials) credentials = make(SECRET, "DIGEST", "first", false);

    assert_nonce(credentials, NULL);
    challenge(credentials, DM_AUTH_MD5_NAME, "Nonce");
    assert_nonce(credentials, NULL);
    dm_credentials_take_status(credentials, 200, &none);
    assert_nonce(credentials, "APPSRV Tm9uY2U=");
    assert_nonce(credentials, NULL);
    dm_credentials_take_status(credentials, 200, &next);
    assert_nonce(credentials, "APPSRV dHdv");
    dm_credentials_take_status(credentials, 212, &next);
    assert_nonce(credentials, NULL);
}

/* What came without proof, and what the account has, is not kept. */
static void
test_nonce_is_not_kept(void)
{
    const DmAuthElement next = element(DM_AUTH_MD5_NAME, "dHdv", NULL);
    g_autoptr(DmCredentials) one = make(SECRET, "DIGEST", "first", false);
    g_autoptr(DmCredentials) two = make(SECRET, "DIGEST", "Nonce", false);
    g_autoptr(DmCredentials) three = make(SECRET, "DIGEST", "first", true);

    dm_credentials_take_status(one, 200, &next); /* no Cred was sent */
    assert_nonce(one, NULL);
    challenge(two, DM_AUTH_MD5_NAME, "Tm9uY2U=");
    dm_credentials_take_status(two, 212, &none);
    assert_nonce(two, NULL);
    challenge(three, DM_AUTH_MD5_NAME, "Nonce");
    dm_credentials_take_status(three, 212, &none); /* its own are demanded, and not there */
    assert_nonce(three, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/credentials/protocol-5-known-answers", test_known_answers);
    g_test_add_func("/credentials/protocol-5-212-ends-it", test_212_ends_it);
    g_test_add_func("/credentials/protocol-5-challenges-without-answer", test_refused_challenges);
    g_test_add_func("/credentials/protocol-5-once", test_once);
    g_test_add_func("/credentials/protocol-5-the-server-s-own", test_server);
    g_test_add_func("/credentials/protocol-5-the-server-stays-known", test_server_is_known);
    g_test_add_func("/credentials/protocol-5-the-server-is-challenged", test_challenge);
    g_test_add_func("/credentials/protocol-5-a-nonce-is-kept-once-taken",
                    test_nonce_is_kept_once_taken);
    g_test_add_func("/credentials/protocol-5-a-nonce-without-proof-is-not", test_nonce_is_not_kept);
    return g_test_run();
}
