/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/channel.h"
#include "common/status.h"

/* What became of commands on LocURIs outside the DMClient tree, on its way to that tree, which may
 * expect them (F6): one call each, several under way at a time, in order. */
typedef struct DmOutcomes DmOutcomes;

/* The channel is borrowed, and outlives it. */
DmOutcomes *dm_outcomes_new(DmChannel *channel);
void dm_outcomes_free(DmOutcomes *outcomes);

/* Queues the outcome of a server's command; text is copied. */
void dm_outcomes_add(DmOutcomes *outcomes, const char *provider, gint64 uid, const char *loc_uri,
                     DmStatus status);

/* Calls `func` once all that was added has been answered; at once if nothing is left. One at a
 * time.
 */
void dm_outcomes_flush(DmOutcomes *outcomes, void (*func)(gpointer data), gpointer data);
