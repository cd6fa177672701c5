/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Text in the columns of a terminal: wide characters take two, combining ones none. All text is
 * valid UTF-8 and escaped already. Widths of 0 are without limit. */

/* How many columns `text` takes. */
guint dm_columns_count(const char *text);

/* `text` in lines of at most `width` columns, broken at blanks, and inside words that are wider.
 * Line feeds in it begin new lines. At least one line; free with g_strfreev(). */
GStrv dm_columns_wrap(const char *text, guint width);

/* Appends `text` and blanks up to `width` columns; text that is wider is cut and ends in an
 * ellipsis. */
void dm_columns_append_fitted(GString *out, const char *text, guint width);

/* The same without cutting. */
void dm_columns_append_padded(GString *out, const char *text, guint width);

/* The width of the terminal at `fd`: COLUMNS where it is a sensible number, what the terminal says,
 * or 80. */
guint dm_columns_get_terminal(int fd);
