/* SPDX-License-Identifier: MIT */
#include "tree/nonce.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "common/text.h"
#include "tree/session-private.h"

/* What the commit changes. */
typedef struct {
    const DmProvider *provider;
    const char *key;
    const char *nonce;
} Renewal;

static const char *
find_key(const char *level)
{
    if (strcmp(level, DM_ACCOUNT_LEVEL_SERVER) == 0)
        return DM_ACCOUNT_SERVER_PREFIX DM_ACCOUNT_AUTH_DATA;
    if (strcmp(level, DM_ACCOUNT_LEVEL_CLIENT) == 0)
        return DM_ACCOUNT_CLIENT_PREFIX DM_ACCOUNT_AUTH_DATA;
    return NULL;
}

/* An empty one is a nonce too. */
static bool
is_nonce(const char *text)
{
    return *text == '\0' || (strlen(text) <= DM_ACCOUNT_MAX_VALUE && dm_text_is_base64(text));
}

static bool
write_nonce(DmStore *store, gpointer data, GError **error)
{
    const Renewal *renewal = data;

    return dm_store_put_text(store, renewal->provider->key, DM_STORE_ACCOUNT, renewal->key,
                             renewal->nonce, error);
}

bool
dm_tree_renew_nonce(DmTree *tree, const char *provider_id, const char *level, const char *nonce,
                    GError **error)
{
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, provider_id);
    Renewal renewal = {.provider = provider, .key = find_key(level), .nonce = nonce};

    if (provider == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "no provider “%s” is enrolled",
                    provider_id);
        return false;
    }
    if (renewal.key == NULL || !is_nonce(nonce)) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "the nonce of provider “%s” is not kept: %s",
                    provider_id,
                    renewal.key == NULL ? "there is no such level"
                                        : "it is too long or not base64");
        return false;
    }
    if (g_strcmp0(g_hash_table_lookup(provider->account, renewal.key), nonce) == 0)
        return true;
    if (!dm_tree_commit_text(tree, write_nonce, &renewal, NULL, 0, error))
        return false;
    g_hash_table_replace(provider->account, g_strdup(renewal.key), g_strdup(nonce));
    return true;
}
