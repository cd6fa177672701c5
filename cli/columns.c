/* SPDX-License-Identifier: MIT */
#include "cli/columns.h"

#include <string.h>
#include <sys/ioctl.h>

#define ELLIPSIS "…"
#define STANDARD_COLUMNS 80
/* Narrower ones are no width to lay text out in, wider ones a mistake. */
#define MIN_COLUMNS 20
#define MAX_COLUMNS 10000

static guint
get_width(gunichar character)
{
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

guint
dm_columns_count(const char *text)
{
    guint columns = 0;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        columns += get_width(g_utf8_get_char(p));
    return columns;
}

/* The end of what fits into `width` columns, and how many it takes. At least one character. */
static const char *
find_end(const char *text, guint width, guint *ret_columns)
{
    const char *p = text;
    guint columns = 0;

    while (*p != '\0') {
        guint more = get_width(g_utf8_get_char(p));

        if (columns + more > width && p != text)
            break;
        columns += more;
        p = g_utf8_next_char(p);
    }
    *ret_columns = columns;
    return p;
}

/* Adds one line of text, without line feeds, in as many lines as it needs. */
static void
wrap_line(GStrvBuilder *lines, const char *line, guint width)
{
    guint columns = 0;

    for (;;) {
        const char *end = width == 0 ? line + strlen(line) : find_end(line, width, &columns);
        const char *blank = end;

        if (*end == '\0')
            break;
        while (blank > line && *blank != ' ')
            blank--;
        if (blank > line)
            end = blank;
        g_autofree char *part = g_strndup(line, (gsize)(end - line));
        g_strv_builder_add(lines, g_strchomp(part));
        line = end + strspn(end, " ");
    }
    g_strv_builder_add(lines, line);
}

GStrv
dm_columns_wrap(const char *text, guint width)
{
    g_autoptr(GStrvBuilder) lines = g_strv_builder_new();
    g_auto(GStrv) parts = g_strsplit(text, "\n", -1);

    if (parts[0] == NULL)
        g_strv_builder_add(lines, "");
    for (guint i = 0; parts[i] != NULL; i++)
        wrap_line(lines, parts[i], width);
    return g_strv_builder_end(lines);
}

void
dm_columns_append_padded(GString *out, const char *text, guint width)
{
    guint columns = dm_columns_count(text);

    g_string_append(out, text);
    for (; columns < width; columns++)
        g_string_append_c(out, ' ');
}

void
dm_columns_append_fitted(GString *out, const char *text, guint width)
{
    guint columns = 0;

    if (width == 0 || dm_columns_count(text) <= width) {
        dm_columns_append_padded(out, text, width);
        return;
    }
    if (width > 1) {
        const char *end = find_end(text, width - 1, &columns);
        /* A single wide character may not fit. */
        if (columns <= width - 1)
            g_string_append_len(out, text, end - text);
        else
            columns = 0;
    }
    g_string_append(out, ELLIPSIS);
    for (columns++; columns < width; columns++)
        g_string_append_c(out, ' ');
}

guint
dm_columns_get_terminal(int fd)
{
    const char *variable = g_getenv("COLUMNS");
    struct winsize size = {.ws_col = 0};
    guint64 columns = 0;

    if (variable != NULL &&
        g_ascii_string_to_unsigned(variable, 10, MIN_COLUMNS, MAX_COLUMNS, &columns, NULL))
        return (guint)columns;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return MAX(size.ws_col, MIN_COLUMNS);
    return STANDARD_COLUMNS;
}
