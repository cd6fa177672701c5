/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/target.h"

/* The verbs that change nodes, each on a target that dm_target_find() took: the checks of rules
 * section 2 from the node itself on, then the change. Statuses as the rules say. */

DmStatus dm_apply_add(DmTransaction *transaction, const DmTarget *target, const DmCommand *command);
DmStatus dm_apply_replace(DmTransaction *transaction, const DmTarget *target,
                          const DmCommand *command);
DmStatus dm_apply_delete(DmTransaction *transaction, const DmTarget *target);

/* Sets a leaf below a provider whether it was set or not, and makes the parents that are missing:
 * for provisioning (V10). Without Data as Add. */
DmStatus dm_apply_set(DmTransaction *transaction, const DmTarget *target, const DmCommand *command);

/* Removes a provider; with one of the device tree go those of its name in the users' trees (E3). */
void dm_apply_delete_provider(DmTransaction *transaction, DmProvider *provider);

/* Whether Exec may run (E1), and the provider whose enrolment it ends. */
DmStatus dm_apply_check_exec(DmTransaction *transaction, const DmTarget *target,
                             const DmCommand *command, DmProvider **ret_provider);
