/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/value.h"
#include "hosts/mmi-names.h"

/* The node table as OSConfig's model of it: what is below a provider, by name. */

typedef enum {
#define DM_NODE(id, ...) DM_MMI_NODE_##id,
#include "tree/nodes.def"
#undef DM_NODE
    DM_MMI_N_NODES,
    DM_MMI_NODE_NONE = DM_MMI_N_NODES,
} DmMmiNode;

/* What the table says of `node`, which is not NONE. The name is const. */
const char *dm_mmi_model_get_name(DmMmiNode node);
DmMmiNode dm_mmi_model_get_parent(DmMmiNode node);
DmFormat dm_mmi_model_get_format(DmMmiNode node);

/* Whether Add makes it, and interior nodes above it that are missing (V1). */
bool dm_mmi_model_can_add(DmMmiNode node);

/* Its name as the model has it. */
void dm_mmi_model_write_name(DmMmiNode node, char buffer[DM_MMI_NAME_MAX]);

/* Where the rows below a provider begin and end. */
#define DM_MMI_FIRST ((DmMmiNode)(DM_MMI_NODE_PROVIDER + 1))
DmMmiNode dm_mmi_model_get_end(void);

/* The child of `parent` called by `size` bytes of `name` (exact), NONE if there is none; looked for
 * from `hint` on first, for those who ask in the order of the table. */
DmMmiNode dm_mmi_model_find(DmMmiNode parent, const char *name, gsize size, DmMmiNode hint);

/* Whether the model shows the node: an interior one, or a leaf that has a value. */
bool dm_mmi_model_has(DmMmiNode node);

/* Appends "poll.pollOnLogin": the node below its provider as the model names it. */
void dm_mmi_model_append_name(GString *text, DmMmiNode node);

/* The LocURI of what holds the providers; of the leaf of the root `node`; of `node` below the
 * provider `id`. For g_free(). */
char *dm_mmi_model_new_uri(DmMmiNode node, const char *id);
