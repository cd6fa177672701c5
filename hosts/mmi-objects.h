/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/status.h"
#include "hosts/mmi-json.h"
#include "hosts/mmi-plan.h"
#include "hosts/tree-client.h"

/* The model's objects against the tree: one or two messages each. */

/* How it ended. */
typedef struct {
    int error;       /* errno value, 0 is success */
    DmStatus status; /* of what failed, otherwise OK; UNAVAILABLE where the tree was not reached */
    bool is_final;   /* the tree has decided */
    char *message;   /* a sentence that names provider and leaf, or the next step; for g_free() */
} DmMmiOutcome;

/* The errno value that OSConfig knows for a status; 0 for a good one. */
int dm_mmi_status_to_errno(DmStatus status);

/* The words for a status, such as "not found". Const. */
const char *dm_mmi_status_to_text(DmStatus status);

/* An outcome of what was refused before the tree was asked; takes `problem`. */
DmMmiOutcome dm_mmi_outcome_refused(DmStatus status, char *problem);

/* The reported objects as JSON, for json->node_unref(); NULL, and the outcome says why. */
JsonNode *dm_mmi_objects_get_hw_dev_id(DmHostTree *tree, const DmMmiJson *json,
                                       DmMmiOutcome *ret_outcome);
JsonNode *dm_mmi_objects_get_providers(DmHostTree *tree, const DmMmiJson *json,
                                       DmMmiOutcome *ret_outcome);

/* Makes the device tree like the desired object; writes nothing where nothing differs, and nothing
 * at all where one leaf is refused (M2). */
DmMmiOutcome dm_mmi_objects_set_providers(DmHostTree *tree, const DmMmiJson *json,
                                          JsonNode *desired);

/* Runs the plan of a command, once in the tree's memory, as `session`. */
DmMmiOutcome dm_mmi_objects_run_command(DmHostTree *tree, const DmMmiPlan *plan,
                                        const char *session);
