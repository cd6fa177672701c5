/* SPDX-License-Identifier: MIT */
#pragma once

#include <adwaita.h>
#include <stdbool.h>

/* Rows of text that may come from a server: never markup. What has not changed is left alone, so
 * that nothing moves under the reader's hands, and nothing is said twice. */

/* Sets what the row says below its title; an empty text hides the row. Returns whether it shows. */
bool dm_row_set(AdwActionRow *row, const char *text);

/* Text that runs from left to right in every language (numbers, addresses, names of settings), so
 * that one from right to left does not turn it round. Free with g_free(). */
char *dm_text_isolate(const char *text);

/* Sets a label's text; an empty one hides it. */
void dm_label_set(GtkLabel *label, const char *text);

/* Has a button said by its label, without the underscore of the mnemonic, which GTK 4.8 reads out.
 */
void dm_button_name(GtkWidget *button);

/* A row without markup: icon (or NULL), title, text (or NULL). Floating. */
GtkWidget *dm_row_new(const char *icon, const char *title, const char *text);

/* As many rows as are needed in a group or an expander, which is `parent`. */
typedef struct {
    GtkWidget *parent;
    GPtrArray *rows; /* AdwActionRow, borrowed from the parent */
} DmRows;

void dm_rows_init(DmRows *rows, GtkWidget *parent);
void dm_rows_clear(DmRows *rows);

/* The row number `i`, made if it is not there; those before it must be. Borrowed. */
AdwActionRow *dm_rows_get(DmRows *rows, guint i);

/* Removes all from number `n` on. */
void dm_rows_trim(DmRows *rows, guint n);
