/* SPDX-License-Identifier: MIT */

#include "syncml/scan.h"

#include <string.h>

#include "common/error.h"

typedef struct {
    const char *bytes;
    const char *end;
    const char *at; /* everything before it has been looked at */
    const DmScanLimits *limits;
    guint depth;
    guint16 *name_sizes; /* of the elements that are open */
    guint n_elements;
    bool has_references; /* an "&" anywhere */
    GError **error;
} Scan;

guint
dm_scan_get_line(const char *bytes, gsize position)
{
    guint line = 1;

    for (gsize i = 0; i < position; i++)
        line += bytes[i] == '\n';
    return line;
}

/* Sets the error for `where`; false for the caller to return. */
static G_GNUC_PRINTF(4, 5) bool refuse(Scan *scan, const char *where, int code, const char *format,
                                       ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(scan->error, DM_ERROR, code, "line %u: %s",
                dm_scan_get_line(scan->bytes, (gsize)(where - scan->bytes)), what);
    return false;
}

static bool
starts_with(const Scan *scan, const char *at, const char *text)
{
    gsize size = strlen(text);

    return (gsize)(scan->end - at) >= size && memcmp(at, text, size) == 0;
}

/* The first `text` at or after `from`; NULL if there is none. */
static const char *
find(const Scan *scan, const char *from, const char *text)
{
    return memmem(from, (gsize)(scan->end - from), text, strlen(text));
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether XML 1.0 allows the character. */
static bool
is_xml_char(gint64 c)
{
    return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) ||
           (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

/* The reference at `at`, which is "&"; `*ret_end` is after its ";". */
static bool
check_reference(Scan *scan, const char *at, const char **ret_end)
{
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    bool hexadecimal = starts_with(scan, at, "&#x");
    const char *p = at + (hexadecimal ? 3 : 2);
    const char *digits = p;
    gint64 character = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(entities); i++) {
        if (starts_with(scan, at, entities[i])) {
            *ret_end = at + strlen(entities[i]);
            return true;
        }
    }
    if (!starts_with(scan, at, "&#"))
        return refuse(scan, at, DM_ERROR_INVALID, "an entity that is none of XML's five");
    for (; p < scan->end && p - digits < 10 && g_ascii_isxdigit(*p); p++) {
        if (!hexadecimal && !g_ascii_isdigit(*p))
            break;
        character = character * (hexadecimal ? 16 : 10) + g_ascii_xdigit_value(*p);
    }
    if (p == digits || p == scan->end || *p != ';' || !is_xml_char(character))
        return refuse(scan, at, DM_ERROR_INVALID, "a reference to no character of XML");
    *ret_end = p + 1;
    return true;
}

/* The references from `at` to `end`. */
static bool
check_references(Scan *scan, const char *at, const char *end)
{
    while (scan->has_references && at < end && (at = memchr(at, '&', (gsize)(end - at))) != NULL)
        if (!check_reference(scan, at, &at))
            return false;
    return true;
}

/* Text up to the next "<" or the end. */
static bool
scan_text(Scan *scan)
{
    const char *text = scan->at;
    const char *next = memchr(text, '<', (gsize)(scan->end - text));

    scan->at = next == NULL ? scan->end : next;
    return check_references(scan, text, scan->at);
}

static bool
refuse_unended_tag(Scan *scan, const char *at, const char *limit)
{
    if (limit < scan->end)
        return refuse(scan, at, DM_ERROR_TOO_LARGE, "a tag of more than %" G_GSIZE_FORMAT " bytes",
                      scan->limits->max_tag_bytes);
    return refuse(scan, at, DM_ERROR_INVALID, "a tag that does not end");
}

/* An attribute's value; `at` is its opening quote, `*ret_end` comes after the closing one. */
static bool
scan_value(Scan *scan, const char *at, const char *limit, const char **ret_end)
{
    const char *close = memchr(at + 1, *at, (gsize)(limit - at - 1));

    if (close == NULL)
        return refuse_unended_tag(scan, at, limit);
    if (memchr(at, '<', (gsize)(close - at)) != NULL)
        return refuse(scan, at, DM_ERROR_INVALID, "a \"<\" in an attribute");
    *ret_end = close + 1;
    return check_references(scan, at, close);
}

static const char *
get_tag_limit(const Scan *scan)
{
    gsize rest = (gsize)(scan->end - scan->at);

    return scan->at + MIN(rest, scan->limits->max_tag_bytes);
}

static bool
scan_end_tag(Scan *scan)
{
    const char *limit = get_tag_limit(scan);
    const char *close;

    if (scan->depth == 0)
        return refuse(scan, scan->at, DM_ERROR_INVALID, "the end of an element that is not open");
    /* As a rule the tag is its "</", the name that the element began with, and ">"; libxml2 ends
     * at any other name, so that what the scan made of it does not matter. */
    close = scan->at + 2 + scan->name_sizes[--scan->depth];
    if (close >= limit || *close != '>')
        close = memchr(scan->at, '>', (gsize)(limit - scan->at));
    if (close == NULL)
        return refuse_unended_tag(scan, scan->at, limit);
    scan->at = close + 1;
    return true;
}

/* The attributes from `at` on; `*ret_close` is the ">" of the tag. */
static bool
scan_attributes(Scan *scan, const char *at, const char *limit, const char **ret_close)
{
    static const bool ends_run[256] = {['>'] = true, ['<'] = true, ['"'] = true, ['\''] = true};
    guint n_attributes = 0;

    for (;;) {
        while (at < limit && !ends_run[(guchar)*at])
            at++;
        if (at == limit)
            return refuse_unended_tag(scan, scan->at, limit);
        if (*at == '>')
            break;
        if (*at == '<')
            return refuse(scan, at, DM_ERROR_INVALID, "a \"<\" in a tag");
        if (++n_attributes > scan->limits->max_attributes)
            return refuse(scan, at, DM_ERROR_TOO_LARGE, "more than %u attributes in a tag",
                          scan->limits->max_attributes);
        if (!scan_value(scan, at, limit, &at))
            return false;
    }
    *ret_close = at;
    return true;
}

static bool
scan_start_tag(Scan *scan)
{
    static const bool ends_name[256] = {
        ['>'] = true, ['<'] = true,  ['"'] = true,  ['\''] = true, ['/'] = true,
        [' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true};
    const char *limit = get_tag_limit(scan);
    const char *name_end = scan->at + 1;
    const char *close;

    while (name_end < limit && !ends_name[(guchar)*name_end])
        name_end++;
    close = name_end;
    if ((close == limit || *close != '>') && !scan_attributes(scan, name_end, limit, &close))
        return false;
    if (++scan->n_elements > scan->limits->max_elements)
        return refuse(scan, scan->at, DM_ERROR_TOO_LARGE, "more than %u elements",
                      scan->limits->max_elements);
    if (scan->depth == scan->limits->max_depth)
        return refuse(scan, scan->at, DM_ERROR_TOO_LARGE, "elements more than %u deep",
                      scan->limits->max_depth);
    if (close[-1] != '/')
        scan->name_sizes[scan->depth++] = (guint16)(name_end - scan->at - 1);
    scan->at = close + 1;
    return true;
}

/* "<!" or "<?": comments and CDATA are passed over, all else is refused. */
static bool
scan_special(Scan *scan)
{
    const char *close;

    if (starts_with(scan, scan->at, "<!--")) {
        close = find(scan, scan->at + 4, "-->");
        if (close == NULL)
            return refuse(scan, scan->at, DM_ERROR_INVALID, "a comment that does not end");
    } else if (starts_with(scan, scan->at, "<![CDATA[")) {
        close = find(scan, scan->at + 9, "]]>");
        if (close == NULL)
            return refuse(scan, scan->at, DM_ERROR_INVALID, "a CDATA section that does not end");
    } else if (scan->at[1] == '?') {
        return refuse(scan, scan->at, DM_ERROR_INVALID, "a processing instruction");
    } else {
        return refuse(scan, scan->at, DM_ERROR_INVALID, "a DOCTYPE or another declaration");
    }
    scan->at = close + 3;
    return true;
}

/* One `name="value"` of the XML declaration; `*ret_end` comes after it. */
static bool
check_declared(Scan *scan, const char *at, const char *close, const char **ret_end)
{
    const char *equals = memchr(at, '=', (gsize)(close - at));
    const char *value = equals == NULL ? close : equals + 1;
    const char *name_end = equals;
    const char *value_end;
    g_autofree char *name = NULL, *text = NULL;

    while (value < close && is_space(*value))
        value++;
    if (value == close || (*value != '"' && *value != '\'') ||
        (value_end = memchr(value + 1, *value, (gsize)(close - value - 1))) == NULL)
        return refuse(scan, at, DM_ERROR_INVALID, "an XML declaration that is none");
    while (name_end > at && is_space(name_end[-1]))
        name_end--;
    name = g_strndup(at, (gsize)(name_end - at));
    text = g_strndup(value + 1, (gsize)(value_end - value - 1));
    *ret_end = value_end + 1;
    if (strcmp(name, "version") == 0) {
        if (strcmp(text, "1.0") != 0)
            return refuse(scan, at, DM_ERROR_INVALID, "a version of XML other than 1.0");
    } else if (strcmp(name, "encoding") == 0) {
        if (g_ascii_strcasecmp(text, "utf-8") != 0 && g_ascii_strcasecmp(text, "utf-16") != 0)
            return refuse(scan, at, DM_ERROR_INVALID, "an encoding other than utf-8");
    } else if (strcmp(name, "standalone") != 0) {
        return refuse(scan, at, DM_ERROR_INVALID, "an XML declaration that is none");
    }
    return true;
}

/* Passes over byte order mark and XML declaration. libxml2 never sees them: a utf-16 declared over
 * UTF-8 bytes would mislead it. */
static bool
scan_declaration(Scan *scan)
{
    const char *close, *p;

    if (starts_with(scan, scan->at, "\xef\xbb\xbf"))
        scan->at += 3;
    if (!starts_with(scan, scan->at, "<?xml") || scan->at + 5 == scan->end ||
        !is_space(scan->at[5]))
        return true;
    close = find(scan, scan->at, "?>");
    if (close == NULL || (gsize)(close - scan->at) > scan->limits->max_tag_bytes)
        return refuse(scan, scan->at, DM_ERROR_INVALID, "an XML declaration that does not end");
    p = scan->at + 5;
    for (;;) {
        while (p < close && is_space(*p))
            p++;
        if (p == close)
            break;
        if (!check_declared(scan, p, close, &p))
            return false;
    }
    scan->at = close + 2;
    return true;
}

/* Valid UTF-8 without NUL; nearly all documents are ASCII, and known to be so eight bytes at a
 * time. */
static bool
check_text(Scan *scan)
{
    gsize size = (gsize)(scan->end - scan->bytes);
    const char *nul = memchr(scan->bytes, '\0', size);
    const char *valid_end = scan->bytes;
    guint64 seen = 0, word;
    gsize i = 0;

    if (starts_with(scan, scan->bytes, "\xff\xfe") || starts_with(scan, scan->bytes, "\xfe\xff") ||
        (nul != NULL && nul - scan->bytes < 2))
        return refuse(scan, scan->bytes, DM_ERROR_INVALID, "text in UTF-16; only UTF-8 is taken");
    if (nul != NULL)
        return refuse(scan, nul, DM_ERROR_INVALID, "a NUL");
    for (; i + sizeof(word) <= size; i += sizeof(word)) {
        memcpy(&word, scan->bytes + i, sizeof(word));
        seen |= word;
    }
    for (; i < size; i++)
        seen |= (guchar)scan->bytes[i];
    if ((seen & 0x8080808080808080u) != 0 && !g_utf8_validate_len(scan->bytes, size, &valid_end))
        return refuse(scan, valid_end, DM_ERROR_INVALID, "text that is not valid UTF-8");
    return true;
}

bool
dm_scan(const char *bytes, gsize size, const DmScanLimits *limits, DmScanResult *ret_result,
        GError **error)
{
    guint16 name_sizes[DM_SCAN_MAX_DEPTH];
    Scan scan = {.bytes = bytes,
                 .end = bytes + size,
                 .at = bytes,
                 .limits = limits,
                 .name_sizes = name_sizes,
                 .error = error};
    gsize start;

    g_assert(limits->max_depth <= DM_SCAN_MAX_DEPTH && limits->max_tag_bytes <= G_MAXUINT16);

    if (size > limits->max_bytes) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "%" G_GSIZE_FORMAT " bytes; at most %" G_GSIZE_FORMAT " are taken", size,
                    limits->max_bytes);
        return false;
    }
    if (!check_text(&scan) || !scan_declaration(&scan))
        return false;
    start = (gsize)(scan.at - bytes);
    scan.has_references = memchr(bytes, '&', size) != NULL;
    while (scan.at < scan.end) {
        bool good;

        if (*scan.at != '<')
            good = scan_text(&scan);
        else if (scan.at + 1 == scan.end)
            good = refuse(&scan, scan.at, DM_ERROR_INVALID, "a tag that does not end");
        else if (scan.at[1] == '/')
            good = scan_end_tag(&scan);
        else if (scan.at[1] == '!' || scan.at[1] == '?')
            good = scan_special(&scan);
        else
            good = scan_start_tag(&scan);
        if (!good)
            return false;
    }
    ret_result->start = start;
    ret_result->start_line = dm_scan_get_line(bytes, start);
    ret_result->n_elements = scan.n_elements;
    return true;
}
