/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "cli/printer.h"

/* A table for people, as wide as its longest cells, or as the terminal: then the columns that may
 * shrink give way, the widest first, and what does not fit is cut. Elsewhere nothing is cut. */

typedef enum {
    DM_TABLE_TEXT,   /* to the left, may shrink */
    DM_TABLE_FIXED,  /* to the left, as wide as it is */
    DM_TABLE_NUMBER, /* to the right, as wide as it is */
} DmTableKind;

typedef struct {
    const char *heading; /* translated; borrowed until the table is printed */
    DmTableKind kind;
} DmTableColumn;

typedef struct DmTable DmTable;

/* A table with these columns (const, or longer-lived), without rows. */
DmTable *dm_table_new(const DmTableColumn *columns, guint n_columns);
void dm_table_free(DmTable *table);

/* A row: as many cells as there are columns, copied; NULL is an empty one. Line feeds, and whatever
 * else is no sign, come out escaped. `style` is the row's. */
void dm_table_add(DmTable *table, DmStyle style, const char *const *cells);

/* Prints it, `indent` columns in, with its headings in capitals as they were given. */
void dm_table_print(const DmTable *table, guint indent, DmPrinter *printer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTable, dm_table_free)
