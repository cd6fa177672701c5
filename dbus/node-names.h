/* SPDX-License-Identifier: MIT */
#pragma once

/* Names of nodes for those who know them only from the bus, where properties and interfaces bear
 * them (design section 5): the node table as data, without the tree's code. */

typedef enum {
#define DM_NODE(id, ...) DM_NAME_##id,
#include "tree/nodes.def"
#undef DM_NODE
} DmNodeName;

/* The last segment of a node's LocURI: a leaf's property, an interior node's interface. Const. */
static inline const char *
dm_node_name(DmNodeName id)
{
    static const char *const names[] = {
#define DM_NODE(id, parent, name, ...) [DM_NAME_##id] = name,
#include "tree/nodes.def"
#undef DM_NODE
    };
    return names[id];
}
