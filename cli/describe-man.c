/* SPDX-License-Identifier: MIT */
#include "cli/describe.h"

#include "cli/options.h"

static const char *const examples[][2] = {
    {"dmclientctl status", "Who manages this device, and how that goes."},
    {"dmclientctl first-sync --watch", "The set-up of this device, until it has ended."},
    {"dmclientctl sync --wait --provider 'MS DM Server'", "A session now, and how it went."},
    {"dmclientctl help-contacts --json", "The same as elsewhere, for a script."},
    {"dmclientctl get ./Device/Vendor/MSFT/DMClient/Provider/MyMDM/UPN", "One value, as root."},
};

/* Text as roff takes it: nothing in it is an escape or a request. Dashes become those that can be
 * copied to a command line. */
static void
append_text(GString *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (c == '\\')
            g_string_append(out, "\\e");
        else if (c == '-')
            g_string_append(out, "\\-");
        else if (c == '`')
            g_string_append(out, "\\(ga");
        else if (c == '\'')
            g_string_append(out, "\\(aq");
        else if (c == '"')
            g_string_append(out, "\\(dq");
        else if (c == '.' && (p == text || p[-1] == '\n'))
            g_string_append(out, "\\&.");
        else if (c >= 0x80)
            g_string_append_printf(out, "\\[u%04X]", c);
        else
            g_string_append_unichar(out, c);
    }
}

static void
append_styled(GString *out, const char *before, const char *font, const char *text)
{
    g_string_append_printf(out, "%s\\f%s", before, font);
    append_text(out, text);
    g_string_append(out, "\\fR");
}

/* Paragraphs, each sentence on a line of its own as man pages want it. */
static void
append_paragraphs(GString *out, const char *text)
{
    g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);

    for (guint i = 0; paragraphs[i] != NULL; i++) {
        g_autofree char *line = g_strstrip(g_strdup(g_strdelimit(paragraphs[i], "\n", ' ')));
        g_autoptr(GString) sentences = g_string_new(line);

        (void)g_string_replace(sentences, ". ", ".\n", 0);
        if (i > 0)
            g_string_append(out, ".IP\n");
        append_text(out, sentences->str);
        g_string_append_c(out, '\n');
    }
}

static void
append_option_name(GString *out, const DmOption *option)
{
    g_autofree char *name = g_strconcat("--", option->name, NULL);

    if (option->letter != 0) {
        char letter[] = {'-', option->letter, '\0'};

        append_styled(out, "", "B", letter);
        g_string_append(out, ", ");
    }
    append_styled(out, "", "B", name);
    if (option->argument != NULL)
        append_styled(out, " ", "I", option->argument);
}

static void
append_option(GString *out, const DmOption *option)
{
    g_string_append(out, ".TP\n");
    append_option_name(out, option);
    g_string_append_c(out, '\n');
    append_text(out, option->help);
    if (option->standard != NULL) {
        g_string_append(out, " (");
        append_text(out, option->standard);
        g_string_append_c(out, ')');
    }
    g_string_append(out, ".\n");
}

static void
append_command(GString *out, const DmCliCommand *command)
{
    g_string_append(out, ".TP\n");
    append_styled(out, "", "B", command->name);
    for (guint id = 0; id < DM_OPTION_N; id++) {
        if ((command->options & 1u << id) == 0)
            continue;
        g_string_append(out, " [");
        append_option_name(out, dm_options_get((DmOptionId)id));
        g_string_append_c(out, ']');
    }
    if (command->synopsis != NULL)
        append_styled(out, " ", "I", command->synopsis);
    g_string_append_c(out, '\n');
    append_text(out, command->summary);
    g_string_append(out, ".\n");
    append_paragraphs(out, command->description);
}

static void
append_commands(GString *out, bool root)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    g_string_append(out, root ? ".SS For root\n" : ".SS For everyone\n");
    for (gsize i = 0; i < n; i++)
        if (!commands[i].hidden && commands[i].root == root)
            append_command(out, &commands[i]);
}

static void
append_options(GString *out)
{
    g_string_append(out, ".SH OPTIONS\n.SS Of all commands\n");
    for (guint id = 0; id < DM_OPTION_N; id++) {
        if (id == DM_OPTION_FIRST_OF_COMMANDS)
            g_string_append(out, ".SS Of the commands that name them\n");
        append_option(out, dm_options_get((DmOptionId)id));
    }
}

static void
append_tables(GString *out)
{
    gsize n = 0;
    const DmExitInfo *exits = dm_options_get_exits(&n);

    g_string_append(out, ".SH EXIT STATUS\n");
    for (gsize i = 0; i < n; i++) {
        g_string_append_printf(out, ".TP\n\\fB%d\\fR\n", (int)exits[i].code);
        append_text(out, exits[i].text);
        g_string_append_c(out, '\n');
    }
    const DmEnvironmentInfo *variables = dm_options_get_environment(&n);
    g_string_append(out, ".SH ENVIRONMENT\n");
    for (gsize i = 0; i < n; i++) {
        g_string_append(out, ".TP\n");
        append_styled(out, "", "B", variables[i].name);
        g_string_append_c(out, '\n');
        append_text(out, variables[i].text);
        g_string_append(out, ".\n");
    }
}

static void
append_examples(GString *out)
{
    g_string_append(out, ".SH EXAMPLES\n");
    for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_string_append(out, ".TP\n");
        append_styled(out, "", "B", examples[i][0]);
        g_string_append_c(out, '\n');
        append_text(out, examples[i][1]);
        g_string_append_c(out, '\n');
    }
}

void
dm_describe_man(GString *out)
{
    g_string_append(out, ".\\\" Made from the program's table of commands and options.\n"
                         ".TH DMCLIENTCTL 1 2026-11-26 \"dmclient " DM_VERSION "\" dmclient\n"
                         ".SH NAME\ndmclientctl \\- show and change how this device is managed\n"
                         ".SH SYNOPSIS\n\\fBdmclientctl\\fR [\\fIOPTION\\fR...] \\fICOMMAND\\fR "
                         "[\\fIARGUMENT\\fR...]\n"
                         ".SH DESCRIPTION\n");
    append_text(out, dm_options_get_about());
    g_string_append(out, "\nOptions may stand anywhere; \\fB\\-\\-\\fR ends them.\n"
                         "Text that a server wrote is shown with its control and direction "
                         "characters escaped.\n"
                         ".SH COMMANDS\n");
    append_commands(out, false);
    append_commands(out, true);
    append_options(out);
    append_tables(out);
    append_examples(out);
    g_string_append(out, ".SH SEE ALSO\n"
                         ".BR dmclient\\-viewer (1),\n"
                         ".BR dmclient.conf (5),\n"
                         ".BR dmclient\\-agent (8),\n"
                         ".BR dmclient\\-broker (8)\n");
}
