/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/command.h"
#include "hosts/mmi-json.h"
#include "hosts/mmi-state.h"

/* What a desired object asks of the tree: commands, in the order of the node table, and of which
 * node each is. */

typedef struct DmMmiPlan DmMmiPlan;

/* Most entries of `providers`. */
#define DM_MMI_MAX_PROVIDERS 1000

/* What makes the device tree like `desired` (the object `providers`), by one Atomic: whatever is
 * there already is left out, so that nothing is asked for where nothing differs. A provider that is
 * not there is added. NULL, and `*ret_problem` (for g_free()) names provider and leaf, if `desired`
 * is not of the model's form. */
DmMmiPlan *dm_mmi_plan_new_providers(const DmMmiJson *json, JsonNode *desired,
                                     const DmMmiState *state, char **ret_problem);

/* The one command that the object `command` holds; NULL likewise. */
DmMmiPlan *dm_mmi_plan_new_command(const DmMmiJson *json, JsonNode *desired, char **ret_problem);

void dm_mmi_plan_free(DmMmiPlan *plan);

/* The batch; borrowed. Empty: nothing differs. */
const DmCommand *dm_mmi_plan_get(const DmMmiPlan *plan, gsize *ret_n);

/* What command `index` is about, for people: "provider MyMDM, poll.pollOnLogin", or the LocURI. For
 * g_free(). */
char *dm_mmi_plan_describe(const DmMmiPlan *plan, gsize index);

/* commandId of a command; NULL of providers. Borrowed. */
const char *dm_mmi_plan_get_id(const DmMmiPlan *plan);

/* A name of the tree socket's session in which a command runs once, whoever asks again: of its id
 * and all that it says. For g_free(). */
char *dm_mmi_plan_new_session(const DmMmiPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMmiPlan, dm_mmi_plan_free)
