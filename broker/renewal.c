/* SPDX-License-Identifier: MIT */

#include "broker/renewal.h"

#include <string.h>

#include "broker/cms.h"
#include "broker/keys.h"
#include "common/error.h"
#include "dbus/node-names.h"
#include "dbus/tree-call.h"

#define CONNECT_TIMEOUT_MS 10000

char *
dm_renewal_sign(DmKey *old, const char *identifier, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(identifier, strlen(identifier));
    g_autoptr(GBytes) der = dm_cms_sign(old, bytes, DM_CMS_SMALL, error);
    g_autofree char *base64 = NULL;
    gsize size = 0;
    const guchar *data;

    if (!der)
        return NULL;
    data = g_bytes_get_data(der, &size);
    base64 = g_base64_encode(data, size);
    if (strlen(base64) > DM_RENEWAL_MAX_SIGNATURE) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "the old key's signature has %" G_GSIZE_FORMAT
                    " characters, and the tree keeps %d: renew with a smaller key, or enrol anew",
                    strlen(base64), DM_RENEWAL_MAX_SIGNATURE);
        return NULL;
    }
    return g_steal_pointer(&base64);
}

/* The thumbprint of the certificate in use. */
static char *
ask_thumbprint(DmTreeClient *client, const char *provider, GError **error)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("GetProviders");
    g_autoptr(DBusMessage) answer = dm_tree_client_call(client, call, error);
    g_autoptr(GPtrArray) providers = NULL;
    DBusMessageIter iter;

    if (!answer)
        return NULL;
    if (dbus_message_iter_init(answer, &iter))
        providers = dm_wire_read_providers(&iter);
    for (guint i = 0; providers && i < providers->len; i++) {
        const DmTreeProvider *each = providers->pdata[i];

        if (strcmp(each->id, provider) != 0)
            continue;
        if (each->thumbprints[0])
            return g_strdup(each->thumbprints[0]);
        g_set_error(error, DM_ERROR, DM_ERROR_CERTIFICATE,
                    "provider “%s” has no certificate that could be renewed", provider);
        return NULL;
    }
    g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "no provider “%s” is enrolled", provider);
    return NULL;
}

static char *
ask_identifier(DmTreeClient *client, const char *provider, GError **error)
{
    const DmContext root = {.message = 1, .uid = -1};
    g_autofree char *escaped = g_uri_escape_string(provider, NULL, FALSE);
    g_autofree char *uri =
        g_strdup_printf("./Device/Vendor/MSFT/DMClient/%s/%s/%s", dm_node_name(DM_NAME_PROVIDERS),
                        escaped, dm_node_name(DM_NAME_ENT_DMID));
    const DmCommand command = {.verb = DM_VERB_GET, .loc_uri = uri};
    g_autoptr(DBusMessage) call = dm_tree_call_new_apply(&root, &command, 1, error);
    g_autoptr(DBusMessage) answer = call ? dm_tree_client_call(client, call, error) : NULL;
    g_autoptr(DmReply) reply = answer ? dm_tree_call_read_reply(answer, error) : NULL;
    const DmResultItem *item;

    if (!reply)
        return NULL;
    if (dm_reply_get_size(reply) == 1 && dm_reply_get(reply, 0)->n_items == 1) {
        item = &dm_reply_get_items(reply, 0)[0];
        if (item->data && item->data_size > 0)
            return g_strndup(item->data, item->data_size);
    }
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "provider “%s” has no %s that the old key could sign", provider,
                dm_node_name(DM_NAME_ENT_DMID));
    return NULL;
}

static bool
make_switch(DmTreeClient *client, const char *provider, const char *thumbprint,
            const char *signature, GError **error)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("RenewCertificate");
    g_autoptr(DBusMessage) answer = NULL;

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &thumbprint,
                             DBUS_TYPE_STRING, &signature, DBUS_TYPE_INVALID);
    answer = dm_tree_client_call(client, call, error);
    return answer != NULL;
}

bool
dm_renewal_run(const DmRenewalOptions *options, char **ret_thumbprint, GError **error)
{
    g_autoptr(DmTreeClient) client = dm_tree_client_new(options->socket, CONNECT_TIMEOUT_MS, error);
    g_autofree char *old = client ? ask_thumbprint(client, options->provider, error) : NULL;
    g_autofree char *identifier = old ? ask_identifier(client, options->provider, error) : NULL;
    g_autofree char *thumbprint = NULL;
    g_autofree char *signature = NULL;
    g_auto(DmKeyPair) keys = {0};

    if (!identifier || !dm_keys_load(options->key_directory, old, &keys, error))
        return false;
    signature = dm_renewal_sign(keys.private_key, identifier, error);
    if (!signature || !dm_keys_import(options->key_directory, options->certificate, options->key,
                                      &thumbprint, error))
        return false;
    if (strcmp(old, thumbprint) == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CERTIFICATE,
                    "%s is the certificate that provider “%s” uses already", options->certificate,
                    options->provider);
        return false;
    }
    if (!make_switch(client, options->provider, thumbprint, signature, error))
        return false;
    *ret_thumbprint = g_steal_pointer(&thumbprint);
    return true;
}
