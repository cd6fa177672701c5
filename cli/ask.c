/* SPDX-License-Identifier: MIT */
#include "cli/ask.h"

#include <string.h>

#include "cli/dialog.h"
#include "cli/variant.h"
#include "common/error.h"
#include "common/i18n.h"
#include "dbus/names.h"

/* What is watched: the service's signals, and who owns its name. */
#define MATCH_SERVICE "type='signal',sender='" DM_BUS_NAME "'"
#define MATCH_OWNER                                                                                \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',member='NameOwnerChanged',arg0='" DM_BUS_NAME "'"

struct DmAsk {
    DBusConnection *connection;
    bool changed; /* since the last look */
};

/* -- errors -------------------------------------------------------------------------------------
 */

static bool
is_one_of(const char *name, const char *const *names)
{
    return g_strv_contains(names, name);
}

/* Where the bus itself answered, or gave up. True if it was one of these. */
static bool
set_bus_error(GError **error, const char *name, const char *text)
{
    static const char *const absent[] = {DBUS_ERROR_SERVICE_UNKNOWN, DBUS_ERROR_NAME_HAS_NO_OWNER,
                                         NULL};
    static const char *const late[] = {DBUS_ERROR_NO_REPLY, DBUS_ERROR_TIMEOUT,
                                       DBUS_ERROR_TIMED_OUT, NULL};

    if (is_one_of(name, absent) || g_str_has_prefix(name, "org.freedesktop.DBus.Error.Spawn."))
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    _("the service is not running (nobody serves %s on the bus); "
                      "'systemctl start dmclient-agent' starts it"),
                    DM_BUS_NAME);
    else if (g_str_equal(name, DBUS_ERROR_DISCONNECTED))
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    _("the system bus has gone: %s; 'systemctl start dbus' starts it"), text);
    else if (is_one_of(name, late))
        g_set_error(error, DM_ERROR, DM_ERROR_TIMEOUT,
                    _("%s did not answer (%s); 'journalctl -u dmclient-agent' may say why"),
                    DM_BUS_NAME, text);
    else
        return false;
    return true;
}

static void
set_error(GError **error, DBusMessage *answer)
{
    const char *name = dbus_message_get_error_name(answer);
    const char *text = NULL;

    if (!dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
        text = name;
    if (set_bus_error(error, name, text))
        return;
    if (g_str_equal(name, DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    _("%s; an administrator can do it: as root, or on a terminal, where one can be "
                      "asked"),
                    text);
    else if (g_str_equal(name, DBUS_ERROR_ACCESS_DENIED) &&
             !dbus_message_has_sender(answer, DBUS_SERVICE_DBUS))
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED, _("%s; root may do it"), text);
    else if (g_str_equal(name, DBUS_ERROR_ACCESS_DENIED))
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    _("the bus refused the question to %s: %s; is its policy file installed?"),
                    DM_BUS_NAME, text);
    else if (g_str_equal(name, DM_BUS_ERROR_PREFIX "NotFound"))
        g_set_error_literal(error, DM_ERROR, DM_ERROR_NOT_FOUND, text);
    else if (g_str_equal(name, DM_BUS_ERROR_PREFIX "Unavailable"))
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    _("%s; 'systemctl start dmclient-broker' starts what runs sessions"), text);
    else if (g_str_has_prefix(name, DM_BUS_ERROR_PREFIX) ||
             g_str_equal(name, DBUS_ERROR_LIMITS_EXCEEDED))
        g_set_error_literal(error, DM_ERROR, DM_ERROR_FAILED, text);
    else
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, _("%s answered %s: %s"), DM_BUS_NAME, name,
                    text);
}

DmExit
dm_ask_exit(const GError *error)
{
    if (g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        return DM_EXIT_NOT_RUNNING;
    if (g_error_matches(error, DM_ERROR, DM_ERROR_DENIED))
        return DM_EXIT_DENIED;
    return g_error_matches(error, DM_ERROR, DM_ERROR_NOT_FOUND) ? DM_EXIT_NOT_FOUND
                                                                : DM_EXIT_FAILURE;
}

/* -- the connection -----------------------------------------------------------------------------
 */

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmAsk *ask = data;

    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
        !dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameAcquired"))
        ask->changed = true;
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

DmAsk *
dm_ask_new(GError **error)
{
    const char *address = g_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    DBusError bus_error = DBUS_ERROR_INIT;
    DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, &bus_error);

    if (connection == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    _("no system bus at %s: %s; 'systemctl start dbus' starts it"),
                    address == NULL ? _("its standard address") : address, bus_error.message);
        dbus_error_free(&bus_error);
        return NULL;
    }
    dbus_connection_set_exit_on_disconnect(connection, FALSE);

    DmAsk *ask = g_new0(DmAsk, 1);
    ask->connection = connection;
    dbus_connection_add_filter(connection, on_message, ask, NULL);
    return ask;
}

void
dm_ask_free(DmAsk *ask)
{
    if (ask == NULL)
        return;
    dbus_connection_remove_filter(ask->connection, on_message, ask);
    dbus_connection_close(ask->connection);
    dbus_connection_unref(ask->connection);
    g_free(ask);
}

/* -- calls --------------------------------------------------------------------------------------
 */

/* The answer, an error among them; never NULL. */
static DBusMessage *
exchange(DmAsk *ask, DBusMessage *message, int timeout_ms)
{
    DBusPendingCall *pending = NULL;
    DBusMessage *answer = NULL;

    if (!dbus_connection_send_with_reply(ask->connection, message, &pending, timeout_ms))
        g_error("out of memory");
    if (pending != NULL) {
        dbus_pending_call_block(pending);
        answer = dbus_pending_call_steal_reply(pending);
        dbus_pending_call_unref(pending);
    }
    if (answer == NULL) {
        /* Not connected any more: nothing was sent. An answer needs a serial to answer to. */
        dbus_message_set_serial(message, 1);
        answer = dbus_message_new_error(message, DBUS_ERROR_DISCONNECTED, "not connected");
    }
    return answer;
}

static GVariant *
read_answer(DBusMessage *answer, const char *method, const char *type, GError **error)
{
    g_autoptr(GVariant) value = NULL;
    DBusMessageIter iter;

    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR) {
        set_error(error, answer);
        return NULL;
    }
    if (type == NULL)
        return g_variant_ref_sink(g_variant_new_boolean(TRUE));
    if (dbus_message_iter_init(answer, &iter))
        value = dm_variant_from_iter(&iter);
    if (value == NULL || !g_variant_is_of_type(value, G_VARIANT_TYPE(type))) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED,
                    _("%s answered %s with something else than %s; are service and command line of "
                      "one version?"),
                    DM_BUS_NAME, method, type);
        return NULL;
    }
    return g_steal_pointer(&value);
}

GVariant *
dm_ask_call(DmAsk *ask, DBusMessage *message, const char *type, int timeout_ms, bool interactive,
            GError **error)
{
    DmDialog *dialog = interactive ? dm_dialog_new() : NULL;
    DBusMessage *answer;
    GVariant *value;

    if (interactive)
        dbus_message_set_allow_interactive_authorization(message, TRUE);
    answer = exchange(ask, message, timeout_ms);
    value = read_answer(answer, dbus_message_get_member(message), type, error);
    dm_dialog_free(dialog);
    dbus_message_unref(answer);
    dbus_message_unref(message);
    return value;
}

DBusMessage *
dm_ask_new_manager_call(const char *method)
{
    return dbus_message_new_method_call(DM_BUS_NAME, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, method);
}

DBusMessage *
dm_ask_new_provider_call(const char *method, const char *path, const char *flag)
{
    DBusMessage *message = dm_ask_new_manager_call(method);
    DBusMessageIter iter;
    DBusMessageIter options;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &path);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
    if (flag != NULL) {
        DBusMessageIter entry;
        DBusMessageIter value;
        dbus_bool_t yes = TRUE;

        dbus_message_iter_open_container(&options, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &flag);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "b", &value);
        dbus_message_iter_append_basic(&value, DBUS_TYPE_BOOLEAN, &yes);
        dbus_message_iter_close_container(&entry, &value);
        dbus_message_iter_close_container(&options, &entry);
    }
    dbus_message_iter_close_container(&iter, &options);
    return message;
}

/* -- changes ------------------------------------------------------------------------------------
 */

bool
dm_ask_watch(DmAsk *ask, GError **error)
{
    static const char *const rules[] = {MATCH_SERVICE, MATCH_OWNER};

    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                         DBUS_INTERFACE_DBUS, "AddMatch");

        dbus_message_append_args(call, DBUS_TYPE_STRING, &rules[i], DBUS_TYPE_INVALID);
        g_autoptr(GVariant) done = dm_ask_call(ask, call, NULL, DM_ASK_TIMEOUT_MS, false, error);
        if (done == NULL)
            return false;
    }
    return true;
}

bool
dm_ask_wait(DmAsk *ask, int timeout_ms, GError **error)
{
    gint64 end_us = timeout_ms < 0 ? G_MAXINT64 : g_get_monotonic_time() + timeout_ms * 1000LL;
    int left_ms = timeout_ms;

    /* What came while a call was waited for is queued, and goes first. */
    while (dbus_connection_dispatch(ask->connection) == DBUS_DISPATCH_DATA_REMAINS)
        continue;
    while (!ask->changed && left_ms != 0) {
        if (!dbus_connection_read_write_dispatch(ask->connection, left_ms)) {
            g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                        _("the system bus has gone: %s; 'systemctl start dbus' starts it"),
                        _("the connection is closed"));
            return false;
        }
        if (timeout_ms > 0)
            left_ms = (int)MAX((end_us - g_get_monotonic_time()) / 1000, 0);
    }
    while (dbus_connection_dispatch(ask->connection) == DBUS_DISPATCH_DATA_REMAINS)
        continue;
    bool changed = ask->changed;
    ask->changed = false;
    return changed;
}
