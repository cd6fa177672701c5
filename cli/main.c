/* SPDX-License-Identifier: MIT */
#include <dbus/dbus.h>
#include <string.h>

#include "cli/options.h"
#include "cli/printer.h"
#include "common/i18n.h"

/* Whether --json stands anywhere: it shapes the answer to a wrong command line, too. */
static bool
wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static DmExit
run(int argc, char **argv, DmPrinter *printer)
{
    DmArguments arguments = {.command = NULL};
    g_autoptr(GError) error = NULL;

    if (!dm_options_parse(argc, argv, &arguments, &error))
        return dm_printer_fail(printer, DM_EXIT_USAGE,
                               _("%s; 'dmclientctl --help' shows what there is"), error->message);
    if (arguments.values[DM_OPTION_HELP] != NULL) {
        dm_options_append_help(printer->out, arguments.command);
        return DM_EXIT_OK;
    }
    if (arguments.values[DM_OPTION_VERSION] != NULL) {
        g_string_append(printer->out, "dmclientctl " DM_VERSION "\n");
        return DM_EXIT_OK;
    }
    return arguments.command->run(&arguments, printer);
}

int
main(int argc, char **argv)
{
    bool json = wants_json(argc, argv);
    g_autoptr(DmPrinter) printer = dm_printer_new(json);

    /* What scripts read is the same everywhere. */
    if (!json)
        dm_i18n_init();
    /* A pipe that nobody reads any more ends the program, as it does others. */
    dbus_connection_set_change_sigpipe(FALSE);

    DmExit code = run(argc, argv, printer);
    if (!dm_printer_flush(printer) && code == DM_EXIT_OK)
        code = DM_EXIT_FAILURE;
    return (int)code;
}
