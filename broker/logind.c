/* SPDX-License-Identifier: MIT */

#include "broker/logind.h"

#include <string.h>

#include "broker/bus-service.h"
#include "dbus/wire.h"

#define NAME "org.freedesktop.login1"
#define PATH "/org/freedesktop/login1"
#define MANAGER NAME ".Manager"
#define SESSION NAME ".Session"

struct DmLogind {
    DmBusService *service;
    DmLogindHandlers handlers;
    gpointer data;
    gint64 since_us;   /* CLOCK_MONOTONIC: sessions from then on are new */
    GHashTable *known; /* ids of sessions that were looked at */
    bool is_asleep;
};

static void
set_asleep(DmLogind *logind, bool is_asleep)
{
    if (is_asleep == logind->is_asleep)
        return;
    logind->is_asleep = is_asleep;
    logind->handlers.on_sleep(is_asleep, logind->data);
}

/* -- sessions ------------------------------------------------------------------------------------
 */

/* "user", and what later versions make of it: user-early, user-light. */
static bool
is_persons(const char *class)
{
    return strcmp(class, "user") == 0 ||
           (g_str_has_prefix(class, "user-") && strcmp(class, "user-incomplete") != 0);
}

static bool
get_uid(DBusMessage *answer, dbus_uint32_t *ret_uid)
{
    DBusMessageIter user, fields;

    if (!dm_bus_service_find_property(answer, "User", DBUS_TYPE_STRUCT, &user))
        return false;
    dbus_message_iter_recurse(&user, &fields);
    if (dbus_message_iter_get_arg_type(&fields) != DBUS_TYPE_UINT32)
        return false;
    dbus_message_iter_get_basic(&fields, ret_uid);
    return *ret_uid != G_MAXUINT32;
}

/* One that was announced is new whatever its time says. */
static void
on_session(DBusMessage *answer, DmLogind *logind, bool is_announced)
{
    DBusMessageIter class, time;
    const char *name;
    dbus_uint64_t since_us = 0;
    dbus_uint32_t uid;

    if (!dm_bus_service_find_property(answer, "Class", DBUS_TYPE_STRING, &class) ||
        !get_uid(answer, &uid))
        return; /* gone again, or none that this knows */
    dbus_message_iter_get_basic(&class, &name);
    if (!is_persons(name))
        return;
    if (dm_bus_service_find_property(answer, "TimestampMonotonic", DBUS_TYPE_UINT64, &time))
        dbus_message_iter_get_basic(&time, &since_us);
    logind->handlers.on_login(uid, is_announced || since_us >= (dbus_uint64_t)logind->since_us,
                              logind->data);
}

static void
on_announced_session(DBusMessage *answer, gpointer data)
{
    on_session(answer, data, true);
}

static void
on_listed_session(DBusMessage *answer, gpointer data)
{
    on_session(answer, data, false);
}

/* Asks who it is, unless that was done already. */
static void
look_at(DmLogind *logind, const char *id, const char *path, DmBusServiceFunc func)
{
    DBusMessage *call;

    if (!g_hash_table_add(logind->known, g_strdup(id)))
        return;
    call = dm_bus_service_new_get_all(path, SESSION);
    dm_bus_service_call(logind->service, call, func, logind);
    dbus_message_unref(call);
}

/* The sessions that there are; what is known of others is forgotten. */
static void
on_sessions(DBusMessage *answer, gpointer data)
{
    DmLogind *logind = data;
    g_autoptr(GHashTable) before = g_steal_pointer(&logind->known);
    DBusMessageIter iter, array;

    logind->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!dbus_message_has_signature(answer, "a(susso)"))
        return;
    dbus_message_iter_init(answer, &iter);
    dbus_message_iter_recurse(&iter, &array);
    for (; dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&array)) {
        const char *id, *name, *seat, *path;
        dbus_uint32_t uid;
        DBusMessageIter fields;

        dbus_message_iter_recurse(&array, &fields);
        dm_wire_next_basic(&fields, &id);
        dm_wire_next_basic(&fields, &uid);
        dm_wire_next_basic(&fields, &name);
        dm_wire_next_basic(&fields, &seat);
        dm_wire_next_basic(&fields, &path);
        if (g_hash_table_contains(before, id))
            g_hash_table_add(logind->known, g_strdup(id));
        else
            look_at(logind, id, path, on_listed_session);
    }
}

/* -- the service ---------------------------------------------------------------------------------
 */

static void
on_there(gpointer data)
{
    DmLogind *logind = data;
    DBusMessage *call = dm_bus_service_new_call(PATH, MANAGER, "ListSessions");

    dm_bus_service_call(logind->service, call, on_sessions, logind);
    dbus_message_unref(call);
}

static void
on_gone(gpointer data)
{
    set_asleep(data, false);
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
    DmLogind *logind = data;
    const char *id, *path;
    dbus_bool_t begins;

    if (dbus_message_is_signal(signal, MANAGER, "SessionNew") &&
        dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_OBJECT_PATH, &path,
                              DBUS_TYPE_INVALID))
        look_at(logind, id, path, on_announced_session);
    else if (dbus_message_is_signal(signal, MANAGER, "SessionRemoved") &&
             dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_OBJECT_PATH,
                                   &path, DBUS_TYPE_INVALID))
        g_hash_table_remove(logind->known, id);
    else if (dbus_message_is_signal(signal, MANAGER, "PrepareForSleep") &&
             dbus_message_get_args(signal, NULL, DBUS_TYPE_BOOLEAN, &begins, DBUS_TYPE_INVALID))
        set_asleep(logind, begins);
}

void
dm_logind_set_connection(DmLogind *logind, DBusConnection *connection)
{
    dm_bus_service_set_connection(logind->service, connection);
}

DmLogind *
dm_logind_new(const DmLogindHandlers *handlers, gpointer data)
{
    static const DmBusServiceOptions options = {.name = NAME,
                                                .match = "path='" PATH "',interface='" MANAGER "'"};
    static const DmBusServiceHandlers service = {on_there, on_gone, on_signal};
    DmLogind *logind = g_new0(DmLogind, 1);

    logind->handlers = *handlers;
    logind->data = data;
    logind->since_us = g_get_monotonic_time();
    logind->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    logind->service = dm_bus_service_new(&options, &service, logind);
    return logind;
}

void
dm_logind_free(DmLogind *logind)
{
    if (!logind)
        return;
    dm_bus_service_free(logind->service);
    g_hash_table_unref(logind->known);
    g_free(logind);
}
