/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* What logind says on the bus of logins and of suspend (rules P7, P9). A login is a new session of
 * the class of people: not a greeter's, not one of cron or of the user's service manager. Unlocking
 * makes no session, and so is none. */
typedef struct DmLogind DmLogind;

/* Called from the main context. */
typedef struct {
    /* `is_new`: just now; otherwise the user was logged in already when this looked first. Each of
     * logind's sessions is told of once. */
    void (*on_login)(guint32 uid, bool is_new, gpointer data);
    /* The machine is about to sleep, or is awake again; a suspend that nobody tells the end of, for
     * the bus or logind went away, has ended. */
    void (*on_sleep)(bool is_asleep, gpointer data);
} DmLogindHandlers;

DmLogind *dm_logind_new(const DmLogindHandlers *handlers, gpointer data);

/* NULL is fine. */
void dm_logind_free(DmLogind *logind);

/* The bus; NULL: none now. Referenced. */
void dm_logind_set_connection(DmLogind *logind, DBusConnection *connection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLogind, dm_logind_free)
