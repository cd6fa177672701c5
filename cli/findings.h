/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/exit.h"
#include "cli/printer.h"

/* What 'doctor' found, here and by the broker's check. */
typedef struct {
    GPtrArray *findings; /* of findings.c */
    GPtrArray *skipped;  /* char*: what could not be looked at */
    DmExit exit;         /* OK, or why nothing could be asked */
    bool is_enrolled;
} DmFindingList;

DmFindingList *dm_finding_list_new(void);
void dm_finding_list_free(DmFindingList *list);

/* Adds one of this program's: level "ok", "warning" or "error"; `next` NULL: nothing is to be done.
 */
void dm_finding_list_add(DmFindingList *list, const char *level, const char *id, const char *next,
                         const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Adds what only root may look at. */
void dm_finding_list_skip(DmFindingList *list, const char *what);

/* Adds those that 'dmclient-broker --check --json' printed; false if they are none, or one is of an
 * unknown form: then nothing is added. */
bool dm_finding_list_add_json(DmFindingList *list, const char *json);

void dm_finding_list_print(const DmFindingList *list, DmPrinter *printer);
void dm_finding_list_print_json(const DmFindingList *list, DmPrinter *printer);

/* NOT_RUNNING or DENIED where the service could not be asked; FAILURE where something is wrong;
 * NOT_ENROLLED; OK. */
DmExit dm_finding_list_get_exit(const DmFindingList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFindingList, dm_finding_list_free)
