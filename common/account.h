/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Account data of a provider: the w7 APPLICATION settings of a provisioning document that are not
 * nodes (design section 2, W1). A string map: GHashTable of owned char* to owned char*; parms under
 * APPAUTH carry their level in front. Where the server is, is kept as a node. */

#define DM_ACCOUNT_NAME "NAME"
#define DM_ACCOUNT_ADDRESS "ADDR" /* only on the way in: becomes ManagementServiceAddress (W3) */
#define DM_ACCOUNT_CONN_RETRY_FREQ "CONNRETRYFREQ"         /* retries of one address; L4: 3 */
#define DM_ACCOUNT_INITIAL_BACKOFF_MS "INITIALBACKOFFTIME" /* L4: 16000 */
#define DM_ACCOUNT_MAX_BACKOFF_MS "MAXBACKOFFTIME"         /* L4: 86400000 */
#define DM_ACCOUNT_BACKCOMPAT_RETRY_DISABLED "BACKCOMPATRETRYDISABLED"
#define DM_ACCOUNT_DEFAULT_ENCODING "DEFAULTENCODING"
#define DM_ACCOUNT_CERT_SEARCH "SSLCLIENTCERTSEARCHCRITERIA"
#define DM_ACCOUNT_ROLE "ROLE"
#define DM_ACCOUNT_LEVEL_CLIENT "CLIENT"
#define DM_ACCOUNT_LEVEL_SERVER "APPSRV"
#define DM_ACCOUNT_CLIENT_PREFIX DM_ACCOUNT_LEVEL_CLIENT "/" /* what the server would present */
#define DM_ACCOUNT_SERVER_PREFIX                                                                   \
    DM_ACCOUNT_LEVEL_SERVER "/"          /* what the device presents to the server */
#define DM_ACCOUNT_AUTH_TYPE "AAUTHTYPE" /* after one of the prefixes */
#define DM_ACCOUNT_AUTH_NAME "AAUTHNAME"
#define DM_ACCOUNT_AUTH_SECRET "AAUTHSECRET"
#define DM_ACCOUNT_AUTH_DATA "AAUTHDATA"
#define DM_ACCOUNT_DEV_ID "DevId" /* ours: fixed when the provider is made (protocol.md 7) */
#define DM_ACCOUNT_THUMBPRINT "Certificate" /* ours: SHA-256 of the active one, lower-case hex */
#define DM_ACCOUNT_OLD_THUMBPRINT                                                                  \
    "CertificateBefore" /* ours: the one that was renewed, until the                               \
                           new one has worked (S5) */

/* Most entries, bytes of a key and bytes of a value that a socket or file may bring. */
#define DM_ACCOUNT_MAX_ENTRIES 64
#define DM_ACCOUNT_MAX_KEY 64
#define DM_ACCOUNT_MAX_VALUE 4096

/* An empty map that wipes values when they go (secrets). */
GHashTable *dm_account_new(void);

/* The decimal number under `key`, or `fallback` if absent, malformed or outside [minimum, maximum].
 */
gint64 dm_account_get_int(GHashTable *account, const char *key, gint64 minimum, gint64 maximum,
                          gint64 fallback);
