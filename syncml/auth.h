/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Credentials of the SyncML layer (protocol.md section 5). What these functions return may be a
 * secret: it is freed with dm_auth_wipe(). */

typedef enum {
    DM_AUTH_NONE, /* a type that is not spoken */
    DM_AUTH_BASIC,
    DM_AUTH_MD5,
} DmAuthType;

#define DM_AUTH_BASIC_NAME "syncml:auth-basic"
#define DM_AUTH_MD5_NAME "syncml:auth-md5"

/* The type of a Cred or Chal, by its name in Meta/Type; NULL is none. */
DmAuthType dm_auth_type_from_name(const char *name);

/* base64(user:secret). */
char *dm_auth_make_basic(const char *user, const char *secret);

/* base64(md5(base64(md5(user:secret)) ":" nonce)); NULL where the system's crypto policy forbids
 * MD5. */
char *dm_auth_make_md5(const char *user, const char *secret, GBytes *nonce);

/* The bytes of a nonce: base64, or literal text that is none. NULL text is an empty nonce. */
GBytes *dm_auth_read_nonce(const char *text);

/* Whether both are the same text, in a time that does not tell where they differ. */
bool dm_auth_is_equal(const char *one, const char *other);

/* Overwrites and frees a secret. NULL is fine. */
void dm_auth_wipe(char *secret);
