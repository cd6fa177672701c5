/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/status.h"
#include "syncml/message.h"

/* The credentials of the SyncML layer in one session (protocol.md section 5): what the device
 * presents when challenged (APPSRV of the account), and what the server would present (CLIENT).
 * Secrets are wiped when they go. */
typedef struct DmCredentials DmCredentials;

/* Copies what it needs of `account` (common/account.h). With `demanded` the server must present
 * its own. */
DmCredentials *dm_credentials_new(GHashTable *account, bool demanded);
void dm_credentials_free(DmCredentials *credentials);

/* -- the device's own --------------------------------------------------------------------------*/

/* Takes the server's challenge to message `n_sent`: from now on dm_credentials_fill() has a Cred.
 * False and DM_ERROR CREDENTIALS, with what to do, if that cannot be: no Chal, a type that is not
 * spoken, nothing in the account, asked for the second time, or not at the session's start. */
bool dm_credentials_take_challenge(DmCredentials *credentials, const DmAuthElement *chal,
                                   guint n_sent, GError **error);

/* Takes a good Status of a header that was sent with Cred: 212 ends sending it, a NextNonce in
 * `chal` is for the next one. */
void dm_credentials_take_status(DmCredentials *credentials, unsigned code,
                                const DmAuthElement *chal);

/* The Cred for the next message and, with MD5, the user's name for Source/LocName; false if there
 * is none to send. Borrowed until the next call. */
bool dm_credentials_fill(DmCredentials *credentials, DmAuthElement *ret_cred,
                         const char **ret_user_name);

/* -- the server's ------------------------------------------------------------------------------*/

/* The Status that the server's header gets for its Cred: 212 right, now or earlier; 200 none and
 * none demanded; 401 wrong; 407 demanded and not there. */
DmStatus dm_credentials_check_server(DmCredentials *credentials, const DmAuthElement *cred);

/* The challenge that goes with 401 or 407, with a new nonce for MD5; false if the server was
 * challenged before: the session has failed. Borrowed until the next call. */
bool dm_credentials_challenge_server(DmCredentials *credentials, DmAuthElement *ret_chal);

/* -- nonces ------------------------------------------------------------------------------------*/

/* A nonce that the next session needs and the account does not have: AAUTHDATA of `*ret_level`,
 * base64, for dm_auth_wipe(). Each is given once; NULL if there is none. That of the device's
 * credentials once the server has taken these, and has proved who it is where that is demanded;
 * that of the server's once it has made its own with it. */
char *dm_credentials_take_nonce(DmCredentials *credentials, const char **ret_level);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmCredentials, dm_credentials_free)
