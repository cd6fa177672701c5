/* SPDX-License-Identifier: MIT */

#include "common/value.h"

#include <stdlib.h>
#include <string.h>

static const char *const format_names[] = {
    [DM_FORMAT_CHR] = "chr",   [DM_FORMAT_INT] = "int",     [DM_FORMAT_BOOL] = "bool",
    [DM_FORMAT_NODE] = "node", [DM_FORMAT_NULL] = "null",   [DM_FORMAT_B64] = "b64",
    [DM_FORMAT_XML] = "xml",   [DM_FORMAT_FLOAT] = "float", [DM_FORMAT_DATE] = "date",
    [DM_FORMAT_TIME] = "time",
};

const char *
dm_format_to_name(DmFormat format)
{
    return format_names[format];
}

bool
dm_format_from_name(const char *name, DmFormat *ret_format)
{
    for (guint i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (strcmp(format_names[i], name) == 0) {
            *ret_format = (DmFormat)i;
            return true;
        }
    }
    return false;
}

DmValue
dm_value_empty(DmFormat format)
{
    return (DmValue){.format = format};
}

DmValue
dm_value_new_chr(const char *text)
{
    return (DmValue){.format = DM_FORMAT_CHR, .u.chr = g_strdup(text)};
}

DmValue
dm_value_new_int(gint64 integer)
{
    return (DmValue){.format = DM_FORMAT_INT, .u.integer = integer};
}

DmValue
dm_value_new_bool(bool boolean)
{
    return (DmValue){.format = DM_FORMAT_BOOL, .u.boolean = boolean};
}

DmValue
dm_value_copy(const DmValue *value)
{
    return value->format == DM_FORMAT_CHR ? dm_value_new_chr(value->u.chr) : *value;
}

void
dm_value_clear(DmValue *value)
{
    if (value == NULL)
        return;
    if (value->format == DM_FORMAT_CHR)
        g_free(value->u.chr);
    *value = dm_value_empty(value->format);
}

static const char *
chr_of(const DmValue *value)
{
    return value->u.chr == NULL ? "" : value->u.chr;
}

bool
dm_value_equal(const DmValue *a, const DmValue *b)
{
    if (a->format != b->format)
        return false;
    if (a->format == DM_FORMAT_CHR)
        return strcmp(chr_of(a), chr_of(b)) == 0;
    if (a->format == DM_FORMAT_INT)
        return a->u.integer == b->u.integer;
    if (a->format == DM_FORMAT_BOOL)
        return a->u.boolean == b->u.boolean;
    return true;
}

const char *
dm_value_to_text(const DmValue *value, char buffer[DM_VALUE_TEXT_MAX])
{
    if (value->format == DM_FORMAT_CHR)
        return chr_of(value);
    if (value->format == DM_FORMAT_BOOL)
        return value->u.boolean ? "true" : "false";
    if (value->format != DM_FORMAT_INT)
        return "";
    (void)g_snprintf(buffer, DM_VALUE_TEXT_MAX, "%" G_GINT64_FORMAT, value->u.integer);
    return buffer;
}

/* What XML 1.0 allows of a decoded character, D-Bus's UTF-8 rules being wider. */
static bool
is_xml_char(gunichar c)
{
    return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) ||
           (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000;
}

bool
dm_text_is_valid(const char *text, gsize size)
{
    gsize i = 0;

    /* Nearly all text is printable ASCII. */
    while (i < size && (guchar)text[i] >= 0x20 && (guchar)text[i] < 0x7F)
        i++;
    if (i == size)
        return true;
    if (!g_utf8_validate_len(text + i, size - i, NULL))
        return false;
    for (const char *p = text + i; p < text + size; p = g_utf8_next_char(p))
        if (!is_xml_char(g_utf8_get_char(p)))
            return false;
    return true;
}

/* The white space of XML. */
static void
trim(const char **text, gsize *size)
{
    while (*size > 0 && strchr(" \t\r\n", **text) != NULL) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && strchr(" \t\r\n", (*text)[*size - 1]) != NULL)
        (*size)--;
}

static bool
is_word(const char *text, gsize size, const char *word)
{
    return size == strlen(word) && g_ascii_strncasecmp(text, word, size) == 0;
}

static bool
parse_bool(const char *text, gsize size, bool *ret_boolean)
{
    bool is_true;

    trim(&text, &size);
    is_true = is_word(text, size, "true") || is_word(text, size, "1");
    if (!is_true && !is_word(text, size, "false") && !is_word(text, size, "0"))
        return false;
    *ret_boolean = is_true;
    return true;
}

static bool
parse_int(const char *text, gsize size, gint64 *ret_integer)
{
    bool negative = false;
    gint64 number = 0;

    trim(&text, &size);
    if (size > 0 && (*text == '+' || *text == '-')) {
        negative = *text == '-';
        text++;
        size--;
    }
    if (size == 0)
        return false;
    for (gsize i = 0; i < size; i++) {
        if (!g_ascii_isdigit(text[i]))
            return false;
        /* Everything past 2^53 is out of any row's range, and stays so. */
        if (number < (G_GINT64_CONSTANT(1) << 53))
            number = number * 10 + (text[i] - '0');
    }
    *ret_integer = negative ? -number : number;
    return true;
}

static bool
is_base64(const char *text, gsize size)
{
    gsize n = 0;
    gsize padding = 0;

    for (gsize i = 0; i < size; i++) {
        if (strchr(" \t\r\n", text[i]) != NULL)
            continue;
        if (text[i] == '=')
            padding++;
        else if (padding > 0 || !(g_ascii_isalnum(text[i]) || text[i] == '+' || text[i] == '/'))
            return false;
        n++;
    }
    return n % 4 == 0 && padding <= 2;
}

static DmStatus
parse_chr(bool is_b64, const char *data, gsize size, DmValue *ret_value)
{
    g_autofree char *decoded = NULL;

    if (is_b64) {
        /* GLib's decoder skips what is not base64: judge it first (V6). */
        if (!is_base64(data, size))
            return DM_STATUS_BAD_FORMAT;
        decoded = g_malloc(size / 4 * 3 + 4);
        if (size > 0) {
            int state = 0;
            guint save = 0;

            size = g_base64_decode_step(data, size, (guchar *)decoded, &state, &save);
        }
        decoded[size] = '\0';
        data = decoded;
    }
    if (!dm_text_is_valid(data, size))
        return DM_STATUS_BAD_FORMAT;
    *ret_value = (DmValue){.format = DM_FORMAT_CHR, .u.chr = g_strndup(data, size)};
    return DM_STATUS_OK;
}

DmStatus
dm_value_parse(DmFormat format, const char *meta_format, const char *data, gsize size,
               DmValue *ret_value)
{
    DmFormat sent = format;
    bool boolean;
    gint64 integer;

    if (meta_format != NULL && *meta_format != '\0' && !dm_format_from_name(meta_format, &sent))
        return DM_STATUS_BAD_FORMAT;

    if (format == DM_FORMAT_CHR)
        return parse_chr(sent == DM_FORMAT_B64, data, size, ret_value);
    if (format == DM_FORMAT_BOOL && parse_bool(data, size, &boolean)) {
        *ret_value = dm_value_new_bool(boolean);
        return DM_STATUS_OK;
    }
    if (format == DM_FORMAT_INT && parse_int(data, size, &integer)) {
        *ret_value = dm_value_new_int(integer);
        return DM_STATUS_OK;
    }
    /* A server that says `bool` for a row of ints means 1 and 0 (V6). */
    if (format == DM_FORMAT_INT && sent == DM_FORMAT_BOOL && parse_bool(data, size, &boolean)) {
        *ret_value = dm_value_new_int(boolean ? 1 : 0);
        return DM_STATUS_OK;
    }
    return DM_STATUS_BAD_FORMAT;
}
