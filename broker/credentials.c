/* SPDX-License-Identifier: MIT */

#include "broker/credentials.h"

#include <string.h>
#include <sys/random.h>

#include "common/account.h"
#include "common/error.h"
#include "syncml/auth.h"

#define NONCE_SIZE 16

/* One side's. */
typedef struct {
    char *user;
    char *secret; /* NULL: none in the account */
    GBytes *nonce;
    bool is_new; /* the nonce is none of the account */
} Party;

struct DmCredentials {
    Party device, server;
    DmAuthType type; /* what the server asked for; NONE: nothing, or not any more */
    bool was_challenged;
    bool is_taken; /* the server has taken the credentials */
    char *cred;    /* made last */

    DmAuthType server_type; /* what the account says */
    bool is_demanded;
    bool has_challenged;
    bool is_server_known;
    char *chal_nonce; /* made last */
};

static char *
copy(GHashTable *account, const char *prefix, const char *key)
{
    g_autofree char *full = g_strconcat(prefix, key, NULL);

    return g_strdup(g_hash_table_lookup(account, full));
}

static void
read_party(Party *party, GHashTable *account, const char *prefix)
{
    char *nonce = copy(account, prefix, DM_ACCOUNT_AUTH_DATA);

    party->user = copy(account, prefix, DM_ACCOUNT_AUTH_NAME);
    party->secret = copy(account, prefix, DM_ACCOUNT_AUTH_SECRET);
    party->nonce = dm_auth_read_nonce(nonce);
    dm_auth_wipe(nonce);
}

static void
clear_party(Party *party)
{
    dm_auth_wipe(party->user);
    dm_auth_wipe(party->secret);
    g_bytes_unref(party->nonce);
}

static void
replace_nonce(Party *party, const char *text)
{
    GBytes *nonce = dm_auth_read_nonce(text);

    party->is_new = party->is_new || !g_bytes_equal(nonce, party->nonce);
    g_bytes_unref(party->nonce);
    party->nonce = nonce;
}

DmCredentials *
dm_credentials_new(GHashTable *account, bool demanded)
{
    DmCredentials *credentials = g_new0(DmCredentials, 1);
    g_autofree char *type = copy(account, DM_ACCOUNT_CLIENT_PREFIX, DM_ACCOUNT_AUTH_TYPE);

    read_party(&credentials->device, account, DM_ACCOUNT_SERVER_PREFIX);
    read_party(&credentials->server, account, DM_ACCOUNT_CLIENT_PREFIX);
    credentials->server_type =
        type && g_ascii_strcasecmp(type, "BASIC") == 0 ? DM_AUTH_BASIC : DM_AUTH_MD5;
    credentials->is_demanded = demanded;
    return credentials;
}

void
dm_credentials_free(DmCredentials *credentials)
{
    if (!credentials)
        return;
    clear_party(&credentials->device);
    clear_party(&credentials->server);
    dm_auth_wipe(credentials->cred);
    dm_auth_wipe(credentials->chal_nonce);
    g_free(credentials);
}

static char *
make_cred(const Party *party, DmAuthType type)
{
    const char *user = party->user ? party->user : "";

    if (!party->secret || type == DM_AUTH_NONE)
        return NULL;
    return type == DM_AUTH_BASIC ? dm_auth_make_basic(user, party->secret)
                                 : dm_auth_make_md5(user, party->secret, party->nonce);
}

/* -- the device's own ----------------------------------------------------------------------------
 */

bool
dm_credentials_take_challenge(DmCredentials *credentials, const DmAuthElement *chal, guint n_sent,
                              GError **error)
{
    DmAuthType type = dm_auth_type_from_name(chal->type);
    const char *what = NULL;

    if (credentials->was_challenged)
        what = "it does not accept the credentials: correct AAUTHNAME and AAUTHSECRET of level "
               "APPSRV";
    else if (n_sent > 1)
        what = "it asks for credentials in the middle of the session";
    else if (!chal->present)
        what = "it asks for credentials of the SyncML layer without saying which (no Chal)";
    else if (type == DM_AUTH_NONE)
        what = "it asks for credentials of a type that is not spoken: set it to " DM_AUTH_MD5_NAME
               " or " DM_AUTH_BASIC_NAME;
    else if (!credentials->device.secret)
        what = "it asks for credentials, and the provider's account has none: provision APPAUTH "
               "of level APPSRV";
    if (what) {
        g_set_error(error, DM_ERROR, DM_ERROR_CREDENTIALS, "the server refused the message: %s",
                    what);
        return false;
    }
    credentials->was_challenged = true;
    credentials->type = type;
    if (chal->next_nonce)
        replace_nonce(&credentials->device, chal->next_nonce);
    return true;
}

void
dm_credentials_take_status(DmCredentials *credentials, unsigned code, const DmAuthElement *chal)
{
    if (chal->present && chal->next_nonce)
        replace_nonce(&credentials->device, chal->next_nonce);
    credentials->is_taken = credentials->is_taken || credentials->type != DM_AUTH_NONE;
    if (code == DM_STATUS_AUTHENTICATED)
        credentials->type = DM_AUTH_NONE;
}

bool
dm_credentials_fill(DmCredentials *credentials, DmAuthElement *ret_cred, const char **ret_user_name)
{
    bool is_md5 = credentials->type == DM_AUTH_MD5;

    dm_auth_wipe(g_steal_pointer(&credentials->cred));
    credentials->cred = make_cred(&credentials->device, credentials->type);
    if (!credentials->cred)
        return false;
    *ret_cred = (DmAuthElement){
        .present = true,
        .type = is_md5 ? DM_AUTH_MD5_NAME : DM_AUTH_BASIC_NAME,
        .format = "b64",
        .data = credentials->cred,
    };
    *ret_user_name = is_md5 ? credentials->device.user : NULL;
    return true;
}

/* -- the server's --------------------------------------------------------------------------------
 */

static bool
is_right(const DmCredentials *credentials, const DmAuthElement *cred)
{
    DmAuthType type = dm_auth_type_from_name(cred->type);
    char *wanted;
    bool equal;

    /* Basic where MD5 was agreed proves the same secret, over the same TLS. */
    wanted = make_cred(&credentials->server, type);
    equal = wanted && cred->data && dm_auth_is_equal(wanted, cred->data);
    dm_auth_wipe(wanted);
    return equal;
}

DmStatus
dm_credentials_check_server(DmCredentials *credentials, const DmAuthElement *cred)
{
    if (cred->present && !is_right(credentials, cred)) {
        credentials->is_server_known = false;
        return DM_STATUS_INVALID_CREDENTIALS;
    }
    if (cred->present)
        credentials->is_server_known = true;
    if (credentials->is_server_known)
        return DM_STATUS_AUTHENTICATED;
    return credentials->is_demanded ? DM_STATUS_MISSING_CREDENTIALS : DM_STATUS_OK;
}

bool
dm_credentials_challenge_server(DmCredentials *credentials, DmAuthElement *ret_chal)
{
    bool is_md5 = credentials->server_type == DM_AUTH_MD5;
    guint8 bytes[NONCE_SIZE];

    if (credentials->has_challenged || getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return false;
    credentials->has_challenged = true;
    dm_auth_wipe(credentials->chal_nonce);
    credentials->chal_nonce = g_base64_encode(bytes, sizeof(bytes));
    if (is_md5)
        replace_nonce(&credentials->server, credentials->chal_nonce);
    *ret_chal = (DmAuthElement){
        .present = true,
        .type = is_md5 ? DM_AUTH_MD5_NAME : DM_AUTH_BASIC_NAME,
        .format = "b64",
        .next_nonce = is_md5 ? credentials->chal_nonce : NULL,
    };
    return true;
}

/* -- nonces --------------------------------------------------------------------------------------
 */

char *
dm_credentials_take_nonce(DmCredentials *credentials, const char **ret_level)
{
    bool is_proved = credentials->is_server_known || !credentials->is_demanded;
    Party *party = NULL;
    gsize size = 0;
    const guchar *bytes;

    if (credentials->device.is_new && credentials->is_taken && is_proved) {
        party = &credentials->device;
        *ret_level = DM_ACCOUNT_LEVEL_SERVER;
    } else if (credentials->server.is_new && credentials->is_server_known) {
        party = &credentials->server;
        *ret_level = DM_ACCOUNT_LEVEL_CLIENT;
    }
    if (!party)
        return NULL;
    party->is_new = false;
    bytes = g_bytes_get_data(party->nonce, &size);
    return g_base64_encode(bytes, size);
}
