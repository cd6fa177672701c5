/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What the last sessions did, a line each, in memory only: for whoever has to find out why a
 * session went as it did. Redacted where it is written: LocURIs, verbs, statuses and ends, never
 * Data, credentials, tokens or identifiers (security.md section 3). */
typedef struct DmJournal DmJournal;

/* Most bytes of all lines together; the oldest make room. And of one line: it is cut there. */
#define DM_JOURNAL_MAX_BYTES (256 * 1024)
#define DM_JOURNAL_MAX_LINE 1024

DmJournal *dm_journal_new(void);
void dm_journal_free(DmJournal *journal);

/* `text` with what looks like an identifier (32 hexadecimal digits or more, dashes among them)
 * replaced by "[id]". Free with g_free(). */
char *dm_journal_redact(const char *text);

/* Adds a line "TIME PROVIDER TEXT", redacted, and with control characters
 * escaped. Without a journal (NULL)
 * nothing happens. */
void dm_journal_add(DmJournal *journal, const char *provider, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* All lines, oldest first, each with its line feed. Free with g_free(). */
char *dm_journal_to_text(const DmJournal *journal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmJournal, dm_journal_free)
