/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/channel.h"

/* What an enrolment that has ended leaves behind here: the files of its certificate and key (E3).
 * They go, unless another provider uses the same certificate, which only the tree knows. */
typedef struct DmRemains DmRemains;

/* The channel is borrowed, and outlives it. */
DmRemains *dm_remains_new(DmChannel *channel, const char *key_directory);

/* NULL is fine. */
void dm_remains_free(DmRemains *remains);

/* An enrolment with this certificate ("" none) ended at `done_us` of the wall clock. */
void dm_remains_note(DmRemains *remains, const char *thumbprint, gint64 done_us);

/* Asks the tree for enrolments that ended while nobody listened. */
void dm_remains_look(DmRemains *remains);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRemains, dm_remains_free)
