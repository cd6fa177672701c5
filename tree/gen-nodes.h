/* SPDX-License-Identifier: MIT */
#pragma once

/* What the programs that are run when the project is built make of tree/nodes.def: the number of
 * each row, and its format. */

enum {
#define DM_NODE(id, ...) DM_NODE_##id,
#include "tree/nodes.def"
#undef DM_NODE
    N_NODES,
    DM_NODE_NONE = N_NODES,
};

typedef enum { CHR, INT, BOOL, NODE, NULL_FORMAT } Format;
#define FORMAT_CHR CHR
#define FORMAT_INT INT
#define FORMAT_BOOL BOOL
#define FORMAT_NODE NODE
#define FORMAT_NULL NULL_FORMAT
