/* SPDX-License-Identifier: MIT */
#include "tree/renewal.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "common/text.h"
#include "tree/session-private.h"

#define THUMBPRINT_DIGITS 64
#define TIME_FORMAT "%Y%m%dT%H%M%SZ"

/* What the commit changes. */
typedef struct {
    DmProvider *provider;
    const char *old_thumbprint; /* NULL: there was none */
    const char *thumbprint;
    char *session; /* the last one that began with the old certificate */
    DmValue signature, time;
} Renewal;

static bool
is_thumbprint(const char *text)
{
    return strlen(text) == THUMBPRINT_DIGITS &&
           strspn(text, "0123456789abcdef") == THUMBPRINT_DIGITS;
}

static bool
refuse(GError **error, const char *provider_id, const char *why)
{
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "the certificate of provider “%s” is not renewed: %s", provider_id, why);
    return false;
}

static bool
check(const DmProvider *provider, const char *thumbprint, const char *signature, GError **error)
{
    DmValue id;

    if (!dm_provider_get(provider, DM_NODE_ENT_DMID, &id) || id.u.chr == NULL || *id.u.chr == '\0')
        return refuse(error, provider->id, "it has no identifier that the old key could sign");
    if (!is_thumbprint(thumbprint))
        return refuse(error, provider->id, "the thumbprint is not 64 lower-case hex digits");
    if (strlen(signature) > dm_schema_get(DM_NODE_SIGNED_ENT_DMID)->cap ||
        !dm_text_is_base64(signature))
        return refuse(error, provider->id, "the signature is too long or not base64");
    return true;
}

static bool
write_renewal(DmStore *store, gpointer data, GError **error)
{
    const Renewal *renewal = data;
    gint64 key = renewal->provider->key;

    return dm_store_put_node(store, key, DM_NODE_SIGNED_ENT_DMID, &renewal->signature, error) &&
           dm_store_put_node(store, key, DM_NODE_CERT_RENEW_TIME_STAMP, &renewal->time, error) &&
           dm_store_put_text(store, key, DM_STORE_ACCOUNT, DM_ACCOUNT_OLD_THUMBPRINT,
                             renewal->old_thumbprint, error) &&
           dm_store_put_text(store, key, DM_STORE_ACCOUNT, DM_ACCOUNT_THUMBPRINT,
                             renewal->thumbprint, error) &&
           dm_store_put_text(store, key, DM_STORE_SESSION, DM_SESSION_RENEWED, renewal->session,
                             error);
}

static void
set_leaf(DmProvider *provider, DmNodeId node, DmValue *value)
{
    DmValue *place = &provider->values[dm_schema_get(node)->slot];

    dm_value_clear(place);
    *place = *value;
    *value = dm_value_empty(place->format);
    dm_provider_mark(provider, node, true);
}

/* What is on disk now, into memory. */
static void
settle(Renewal *renewal)
{
    DmProvider *provider = renewal->provider;

    if (renewal->old_thumbprint != NULL)
        g_hash_table_replace(provider->account, g_strdup(DM_ACCOUNT_OLD_THUMBPRINT),
                             g_strdup(renewal->old_thumbprint));
    g_hash_table_replace(provider->account, g_strdup(DM_ACCOUNT_THUMBPRINT),
                         g_strdup(renewal->thumbprint));
    g_hash_table_replace(provider->session, g_strdup(DM_SESSION_RENEWED),
                         g_strdup(renewal->session));
    set_leaf(provider, DM_NODE_SIGNED_ENT_DMID, &renewal->signature);
    set_leaf(provider, DM_NODE_CERT_RENEW_TIME_STAMP, &renewal->time);
}

static void
tell(const DmProvider *provider)
{
    DmChange changes[] = {
        {.kind = DM_CHANGE_VALUE, .node = DM_NODE_SIGNED_ENT_DMID},
        {.kind = DM_CHANGE_VALUE, .node = DM_NODE_CERT_RENEW_TIME_STAMP},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        changes[i].scope = provider->scope;
        changes[i].provider = provider->id;
    }
    dm_tree_notify(provider->tree, changes, G_N_ELEMENTS(changes));
}

bool
dm_tree_renew_certificate(DmTree *tree, const char *provider_id, const char *thumbprint,
                          const char *signature, GError **error)
{
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, provider_id);
    g_autoptr(GDateTime) now = NULL;
    g_autofree char *time = NULL;
    g_autofree char *session = NULL;
    Renewal renewal = {.provider = provider, .thumbprint = thumbprint};
    bool is_good;

    if (provider == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "no provider “%s” is enrolled",
                    provider_id);
        return false;
    }
    if (!check(provider, thumbprint, signature, error))
        return false;
    now = g_date_time_new_from_unix_utc(dm_clock_wall_us(tree->options.clock) / G_USEC_PER_SEC);
    if (now == NULL)
        return refuse(error, provider_id, "the clock is wrong");
    time = g_date_time_format(now, TIME_FORMAT);
    session =
        g_strdup_printf("%" G_GINT64_FORMAT, dm_session_get_int(provider, DM_SESSION_COUNTER));
    renewal.session = session;
    renewal.old_thumbprint = g_hash_table_lookup(provider->account, DM_ACCOUNT_THUMBPRINT);
    renewal.signature = dm_value_new_chr(signature);
    renewal.time = dm_value_new_chr(time);
    is_good = dm_tree_commit_text(tree, write_renewal, &renewal, NULL, 0, error);
    if (is_good)
        settle(&renewal);
    dm_value_clear(&renewal.signature);
    dm_value_clear(&renewal.time);
    if (is_good)
        tell(provider);
    return is_good;
}
