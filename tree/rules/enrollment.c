/* SPDX-License-Identifier: MIT */

/* How a device may be enrolled: the table's words, "Device|Full". */

#include "tree/rules/topics.h"

static DmStatus
check_type(const DmRuleCall *call, const DmValue *value)
{
    g_auto(GStrv) types = g_strsplit(dm_schema_get(call->node)->allowed, "|", -1);
    const char *text = value == NULL ? NULL : value->u.chr;

    if (value == NULL)
        return DM_STATUS_OK;
    return text != NULL && g_strv_contains((const char *const *)types, text)
               ? DM_STATUS_OK
               : DM_STATUS_BAD_REQUEST;
}

const DmRule dm_rule_enrollment_type = {.check = check_type};
