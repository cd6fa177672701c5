/* SPDX-License-Identifier: MIT */

#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_FIELDS 24

static const char *
level_to_name(GLogLevelFlags level)
{
    if (level & G_LOG_LEVEL_ERROR)
        return "fatal";
    if (level & G_LOG_LEVEL_CRITICAL)
        return "error";
    if (level & G_LOG_LEVEL_WARNING)
        return "warning";
    if (level & G_LOG_LEVEL_MESSAGE)
        return "notice";
    return (level & G_LOG_LEVEL_INFO) ? "info" : "debug";
}

/* syslog's number of a level, as the journal wants it. */
static const char *
level_to_priority(GLogLevelFlags level)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return "3";
    if (level & G_LOG_LEVEL_WARNING)
        return "4";
    if (level & G_LOG_LEVEL_MESSAGE)
        return "5";
    return (level & G_LOG_LEVEL_INFO) ? "6" : "7";
}

/* Fields that every message has, and that a person at the terminal need not see. */
static bool
is_plumbing(const char *key)
{
    return strcmp(key, "MESSAGE") == 0 || strcmp(key, "PRIORITY") == 0 ||
           g_str_has_prefix(key, "GLIB_") || g_str_has_prefix(key, "CODE_");
}

static void
append_field(GString *line, const GLogField *field)
{
    gssize length = field->length < 0 ? (gssize)strlen(field->value) : field->length;
    g_autofree char *text = g_strndup(field->value, (gsize)length);
    g_autofree char *escaped = dm_log_escape(text);
    g_autofree char *key = g_ascii_strdown(field->key, -1);

    g_string_append_printf(line, " %s=%s", key, escaped);
}

static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    g_autoptr(GString) line = NULL;

    if ((level & G_LOG_LEVEL_DEBUG) && g_log_writer_default_would_drop(level, G_LOG_DOMAIN))
        return G_LOG_WRITER_HANDLED;
    if (g_log_writer_is_journald(STDERR_FILENO))
        return g_log_writer_journald(level, fields, n_fields, NULL);

    line = g_string_new(NULL);
    g_string_append_printf(line, "%s: %s:", g_get_prgname(), level_to_name(level));
    for (gsize i = 0; i < n_fields; i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0) {
            g_autofree char *escaped = dm_log_escape(fields[i].value);

            g_string_append_printf(line, " %s", escaped);
        }
    }
    for (gsize i = 0; i < n_fields; i++)
        if (!is_plumbing(fields[i].key))
            append_field(line, &fields[i]);
    g_string_append_c(line, '\n');
    /* One write a line, so that lines of several processes do not mix. */
    (void)fputs(line->str, stderr);
    return G_LOG_WRITER_HANDLED;
}

void
dm_log_init(const char *name)
{
    g_set_prgname(name);
    g_log_set_writer_func(write_log, NULL, NULL);
}

void
dm_log(GLogLevelFlags level, const char *message, ...)
{
    GLogField fields[MAX_FIELDS + 3];
    gsize n = 0;
    const char *key;
    va_list args;

    fields[n++] = (GLogField){"MESSAGE", message, -1};
    fields[n++] = (GLogField){"PRIORITY", level_to_priority(level), -1};
    fields[n++] = (GLogField){"GLIB_DOMAIN", G_LOG_DOMAIN, -1};
    va_start(args, message);
    while ((key = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);

        g_assert(n < G_N_ELEMENTS(fields));
        if (value != NULL)
            fields[n++] = (GLogField){key, value, -1};
    }
    va_end(args);
    g_log_structured_array(level, fields, n);
}

char *
dm_log_escape(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (g_unichar_iscntrl(c))
            g_string_append_printf(out, "\\x%02x", c);
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}
