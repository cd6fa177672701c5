/* SPDX-License-Identifier: MIT */
#include <dbus/dbus.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/snapshot.h"
#include "cli/table.h"
#include "common/error.h"
#include "common/i18n.h"
#include "dbus/names.h"

#define DEFAULT_COUNT 10
#define MAX_COUNT 200 /* what the service keeps */
#define WIDE_COLUMNS 76

/* -- asking --------------------------------------------------------------------------------------
 */

/* The last `count` sessions of a provider, aa{sv}; NULL and an error. */
static GVariant *
get_sessions(DmAsk *ask, const char *path, guint32 count, GError **error)
{
    DBusMessageIter iter;
    DBusMessageIter options;
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, path, DM_BUS_INTERFACE_SESSION, "GetHistory");

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &count);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
    dbus_message_iter_close_container(&iter, &options);
    return dm_ask_call(ask, call, "aa{sv}", DM_ASK_FOREVER, true, error);
}

static const char *
get_text(GVariant *session, const char *key)
{
    const char *text = NULL;

    g_variant_lookup(session, key, "&s", &text);
    return text != NULL && *text != '\0' ? text : NULL;
}

/* -1: not known. */
static gint64
get_number(GVariant *session, const char *key)
{
    guint64 number = 0;

    if (!g_variant_lookup(session, key, "t", &number))
        return -1;
    return (gint64)MIN(number, (guint64)G_MAXINT64);
}

/* -- for people ----------------------------------------------------------------------------------
 */

static char *
format_took(gint64 duration_us)
{
    gint64 ms = duration_us / 1000;

    if (duration_us < 0)
        return g_strdup("");
    if (ms < 60000)
        return g_strdup_printf(_("%.1f s"), (double)ms / 1000);
    return g_strdup_printf(_("%d min"), (int)MIN(ms / 60000, G_MAXINT));
}

static char *
format_messages(GVariant *session)
{
    gint64 sent = get_number(session, "messages-sent");
    gint64 received = get_number(session, "messages-received");

    if (sent < 0 || received < 0)
        return g_strdup("");
    return g_strdup_printf("%" G_GINT64_FORMAT "+%" G_GINT64_FORMAT, sent, received);
}

/* As a table has it: short, and in order. */
static char *
format_start(gint64 start_us)
{
    g_autoptr(GDateTime) time =
        start_us <= 0 ? NULL : g_date_time_new_from_unix_local(start_us / G_USEC_PER_SEC);

    return time == NULL ? NULL : g_date_time_format(time, "%Y-%m-%d %H:%M");
}

static void
add_row(DmTable *table, GVariant *session, bool is_wide)
{
    const char *reason = get_text(session, "reason");
    g_autofree char *start = format_start(get_number(session, "start"));
    g_autofree char *took = format_took(get_number(session, "duration"));
    g_autofree char *messages = format_messages(session);
    const char *details = reason != NULL ? reason : get_text(session, "address");
    const char *cells[] = {
        start, get_text(session, "origin"), get_text(session, "result"), details, NULL, NULL};

    if (is_wide) {
        cells[3] = took;
        cells[4] = messages;
        cells[5] = details;
    }
    dm_table_add(table, reason != NULL ? DM_STYLE_BAD : DM_STYLE_PLAIN, cells);
}

/* A narrow terminal has no room for how long a session took, and its messages. */
static void
print_sessions(GVariant *sessions, DmPrinter *printer)
{
    bool is_wide = printer->columns == 0 || printer->columns >= WIDE_COLUMNS;
    const DmTableColumn details = {_("SERVER OR REASON"), DM_TABLE_TEXT};
    const DmTableColumn columns[] = {
        {_("BEGAN"), DM_TABLE_FIXED},
        {_("ORIGIN"), DM_TABLE_FIXED},
        {_("RESULT"), DM_TABLE_FIXED},
        is_wide ? (DmTableColumn){_("TOOK"), DM_TABLE_NUMBER} : details,
        {_("MESSAGES"), DM_TABLE_NUMBER},
        details,
    };
    g_autoptr(DmTable) table = dm_table_new(columns, is_wide ? 6 : 4);

    if (g_variant_n_children(sessions) == 0) {
        dm_printer_say(printer, "%s", _("No session yet."));
        return;
    }
    for (gsize i = 0; i < g_variant_n_children(sessions); i++) {
        g_autoptr(GVariant) session = g_variant_get_child_value(sessions, i);

        add_row(table, session, is_wide);
    }
    dm_table_print(table, 2, printer);
}

/* -- for scripts ---------------------------------------------------------------------------------
 */

static void
add_commands(GVariant *session, JsonBuilder *builder)
{
    g_autoptr(GVariant) commands =
        g_variant_lookup_value(session, "commands", G_VARIANT_TYPE("a(suu)"));
    GVariantIter iter;
    const char *verb;
    guint32 status;
    guint32 count;

    json_builder_set_member_name(builder, "commands");
    json_builder_begin_array(builder);
    if (commands != NULL) {
        g_variant_iter_init(&iter, commands);
        while (g_variant_iter_next(&iter, "(&suu)", &verb, &status, &count)) {
            json_builder_begin_object(builder);
            dm_json_add_string(builder, "verb", verb);
            dm_json_add_int(builder, "status", status);
            dm_json_add_int(builder, "count", count);
            json_builder_end_object(builder);
        }
    }
    json_builder_end_array(builder);
}

/* null where it is not known. */
static void
add_number(JsonBuilder *builder, const char *member, gint64 number)
{
    if (number >= 0)
        dm_json_add_int(builder, member, number);
    else
        dm_json_add_string(builder, member, NULL);
}

static void
add_session(GVariant *session, JsonBuilder *builder)
{
    static const char *const texts[] = {"id", "origin", "result", "reason", "address"};
    static const struct {
        const char *member, *key;
    } numbers[] = {
        {"duration_us", "duration"},
        {"messages_sent", "messages-sent"},
        {"messages_received", "messages-received"},
        {"bytes_sent", "bytes-sent"},
        {"bytes_received", "bytes-received"},
    };

    json_builder_begin_object(builder);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        dm_json_add_string(builder, texts[i], get_text(session, texts[i]));
    dm_json_add_time(builder, "start", MAX(get_number(session, "start"), 0));
    dm_json_add_time(builder, "end", MAX(get_number(session, "end"), 0));
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        add_number(builder, numbers[i].member, get_number(session, numbers[i].key));
    add_commands(session, builder);
    json_builder_end_object(builder);
}

static void
add_provider(const DmSnapshotProvider *provider, GVariant *sessions, JsonBuilder *builder)
{
    json_builder_begin_object(builder);
    dm_json_add_string(builder, "id", provider->id);
    dm_json_add_string(builder, "path", provider->path);
    json_builder_set_member_name(builder, "sessions");
    json_builder_begin_array(builder);
    for (gsize i = 0; i < g_variant_n_children(sessions); i++) {
        g_autoptr(GVariant) session = g_variant_get_child_value(sessions, i);

        add_session(session, builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

/* -- the command ---------------------------------------------------------------------------------
 */

static void
print(const DmSnapshot *snapshot, const GPtrArray *all, DmPrinter *printer)
{
    g_autoptr(JsonBuilder) builder = printer->json ? dm_printer_json_begin() : NULL;

    if (builder != NULL) {
        json_builder_set_member_name(builder, "providers");
        json_builder_begin_array(builder);
    }
    for (guint i = 0; i < all->len; i++) {
        const DmSnapshotProvider *provider = snapshot->providers->pdata[i];

        if (builder != NULL) {
            add_provider(provider, all->pdata[i], builder);
            continue;
        }
        if (i > 0)
            g_string_append_c(printer->out, '\n');
        dm_printer_heading(printer, provider->id);
        print_sessions(all->pdata[i], printer);
    }
    if (builder != NULL) {
        json_builder_end_array(builder);
        dm_printer_json_end(printer, builder);
    }
}

/* The sessions of each provider of the snapshot. NULL and an error. */
static GPtrArray *
get_all(DmAsk *ask, const DmSnapshot *snapshot, guint count, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    for (guint i = 0; i < snapshot->providers->len; i++) {
        const DmSnapshotProvider *provider = snapshot->providers->pdata[i];
        GVariant *sessions = get_sessions(ask, provider->path, count, error);

        if (sessions == NULL)
            return NULL;
        g_ptr_array_add(all, sessions);
    }
    return g_steal_pointer(&all);
}

DmExit
dm_run_history(const DmArguments *arguments, DmPrinter *printer)
{
    const char *wanted = arguments->values[DM_OPTION_COUNT];
    guint64 count = DEFAULT_COUNT;
    g_autoptr(GError) error = NULL;

    if (wanted != NULL && !g_ascii_string_to_unsigned(wanted, 10, 1, MAX_COUNT, &count, NULL))
        return dm_printer_fail(printer, DM_EXIT_USAGE, _("--count: %s is no number from 1 to %d"),
                               wanted, MAX_COUNT);
    DmExit code = DM_EXIT_OK;
    g_autoptr(DmAsk) ask = NULL;
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, &ask, &code);
    if (snapshot == NULL)
        return code;
    code = dm_snapshot_select(snapshot, arguments, printer);
    if (code != DM_EXIT_OK)
        return code;
    g_autoptr(GPtrArray) all = get_all(ask, snapshot, (guint)count, &error);
    if (all == NULL)
        return dm_printer_fail(printer, dm_ask_exit(error), "%s%s", error->message,
                               error->code == DM_ERROR_DENIED
                                   ? _("; 'sudo dmclientctl history' shows the sessions")
                                   : "");
    print(snapshot, all, printer);
    return DM_EXIT_OK;
}
