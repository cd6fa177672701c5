/* SPDX-License-Identifier: MIT */

/* A provider made from a provisioning document (W1–W3, V10): all of it in one commit, or nothing.
 */

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "tree/apply-verbs.h"
#include "tree/replies.h"
#include "tree/transaction.h"
#include "tree/tree.h"

/* How a device is enrolled that is provisioned without a word on it (W3). */
#define DEFAULT_ENROLLMENT_TYPE "Device"

/* Whether `id` can be a segment of a LocURI, and is nobody's yet (A2). */
static DmStatus
check_name(DmTree *tree, const char *id)
{
    g_autoptr(GString) text = g_string_new(NULL);
    DmUri uri;
    DmStatus status;

    if (*id == '\0' || !dm_text_is_valid(id, strlen(id)))
        return DM_STATUS_BAD_REQUEST;
    dm_schema_append_loc_uri(text, DM_SCOPE_DEVICE, DM_NODE_PROVIDER, id);
    status = dm_uri_parse(text->str, &uri);
    if (status != DM_STATUS_OK)
        return status;
    return dm_tree_match_provider(tree, DM_SCOPE_DEVICE, 0, id) == NULL ? DM_STATUS_OK
                                                                        : DM_STATUS_EXISTS;
}

/* The caps of common/account.h, and text that a bus message can carry. */
static DmStatus
check_account(GHashTable *account)
{
    GHashTableIter iter;
    gpointer key, value;

    if (account == NULL)
        return DM_STATUS_OK;
    if (g_hash_table_size(account) > DM_ACCOUNT_MAX_ENTRIES)
        return DM_STATUS_TOO_LARGE;
    g_hash_table_iter_init(&iter, account);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        gsize key_size = strlen(key);
        gsize value_size = strlen(value);

        if (key_size > DM_ACCOUNT_MAX_KEY || value_size > DM_ACCOUNT_MAX_VALUE)
            return DM_STATUS_TOO_LARGE;
        if (!dm_text_is_valid(key, key_size) || !dm_text_is_valid(value, value_size))
            return DM_STATUS_BAD_FORMAT;
    }
    return DM_STATUS_OK;
}

static void
copy_account(GHashTable *from, GHashTable *to)
{
    GHashTableIter iter;
    gpointer key, value;

    if (from == NULL)
        return;
    g_hash_table_iter_init(&iter, from);
    while (g_hash_table_iter_next(&iter, &key, &value))
        if (strcmp(key, DM_ACCOUNT_ADDRESS) != 0)
            g_hash_table_replace(to, g_strdup(key), g_strdup(value));
}

/* Rows that a server only reads, but that a document may bring (W1, W3). */
static bool
may_be_provisioned(DmNodeId node)
{
    return node == DM_NODE_ENROLLMENT_TYPE ||
           node == DM_NODE_ROOT_UPDATE_MANAGEMENT_SERVICE_ADDRESS;
}

/* Finds the row of a setting by the rights of the provider's own server, parents present or not. */
static DmStatus
find_row(DmTransaction *transaction, const DmCommand *setting, DmTarget *target)
{
    DmCommand command = *setting;
    DmStatus status;

    command.verb = DM_VERB_ADD;
    status = dm_target_find(transaction, &command, target);
    if (status != DM_STATUS_NOT_ALLOWED)
        return status;
    if (may_be_provisioned(target->node)) {
        target->row = dm_schema_get(target->node);
        return DM_STATUS_OK;
    }
    command.verb = DM_VERB_REPLACE;
    return dm_target_find(transaction, &command, target);
}

/* Applies one setting. `*ret_ignored`: it is none of ours, or not to be provisioned, which the
 * status says; the rest stands (W2, U3). */
static DmStatus
apply_setting(DmTransaction *transaction, const DmCommand *setting, bool *ret_ignored)
{
    DmTarget target;
    DmStatus status;

    *ret_ignored = true;
    if (setting->verb != DM_VERB_ADD && setting->verb != DM_VERB_REPLACE) {
        *ret_ignored = false;
        return DM_STATUS_NOT_IMPLEMENTED;
    }
    status = find_row(transaction, setting, &target);
    if (status == DM_STATUS_OK && dm_schema_is_below(target.node, DM_NODE_PUSH))
        return DM_STATUS_NOT_ALLOWED;
    *ret_ignored = status != DM_STATUS_OK && status != DM_STATUS_PERMISSION_DENIED;
    if (status != DM_STATUS_OK)
        return status;
    if (!dm_node_is_interior(target.row))
        return dm_apply_set(transaction, &target, setting);
    dm_transaction_add_node(transaction, target.provider, target.node);
    return DM_STATUS_OK;
}

/* W3: the document's ADDR and the provider's own address are one stored value. */
static DmStatus
apply_address(DmTransaction *transaction, const DmProvider *provider, GHashTable *account)
{
    const char *address = account == NULL ? NULL : g_hash_table_lookup(account, DM_ACCOUNT_ADDRESS);
    g_autoptr(GString) loc_uri = g_string_new(NULL);
    DmCommand setting = {.verb = DM_VERB_REPLACE, .data = address};
    bool ignored;

    if (address == NULL)
        return DM_STATUS_OK;
    dm_schema_append_loc_uri(loc_uri, DM_SCOPE_DEVICE, DM_NODE_MANAGEMENT_SERVICE_ADDRESS,
                             provider->id);
    setting.loc_uri = loc_uri->str;
    setting.data_size = strlen(address);
    dm_transaction_set_command(transaction, DM_COMMAND_NONE);
    return apply_setting(transaction, &setting, &ignored);
}

/* Applies the settings; results in order. The first bad one's status, or OK. */
static DmStatus
apply_settings(DmTransaction *transaction, const DmCommand *settings, gsize n, DmReply *reply)
{
    for (gsize i = 0; i < n; i++) {
        bool ignored;
        DmStatus status;

        dm_transaction_set_command(transaction, (guint)i);
        status = apply_setting(transaction, &settings[i], &ignored);
        dm_reply_add(reply, status);
        if (status != DM_STATUS_OK && !ignored)
            return status;
    }
    return DM_STATUS_OK;
}

/* What makes a provider complete once its settings are in (W2, W3), and the rules' last word. */
static DmStatus
complete(DmTransaction *transaction, DmProvider *provider, DmReply *reply)
{
    DmValue type = dm_value_new_chr(DEFAULT_ENROLLMENT_TYPE);
    DmStatus status;
    guint command;

    dm_transaction_set_command(transaction, DM_COMMAND_NONE);
    if (dm_provider_has(provider, DM_NODE_ENROLLMENT_TYPE))
        dm_value_clear(&type);
    else
        dm_transaction_take(transaction, provider, DM_NODE_ENROLLMENT_TYPE, &type);
    if (!dm_provider_has(provider, DM_NODE_MANAGEMENT_SERVICE_ADDRESS) &&
        !dm_provider_has(provider, DM_NODE_MANAGEMENT_SERVER_ADDRESS_LIST))
        return DM_STATUS_BAD_REQUEST;
    if (dm_transaction_judge(transaction, (DmMark){0}, &command, &status))
        return DM_STATUS_OK;
    dm_reply_set_status(reply, command, status, true);
    return status;
}

static DmStatus
commit(DmTransaction *transaction, DmReply *reply)
{
    g_autoptr(GError) error = NULL;

    dm_transaction_note_schedules(transaction);
    (void)dm_transaction_collect(transaction);
    if (dm_transaction_write(transaction, reply, &error))
        return DM_STATUS_OK;
    return g_error_matches(error, DM_ERROR, DM_ERROR_FULL) ? DM_STATUS_DEVICE_FULL
                                                           : DM_STATUS_STORAGE;
}

/* Says of each setting how it ended when all was taken back, and adds the result for the whole. */
static void
finish_reply(DmReply *reply, gsize n_settings, DmStatus status)
{
    for (gsize i = 0; i < n_settings; i++) {
        if (i >= dm_reply_get_size(reply))
            dm_reply_add(reply, DM_STATUS_NOT_EXECUTED);
        else if (status != DM_STATUS_OK && dm_reply_get(reply, i)->status == DM_STATUS_OK)
            dm_reply_set_status(reply, i, DM_STATUS_ROLLED_BACK, true);
    }
    dm_reply_add(reply, status);
}

DmReply *
dm_tree_provision(DmTree *tree, const char *provider_id, GHashTable *account,
                  const DmCommand *settings, gsize n_settings, DmProvisionFlags flags)
{
    /* As its server, so that a document brings what a server may set and no other provider's. */
    const DmContext context = {.provider = provider_id, .uid = -1};
    DmTransaction *transaction = tree->transaction;
    g_autoptr(DmReply) reply = NULL;
    DmProvider *provider;
    DmStatus status = check_name(tree, provider_id);

    if (status == DM_STATUS_OK)
        status = check_account(account);
    if (status == DM_STATUS_OK && n_settings > DM_BATCH_MAX)
        status = DM_STATUS_TOO_LARGE;
    reply = dm_reply_new(n_settings + 1);
    if (status != DM_STATUS_OK) {
        finish_reply(reply, n_settings, status);
        return g_steal_pointer(&reply);
    }

    dm_transaction_begin(transaction, &context);
    provider = dm_transaction_add_provider(transaction, DM_SCOPE_DEVICE, 0, provider_id);
    copy_account(account, provider->account);
    status = apply_address(transaction, provider, account);
    if (status == DM_STATUS_OK)
        status = apply_settings(transaction, settings, n_settings, reply);
    if (status == DM_STATUS_OK)
        status = complete(transaction, provider, reply);
    if (status == DM_STATUS_OK && (flags & DM_PROVISION_CHECK) == 0)
        status = commit(transaction, reply);
    if (status != DM_STATUS_OK || (flags & DM_PROVISION_CHECK) != 0)
        dm_transaction_roll_back(transaction, (DmMark){0});
    else
        dm_transaction_tell(transaction);
    dm_transaction_end(transaction);
    finish_reply(reply, n_settings, status);
    return g_steal_pointer(&reply);
}
