/* SPDX-License-Identifier: MIT */

#include "broker/json.h"

#include <string.h>

static void
append_string(GString *json, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    g_string_append_c(json, '"');
    for (const char *c = valid; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_printf(json, "\\%c", *c);
        else if ((guchar)*c < 0x20 || *c == 0x7f)
            g_string_append_printf(json, "\\u%04x", (guint)(guchar)*c);
        else
            g_string_append_c(json, *c);
    }
    g_string_append_c(json, '"');
}

static void
begin(GString *json, const char *key)
{
    if (json->len > 0 && !strchr("{[", json->str[json->len - 1]))
        g_string_append_c(json, ',');
    if (key)
        g_string_append_printf(json, "\"%s\":", key);
}

void
dm_json_open(GString *json, const char *key, char bracket)
{
    begin(json, key);
    g_string_append_c(json, bracket);
}

void
dm_json_close(GString *json, char bracket)
{
    g_string_append_c(json, bracket);
}

void
dm_json_add_text(GString *json, const char *key, const char *text)
{
    begin(json, key);
    if (text)
        append_string(json, text);
    else
        g_string_append(json, "null");
}

void
dm_json_add_number(GString *json, const char *key, guint64 number)
{
    begin(json, key);
    g_string_append_printf(json, "%" G_GUINT64_FORMAT, number);
}
