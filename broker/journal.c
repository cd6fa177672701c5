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

void
dm_journal_add(DmJournal *journal, const char *provider, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *redacted = NULL;
    g_autofree char *time = NULL;
    g_autofree char *whole = NULL;
    char *line;
    va_list arguments;

    if (!journal)
        return;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    time = format_now();
    redacted = dm_journal_redact(text);
    whole = g_strconcat(time, " ", provider, " ", redacted, NULL);
    line = dm_log_escape(whole);
    cut(line);
    g_queue_push_tail(&journal->lines, line);
    journal->size += strlen(line) + OVERHEAD;
    make_room(journal);
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
