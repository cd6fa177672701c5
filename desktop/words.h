/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/* What the program says in words, in the user's language. Times are µs since the epoch; strings to
 * be freed with g_free() unless they are const. */

/* "5 minutes ago", "today at 14:05", or the date; "Never" for 0. */
char *dm_words_past(gint64 time_us, gint64 now_us);

/* "in 5 minutes", "today at 14:05", "tomorrow at 14:05", or the date; "None planned" for 0. */
char *dm_words_future(gint64 time_us, gint64 now_us);

/* The date with the days that are left. */
char *dm_words_deadline(gint64 time_us, gint64 now_us);

/* "12 minutes left" of a first sync. */
char *dm_words_left(gint64 time_us, gint64 now_us);

/* What a session does, by its state on the bus; NULL if it does nothing. Const. */
const char *dm_words_session_state(const char *state);

/* Why a session failed and what to do, by the word for it on the bus. Const. */
const char *dm_words_session_error(const char *error);

/* What a category of a first sync is called, and its icon, by its name on the bus; a name that is
 * not known stands for itself. */
const char *dm_words_category(const char *category);
const char *dm_words_category_icon(const char *category);

/* "2 of 5 done, 1 failed". */
char *dm_words_progress(guint total, guint done, guint failed);

/* Why a method of the service failed and what to do, in a sentence. */
char *dm_words_error(const GError *error);
