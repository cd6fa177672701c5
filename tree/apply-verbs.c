/* SPDX-License-Identifier: MIT */
#include "tree/apply-verbs.h"

#include <string.h>

static bool
has_text(const char *text)
{
    return text != NULL && *text != '\0';
}

/* V6: a Format is one of OMA DM's, or left out. */
static DmStatus
check_format(const DmCommand *command, DmFormat *ret_format)
{
    if (has_text(command->format) && !dm_format_from_name(command->format, ret_format))
        return DM_STATUS_BAD_FORMAT;
    return DM_STATUS_OK;
}

/* Add without Data (V1). */
static DmStatus
get_value_without_data(const DmTarget *target, DmValue *ret_value)
{
    DmValue value;

    if (target->row->format == DM_FORMAT_CHR) {
        *ret_value = dm_value_new_chr("");
        return DM_STATUS_OK;
    }
    if (!dm_schema_get_default(target->node, &value))
        return DM_STATUS_INCOMPLETE;
    *ret_value = dm_value_copy(&value);
    return DM_STATUS_OK;
}

/* Cap and range (V6, V7). */
static DmStatus
check_bounds(const DmNode *row, const DmValue *value)
{
    if (value->format == DM_FORMAT_CHR && strlen(value->u.chr) > row->cap)
        return DM_STATUS_TOO_LARGE;
    if (value->format == DM_FORMAT_INT &&
        (value->u.integer < row->minimum || value->u.integer > row->maximum))
        return DM_STATUS_BAD_REQUEST;
    return DM_STATUS_OK;
}

/* The value that a command brings for a leaf (V6, V7), owned by the caller. */
static DmStatus
parse_value(const DmTarget *target, const DmCommand *command, bool needs_data, DmValue *ret_value)
{
    const DmNode *row = target->row;
    DmFormat format = row->format;
    g_auto(DmValue) value = {.format = row->format};
    DmStatus status = check_format(command, &format);

    if (status != DM_STATUS_OK)
        return status;
    if (command->data == NULL)
        return needs_data ? DM_STATUS_INCOMPLETE : get_value_without_data(target, ret_value);
    /* Before any work is done on it; base64 is a third longer than what it holds. */
    if (row->format == DM_FORMAT_CHR && format != DM_FORMAT_B64 && command->data_size > row->cap)
        return DM_STATUS_TOO_LARGE;
    status =
        dm_value_parse(row->format, command->format, command->data, command->data_size, &value);
    if (status == DM_STATUS_OK)
        status = check_bounds(row, &value);
    if (status != DM_STATUS_OK)
        return status;
    *ret_value = value;
    value = dm_value_empty(row->format);
    return DM_STATUS_OK;
}

/* The topic's rules, then the change and what it entails; takes the value. NULL: unsets. */
static DmStatus
write_leaf(DmTransaction *transaction, const DmTarget *target, DmValue *value)
{
    const DmRule *rule = dm_rule_get(target->row->rule);
    const DmRuleCall call = {.transaction = transaction,
                             .context = dm_transaction_get_context(transaction),
                             .provider = target->provider,
                             .node = target->node,
                             .verb = target->verb};
    DmStatus status = rule->check == NULL ? DM_STATUS_OK : rule->check(&call, value);
    g_auto(DmValue) kept = {.format = target->row->format};

    if (status != DM_STATUS_OK) {
        dm_value_clear(value);
        return status;
    }
    if (rule->follow != NULL && value != NULL)
        kept = dm_value_copy(value);
    if (target->provider != NULL && value != NULL)
        dm_transaction_add_node(transaction, target->provider, target->row->parent);
    dm_transaction_note_write(transaction, target->provider, target->node);
    dm_transaction_take(transaction, target->provider, target->node, value);
    if (rule->follow != NULL)
        rule->follow(&call, value == NULL ? NULL : &kept);
    return DM_STATUS_OK;
}

/* Whether Add would find the node there already (rules section 2, "present"). */
static bool
is_present(const DmTransaction *transaction, const DmTarget *target)
{
    DmValue value;

    if (target->provider != NULL)
        return dm_provider_has(target->provider, target->node);
    if (dm_node_is_interior(target->row))
        return target->node != DM_NODE_PROVIDER;
    return dm_tree_get_root(dm_transaction_get_tree(transaction), target->node, &value);
}

static DmStatus
add_interior(DmTransaction *transaction, const DmTarget *target, const DmCommand *command)
{
    DmFormat format = DM_FORMAT_NODE;
    DmStatus status = check_format(command, &format);

    if (status != DM_STATUS_OK)
        return status;
    /* An interior node has no value to parse it as (V6), and nothing is dropped silently (V7). */
    if (has_text(command->data))
        return DM_STATUS_BAD_FORMAT;
    if (target->provider != NULL)
        dm_transaction_add_node(transaction, target->provider, target->node);
    else
        (void)dm_transaction_add_provider(transaction, target->uri.scope, target->uid,
                                          target->provider_id);
    return DM_STATUS_OK;
}

DmStatus
dm_apply_add(DmTransaction *transaction, const DmTarget *target, const DmCommand *command)
{
    DmValue value;
    DmStatus status;

    if (is_present(transaction, target))
        return DM_STATUS_EXISTS;
    if (dm_node_is_interior(target->row))
        return add_interior(transaction, target, command);
    status = parse_value(target, command, false, &value);
    return status == DM_STATUS_OK ? write_leaf(transaction, target, &value) : status;
}

DmStatus
dm_apply_replace(DmTransaction *transaction, const DmTarget *target, const DmCommand *command)
{
    DmValue value;
    DmStatus status = parse_value(target, command, true, &value);

    return status == DM_STATUS_OK ? write_leaf(transaction, target, &value) : status;
}

DmStatus
dm_apply_set(DmTransaction *transaction, const DmTarget *target, const DmCommand *command)
{
    DmValue value;
    DmStatus status = parse_value(target, command, false, &value);

    return status == DM_STATUS_OK ? write_leaf(transaction, target, &value) : status;
}

void
dm_apply_delete_provider(DmTransaction *transaction, DmProvider *provider)
{
    const DmTree *tree = dm_transaction_get_tree(transaction);
    gsize n;

    if (provider->scope == DM_SCOPE_DEVICE) {
        (void)dm_tree_get_providers(tree, &n);
        while (n-- > 0) {
            DmProvider *other = g_ptr_array_index(tree->providers, n);

            if (other->scope == DM_SCOPE_DEVICE)
                break;
            if (strcmp(other->id, provider->id) == 0)
                dm_transaction_remove_provider(transaction, other);
        }
    }
    dm_transaction_remove_provider(transaction, provider);
}

DmStatus
dm_apply_delete(DmTransaction *transaction, const DmTarget *target)
{
    if (target->node == DM_NODE_PROVIDER) {
        dm_apply_delete_provider(transaction, target->provider);
        return DM_STATUS_OK;
    }
    /* A leaf that is always there goes back to its default (V3). */
    if (!is_present(transaction, target) &&
        (dm_node_is_interior(target->row) || target->row->occurrence != DM_OCCURRENCE_ONE))
        return DM_STATUS_NOT_FOUND;
    if (dm_node_is_interior(target->row)) {
        dm_transaction_remove_node(transaction, target->provider, target->node);
        return DM_STATUS_OK;
    }
    return write_leaf(transaction, target, NULL);
}

DmStatus
dm_apply_check_exec(DmTransaction *transaction, const DmTarget *target, const DmCommand *command,
                    DmProvider **ret_provider)
{
    const DmContext *context = dm_transaction_get_context(transaction);
    DmFormat format;
    DmStatus status = check_format(command, &format);
    DmProvider *provider;

    if (status != DM_STATUS_OK)
        return status;
    if (target->provider != NULL)
        provider = target->provider; /* E1: the path decides, Data is ignored */
    else if (has_text(command->data))
        provider = dm_transaction_match(transaction, DM_SCOPE_DEVICE, 0, command->data);
    else if (context->provider != NULL)
        provider = dm_transaction_match(transaction, DM_SCOPE_DEVICE, 0, context->provider);
    else
        provider = NULL; /* local root has no provider of its own */
    if (provider == NULL || !dm_target_may_use(transaction, provider->id))
        return DM_STATUS_NOT_FOUND;
    *ret_provider = provider;
    return DM_STATUS_OK;
}
