/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/snapshot.h"
#include "common/i18n.h"
#include "dbus/names.h"

#define MAX_ANSWER 64

/* What goes with the provider, for the person who decides. */
static void
print_consequences(const DmSnapshot *snapshot, const DmSnapshotProvider *provider,
                   DmPrinter *printer)
{
    g_autofree char *host =
        dm_snapshot_get_string(snapshot, provider->path, DM_BUS_INTERFACE_SESSION, "ServerHost");
    guint n_users = provider->users->len;

    dm_printer_heading(printer, provider->id);
    dm_printer_field(printer, DM_STYLE_PLAIN, _("Server"), host);
    dm_printer_field(printer, DM_STYLE_PLAIN, _("Will be removed"),
                     _("all settings of this organisation on this device, its help contacts and "
                       "pages, and what is known of its sessions"));
    dm_printer_field(printer, DM_STYLE_PLAIN, "",
                     _("the certificate and the key by which its server knows this device"));
    if (n_users > 0) {
        g_autofree char *text = g_strdup_printf(
            ngettext("the settings of %'u user", "the settings of %'u users", n_users), n_users);
        dm_printer_field(printer, DM_STYLE_PLAIN, "", text);
    }
    dm_printer_field(printer, DM_STYLE_PLAIN, _("Before that"),
                     _("the server is told, if it can be reached"));
    dm_printer_field(printer, DM_STYLE_PLAIN, _("Afterwards"),
                     _("the organisation does not manage this device any more; to come back it "
                       "has to be enrolled again"));
}

/* Whether the line means yes: in the locale's way, or by the letter that the question offers. */
static bool
is_yes(const char *line)
{
    /* Translators: the letter for yes, as in [y/N]. */
    const char *letter = C_("answer", "y");

    return rpmatch(line) == 1 || (*line != '\0' && g_str_has_prefix(line, letter));
}

static bool
ask_person(const char *provider)
{
    char line[MAX_ANSWER] = "";
    g_autoptr(GString) question = g_string_new(NULL);

    /* Translators: the letters are those for yes and no; the upper-case one is what Enter means. */
    g_autofree char *text = g_strdup_printf(_("Disconnect this device from %s? [y/N] "), provider);
    dm_printer_append_escaped(question, text, "");
    fputs(question->str, stderr);
    return fgets(line, sizeof line, stdin) != NULL && is_yes(line);
}

/* Whether it is to be done; otherwise `*ret_exit` says how the program ends. */
static bool
confirm(const DmArguments *arguments, const DmSnapshot *snapshot,
        const DmSnapshotProvider *provider, DmPrinter *printer, DmExit *ret_exit)
{
    if (arguments->values[DM_OPTION_YES] != NULL)
        return true;
    if (printer->json || isatty(STDIN_FILENO) != 1) {
        *ret_exit = dm_printer_fail(printer, DM_EXIT_USAGE,
                                    _("disconnect asks on a terminal only; --yes goes without a "
                                      "question"));
        return false;
    }
    print_consequences(snapshot, provider, printer);
    if (!dm_printer_flush(printer)) {
        *ret_exit = DM_EXIT_FAILURE;
        return false;
    }
    if (ask_person(provider->id))
        return true;
    *ret_exit = dm_printer_fail(printer, DM_EXIT_NOTHING, _("nothing was changed"));
    return false;
}

static void
say_result(DmPrinter *printer, const char *provider)
{
    if (printer->json) {
        g_autoptr(JsonBuilder) builder = dm_printer_json_begin();

        dm_json_add_string(builder, "provider", provider);
        dm_json_add_bool(builder, "disconnected", true);
        dm_printer_json_end(printer, builder);
        return;
    }
    dm_printer_say(
        printer,
        _("%s: this device is being disconnected; 'dmclientctl status' shows when it is done."),
        provider);
}

DmExit
dm_run_disconnect(const DmArguments *arguments, DmPrinter *printer)
{
    DmExit code = DM_EXIT_OK;
    g_autoptr(GError) error = NULL;
    g_autoptr(DmAsk) ask = NULL;
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, &ask, &code);

    if (snapshot == NULL)
        return code;
    const DmSnapshotProvider *provider =
        dm_snapshot_select_one(snapshot, arguments, printer, &code);
    if (provider == NULL || !confirm(arguments, snapshot, provider, printer, &code))
        return code;
    DBusMessage *call = dm_ask_new_provider_call("Unenroll", provider->path, NULL);
    g_autoptr(GVariant) done = dm_ask_call(ask, call, NULL, DM_ASK_FOREVER, true, &error);
    if (done == NULL)
        return dm_printer_fail(printer, dm_ask_exit(error), "%s: %s", provider->id, error->message);
    say_result(printer, provider->id);
    return DM_EXIT_OK;
}
