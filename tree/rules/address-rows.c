/* SPDX-License-Identifier: MIT */

/* The rules of server addresses on the rows of the table (L1, L2, L6, L7). */

#include <string.h>

#include "tree/rules/addresses.h"
#include "tree/rules/topics.h"
#include "tree/transaction.h"

static const char *
get_text(const DmValue *value)
{
    return value->u.chr == NULL ? "" : value->u.chr;
}

static bool
may_be_http(const DmRuleCall *call)
{
    return dm_transaction_get_tree(call->transaction)->options.allow_http;
}

/* L1. */
static DmStatus
check_address(const DmRuleCall *call, const DmValue *value)
{
    g_auto(GStrv) addresses = NULL;

    if (value == NULL)
        return DM_STATUS_OK;
    return dm_addresses_parse(get_text(value), may_be_http(call), &addresses);
}

/* L1, L2: there is no Delete, an empty Replace clears it. */
static DmStatus
check_address_list(const DmRuleCall *call, const DmValue *value)
{
    if (value != NULL && *get_text(value) == '\0')
        return DM_STATUS_OK;
    return check_address(call, value);
}

static void
follow_address_list(const DmRuleCall *call, const DmValue *value)
{
    if (value != NULL && *get_text(value) == '\0')
        dm_transaction_set(call->transaction, call->provider, call->node, NULL);
}

/* One URL, bare, into `*ret_url`. */
static DmStatus
parse_url(const char *text, bool allow_http, char **ret_url)
{
    g_auto(GStrv) addresses = NULL;

    if (strpbrk(text, "<>") != NULL ||
        dm_addresses_parse(text, allow_http, &addresses) != DM_STATUS_OK ||
        g_strv_length(addresses) != 1)
        return DM_STATUS_BAD_REQUEST;
    *ret_url = g_strdup(addresses[0]);
    return DM_STATUS_OK;
}

/* L7: always https, since nothing here ever connects to it. */
static DmStatus
check_https_url(const DmRuleCall *call, const DmValue *value)
{
    g_autofree char *url = NULL;

    return value == NULL ? DM_STATUS_OK : parse_url(get_text(value), false, &url);
}

/* -- L6 -----------------------------------------------------------------------------------------
 */

/* The URLs of `text`, `;` between them; NULL if one is none. */
static GStrv
parse_update(const char *text, bool allow_http)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", DM_ADDRESSES_MAX + 1);
    g_autoptr(GStrvBuilder) urls = g_strv_builder_new();

    if (g_strv_length(parts) == 0 || g_strv_length(parts) > DM_ADDRESSES_MAX)
        return NULL;
    for (gsize i = 0; parts[i] != NULL; i++) {
        g_autofree char *url = NULL;

        if (parse_url(parts[i], allow_http, &url) != DM_STATUS_OK)
            return NULL;
        g_strv_builder_add(urls, url);
    }
    return g_strv_builder_end(urls);
}

/* The row that holds the list in force (L2). */
static DmNodeId
get_list_node(const DmProvider *provider)
{
    return dm_provider_has(provider, DM_NODE_MANAGEMENT_SERVER_ADDRESS_LIST)
               ? DM_NODE_MANAGEMENT_SERVER_ADDRESS_LIST
               : DM_NODE_MANAGEMENT_SERVICE_ADDRESS;
}

static bool
knows_all(const DmProvider *provider, GStrv urls)
{
    g_auto(GStrv) known = NULL;
    DmValue value;

    if (!dm_provider_get(provider, get_list_node(provider), &value))
        return false;
    known = dm_addresses_split(get_text(&value));
    for (gsize i = 0; urls[i] != NULL; i++)
        if (!g_strv_contains((const char *const *)known, urls[i]))
            return false;
    return true;
}

/* The one provider that knows all of `urls`; NULL: none, or several. */
static DmProvider *
find_owner(const DmTree *tree, GStrv urls)
{
    DmProvider *owner = NULL;
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    for (gsize i = 0; i < n && dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE; i++) {
        if (!knows_all(providers[i], urls))
            continue;
        if (owner != NULL)
            return NULL;
        owner = providers[i];
    }
    return owner;
}

static DmStatus
check_address_update(const DmRuleCall *call, const DmValue *value)
{
    g_auto(GStrv) urls = NULL;

    if (value == NULL)
        return DM_STATUS_OK;
    urls = parse_update(get_text(value), may_be_http(call));
    if (urls == NULL || find_owner(dm_transaction_get_tree(call->transaction), urls) == NULL)
        return DM_STATUS_BAD_REQUEST;
    return DM_STATUS_OK;
}

static void
follow_address_update(const DmRuleCall *call, const DmValue *value)
{
    g_auto(GStrv) urls = NULL;
    g_autoptr(GString) text = NULL;
    DmProvider *owner;
    DmValue list = {.format = DM_FORMAT_CHR};

    if (value == NULL)
        return;
    urls = parse_update(get_text(value), may_be_http(call));
    owner = find_owner(dm_transaction_get_tree(call->transaction), urls);
    text = g_string_new(NULL);
    for (gsize i = 0; urls[i] != NULL; i++)
        g_string_append_printf(text, "<%s>", urls[i]);
    list.u.chr = text->str;
    dm_transaction_set(call->transaction, owner, get_list_node(owner), &list);
}

const DmRule dm_rule_address = {.check = check_address};
const DmRule dm_rule_address_list = {.check = check_address_list, .follow = follow_address_list};
const DmRule dm_rule_address_update = {.check = check_address_update,
                                       .follow = follow_address_update};
const DmRule dm_rule_https_url = {.check = check_https_url};
