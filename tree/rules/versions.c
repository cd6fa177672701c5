/* SPDX-License-Identifier: MIT */

/* S1: the session version that a server asks for. */

#include <string.h>

#include "tree/rules/topics.h"

/* From this version on it does not go back below it. */
#define ONE_WAY_FROM 20

/* The version of `n.m` or `n`, which means n.0, as ten times n and m: ^(\d\.)?(\d)$. -1 if the
 * text is neither. */
static int
parse_version(const char *text)
{
    if (g_ascii_isdigit(text[0]) && text[1] == '\0')
        return 10 * (text[0] - '0');
    if (strlen(text) == 3 && g_ascii_isdigit(text[0]) && text[1] == '.' && g_ascii_isdigit(text[2]))
        return 10 * (text[0] - '0') + (text[2] - '0');
    return -1;
}

static DmStatus
check_version(const DmRuleCall *call, const DmValue *value)
{
    int version = value == NULL ? 0 : parse_version(value->u.chr == NULL ? "" : value->u.chr);
    DmValue old;

    if (version < 0)
        return DM_STATUS_BAD_REQUEST;
    if (version < ONE_WAY_FROM && dm_provider_get(call->provider, call->node, &old) &&
        old.u.chr != NULL && parse_version(old.u.chr) >= ONE_WAY_FROM)
        return DM_STATUS_NOT_ALLOWED;
    return DM_STATUS_OK;
}

const DmRule dm_rule_version = {.check = check_version};
