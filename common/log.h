/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Structured log, for programs and for handlers at the edge of the plug-in: layers below return
 * errors and never log. Values set by a server, credentials and full identifiers do not belong in
 * it (security.md section 3). */

/* Makes GLib's log of this process go to the journal when standard error is connected to it,
 * otherwise to standard error, one line a message, with what could spoil a terminal escaped; `name`
 * is the program's. Debug messages show with G_MESSAGES_DEBUG=dmclient. Called once, by main. */
void dm_log_init(const char *name);

/* Logs `message` with at most 24 structured fields: pairs of field name (upper case, as the journal
 * wants them) and value string, ended by NULL. A pair whose value is NULL is left out. */
void dm_log(GLogLevelFlags level, const char *message, ...) G_GNUC_NULL_TERMINATED;

#define dm_log_debug(...) dm_log(G_LOG_LEVEL_DEBUG, __VA_ARGS__, NULL)
#define dm_log_warning(...) dm_log(G_LOG_LEVEL_WARNING, __VA_ARGS__, NULL)
#define dm_log_error(...) dm_log(G_LOG_LEVEL_CRITICAL, __VA_ARGS__, NULL)

/* `text` with control characters, line feeds and ESC as \xNN, and invalid UTF-8 replaced. Free with
 * g_free(). */
char *dm_log_escape(const char *text);
