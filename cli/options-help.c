/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include "cli/columns.h"
#include "common/i18n.h"

#define INDENT 2
#define FORM_COLUMNS 23
#define GAP 1
#define HELP_COLUMNS 80
/* Where less than this is left for the text, the line is too long rather than the text too thin. */
#define MIN_TEXT_COLUMNS 20

/* "  form    text", the text going on below itself. */
static void
print_entry(DmPrinter *printer, const char *form, const char *text)
{
    guint before = INDENT + FORM_COLUMNS + GAP;
    guint width = printer->columns == 0 ? HELP_COLUMNS + before : printer->columns;
    g_auto(GStrv) lines = dm_columns_wrap(text, MAX(width, before + MIN_TEXT_COLUMNS) - before);

    for (guint i = 0; lines[i] != NULL; i++) {
        g_string_append_printf(printer->out, "%*s", INDENT, "");
        dm_columns_append_padded(printer->out, i == 0 ? form : "", FORM_COLUMNS);
        g_string_append_printf(printer->out, "%*s%s\n", GAP, "", lines[i]);
    }
}

static void
print_option(DmPrinter *printer, const DmOption *option)
{
    g_autofree char *letter =
        option->letter == 0 ? g_strdup("    ") : g_strdup_printf("-%c, ", option->letter);
    g_autofree char *form =
        g_strdup_printf("%s--%s%s%s", letter, option->name, option->argument == NULL ? "" : " ",
                        option->argument == NULL ? "" : option->argument);
    g_autofree char *text = option->standard == NULL
                                ? g_strdup(_(option->help))
                                : g_strdup_printf("%s (%s)", _(option->help), option->standard);

    print_entry(printer, form, text);
}

static void
print_commands(DmPrinter *printer, bool root)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    for (gsize i = 0; i < n; i++) {
        const DmCliCommand *command = &commands[i];

        if (command->hidden || command->root != root)
            continue;
        g_autofree char *form = command->synopsis == NULL
                                    ? g_strdup(command->name)
                                    : g_strdup_printf("%s %s", command->name, command->synopsis);
        print_entry(printer, form, _(command->summary));
    }
}

static void
print_title(DmPrinter *printer, const char *title)
{
    g_string_append_c(printer->out, '\n');
    dm_printer_heading(printer, title);
}

static void
print_program(DmPrinter *printer)
{
    g_string_append_printf(printer->out, "%s dmclientctl [%s] %s [%s]\n\n", _("Usage:"),
                           _("OPTION…"), _("COMMAND"), _("ARGUMENT…"));
    dm_printer_paragraphs(printer, _(dm_options_get_about()));
    print_title(printer, _("Commands for everyone:"));
    print_commands(printer, false);
    print_title(printer, _("Commands for root:"));
    print_commands(printer, true);
    g_string_append_printf(printer->out, "\n%s\n",
                           _("'dmclientctl COMMAND --help' explains a command."));
    print_title(printer, _("Options:"));
}

static void
print_command(DmPrinter *printer, const DmCliCommand *command)
{
    g_string_append_printf(printer->out, "%s dmclientctl %s [%s]%s%s\n\n", _("Usage:"),
                           command->name, _("OPTION…"), command->synopsis == NULL ? "" : " ",
                           command->synopsis == NULL ? "" : command->synopsis);
    g_string_append_printf(printer->out, "%s.%s%s\n", _(command->summary), command->root ? " " : "",
                           command->root ? _("For root.") : "");
    dm_printer_paragraphs(printer, _(command->description));
    if (command->options != 0)
        print_title(printer, _("Options:"));
    for (guint id = 0; id < DM_OPTION_N; id++)
        if ((command->options & 1u << id) != 0)
            print_option(printer, dm_options_get((DmOptionId)id));
    print_title(printer, _("Options of all commands:"));
}

static void
print_exits(DmPrinter *printer)
{
    gsize n = 0;
    const DmExitInfo *exits = dm_options_get_exits(&n);

    print_title(printer, _("Exit codes:"));
    for (gsize i = 0; i < n; i++) {
        g_autofree char *code = g_strdup_printf("%d", (int)exits[i].code);

        print_entry(printer, code, _(exits[i].text));
    }
}

static void
print_environment(DmPrinter *printer)
{
    gsize n = 0;
    const DmEnvironmentInfo *variables = dm_options_get_environment(&n);

    print_title(printer, _("Environment:"));
    for (gsize i = 0; i < n; i++)
        print_entry(printer, variables[i].name, _(variables[i].text));
}

void
dm_options_print_help(DmPrinter *printer, const DmCliCommand *command)
{
    if (command == NULL)
        print_program(printer);
    else
        print_command(printer, command);
    for (guint id = 0; id < DM_OPTION_FIRST_OF_COMMANDS; id++)
        print_option(printer, dm_options_get((DmOptionId)id));
    print_exits(printer);
    if (command == NULL)
        print_environment(printer);
}
