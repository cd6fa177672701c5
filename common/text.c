/* SPDX-License-Identifier: MIT */

#include "common/text.h"

#include <string.h>

/* Whether it is one of the characters that must not reach people, beside ASCII. */
static bool
is_hidden(gunichar c)
{
    static const struct {
        gunichar first, last;
    } hidden[] = {
        {0x80, 0x9f},       /* C1 */
        {0x061c, 0x061c},   /* Arabic letter mark */
        {0x180e, 0x180e},   /* Mongolian vowel separator, zero-width */
        {0x200b, 0x200f},   /* zero-width space and joiners, direction marks */
        {0x2028, 0x202e},   /* line and paragraph separators, embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, deprecated formats */
        {0xfeff, 0xfeff},   /* zero-width no-break space */
        {0xfff9, 0xfffb},   /* interlinear annotations */
        {0xe0000, 0xe007f}, /* tags */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(hidden); i++) {
        if (c < hidden[i].first)
            return false;
        if (c <= hidden[i].last)
            return true;
    }
    return false;
}

static bool
is_shown(gunichar c, DmTextShape shape)
{
    if (c < 0x80)
        return (c >= 0x20 && c != 0x7f) || (c == '\n' && shape == DM_TEXT_LINES);
    return !is_hidden(c);
}

/* Whether the byte begins nothing but itself, or a character that is shown. */
static bool
is_plain(const char *text, DmTextShape shape)
{
    guchar byte = (guchar)*text;

    return byte < 0x80 ? is_shown(byte, shape)
                       : (byte & 0xc0) == 0x80 || is_shown(g_utf8_get_char(text), shape);
}

char *
dm_text_clean(const char *text, DmTextShape shape)
{
    const char *dirt = text;
    GString *clean;

    while (*dirt != '\0' && is_plain(dirt, shape))
        dirt++;
    if (*dirt == '\0')
        return NULL;
    clean = g_string_new_len(text, dirt - text);
    for (; *dirt != '\0'; dirt = g_utf8_next_char(dirt)) {
        gunichar c = g_utf8_get_char(dirt);

        if (is_shown(c, shape))
            g_string_append_unichar(clean, c);
        else if (c == '\t' || (shape == DM_TEXT_ONE_LINE && c == '\n'))
            g_string_append_c(clean, ' ');
    }
    return g_string_free(clean, FALSE);
}

bool
dm_text_is_base64(const char *text)
{
    gsize size = strlen(text);
    gsize n_padding = 0;

    if (size == 0 || size % 4 != 0)
        return false;
    while (n_padding < 2 && text[size - 1 - n_padding] == '=')
        n_padding++;
    for (gsize i = 0; i < size - n_padding; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
            return false;
    return true;
}
