/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <string.h>

#include "dbus/tree-call.h"

/* Messages of the tree's interface as the other side gets them. */

static inline DmCommand
command(DmVerb verb, guint span, const char *loc_uri, const char *format, const char *data)
{
    return (DmCommand){verb, span, loc_uri, format, data, data != NULL ? strlen(data) : 0};
}

/* Commands that have all that commands can have. */
#define SAMPLE_COMMANDS                                                                            \
    command(DM_VERB_ATOMIC, 2, NULL, NULL, NULL),                                                  \
        command(DM_VERB_REPLACE, 0, "./Device/Vendor/MSFT/DMClient/Provider/A/HelpWebsite", "chr", \
                "https://help.example/"),                                                          \
        command(DM_VERB_ADD, 0, "./x", NULL, ""), command(DM_VERB_GET, 0, "./Ünïcode", NULL, NULL)

static inline GBytes *
to_bytes(DBusMessage *message)
{
    char *bytes = NULL;
    int size = 0;
    GBytes *copy;

    dbus_message_set_serial(message, 7);
    g_assert_true(dbus_message_marshal(message, &bytes, &size));
    copy = g_bytes_new(bytes, (gsize)size);
    dbus_free(bytes);
    return copy;
}

/* Marshalled, checked by libdbus, read again. */
static inline DBusMessage *
send_through_wire(DBusMessage *message)
{
    g_autoptr(GBytes) bytes = to_bytes(message);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    DBusMessage *copy = dbus_message_demarshal(data, (int)size, NULL);

    g_assert_nonnull(copy);
    return copy;
}

/* Makes an answer to Apply of it, with one result of one item: these fields, also such as the tree
 * would not send. */
static inline void
append_answer(DBusMessage *message, dbus_uint32_t status, guint8 format, dbus_bool_t has_data,
              const char *data, dbus_bool_t is_stopped)
{
    DBusMessageIter iter, array, result, items, item;
    const char *loc_uri = "./x";

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(ua(sybs))", &array);
    dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &result);
    dbus_message_iter_append_basic(&result, DBUS_TYPE_UINT32, &status);
    dbus_message_iter_open_container(&result, DBUS_TYPE_ARRAY, "(sybs)", &items);
    dbus_message_iter_open_container(&items, DBUS_TYPE_STRUCT, NULL, &item);
    dbus_message_iter_append_basic(&item, DBUS_TYPE_STRING, &loc_uri);
    dbus_message_iter_append_basic(&item, DBUS_TYPE_BYTE, &format);
    dbus_message_iter_append_basic(&item, DBUS_TYPE_BOOLEAN, &has_data);
    dbus_message_iter_append_basic(&item, DBUS_TYPE_STRING, &data);
    dbus_message_iter_close_container(&items, &item);
    dbus_message_iter_close_container(&result, &items);
    dbus_message_iter_close_container(&array, &result);
    dbus_message_iter_close_container(&iter, &array);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_BOOLEAN, &is_stopped);
}
