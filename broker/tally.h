/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/command.h"
#include "dbus/tree-call.h"

/* The commands of a session, counted by verb and status (protocol.md section 8). Zero-initialised
 * it is empty. */
typedef struct {
    DmTreeCount counts[DM_TREE_MAX_COUNTS];
    guint n_counts;
} DmTally;

/* Counts one. What is no command is passed over, and so is a combination beyond the first
 * DM_TREE_MAX_COUNTS. */
void dm_tally_add(DmTally *tally, DmVerb verb, DmStatus status);

/* All of them. */
guint dm_tally_sum(const DmTally *tally);
