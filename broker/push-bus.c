/* SPDX-License-Identifier: MIT */

#include "broker/push-bus.h"

#include <string.h>

#include "broker/bus-service.h"
#include "common/log.h"
#include "dbus/wire.h"

#define PATH "/org/dmclient/Push1"
#define INTERFACE "org.dmclient.Push1"
#define BAD_PFN INTERFACE ".Error.InvalidPfn"

struct DmPushBus {
    char *name;
    DmPushes *push;
    DmBusService *service;
    GHashTable *questions; /* Question, those under way */
};

/* A call under way. */
typedef struct {
    DmPushBus *bus;
    char *provider, *pfn;
} Question;

static void
question_free(gpointer data)
{
    Question *question = data;

    g_free(question->provider);
    g_free(question->pfn);
    g_free(question);
}

static Question *
question_new(DmPushBus *bus, const char *provider, const char *pfn)
{
    Question *question = g_new0(Question, 1);

    question->bus = bus;
    question->provider = g_strdup(provider);
    question->pfn = g_strdup(pfn);
    g_hash_table_add(bus->questions, question);
    return question;
}

static bool
is_error(DBusMessage *answer, const char *provider)
{
    const char *text = "";

    if (dbus_message_get_type(answer) != DBUS_MESSAGE_TYPE_ERROR)
        return false;
    (void)dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    dm_log_warning("the push service refuses", "DM_PROVIDER", provider, "DM_CAUSE",
                   *text ? text : dbus_message_get_error_name(answer));
    return true;
}

/* -- asking --------------------------------------------------------------------------------------
 */

static void
on_registered(DBusMessage *answer, gpointer data)
{
    Question *question = data;
    DmPushBus *bus = question->bus;
    DmPushStatus status = DM_PUSH_UNKNOWN_ERROR;
    const char *channel_uri = "";
    dbus_uint32_t number;

    if (is_error(answer, question->provider)) {
        if (dbus_message_is_error(answer, BAD_PFN))
            status = DM_PUSH_BAD_PFN;
    } else if (dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &channel_uri, DBUS_TYPE_UINT32,
                                     &number, DBUS_TYPE_INVALID) &&
               number <= DM_PUSH_UNKNOWN_ERROR) {
        status = (DmPushStatus)number;
    } else {
        channel_uri = "";
    }
    dm_pushes_report(bus->push, question->provider, question->pfn, channel_uri, status);
    g_hash_table_remove(bus->questions, question);
}

static void
enrol(gpointer backend, const char *provider, const char *pfn)
{
    DmPushBus *bus = backend;
    g_autoptr(DBusMessage) call = NULL;

    /* Asked again when it is there. */
    if (!dm_bus_service_is_there(bus->service))
        return;
    call = dm_bus_service_new_call(PATH, INTERFACE, "Register");
    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &pfn,
                             DBUS_TYPE_INVALID);
    dm_bus_service_call(bus->service, call, on_registered, question_new(bus, provider, pfn));
}

static void
on_revoked(DBusMessage *answer, gpointer data)
{
    Question *question = data;
    DmPushBus *bus = question->bus;

    dm_pushes_report_revoked(bus->push, question->provider, !is_error(answer, question->provider));
    g_hash_table_remove(bus->questions, question);
}

static void
give_back(gpointer backend, const char *provider, const char *pfn, const char *channel_uri)
{
    DmPushBus *bus = backend;
    g_autoptr(DBusMessage) call = NULL;

    /* Not there: when it is, it hears what there is to be. */
    if (!dm_bus_service_is_there(bus->service)) {
        dm_pushes_report_revoked(bus->push, provider, false);
        return;
    }
    call = dm_bus_service_new_call(PATH, INTERFACE, "Revoke");
    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &pfn,
                             DBUS_TYPE_STRING, &channel_uri, DBUS_TYPE_INVALID);
    dm_bus_service_call(bus->service, call, on_revoked, question_new(bus, provider, pfn));
}

static void
on_retained(DBusMessage *answer, gpointer data)
{
    (void)is_error(answer, "");
}

static void
retain(gpointer backend, const DmPushRegistration *registrations, gsize n)
{
    DmPushBus *bus = backend;
    g_autoptr(DBusMessage) call = NULL;
    DBusMessageIter iter, array, entry;

    if (!dm_bus_service_is_there(bus->service))
        return;
    call = dm_bus_service_new_call(PATH, INTERFACE, "Retain");
    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(ss)", &array);
    for (gsize i = 0; i < n; i++) {
        dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &registrations[i].provider);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &registrations[i].pfn);
        dbus_message_iter_close_container(&array, &entry);
    }
    dbus_message_iter_close_container(&iter, &array);
    dm_bus_service_call(bus->service, call, on_retained, bus);
}

/* -- listening -----------------------------------------------------------------------------------
 */

static void
on_there(gpointer data)
{
    DmPushBus *bus = data;

    dm_pushes_enrol_all(bus->push);
}

static void
on_gone(gpointer data)
{
    DmPushBus *bus = data;

    /* With the service its answers are gone. */
    g_hash_table_remove_all(bus->questions);
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
    DmPushBus *bus = data;
    const char *provider, *pfn, *channel_uri;
    dbus_uint32_t status;

    if (dbus_message_is_signal(signal, INTERFACE, "Wake") &&
        dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &pfn,
                              DBUS_TYPE_INVALID))
        dm_pushes_wake(bus->push, provider, pfn);
    else if (dbus_message_is_signal(signal, INTERFACE, "Channel") &&
             dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING,
                                   &pfn, DBUS_TYPE_STRING, &channel_uri, DBUS_TYPE_UINT32, &status,
                                   DBUS_TYPE_INVALID) &&
             status <= DM_PUSH_UNKNOWN_ERROR)
        dm_pushes_report(bus->push, provider, pfn, channel_uri, (DmPushStatus)status);
}

void
dm_push_bus_set_connection(DmPushBus *bus, DBusConnection *connection)
{
    dm_bus_service_set_connection(bus->service, connection);
}

const char *
dm_push_bus_get_name(const DmPushBus *bus)
{
    return bus->name;
}

/* -- life ----------------------------------------------------------------------------------------
 */

static void
free_bus(gpointer backend)
{
    DmPushBus *bus = backend;

    dm_bus_service_free(bus->service);
    g_hash_table_unref(bus->questions);
    g_free(bus->name);
    g_free(bus);
}

const DmPushesBackend *
dm_push_bus_get_functions(void)
{
    static const DmPushesBackend functions = {enrol, give_back, retain, free_bus};

    return &functions;
}

DmPushBus *
dm_push_bus_new(const char *name, DmPushes *push)
{
    static const DmBusServiceHandlers handlers = {on_there, on_gone, on_signal};
    const DmBusServiceOptions options = {
        .name = name, .match = "path='" PATH "',interface='" INTERFACE "'", .starts = true};
    DmPushBus *bus = g_new0(DmPushBus, 1);

    bus->name = g_strdup(name);
    bus->push = push;
    bus->questions = g_hash_table_new_full(NULL, NULL, question_free, NULL);
    bus->service = dm_bus_service_new(&options, &handlers, bus);
    return bus;
}
