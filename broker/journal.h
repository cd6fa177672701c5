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

/* Adds a line "TIME PROVIDER TEXT", redacted, and with control characters escaped. Without a
 * journal (NULL) nothing happens. */
void dm_journal_add(DmJournal *journal, const char *provider, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The same for a command that has been answered with `status`; `loc_uri` may be NULL. */
void dm_journal_add_command(DmJournal *journal, const char *provider, const char *verb,
                            const char *loc_uri, guint status);

/* The same for message `number` of a session to the server or from it, as it was before it was
 * encrypted or after. */
typedef enum { DM_MESSAGE_SENT, DM_MESSAGE_RECEIVED } DmMessageWay;
void dm_journal_add_message(DmJournal *journal, const char *provider, DmMessageWay way,
                            guint number, GBytes *message);

/* A line as it is written, for whoever watches: redacted but for the name; borrowed for the
 * call. */
typedef struct {
    const char *time;           /* RFC 3339, UTC */
    const char *provider;       /* its name, as it is */
    const char *kind;           /* "sent", "received", "command", "note" */
    const char *text;           /* for people, without time and provider */
    const char *verb, *loc_uri; /* of a command; NULL: none */
    guint status;               /* of a command */
    guint number;               /* of a message */
    gsize size;                 /* of a message, bytes */
} DmJournalEvent;

/* Who is told of each line, and who gets the messages whole; NULL: nobody, at no cost. They must
 * not add lines themselves. */
typedef void (*DmJournalWatch)(const DmJournalEvent *event, gpointer data);
typedef void (*DmJournalRecord)(const char *provider, DmMessageWay way, guint number,
                                GBytes *message, gpointer data);
void dm_journal_set_watch(DmJournal *journal, DmJournalWatch func, gpointer data);
void dm_journal_set_record(DmJournal *journal, DmJournalRecord func, gpointer data);

/* All lines, oldest first, each with its line feed. Free with g_free(). */
char *dm_journal_to_text(const DmJournal *journal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmJournal, dm_journal_free)
