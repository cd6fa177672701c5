/* SPDX-License-Identifier: MIT */
#include "cli/printer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/columns.h"
#include "common/i18n.h"

#define INDENT 2
#define LABEL_COLUMNS 16
#define GAP 2
/* Fewer columns than this are no room for a value. */
#define MIN_VALUE_COLUMNS 10
#define PARAGRAPH_COLUMNS 80
#define PROGRAM_PREFIX "dmclientctl: "

static const char *const style_codes[] = {
    [DM_STYLE_PLAIN] = "",
    [DM_STYLE_HEADING] = "\033[1m",
    [DM_STYLE_GOOD] = "\033[32m",
    [DM_STYLE_BAD] = "\033[31m",
};

DmPrinter *
dm_printer_new(bool json)
{
    DmPrinter *printer = g_new0(DmPrinter, 1);
    const char *no_color = g_getenv("NO_COLOR");

    printer->out = g_string_new(NULL);
    printer->json = json;
    printer->terminal = isatty(STDOUT_FILENO) == 1;
    printer->columns = printer->terminal ? dm_columns_get_terminal(STDOUT_FILENO) : 0;
    printer->colour = printer->terminal && !json && (no_color == NULL || *no_color == '\0') &&
                      g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    return printer;
}

void
dm_printer_free(DmPrinter *printer)
{
    if (printer == NULL)
        return;
    g_string_free(printer->out, TRUE);
    g_free(printer);
}

bool
dm_printer_flush(DmPrinter *printer)
{
    bool written = fwrite(printer->out->str, 1, printer->out->len, stdout) == printer->out->len &&
                   fflush(stdout) == 0;

    g_string_truncate(printer->out, 0);
    if (!written && errno != EPIPE)
        dm_printer_warn(_("standard output: %s; the command itself was carried out"),
                        g_strerror(errno));
    return written;
}

/* Whether a terminal or a reader could take `character` for something other than a sign. */
static bool
is_deceptive(gunichar character)
{
    static const GUnicodeType types[] = {
        G_UNICODE_CONTROL,     G_UNICODE_FORMAT,         G_UNICODE_UNASSIGNED,
        G_UNICODE_PRIVATE_USE, G_UNICODE_LINE_SEPARATOR, G_UNICODE_PARAGRAPH_SEPARATOR,
    };
    GUnicodeType type = g_unichar_type(character);

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i] == type)
            return true;
    return false;
}

static void
append_escape(GString *out, gunichar character)
{
    if (character < 0x80)
        g_string_append_printf(out, "\\x%02x", character);
    else if (character <= 0xffff)
        g_string_append_printf(out, "\\u%04x", character);
    else
        g_string_append_printf(out, "\\U%08x", character);
}

void
dm_printer_append_escaped(GString *out, const char *text, const char *keep)
{
    const char *p = text;

    while (*p != '\0') {
        gunichar character = g_utf8_get_char_validated(p, -1);

        if (character == (gunichar)-1 || character == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*p++);
            continue;
        }
        if (is_deceptive(character) && (character >= 0x80 || strchr(keep, (int)character) == NULL))
            append_escape(out, character);
        else
            g_string_append_unichar(out, character);
        p += g_unichar_to_utf8(character, NULL);
    }
}

static void
style_begin(DmPrinter *printer, DmStyle style)
{
    if (printer->colour)
        g_string_append(printer->out, style_codes[style]);
}

static void
style_end(DmPrinter *printer, DmStyle style)
{
    if (printer->colour && style != DM_STYLE_PLAIN)
        g_string_append(printer->out, "\033[0m");
}

void
dm_printer_styled(DmPrinter *printer, DmStyle style, const char *text)
{
    style_begin(printer, style);
    g_string_append(printer->out, text);
    style_end(printer, style);
}

void
dm_printer_heading(DmPrinter *printer, const char *text)
{
    g_autoptr(GString) escaped = g_string_new(NULL);

    dm_printer_append_escaped(escaped, text, "");
    dm_printer_styled(printer, DM_STYLE_HEADING, escaped->str);
    g_string_append_c(printer->out, '\n');
}

void
dm_printer_say(DmPrinter *printer, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    dm_printer_append_escaped(printer->out, text, "");
    g_string_append_c(printer->out, '\n');
}

/* How many columns a value may take; 0 any. */
static guint
get_value_columns(const DmPrinter *printer)
{
    guint before = INDENT + LABEL_COLUMNS + GAP;

    if (printer->columns == 0)
        return 0;
    return MAX(printer->columns, before + MIN_VALUE_COLUMNS) - before;
}

void
dm_printer_field(DmPrinter *printer, DmStyle style, const char *label, const char *value)
{
    if (value == NULL)
        return;
    g_autoptr(GString) escaped = g_string_new(NULL);

    dm_printer_append_escaped(escaped, value, "\n");
    g_auto(GStrv) lines = dm_columns_wrap(escaped->str, get_value_columns(printer));
    for (guint i = 0; lines[i] != NULL; i++) {
        g_autoptr(GString) line = g_string_new(NULL);

        g_string_append_printf(line, "%*s", INDENT, "");
        dm_columns_append_padded(line, i == 0 ? label : "", LABEL_COLUMNS);
        if (*lines[i] != '\0') {
            g_string_append_printf(line, "%*s", GAP, "");
            g_string_append(printer->out, line->str);
            dm_printer_styled(printer, style, lines[i]);
        } else {
            g_string_append(printer->out, g_strchomp(line->str));
        }
        g_string_append_c(printer->out, '\n');
    }
}

void
dm_printer_paragraphs(DmPrinter *printer, const char *text)
{
    guint width =
        printer->columns == 0 ? PARAGRAPH_COLUMNS : MIN(printer->columns, (guint)PARAGRAPH_COLUMNS);
    g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);

    for (guint i = 0; paragraphs[i] != NULL; i++) {
        g_auto(GStrv) lines =
            dm_columns_wrap(g_strchomp(g_strdelimit(paragraphs[i], "\n", ' ')), width);
        g_autofree char *joined = g_strjoinv("\n", lines);

        g_string_append_printf(printer->out, "%s%s\n", i > 0 ? "\n" : "", joined);
    }
}

void
dm_printer_raw(DmPrinter *printer, const char *bytes, gsize size)
{
    if (!printer->terminal) {
        g_string_append_len(printer->out, bytes, (gssize)size);
        return;
    }
    g_autofree char *text = g_strndup(bytes, size);
    dm_printer_append_escaped(printer->out, text, "\n\t");
}

static void
say(const char *prefix, const char *text)
{
    g_autoptr(GString) line = g_string_new(prefix);

    dm_printer_append_escaped(line, text, "\n");
    g_string_append_c(line, '\n');
    fputs(line->str, stderr);
}

void
dm_printer_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    say(PROGRAM_PREFIX, text);
}

void
dm_printer_complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    say("", text);
}

DmExit
dm_printer_fail(DmPrinter *printer, DmExit code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    say(PROGRAM_PREFIX, text);
    if (printer->json) {
        g_autoptr(JsonBuilder) builder = dm_printer_json_begin();
        dm_json_add_int(builder, "exit", code);
        dm_json_add_string(builder, "error", text);
        g_string_truncate(printer->out, 0);
        dm_printer_json_end(printer, builder);
    }
    return code;
}

JsonBuilder *
dm_printer_json_begin(void)
{
    JsonBuilder *builder = json_builder_new();

    json_builder_begin_object(builder);
    dm_json_add_int(builder, "schema", DM_JSON_SCHEMA);
    return builder;
}

/* Outside ASCII only strings have characters, and there \uNNNN means the same character. */
static void
append_json(GString *out, const char *json)
{
    for (const char *p = json; *p != '\0';) {
        gunichar character = g_utf8_get_char(p);

        p += g_unichar_to_utf8(character, NULL);
        if (character < 0x7f || !is_deceptive(character))
            g_string_append_unichar(out, character);
        else if (character <= 0xffff)
            g_string_append_printf(out, "\\u%04x", character);
        else
            g_string_append_printf(out, "\\u%04x\\u%04x", 0xd7c0 + (character >> 10),
                                   0xdc00 + (character & 0x3ff));
    }
}

void
dm_printer_json_end(DmPrinter *printer, JsonBuilder *builder)
{
    json_builder_end_object(builder);

    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autoptr(JsonGenerator) generator = json_generator_new();

    json_generator_set_pretty(generator, !printer->lines);
    json_generator_set_root(generator, root);
    g_autofree char *json = json_generator_to_data(generator, NULL);
    append_json(printer->out, json);
    g_string_append_c(printer->out, '\n');
}

void
dm_json_add_string(JsonBuilder *builder, const char *name, const char *text)
{
    json_builder_set_member_name(builder, name);
    if (text == NULL) {
        json_builder_add_null_value(builder);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    json_builder_add_string_value(builder, valid);
}

void
dm_json_add_int(JsonBuilder *builder, const char *name, gint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, value);
}

void
dm_json_add_bool(JsonBuilder *builder, const char *name, bool value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

void
dm_json_add_time(JsonBuilder *builder, const char *name, gint64 time_us)
{
    g_autoptr(GDateTime) time =
        time_us == 0 ? NULL : g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    g_autofree char *text = time == NULL ? NULL : g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");

    dm_json_add_string(builder, name, text);
}

void
dm_json_add_status(JsonBuilder *builder, DmStatus status)
{
    dm_json_add_int(builder, "status", status);
    dm_json_add_string(builder, "text", dm_status_to_text(status));
}

char *
dm_printer_time(gint64 time_us)
{
    g_autoptr(GDateTime) time =
        time_us == 0 ? NULL : g_date_time_new_from_unix_local(time_us / G_USEC_PER_SEC);
    g_autofree char *text = time == NULL ? NULL : g_date_time_format(time, "%c");

    if (text == NULL)
        return NULL;
    /* GLib pads with figure spaces, which nobody finds with grep. */
    GString *plain = g_string_new(text);
    (void)g_string_replace(plain, "\u2007", " ", 0);
    return g_string_free(plain, FALSE);
}
