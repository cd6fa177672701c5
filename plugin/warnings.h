/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/tree.h"

/* Logs what an administrator should know of the settings that a server sends: a DmTreeListener,
 * `data` is the DmTree. For now of poll schedules (P4, P8), each time one has changed. */
void dm_warnings_on_changes(const DmChange *changes, gsize n_changes, gpointer data);
