/* SPDX-License-Identifier: MIT */
#include <dbus/dbus.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/run.h"
#include "cli/snapshot.h"
#include "cli/variant.h"
#include "common/error.h"
#include "dbus/names.h"

/* polkit may ask a person meanwhile. */
#define CALL_TIMEOUT_MS 120000

#define DEFAULT_COUNT 10
#define MAX_COUNT 200 /* what the service keeps */
#define DEFAULT_COLUMNS 80
#define GAP 2

/* -- asking --------------------------------------------------------------------------------------
 */

static void
set_error(GError **error, const DBusError *bus_error)
{
    bool is_denied = g_str_equal(bus_error->name, DBUS_ERROR_ACCESS_DENIED) ||
                     g_str_equal(bus_error->name, DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);

    if (is_denied)
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "only an administrator may see the sessions (%s); 'sudo dmclientctl history' "
                    "shows them",
                    bus_error->message);
    else
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s", bus_error->message);
}

/* The last `count` sessions of a provider, aa{sv}; NULL and an error. */
static GVariant *
get_sessions(DBusConnection *connection, const char *path, guint32 count, GError **error)
{
    DBusError bus_error = DBUS_ERROR_INIT;
    g_autoptr(GVariant) value = NULL;
    DBusMessageIter iter;
    DBusMessageIter options;
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, path, DM_BUS_INTERFACE_SESSION, "GetHistory");

    dbus_message_set_allow_interactive_authorization(call, TRUE);
    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &count);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
    dbus_message_iter_close_container(&iter, &options);
    DBusMessage *answer =
        dbus_connection_send_with_reply_and_block(connection, call, CALL_TIMEOUT_MS, &bus_error);
    dbus_message_unref(call);
    if (answer == NULL) {
        set_error(error, &bus_error);
        dbus_error_free(&bus_error);
        return NULL;
    }
    if (dbus_message_iter_init(answer, &iter))
        value = dm_variant_from_iter(&iter);
    dbus_message_unref(answer);
    if (value != NULL && g_variant_is_of_type(value, G_VARIANT_TYPE("aa{sv}")))
        return g_steal_pointer(&value);
    g_set_error(error, DM_ERROR, DM_ERROR_FAILED,
                "the service answers in a form that is not known; are service and command line of "
                "one version?");
    return NULL;
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

enum { STARTED, ORIGIN, RESULT, TOOK, MESSAGES, DETAILS, N_COLUMNS };

static guint
get_columns(const DmPrinter *printer)
{
    const char *variable = g_getenv("COLUMNS");
    guint64 columns = 0;
    struct winsize size;

    if (!printer->terminal)
        return G_MAXUINT;
    if (variable != NULL && g_ascii_string_to_unsigned(variable, 10, 20, 10000, &columns, NULL))
        return (guint)columns;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : DEFAULT_COLUMNS;
}

static char *
format_took(gint64 duration_us)
{
    gint64 ms = duration_us / 1000;

    if (duration_us < 0)
        return g_strdup("");
    if (ms < 60000)
        return g_strdup_printf("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT " s", ms / 1000,
                               ms % 1000 / 100);
    return g_strdup_printf("%" G_GINT64_FORMAT " min", ms / 60000);
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

/* Escaped, in one line. */
static char *
escape(const char *text)
{
    GString *escaped = g_string_new(NULL);

    dm_printer_append_escaped(escaped, text == NULL ? "" : text, "");
    return g_string_free(escaped, FALSE);
}

static GStrv
make_row(GVariant *session)
{
    GStrv cells = g_new0(char *, N_COLUMNS + 1);
    const char *reason = get_text(session, "reason");

    cells[STARTED] = dm_printer_time(MAX(get_number(session, "start"), 0));
    if (cells[STARTED] == NULL)
        cells[STARTED] = g_strdup("?");
    cells[ORIGIN] = escape(get_text(session, "origin"));
    cells[RESULT] = escape(get_text(session, "result"));
    cells[TOOK] = format_took(get_number(session, "duration"));
    cells[MESSAGES] = format_messages(session);
    cells[DETAILS] = escape(reason != NULL ? reason : get_text(session, "address"));
    return cells;
}

static guint
get_width(const char *text)
{
    guint width = 0;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar character = g_utf8_get_char(p);

        if (!g_unichar_iszerowidth(character))
            width += g_unichar_iswide(character) ? 2 : 1;
    }
    return width;
}

/* Appends as much of `text` as `width` columns hold. */
static void
append_cut(GString *out, const char *text, guint width)
{
    guint used = 0;

    if (get_width(text) <= width) {
        g_string_append(out, text);
        return;
    }
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar character = g_utf8_get_char(p);
        guint more = g_unichar_iszerowidth(character) ? 0 : g_unichar_iswide(character) ? 2 : 1;

        if (used + more + 1 > width)
            break;
        used += more;
        g_string_append_unichar(out, character);
    }
    if (width > 0)
        g_string_append(out, "…");
}

static void
print_row(const char *const *cells, const guint *widths, guint columns, DmPrinter *printer)
{
    g_autoptr(GString) line = g_string_new(NULL);
    guint used = 0;

    for (guint i = 0; i < N_COLUMNS; i++) {
        guint left = columns > used ? columns - used : 0;
        guint width = get_width(cells[i]);

        append_cut(line, cells[i], left);
        if (i + 1 < N_COLUMNS)
            g_string_append_printf(line, "%*s", (int)(widths[i] - width + GAP), "");
        used += widths[i] + GAP;
    }
    g_string_append(printer->out, g_strchomp(line->str));
    g_string_append_c(printer->out, '\n');
}

static void
print_sessions(GVariant *sessions, DmPrinter *printer)
{
    static const char *const headings[] = {"STARTED", "ORIGIN",   "RESULT",
                                           "TOOK",    "MESSAGES", "SERVER OR REASON"};
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    guint columns = get_columns(printer);
    guint widths[N_COLUMNS] = {0};

    for (gsize i = 0; i < g_variant_n_children(sessions); i++) {
        g_autoptr(GVariant) session = g_variant_get_child_value(sessions, i);

        g_ptr_array_add(rows, make_row(session));
    }
    if (rows->len == 0) {
        g_string_append(printer->out, "No session yet.\n");
        return;
    }
    for (guint i = 0; i < N_COLUMNS; i++) {
        widths[i] = get_width(headings[i]);
        for (guint j = 0; j < rows->len; j++)
            widths[i] = MAX(widths[i], get_width(((GStrv)rows->pdata[j])[i]));
    }
    print_row(headings, widths, columns, printer);
    for (guint j = 0; j < rows->len; j++)
        print_row((const char *const *)rows->pdata[j], widths, columns, printer);
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
get_all(const DmSnapshot *snapshot, guint count, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    DBusError bus_error = DBUS_ERROR_INIT;
    DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, &bus_error);
    bool good = connection != NULL;

    if (!good) {
        set_error(error, &bus_error);
        dbus_error_free(&bus_error);
        return NULL;
    }
    dbus_connection_set_exit_on_disconnect(connection, FALSE);
    for (guint i = 0; good && i < snapshot->providers->len; i++) {
        const DmSnapshotProvider *provider = snapshot->providers->pdata[i];
        GVariant *sessions = get_sessions(connection, provider->path, count, error);

        good = sessions != NULL;
        if (good)
            g_ptr_array_add(all, sessions);
    }
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
    return good ? g_steal_pointer(&all) : NULL;
}

DmExit
dm_run_history(const DmArguments *arguments, DmPrinter *printer)
{
    const char *wanted = arguments->values[DM_OPTION_COUNT];
    guint64 count = DEFAULT_COUNT;
    DmExit code = DM_EXIT_OK;
    g_autoptr(GError) error = NULL;

    if (wanted != NULL && !g_ascii_string_to_unsigned(wanted, 10, 1, MAX_COUNT, &count, NULL))
        return dm_printer_fail(printer, DM_EXIT_USAGE, "--count: %s is no number from 1 to %d",
                               wanted, MAX_COUNT);
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, &code);
    if (snapshot == NULL)
        return code;
    code = dm_snapshot_select(snapshot, arguments, printer);
    if (code != DM_EXIT_OK)
        return code;
    g_autoptr(GPtrArray) all = get_all(snapshot, (guint)count, &error);
    if (all == NULL)
        return dm_printer_fail(printer,
                               error->code == DM_ERROR_DENIED ? DM_EXIT_DENIED : DM_EXIT_FAILURE,
                               "%s", error->message);
    print(snapshot, all, printer);
    return DM_EXIT_OK;
}
