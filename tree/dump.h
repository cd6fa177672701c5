/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "tree/schema.h"

/* The node table as documents. Each appends a whole one. */

/* Its facts as CSV: a head line, then a line a node, in the columns of the specification's table.
 */
void dm_dump_facts(GString *out);

/* The device description framework of OMA DM 1.2 (XML): the device's tree, then the users'. */
void dm_dump_ddf(GString *out);

/* The node reference for people (Markdown). */
void dm_dump_markdown(GString *out);

/* The verbs of `ops` in alphabetical order, `separator` between. */
void dm_dump_append_ops(GString *out, DmOps ops, const char *separator);

/* The words of the table's columns. Const. */
const char *dm_dump_occurrence_name(DmOccurrence occurrence);
const char *dm_dump_scope_name(DmNodeScope scope);
const char *dm_dump_roots_name(DmRoots roots);
const char *dm_dump_read_name(DmReadClass read);
