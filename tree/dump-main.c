/* SPDX-License-Identifier: MIT */

/* dmclient-schema: prints what is derived from the node table. */

#include <stdio.h>
#include <stdlib.h>

#include "tree/dump.h"

#define EXIT_USAGE 64

typedef struct {
    gboolean ddf;
    gboolean markdown;
    gboolean facts;
    gboolean version;
} Options;

static bool
parse_options(int *argc, char ***argv, Options *options, GError **error)
{
    const GOptionEntry entries[] = {
        {"ddf", 0, 0, G_OPTION_ARG_NONE, &options->ddf,
         "Print the OMA DM device description (DDF 1.2, XML)", NULL},
        {"markdown", 0, 0, G_OPTION_ARG_NONE, &options->markdown,
         "Print the node reference (Markdown)", NULL},
        {"facts", 0, 0, G_OPTION_ARG_NONE, &options->facts, "Print each node's facts (CSV)", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- print the node table");

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(
        context, "Give one of --ddf, --markdown and --facts.\n\n"
                 "Exit codes: 0 ok, 1 the output could not be written, 64 usage.");
    if (!g_option_context_parse(context, argc, argv, error))
        return false;
    if (*argc == 1 && options->ddf + options->markdown + options->facts + options->version == 1)
        return true;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        "give exactly one of --ddf, --markdown, --facts and --version");
    return false;
}

int
main(int argc, char **argv)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    Options options = {0};

    if (!parse_options(&argc, &argv, &options, &error)) {
        fprintf(stderr, "dmclient-schema: %s\nTry 'dmclient-schema --help'.\n", error->message);
        return EXIT_USAGE;
    }
    if (options.ddf)
        dm_dump_ddf(out);
    else if (options.markdown)
        dm_dump_markdown(out);
    else if (options.facts)
        dm_dump_facts(out);
    else
        g_string_append(out, "dmclient-schema " DM_VERSION "\n");
    if (fputs(out->str, stdout) == EOF || fflush(stdout) != 0) {
        fprintf(stderr, "dmclient-schema: the output could not be written\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
