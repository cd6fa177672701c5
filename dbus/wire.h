/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* Reading arguments of a message. libdbus has checked the body against its signature when it came
 * in, so a look at the signature makes every read below it safe. */

/* Whether what `iter` stands at, and all after it, is of that signature; false at the end. */
static inline bool
dm_wire_has_signature(DBusMessageIter *iter, const char *signature)
{
    char *actual;
    bool equal;

    if (dbus_message_iter_get_arg_type(iter) == DBUS_TYPE_INVALID)
        return false;
    actual = dbus_message_iter_get_signature(iter);
    equal = g_strcmp0(actual, signature) == 0;
    dbus_free(actual);
    return equal;
}

/* The basic value that `iter` stands at, strings borrowed, and a step on. */
static inline void
dm_wire_next_basic(DBusMessageIter *iter, void *ret_value)
{
    dbus_message_iter_get_basic(iter, ret_value);
    dbus_message_iter_next(iter);
}
