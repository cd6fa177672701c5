/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "cli/exit.h"

/* What the program says: collected, and written once at the end. Text of servers and of the bus
 * never reaches a terminal unescaped (security.md section 3). */

typedef enum {
    DM_STYLE_PLAIN,
    DM_STYLE_HEADING,
    DM_STYLE_GOOD,
    DM_STYLE_BAD,
} DmStyle;

/* JSON's version: within 1 members are only added. */
#define DM_JSON_SCHEMA 1

typedef struct {
    GString *out; /* standard output so far */
    bool json;
    bool terminal; /* standard output is one */
    bool colour;   /* and may be coloured */
    bool lines;    /* JSON: one object a line */
    guint columns; /* what fits on a line; 0 anything: no terminal */
} DmPrinter;

/* A printer for standard output: colour only on a terminal, and with NO_COLOR unset or empty. */
DmPrinter *dm_printer_new(bool json);
void dm_printer_free(DmPrinter *printer);

/* Writes what was collected; false if that failed (and says so, unless the reader just left). */
bool dm_printer_flush(DmPrinter *printer);

/* Appends `text` (UTF-8 or not) with everything that could steer a terminal or deceive a reader as
 * `\xNN` or `\uNNNN`: control, format (bidi, zero-width), private and unassigned characters.
 * `keep`: characters that stay as they are, such as "\n". */
void dm_printer_append_escaped(GString *out, const char *text, const char *keep);

/* `text`, escaped already, in that style; no line feed. */
void dm_printer_styled(DmPrinter *printer, DmStyle style, const char *text);

/* A line of its own, escaped. */
void dm_printer_heading(DmPrinter *printer, const char *text);

/* The same without a style: a sentence. */
void dm_printer_say(DmPrinter *printer, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "  label  value", the value escaped; its line feeds, and on a terminal what does not fit, go on
 * below the value. NULL value: nothing. */
void dm_printer_field(DmPrinter *printer, DmStyle style, const char *label, const char *value);

/* `size` bytes as they are to a file or pipe; on a terminal escaped, but for line feed and tab. */
void dm_printer_raw(DmPrinter *printer, const char *bytes, gsize size);

/* The message of a failure on standard error, "dmclientctl: " in front; with --json also the object
 * {"schema", "exit", "error"}. Returns `code`. */
DmExit dm_printer_fail(DmPrinter *printer, DmExit code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* A line on standard error, escaped, without ending anything: `warn` with the program's name in
 * front, `complain` as it is. */
void dm_printer_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);
void dm_printer_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* A builder inside the outermost object, "schema" already in it. Unref with g_object_unref(). */
JsonBuilder *dm_printer_json_begin(void);

/* Closes the object and prints it; controls and bidi characters come out as \uNNNN. */
void dm_printer_json_end(DmPrinter *printer, JsonBuilder *builder);

/* Members; NULL text, and a time of 0, are null. Times (µs since the epoch) are RFC 3339, UTC. */
void dm_json_add_string(JsonBuilder *builder, const char *name, const char *text);
void dm_json_add_int(JsonBuilder *builder, const char *name, gint64 value);
void dm_json_add_bool(JsonBuilder *builder, const char *name, bool value);
void dm_json_add_time(JsonBuilder *builder, const char *name, gint64 time_us);
/* "status" and "text" of an OMA DM status. */
void dm_json_add_status(JsonBuilder *builder, DmStatus status);

/* Paragraphs as a terminal, or a file, has them: lines of at most 80 columns, and of less where the
 * terminal has less. Single line feeds in `text` are blanks, two begin a paragraph. */
void dm_printer_paragraphs(DmPrinter *printer, const char *text);

/* A time for people, in the local zone and as the locale has it; NULL for 0. Free with g_free(). */
char *dm_printer_time(gint64 time_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPrinter, dm_printer_free)
