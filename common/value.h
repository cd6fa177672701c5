/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/status.h"

/* Formats of OMA DM. A row of the node table has one of the first five; a command may name any. */
typedef enum {
    DM_FORMAT_CHR,
    DM_FORMAT_INT,
    DM_FORMAT_BOOL,
    DM_FORMAT_NODE,
    DM_FORMAT_NULL,
    DM_FORMAT_B64,
    DM_FORMAT_XML,
    DM_FORMAT_FLOAT,
    DM_FORMAT_DATE,
    DM_FORMAT_TIME,
} DmFormat;

/* The value of one leaf. `chr` is owned by whoever holds the struct, unless a function says
 * "borrowed". DM_FORMAT_NULL and DM_FORMAT_NODE carry nothing. */
typedef struct {
    DmFormat format;
    union {
        char *chr;
        gint64 integer;
        bool boolean;
    } u;
} DmValue;

/* Room for any int or bool as text, with its NUL. */
#define DM_VALUE_TEXT_MAX 24

/* "chr", "int", …: the name on the wire. Const. */
const char *dm_format_to_name(DmFormat format);

/* The format called `name` (exact) into `*ret_format`; false, nothing written, if unknown (V6). */
bool dm_format_from_name(const char *name, DmFormat *ret_format);

/* An unset value of `format`: empty string (not allocated: NULL reads as ""), 0, false. */
DmValue dm_value_empty(DmFormat format);

/* A chr value that owns a copy of `text`. */
DmValue dm_value_new_chr(const char *text);
DmValue dm_value_new_int(gint64 integer);
DmValue dm_value_new_bool(bool boolean);

/* A copy that owns its text. */
DmValue dm_value_copy(const DmValue *value);

/* Frees the text of a chr value and leaves the empty value of its format. NULL is fine. */
void dm_value_clear(DmValue *value);

bool dm_value_equal(const DmValue *a, const DmValue *b);

/* The value's text as Get returns it (V6: `true|false`, decimal). For chr the value's own string,
 * borrowed; otherwise written to `buffer`. Node and null: "". */
const char *dm_value_to_text(const DmValue *value, char buffer[DM_VALUE_TEXT_MAX]);

/* Parses `size` bytes of `data` (followed by a NUL) that came with Meta/Format `meta_format` (NULL
 * or "": none given) as a value of a row of format `format`, which is chr, int or bool. OK and a
 * value in
 * `*ret_value`, owned by the caller; otherwise BAD_FORMAT (V6, V7) and nothing written. Range, cap
 * and pattern are the row's business. */
DmStatus dm_value_parse(DmFormat format, const char *meta_format, const char *data, gsize size,
                        DmValue *ret_value);

/* Whether `size` bytes are valid UTF-8 without NUL and without characters that XML 1.0 forbids
 * (V7); such text is also safe to append to a D-Bus message. */
bool dm_text_is_valid(const char *text, gsize size);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmValue, dm_value_clear)
