/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "plugin/access.h"

/* Who leaves answers unread (G8). The bus keeps them, and of one sender it keeps 127 MB: after that
 * it reads nothing more from it, and nobody is answered. So whoever leaves too much of it unread
 * waits, with all that user's programs, until it is read. What there is the bus says
 * (Debug.Stats); one that does not has a quota for each user, or takes no more than its limit. */
typedef struct DmUnread DmUnread;

typedef struct {
    void (*set_closed)(guint32 uid, bool is_closed, gpointer data); /* answer that user, or not */
    bool (*is_waiting)(gconstpointer data); /* whether one who is not answered has asked */
    gpointer data;
} DmUnreadHandlers;

/* Of answers on `connection`, which has a unique name; timers run on `context` (NULL: the default
 * one). `access` is borrowed. */
DmUnread *dm_unread_new(DBusConnection *connection, GMainContext *context, DmAccess *access,
                        const DmUnreadHandlers *handlers);

/* NULL is fine. */
void dm_unread_free(DmUnread *unread);

/* Notes that an answer was sent to the unique name `name`; after a large one, and now and then, the
 * bus is asked what is unread. */
void dm_unread_note(DmUnread *unread, const char *name, bool is_large);

/* Has it looked at soon whether users who are not answered have read what they had. */
void dm_unread_look(DmUnread *unread);

/* Whether user `uid` is not answered; whether any is not. */
bool dm_unread_is_closed(const DmUnread *unread, guint32 uid);
bool dm_unread_has_closed(const DmUnread *unread);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmUnread, dm_unread_free)
