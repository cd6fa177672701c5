/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* A service on the bus that the broker listens to: who has its name now, what it says and answers.
 * Anybody may send signals to anybody on the system bus, so that only those of the name's owner
 * count. */
typedef struct DmBusService DmBusService;

typedef struct {
    const char *name;  /* well-known; copied */
    const char *match; /* more of a rule, for the signals that are wanted; NULL: none. Copied */
    bool starts;       /* the bus is asked to start it where nobody has the name */
} DmBusServiceOptions;

/* Called from the main context. None may free the service. */
typedef struct {
    /* It is there: as it is found, and each time another one takes the name. */
    void (*on_there)(gpointer data);
    void (*on_gone)(gpointer data); /* it was there, and is not any more; NULL: not called */
    void (*on_signal)(DBusMessage *signal, gpointer data); /* NULL: not called */
} DmBusServiceHandlers;

DmBusService *dm_bus_service_new(const DmBusServiceOptions *options,
                                 const DmBusServiceHandlers *handlers, gpointer data);

/* NULL is fine. */
void dm_bus_service_free(DmBusService *service);

/* The bus; NULL: none now. Referenced. */
void dm_bus_service_set_connection(DmBusService *service, DBusConnection *connection);

/* Whether somebody has the name. */
bool dm_bus_service_is_there(const DmBusService *service);

/* A call of it, for dbus_message_unref(). */
DBusMessage *dm_bus_service_new_call(const char *path, const char *interface, const char *method);

/* Sends `call` to who has the name; only while it is there. `func` gets the answer, which may be an
 * error, once; it is not called any more when the service has gone. */
typedef void (*DmBusServiceFunc)(DBusMessage *answer, gpointer data);
void dm_bus_service_call(DmBusService *service, DBusMessage *call, DmBusServiceFunc func,
                         gpointer data);

/* The answer to a call of org.freedesktop.DBus.Properties.GetAll, or the signal PropertiesChanged:
 * puts `iter` on the value of `name`, if it is there and of D-Bus type `type`. */
bool dm_bus_service_find_property(DBusMessage *message, const char *name, int type,
                                  DBusMessageIter *iter);

/* A call of GetAll, for dbus_message_unref(). */
DBusMessage *dm_bus_service_new_get_all(const char *path, const char *interface);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmBusService, dm_bus_service_free)
