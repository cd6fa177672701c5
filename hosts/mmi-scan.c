/* SPDX-License-Identifier: MIT */

#include "hosts/mmi-scan.h"

#include <string.h>

#define MAX_DIGITS 18

typedef struct {
    const char *at;
    const char *end;
    guint depth;
    gsize n_members;
    const char *problem; /* of the first that was found */
} Scan;

static bool
fail(Scan *scan, const char *problem)
{
    scan->problem = problem;
    return false;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void
skip_space(Scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\n\r", *scan->at) != NULL)
        scan->at++;
}

/* The next byte, which is not NUL; NUL at the end. */
static char
peek(const Scan *scan)
{
    return *(scan->at < scan->end ? scan->at : "");
}

static bool
take(Scan *scan, char c)
{
    if (peek(scan) != c)
        return false;
    scan->at++;
    return true;
}

static bool
scan_word(Scan *scan, const char *word)
{
    gsize size = strlen(word);

    if ((gsize)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0)
        return fail(scan, "no value");
    scan->at += size;
    return true;
}

static bool
scan_number(Scan *scan)
{
    const char *first;
    gsize n;

    (void)take(scan, '-');
    first = scan->at;
    while (is_digit(peek(scan)))
        scan->at++;
    n = (gsize)(scan->at - first);
    if (n == 0 || (n > 1 && *first == '0'))
        return fail(scan, "a malformed number");
    if (n > MAX_DIGITS)
        return fail(scan, "a number that is too large");
    if (strchr(".eE", peek(scan)) != NULL && peek(scan) != '\0')
        return fail(scan, "a number that is not an integer");
    return true;
}

/* Four hexadecimal digits. */
static bool
scan_unit(Scan *scan, guint *ret_unit)
{
    static const char digits[] = "0123456789abcdef";
    guint unit = 0;

    for (int i = 0; i < 4; i++) {
        char c = peek(scan);
        const char *digit = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

        if (c == '\0' || digit == NULL)
            return fail(scan, "a malformed \\u");
        unit = unit * 16 + (guint)(digit - digits);
        scan->at++;
    }
    *ret_unit = unit;
    return true;
}

static bool
scan_unicode(Scan *scan)
{
    guint unit, second = 0;

    if (!scan_unit(scan, &unit))
        return false;
    if (unit == 0)
        return fail(scan, "a NUL");
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    if (unit < 0xdc00 && take(scan, '\\') && take(scan, 'u')) {
        if (!scan_unit(scan, &second))
            return false;
        if (second >= 0xdc00 && second <= 0xdfff)
            return true;
    }
    return fail(scan, "half a surrogate pair");
}

static bool
scan_string(Scan *scan)
{
    if (!take(scan, '"'))
        return fail(scan, "no string");
    while (!take(scan, '"')) {
        char c = peek(scan);

        if (c == '\0')
            return fail(scan, "a string without an end");
        if ((guchar)c < 0x20)
            return fail(scan, "a control character in a string");
        scan->at++;
        if (c != '\\')
            continue;
        c = peek(scan);
        if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
            return fail(scan, "an unknown escape");
        scan->at++;
        if (c == 'u' && !scan_unicode(scan))
            return false;
    }
    return true;
}

static bool scan_value(Scan *scan);

static bool
scan_member(Scan *scan)
{
    scan->n_members++;
    skip_space(scan);
    if (!scan_string(scan))
        return false;
    skip_space(scan);
    return take(scan, ':') ? scan_value(scan) : fail(scan, "a name without a colon");
}

/* What stands between brackets or braces, `close` the one that ends it. */
static bool
scan_list(Scan *scan, char close, bool (*scan_entry)(Scan *scan))
{
    if (++scan->depth > DM_MMI_SCAN_MAX_DEPTH)
        return fail(scan, "nested too deep");
    scan->at++;
    skip_space(scan);
    if (!take(scan, close)) {
        do {
            if (!scan_entry(scan))
                return false;
            skip_space(scan);
        } while (take(scan, ','));
        if (!take(scan, close))
            return fail(scan, "no comma, and no end");
    }
    scan->depth--;
    return true;
}

static bool
scan_value(Scan *scan)
{
    skip_space(scan);
    switch (peek(scan)) {
    case '{':
        return scan_list(scan, '}', scan_member);
    case '[':
        return scan_list(scan, ']', scan_value);
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    default:
        return peek(scan) == '-' || is_digit(peek(scan)) ? scan_number(scan)
                                                         : fail(scan, "no value");
    }
}

static bool
scan_text(Scan *scan)
{
    const char *first_bad = NULL;

    /* A NUL ends what it takes for valid. */
    if (!g_utf8_validate_len(scan->at, (gsize)(scan->end - scan->at), &first_bad)) {
        scan->at = first_bad;
        return fail(scan, *first_bad == '\0' ? "a NUL" : "not valid UTF-8");
    }
    if (!scan_value(scan))
        return false;
    skip_space(scan);
    return scan->at == scan->end || fail(scan, "more than one value");
}

bool
dm_mmi_scan(const char *text, gsize size, gsize *ret_n_members, const char **ret_problem,
            gsize *ret_offset)
{
    Scan scan = {.at = text, .end = text + size};

    if (scan_text(&scan)) {
        *ret_n_members = scan.n_members;
        return true;
    }
    *ret_problem = scan.problem;
    *ret_offset = (gsize)(scan.at - text);
    return false;
}
