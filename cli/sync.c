/* SPDX-License-Identifier: MIT */
#include "cli/ask.h"
#include "cli/run.h"
#include "cli/snapshot.h"
#include "common/i18n.h"

/* A session is under way: says so while somebody looks. */
static void
say_waiting(DmPrinter *printer, const char *provider)
{
    if (!printer->terminal || printer->json)
        return;
    dm_printer_say(printer, _("A session with the server of %s is asked for; waiting for its end…"),
                   provider);
    (void)dm_printer_flush(printer);
}

static void
say_result(DmPrinter *printer, const char *provider, const char *session, bool ended)
{
    if (printer->json) {
        g_autoptr(JsonBuilder) builder = dm_printer_json_begin();

        dm_json_add_string(builder, "provider", provider);
        dm_json_add_string(builder, "session", session);
        dm_json_add_bool(builder, "ended", ended);
        dm_printer_json_end(printer, builder);
        return;
    }
    if (ended)
        dm_printer_say(printer, _("The session with the server of %s went well."), provider);
    else
        dm_printer_say(printer,
                       _("A session with the server of %s is asked for; 'dmclientctl status' shows "
                         "how it goes."),
                       provider);
}

DmExit
dm_run_sync(const DmArguments *arguments, DmPrinter *printer)
{
    bool wait = arguments->values[DM_OPTION_WAIT] != NULL;
    DmExit code = DM_EXIT_OK;
    g_autoptr(GError) error = NULL;
    g_autoptr(DmAsk) ask = NULL;
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, &ask, &code);

    if (snapshot == NULL)
        return code;
    const DmSnapshotProvider *provider =
        dm_snapshot_select_one(snapshot, arguments, printer, &code);
    if (provider == NULL)
        return code;
    if (wait)
        say_waiting(printer, provider->id);
    DBusMessage *call = dm_ask_new_provider_call("Sync", provider->path, wait ? "wait" : NULL);
    g_autoptr(GVariant) session = dm_ask_call(ask, call, "s", DM_ASK_FOREVER, true, &error);
    if (session == NULL)
        return dm_printer_fail(printer, dm_ask_exit(error), "%s: %s", provider->id, error->message);
    say_result(printer, provider->id, g_variant_get_string(session, NULL), wait);
    return DM_EXIT_OK;
}
