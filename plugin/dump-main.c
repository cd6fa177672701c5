/* SPDX-License-Identifier: MIT */

/* dmclient-bus-schema: prints what is derived from the tables of interfaces. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/introspection.h"
#include "plugin/reference.h"

#define EXIT_USAGE 64

typedef struct {
    gboolean xml;
    char *markdown; /* the template */
    gboolean version;
} Options;

static void
options_clear(Options *options)
{
    g_free(options->markdown);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static bool
parse_options(int *argc, char ***argv, Options *options, GError **error)
{
    const GOptionEntry entries[] = {
        {"xml", 0, 0, G_OPTION_ARG_NONE, &options->xml, "Print the introspection document (XML)",
         NULL},
        {"markdown", 0, 0, G_OPTION_ARG_FILENAME, &options->markdown,
         "Print the reference (Markdown) that FILE is the template of", "FILE"},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- print the interfaces on the bus");

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(
        context,
        "Give one of --xml and --markdown. Lines of a template that begin with @ stand for a part "
        "of the tables: @reads, @actions, @standard, @interfaces, @errors; or, @include FILE, for "
        "a file beside it.\n\n"
        "Exit codes: 0 ok, 1 a file could not be read or the output not written, 64 usage.");
    if (!g_option_context_parse(context, argc, argv, error))
        return false;
    if (*argc == 1 && options->xml + (options->markdown != NULL) + options->version == 1)
        return true;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        "give exactly one of --xml, --markdown and --version");
    return false;
}

/* -- the template -------------------------------------------------------------------------------
 */

static const char *
get_language(const char *path)
{
    if (g_str_has_suffix(path, ".py"))
        return "python";
    return g_str_has_suffix(path, ".sh") ? "sh" : "c";
}

static bool
append_file(GString *out, const char *template_path, const char *name, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(template_path);
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    g_string_append_printf(out, "```%s\n%s```\n", get_language(path), text);
    return true;
}

static bool
append_part(GString *out, const char *template_path, const char *directive, GError **error)
{
    if (g_str_has_prefix(directive, "@include "))
        return append_file(out, template_path, directive + strlen("@include "), error);
    if (g_str_equal(directive, "@reads")) {
        dm_reference_append_reads(out);
    } else if (g_str_equal(directive, "@actions")) {
        dm_reference_append_actions(out);
    } else if (g_str_equal(directive, "@standard")) {
        dm_reference_append_standard(out);
    } else if (g_str_equal(directive, "@interfaces")) {
        g_autoptr(DmNodeInterfaces) interfaces = dm_node_interfaces_new();

        dm_reference_append_interfaces(out, interfaces);
    } else if (g_str_equal(directive, "@errors")) {
        dm_reference_append_errors(out);
    } else {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: there is no %s", template_path,
                    directive);
        return false;
    }
    return true;
}

static bool
append_markdown(GString *out, const char *template_path, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(template_path, &text, NULL, error))
        return false;
    lines = g_strsplit(text, "\n", -1);
    for (GStrv line = lines; *line != NULL; line++) {
        if (**line != '@')
            g_string_append_printf(out, "%s%s", *line, line[1] != NULL ? "\n" : "");
        else if (!append_part(out, template_path, *line, error))
            return false;
    }
    return true;
}

/* -- the program --------------------------------------------------------------------------------
 */

static void
append_xml(GString *out)
{
    g_autoptr(DmNodeInterfaces) interfaces = dm_node_interfaces_new();
    g_autofree char *xml = dm_introspection_build_contract(interfaces);

    g_string_append(out, xml);
}

int
main(int argc, char **argv)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_auto(Options) options = {0};

    if (!parse_options(&argc, &argv, &options, &error)) {
        fprintf(stderr, "dmclient-bus-schema: %s\nTry 'dmclient-bus-schema --help'.\n",
                error->message);
        return EXIT_USAGE;
    }
    if (options.xml) {
        append_xml(out);
    } else if (options.version) {
        g_string_append(out, "dmclient-bus-schema " DM_VERSION "\n");
    } else if (!append_markdown(out, options.markdown, &error)) {
        fprintf(stderr, "dmclient-bus-schema: %s\n", error->message);
        return EXIT_FAILURE;
    }
    if (fputs(out->str, stdout) == EOF || fflush(stdout) != 0) {
        fprintf(stderr, "dmclient-bus-schema: the output could not be written\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
