/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* A device that its server has not reached for too long unenrols itself (P10). */

/* Boot time at which to look whether contact with a server is lost; -1: there is nothing to watch.
 * At most a day ahead: the wall clock, which the days are counted by, may be set meanwhile. */
gint64 dm_lost_contact_get_due_us(const DmTree *tree);

/* Unenrols each provider whose contact is lost. False and DM_ERROR STORAGE or FULL, the first of
 * them; the others are tried all the same. */
bool dm_lost_contact_unenroll(DmTree *tree, GError **error);
