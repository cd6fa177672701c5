/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/rules/rule.h"

/* The hooks of each topic, for tree/rules/rule.c, which hands them out by DmRuleId. */

extern const DmRule dm_rule_address;         /* address-rows.c */
extern const DmRule dm_rule_address_list;    /* address-rows.c */
extern const DmRule dm_rule_address_update;  /* address-rows.c */
extern const DmRule dm_rule_https_url;       /* address-rows.c */
extern const DmRule dm_rule_version;         /* versions.c */
extern const DmRule dm_rule_enrollment_type; /* enrollment.c */
extern const DmRule dm_rule_poll;            /* poll-rows.c */
extern const DmRule dm_rule_expected_list;   /* latches.c */
extern const DmRule dm_rule_finished;        /* latches.c */
extern const DmRule dm_rule_sync_done;       /* latches.c */
extern const DmRule dm_rule_provisioned;     /* latches.c */
extern const DmRule dm_rule_certificate;     /* certificates.c */
