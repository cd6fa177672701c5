/* SPDX-License-Identifier: MIT */

/* dmclient-config-man: prints dmclient.conf(5), from its template and the table of keys. */

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 64

typedef struct {
    char group; /* 'b' broker, 't' tree */
    const char *key;
    const char *value; /* what it looks like; NULL: a number */
    const char *fallback;
    guint minimum, maximum, number;
    const char *doc;
} Key;

static const Key keys[] = {
#define DM_CONFIG_NUMBER(KEY, FIELD, MINIMUM, MAXIMUM, FALLBACK, DOC)                              \
    {'b', KEY, NULL, NULL, MINIMUM, MAXIMUM, FALLBACK, DOC},
#define DM_CONFIG_TEXT(ID, KEY, VALUE, FALLBACK, DOC) {'b', KEY, VALUE, FALLBACK, 0, 0, 0, DOC},
#define DM_CONFIG_TREE(ID, KEY, VALUE, FALLBACK, DOC) {'t', KEY, VALUE, FALLBACK, 0, 0, 0, DOC},
#include "common/config-keys.def"
};

/* A minus that is to be copied is not a hyphen. */
static void
append_text(GString *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\\')
            g_string_append(out, "\\e");
        else if (*at == '-')
            g_string_append(out, "\\-");
        else
            g_string_append_c(out, *at);
    }
}

static void
append_key(GString *out, const Key *key)
{
    g_string_append(out, ".TP\n\\fB");
    append_text(out, key->key);
    g_string_append(out, "\\fR=\\fI");
    append_text(out, key->value ? key->value : "NUMBER");
    g_string_append(out, "\\fR\n");
    append_text(out, key->doc);
    if (key->value) {
        g_string_append(out, "\nDefault: ");
        append_text(out, key->fallback);
        g_string_append(out, ".\n");
    } else {
        g_string_append_printf(out, "\nFrom %u to %u; default: %u.\n", key->minimum, key->maximum,
                               key->number);
    }
}

static void
append_group(GString *out, char group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (keys[i].group == group)
            append_key(out, &keys[i]);
}

static bool
append_page(GString *out, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    lines = g_strsplit(text, "\n", -1);
    for (GStrv line = lines; *line; line++) {
        if (strcmp(*line, "@broker") == 0)
            append_group(out, 'b');
        else if (strcmp(*line, "@tree") == 0)
            append_group(out, 't');
        else
            g_string_append_printf(out, "%s%s", *line, line[1] ? "\n" : "");
    }
    return true;
}

int
main(int argc, char **argv)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: dmclient-config-man TEMPLATE\n"
                        "Lines @broker and @tree of it stand for the keys of those groups.\n");
        return EXIT_USAGE;
    }
    if (!append_page(out, argv[1], &error)) {
        fprintf(stderr, "dmclient-config-man: %s\n", error->message);
        return EXIT_FAILURE;
    }
    if (fputs(out->str, stdout) == EOF || fflush(stdout) != 0) {
        fprintf(stderr, "dmclient-config-man: the output could not be written\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
