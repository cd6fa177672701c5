/* SPDX-License-Identifier: MIT */

/* What goes one way only within a run of a first sync (F2, F3, F4, G3); a new FirstSyncStatus is a
 * new run (F5). */

#include <string.h>

#include "common/value.h"
#include "tree/rules/first-sync.h"
#include "tree/rules/topics.h"

#define MAX_ITEMS 1000
#define MAX_ITEM_BYTES 1024

static bool
is_true(const DmRuleCall *call, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(call->provider, node, &value) && value.u.boolean;
}

/* F2: true stays true. */
static DmStatus
check_finished(const DmRuleCall *call, const DmValue *value)
{
    if (is_true(call, call->node) && (value == NULL || !value->u.boolean))
        return DM_STATUS_NOT_ALLOWED;
    return DM_STATUS_OK;
}

/* F3: once it is true nobody sets it again, not even to true: people are told once. */
static DmStatus
check_sync_done(const DmRuleCall *call, const DmValue *value)
{
    return is_true(call, call->node) ? DM_STATUS_NOT_ALLOWED : DM_STATUS_OK;
}

/* F4: in progress until decided, then as decided. */
static DmStatus
check_provisioned(const DmRuleCall *call, const DmValue *value)
{
    static const gint64 in_progress = 2;
    DmValue old;

    if (!dm_provider_get(call->provider, call->node, &old) || old.u.integer == in_progress)
        return DM_STATUS_OK;
    return value != NULL && dm_value_equal(&old, value) ? DM_STATUS_OK : DM_STATUS_NOT_ALLOWED;
}

/* F1: how much a list may hold. */
static DmStatus
check_list_size(const char *text)
{
    g_auto(GStrv) items = dm_first_sync_split(text, false);
    gsize n = 0;

    for (; items[n] != NULL; n++)
        if (strlen(items[n]) > MAX_ITEM_BYTES)
            return DM_STATUS_BAD_REQUEST;
    return n > MAX_ITEMS ? DM_STATUS_BAD_REQUEST : DM_STATUS_OK;
}

/* F1, and F2: what is expected stays as it is when the server has finished. */
static DmStatus
check_expected_list(const DmRuleCall *call, const DmValue *value)
{
    DmStatus status = DM_STATUS_OK;

    if (value != NULL && value->u.chr != NULL)
        status = check_list_size(value->u.chr);
    if (status != DM_STATUS_OK)
        return status;
    return is_true(call, DM_NODE_FIRST_SYNC_SERVER_HAS_FINISHED_PROVISIONING)
               ? DM_STATUS_NOT_ALLOWED
               : DM_STATUS_OK;
}

const DmRule dm_rule_finished = {.check = check_finished};
const DmRule dm_rule_sync_done = {.check = check_sync_done};
const DmRule dm_rule_provisioned = {.check = check_provisioned};
const DmRule dm_rule_expected_list = {.check = check_expected_list};
