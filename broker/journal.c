/* SPDX-License-Identifier: MIT */

#include "broker/journal.h"

#include <stdarg.h>
#include <string.h>

#include "common/log.h"

/* What a line costs besides its text. */
#define OVERHEAD 64

#define ID_DIGITS 32

struct DmJournal {
    GQueue lines; /* char*, oldest first */
    gsize size;   /* of all, with what they cost */
    DmJournalWatch watch;
    gpointer watch_data;
    DmJournalRecord record;
    gpointer record_data;
};

DmJournal *
dm_journal_new(void)
{
    return g_new0(DmJournal, 1);
}

void
dm_journal_free(DmJournal *journal)
{
    if (!journal)
        return;
    g_queue_clear_full(&journal->lines, g_free);
    g_free(journal);
}

static char *
format_now(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

    return g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
}

/* Cuts at a whole character. */
static void
cut(char *line)
{
    gsize end = DM_JOURNAL_MAX_LINE;

    if (strlen(line) <= end)
        return;
    while (end > 0 && ((guchar)line[end] & 0xc0) == 0x80)
        end--;
    line[end] = '\0';
}

static void
make_room(DmJournal *journal)
{
    while (journal->size > DM_JOURNAL_MAX_BYTES) {
        g_autofree char *oldest = g_queue_pop_head(&journal->lines);

        journal->size -= strlen(oldest) + OVERHEAD;
    }
}

char *
dm_journal_redact(const char *text)
{
    GString *redacted = g_string_new(NULL);

    while (*text != '\0') {
        gsize length = strspn(text, "0123456789abcdefABCDEF-");
        gsize n_digits = 0;

        for (gsize i = 0; i < length; i++)
            n_digits += text[i] != '-';
        if (n_digits >= ID_DIGITS)
            g_string_append(redacted, "[id]");
        else
            g_string_append_len(redacted, text, (gssize)MAX(length, 1));
        text += MAX(length, 1);
    }
    return g_string_free(redacted, FALSE);
}

/* Redacted, and with control characters escaped. */
static char *
clean(const char *text)
{
    g_autofree char *redacted = dm_journal_redact(text);

    return dm_log_escape(redacted);
}

/* Fills in what all events have, keeps the line and tells who watches. */
static void
add(DmJournal *journal, const char *provider, const char *text, DmJournalEvent *event)
{
    g_autofree char *time = format_now();
    g_autofree char *name = dm_log_escape(provider);
    g_autofree char *cleaned = clean(text);
    char *line = g_strconcat(time, " ", name, " ", cleaned, NULL);

    cut(line);
    g_queue_push_tail(&journal->lines, line);
    journal->size += strlen(line) + OVERHEAD;
    make_room(journal);
    if (!journal->watch)
        return;
    event->time = time;
    event->provider = provider;
    event->text = cleaned;
    journal->watch(event, journal->watch_data);
}

void
dm_journal_add(DmJournal *journal, const char *provider, const char *format, ...)
{
    DmJournalEvent event = {.kind = "note"};
    g_autofree char *text = NULL;
    va_list arguments;

    if (!journal)
        return;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add(journal, provider, text, &event);
}

void
dm_journal_add_command(DmJournal *journal, const char *provider, const char *verb,
                       const char *loc_uri, guint status)
{
    DmJournalEvent event = {.kind = "command", .verb = verb, .status = status};
    g_autofree char *text = NULL;
    g_autofree char *cleaned = NULL;

    if (!journal)
        return;
    text = g_strdup_printf("  %s %s: %u", verb, loc_uri ? loc_uri : "-", status);
    cleaned = loc_uri && journal->watch ? clean(loc_uri) : NULL;
    event.loc_uri = cleaned;
    add(journal, provider, text, &event);
}

void
dm_journal_add_message(DmJournal *journal, const char *provider, DmMessageWay way, guint number,
                       GBytes *message)
{
    const char *kind = way == DM_MESSAGE_SENT ? "sent" : "received";
    DmJournalEvent event = {.kind = kind, .number = number};
    g_autofree char *text = NULL;

    if (!journal)
        return;
    event.size = g_bytes_get_size(message);
    text = g_strdup_printf("message %u %s, %" G_GSIZE_FORMAT " bytes", number, kind, event.size);
    add(journal, provider, text, &event);
    if (journal->record)
        journal->record(provider, way, number, message, journal->record_data);
}

void
dm_journal_set_watch(DmJournal *journal, DmJournalWatch func, gpointer data)
{
    journal->watch = func;
    journal->watch_data = data;
}

void
dm_journal_set_record(DmJournal *journal, DmJournalRecord func, gpointer data)
{
    journal->record = func;
    journal->record_data = data;
}

char *
dm_journal_to_text(const DmJournal *journal)
{
    GString *text = g_string_new(NULL);

    for (const GList *each = journal->lines.head; each; each = each->next) {
        g_string_append(text, each->data);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}
