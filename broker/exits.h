/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* How a run of the program can end: exit code, short name (which the session's record bears too)
 * and words. One const table: --help prints it, the tests read it. */
typedef struct {
    int code;
    const char *name;
    const char *text;
} DmExit;

#define DM_EXIT_USAGE 64

/* The end that `error` of domain DM_ERROR makes; NULL error: the good one. Const. */
const DmExit *dm_exits_from_error(const GError *error);

/* Appends the table, one line a code. */
void dm_exits_append_table(GString *text);
