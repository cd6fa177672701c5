/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "cli/exit.h"

/* The service on the system bus, for a program that waits for answers: one connection. */
typedef struct DmAsk DmAsk;

#define DM_ASK_TIMEOUT_MS 10000
/* For what a person or a server may take any time for. */
#define DM_ASK_FOREVER DBUS_TIMEOUT_INFINITE

/* Connects. NULL and DM_ERROR DISCONNECTED without a bus; the message says how to start it. */
DmAsk *dm_ask_new(GError **error);
void dm_ask_free(DmAsk *ask);

/* Sends `message`, which it takes, and waits for the answer: its first value, of `type` (NULL: the
 * answer has none, and TRUE stands for it), to unref. With `interactive` polkit may have a person
 * asked; on a terminal where no desktop does that, a text dialog is there for it. NULL and
 * DM_ERROR: DISCONNECTED (nobody serves the name; says how to start it), DENIED, NOT_FOUND,
 * TIMEOUT, FAILED; messages of the service itself come as they are. */
GVariant *dm_ask_call(DmAsk *ask, DBusMessage *message, const char *type, int timeout_ms,
                      bool interactive, GError **error);

/* A call of the Manager's, for dm_ask_call(). */
DBusMessage *dm_ask_new_manager_call(const char *method);

/* The same with the arguments (o, a{sv}) that nearly all its methods take; `flag` is an option that
 * is true, NULL none. */
DBusMessage *dm_ask_new_provider_call(const char *method, const char *path, const char *flag);

/* From now on the service's changes, and its coming and going, wake dm_ask_wait(). */
bool dm_ask_watch(DmAsk *ask, GError **error);

/* Waits at most `timeout_ms` (-1: without end) for such a change; true if there was one, and all
 * that have come are taken. False and DISCONNECTED: the bus is gone; false without an error: time
 * is up. */
bool dm_ask_wait(DmAsk *ask, int timeout_ms, GError **error);

/* How the program ends when a call failed. */
DmExit dm_ask_exit(const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAsk, dm_ask_free)
