/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/command.h"
#include "hosts/mmi-json.h"
#include "hosts/mmi-model.h"

/* The providers of the device tree as one answer of the tree tells them. */

typedef struct {
    char *id;
    /* Text of leaves, "" for interior nodes; NULL: not there. Borrowed from the answer. */
    const char *values[DM_MMI_N_NODES];
} DmMmiProvider;

typedef struct DmMmiState DmMmiState;

/* The LocURI to Get, whose answer dm_mmi_state_new() reads; for g_free(). */
char *dm_mmi_state_new_uri(void);

/* Reads what that Get brought; the items must outlive the state. NULL if they are not a walk
 * through providers; nodes that are not known are passed over. */
DmMmiState *dm_mmi_state_new(const DmResultItem *items, gsize n_items);
void dm_mmi_state_free(DmMmiState *state);

/* The provider that a LocURI with `id` would name (A2): exactly, otherwise in another ASCII case if
 * there is but one. Borrowed; NULL is none. */
const DmMmiProvider *dm_mmi_state_find(const DmMmiState *state, const char *id);

/* The reported object `providers`: an array with an object for each, with every leaf that is there.
 * For json->node_unref(). */
JsonNode *dm_mmi_state_to_json(const DmMmiState *state, const DmMmiJson *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMmiState, dm_mmi_state_free)
