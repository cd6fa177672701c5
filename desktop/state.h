/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Key files below XDG_STATE_HOME in which the program remembers things from one time to the next.
 * Not to remember is no reason to bother anybody: neither call fails. */

/* What was kept under that name; empty if nothing was, or it cannot be read. Unref with
 * g_key_file_unref(). */
GKeyFile *dm_state_read(const char *name);

/* Keeps it under that name. */
void dm_state_write(GKeyFile *file, const char *name);
