/* SPDX-License-Identifier: MIT */

#include "common/uri.h"

#include <string.h>

#include "common/value.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Decodes one segment to `out`, which has room: it never grows. False: an escape that is none. */
static bool
decode_segment(const char *in, gsize size, char *out, gsize *ret_size)
{
    gsize n = size;

    if (memchr(in, '%', size) == NULL) {
        memcpy(out, in, size);
    } else {
        n = 0;
        for (gsize i = 0; i < size; i++) {
            if (in[i] != '%') {
                out[n++] = in[i];
                continue;
            }
            if (i + 2 >= size || !g_ascii_isxdigit(in[i + 1]) || !g_ascii_isxdigit(in[i + 2]))
                return false;
            out[n++] =
                (char)(g_ascii_xdigit_value(in[i + 1]) * 16 + g_ascii_xdigit_value(in[i + 2]));
            i += 2;
        }
    }
    out[n] = '\0';
    *ret_size = n;
    return true;
}

/* A2: what no name may be once decoded. */
static bool
is_legal_segment(const char *segment, gsize size)
{
    gsize i = 0;

    if (size == 0 || (size == 1 && *segment == '*') || (size == 2 && memcmp(segment, "..", 2) == 0))
        return false;
    /* Nearly all names are printable ASCII. */
    while (i < size && (guchar)segment[i] >= 0x20 && (guchar)segment[i] < 0x7F)
        i++;
    if (i == size)
        return true;
    /* No control, C1 neither, and nothing that libdbus or XML would choke on. */
    if (!dm_text_is_valid(segment, size))
        return false;
    for (const char *p = segment; p < segment + size; p = g_utf8_next_char(p))
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return false;
    return true;
}

static DmQuery
parse_query(const char *query, gsize size)
{
    static const struct {
        const char *text;
        DmQuery query;
    } known[] = {
        {"list=Struct", DM_QUERY_LIST_STRUCT}, {"list=StructData", DM_QUERY_LIST_STRUCT_DATA},
        {"prop=Format", DM_QUERY_PROP_FORMAT}, {"prop=Name", DM_QUERY_PROP_NAME},
        {"prop=Type", DM_QUERY_PROP_TYPE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        if (size == strlen(known[i].text) && memcmp(query, known[i].text, size) == 0)
            return known[i].query;
    return DM_QUERY_OTHER;
}

/* Splits what follows "./" on "/" and decodes each part (A2: in this order). */
static DmStatus
parse_segments(const char *text, gsize size, DmUri *ret_uri)
{
    char *out = ret_uri->text;
    const char *end = text + size;

    ret_uri->n_segments = 0;
    for (;;) {
        const char *slash = memchr(text, '/', (gsize)(end - text));
        gsize part = (gsize)((slash == NULL ? end : slash) - text);
        gsize decoded;

        if (ret_uri->n_segments == DM_URI_MAX_SEGMENTS)
            return DM_STATUS_URI_TOO_LONG;
        if (!decode_segment(text, part, out, &decoded) || !is_legal_segment(out, decoded))
            return DM_STATUS_BAD_REQUEST;
        ret_uri->segments[ret_uri->n_segments] = out;
        ret_uri->sizes[ret_uri->n_segments] = decoded;
        ret_uri->n_segments++;
        out += decoded + 1;
        if (slash == NULL)
            return DM_STATUS_OK;
        text = slash + 1;
    }
}

/* Takes "Device" or "User" off the front (A1, A2: in any case). */
static void
take_scope(DmUri *uri)
{
    bool is_user = dm_uri_segment_is(uri, 0, "User");

    uri->scope = is_user ? DM_SCOPE_USER : DM_SCOPE_DEVICE;
    if (!is_user && !dm_uri_segment_is(uri, 0, "Device"))
        return;
    uri->n_segments--;
    memmove(uri->segments, uri->segments + 1, uri->n_segments * sizeof *uri->segments);
    memmove(uri->sizes, uri->sizes + 1, uri->n_segments * sizeof *uri->sizes);
}

DmStatus
dm_uri_parse(const char *text, DmUri *ret_uri)
{
    gsize size = strlen(text);
    const char *question;
    DmStatus status;

    while (size > 0 && is_space(*text)) {
        text++;
        size--;
    }
    while (size > 0 && is_space(text[size - 1]))
        size--;
    if (size > DM_URI_MAX_BYTES)
        return DM_STATUS_URI_TOO_LONG;

    question = memchr(text, '?', size);
    ret_uri->query = DM_QUERY_NONE;
    if (question != NULL) {
        ret_uri->query = parse_query(question + 1, (gsize)(text + size - question - 1));
        size = (gsize)(question - text);
    }
    ret_uri->scope = DM_SCOPE_DEVICE;
    ret_uri->n_segments = 0;
    if (size == 1 && *text == '.')
        return DM_STATUS_OK;
    if (size < 2 || text[0] != '.' || text[1] != '/')
        return DM_STATUS_BAD_REQUEST;

    status = parse_segments(text + 2, size - 2, ret_uri);
    if (status == DM_STATUS_OK)
        take_scope(ret_uri);
    return status;
}

bool
dm_uri_segment_is(const DmUri *uri, guint index, const char *name)
{
    return index < uri->n_segments && g_ascii_strcasecmp(uri->segments[index], name) == 0;
}

void
dm_uri_append_escaped(GString *uri, const char *segment)
{
    static const char digits[] = "0123456789ABCDEF";

    for (const char *p = segment; *p != '\0'; p++) {
        guchar c = (guchar)*p;

        /* Unreserved and sub-delims of RFC 3986, and ":" and "@"; the rest by number. */
        if (g_ascii_isalnum(*p) || strchr("-._~!$&'()*+,;=:@", c) != NULL) {
            g_string_append_c(uri, *p);
        } else {
            g_string_append_c(uri, '%');
            g_string_append_c(uri, digits[c >> 4]);
            g_string_append_c(uri, digits[c & 15]);
        }
    }
}

void
dm_path_append_escaped(GString *path, const char *segment)
{
    static const char digits[] = "0123456789abcdef";

    if (*segment == '\0')
        g_string_append_c(path, '_');
    for (const char *p = segment; *p != '\0'; p++) {
        guchar c = (guchar)*p;

        if (g_ascii_isalnum(*p)) {
            g_string_append_c(path, *p);
        } else {
            g_string_append_c(path, '_');
            g_string_append_c(path, digits[c >> 4]);
            g_string_append_c(path, digits[c & 15]);
        }
    }
}

/* A lower-case hex digit's value; -1 for anything else. */
static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool
dm_path_decode(const char *element, gsize size, char *buffer, gsize room)
{
    gsize n = 0;

    if (size == 0 || room == 0)
        return false;
    if (size == 1 && *element == '_') {
        *buffer = '\0';
        return true;
    }
    for (gsize i = 0; i < size; i++) {
        int high, low;

        if (n + 1 >= room)
            return false;
        if (g_ascii_isalnum(element[i])) {
            buffer[n++] = element[i];
            continue;
        }
        if (element[i] != '_' || i + 2 >= size)
            return false;
        high = hex_value(element[i + 1]);
        low = hex_value(element[i + 2]);
        /* One name, one path: what needs no escape must not have one. */
        if (high < 0 || low < 0 || g_ascii_isalnum((char)(high * 16 + low)))
            return false;
        buffer[n++] = (char)(high * 16 + low);
        i += 2;
    }
    buffer[n] = '\0';
    return dm_text_is_valid(buffer, n);
}

char *
dm_path_unescape(const char *element, gsize size)
{
    /* Decoding never makes it longer. */
    g_autofree char *segment = g_malloc(size + 1);

    return dm_path_decode(element, size, segment, size + 1) ? g_steal_pointer(&segment) : NULL;
}
