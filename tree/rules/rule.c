/* SPDX-License-Identifier: MIT */
#include "tree/rules/rule.h"

#include "tree/rules/topics.h"

const DmRule *
dm_rule_get(DmRuleId id)
{
    static const DmRule none = {0};
    static const DmRule *const rules[DM_RULE_N] = {
        [DM_RULE_NONE] = &none,
        [DM_RULE_ADDRESS] = &dm_rule_address,
        [DM_RULE_ADDRESS_LIST] = &dm_rule_address_list,
        [DM_RULE_ADDRESS_UPDATE] = &dm_rule_address_update,
        [DM_RULE_VERSION] = &dm_rule_version,
        [DM_RULE_ENROLLMENT_TYPE] = &dm_rule_enrollment_type,
        [DM_RULE_HTTPS_URL] = &dm_rule_https_url,
        [DM_RULE_POLL] = &dm_rule_poll,
        [DM_RULE_EXPECTED_LIST] = &dm_rule_expected_list,
        [DM_RULE_FINISHED] = &dm_rule_finished,
        [DM_RULE_SYNC_DONE] = &dm_rule_sync_done,
        [DM_RULE_PROVISIONED] = &dm_rule_provisioned,
        [DM_RULE_CERTIFICATE] = &dm_rule_certificate,
        [DM_RULE_LINES] = &none,
    };

    g_assert(id < DM_RULE_N);
    return rules[id];
}
