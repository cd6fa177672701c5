/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

/* A message's arguments as text, for expectations that can be read: `'s' 5 true ['a','b']
 * {'k': <'v'>} (1,2)`. */

static inline void message_append_text(GString *text, DBusMessageIter *iter);

static inline void
message_append_all(GString *text, DBusMessageIter *iter, const char *separator)
{
    for (gboolean first = TRUE; dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(iter), first = FALSE) {
        if (!first)
            g_string_append(text, separator);
        message_append_text(text, iter);
    }
}

static inline void
message_append_container(GString *text, DBusMessageIter *iter, const char *open, const char *close,
                         const char *separator)
{
    DBusMessageIter inner;

    dbus_message_iter_recurse(iter, &inner);
    g_string_append(text, open);
    message_append_all(text, &inner, separator);
    g_string_append(text, close);
}

static inline void
message_append_text(GString *text, DBusMessageIter *iter)
{
    DBusBasicValue value;

    switch (dbus_message_iter_get_arg_type(iter)) {
    case DBUS_TYPE_ARRAY:
        if (dbus_message_iter_get_element_type(iter) == DBUS_TYPE_DICT_ENTRY)
            message_append_container(text, iter, "{", "}", ",");
        else
            message_append_container(text, iter, "[", "]", ",");
        return;
    case DBUS_TYPE_DICT_ENTRY:
        message_append_container(text, iter, "", "", ":");
        return;
    case DBUS_TYPE_STRUCT:
        message_append_container(text, iter, "(", ")", ",");
        return;
    case DBUS_TYPE_VARIANT:
        message_append_container(text, iter, "<", ">", "");
        return;
    default:
        break;
    }
    dbus_message_iter_get_basic(iter, &value);
    switch (dbus_message_iter_get_arg_type(iter)) {
    case DBUS_TYPE_BOOLEAN:
        g_string_append(text, value.bool_val ? "true" : "false");
        break;
    case DBUS_TYPE_INT32:
        g_string_append_printf(text, "%d", value.i32);
        break;
    case DBUS_TYPE_UINT32:
        g_string_append_printf(text, "%u", value.u32);
        break;
    case DBUS_TYPE_UINT64:
        g_string_append_printf(text, "%" G_GUINT64_FORMAT, (guint64)value.u64);
        break;
    default:
        g_string_append_printf(text, "'%s'", value.str);
        break;
    }
}

/* Free with g_free(). */
static inline char *
message_to_text(DBusMessage *message)
{
    GString *text = g_string_new(NULL);
    DBusMessageIter iter;

    if (dbus_message_iter_init(message, &iter))
        message_append_all(text, &iter, " ");
    return g_string_free(text, FALSE);
}
