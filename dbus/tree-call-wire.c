/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "common/account.h"
#include "dbus/tree-call.h"
#include "dbus/wire.h"

#define COMMAND "(yussbs)"
#define ITEM "(sybs)"
#define RESULT "(ua" ITEM ")"

/* libdbus aborts the process on text that is not valid UTF-8, and leaks a container that is not
 * closed: everything is checked before the first container is opened, so that appending fails only
 * for want of memory. NULL is valid. */
static bool
text_is_valid(const char *text)
{
    return text == NULL || dbus_validate_utf8(text, NULL);
}

static bool
data_is_valid(const char *data, gsize size)
{
    return data == NULL || (memchr(data, '\0', size) == NULL && dbus_validate_utf8(data, NULL));
}

static bool
append_text(DBusMessageIter *iter, const char *text)
{
    if (text == NULL)
        text = "";
    return dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
}

static bool
append_data(DBusMessageIter *iter, const char *data)
{
    dbus_bool_t has_data = data != NULL;

    return dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &has_data) &&
           append_text(iter, data);
}

/* False for Data where there is said to be none. */
static bool
read_data(DBusMessageIter *iter, const char **ret_data, gsize *ret_size)
{
    dbus_bool_t has_data;
    const char *data;

    dm_wire_next_basic(iter, &has_data);
    dm_wire_next_basic(iter, &data);
    if (!has_data && *data != '\0')
        return false;
    *ret_data = has_data ? data : NULL;
    *ret_size = has_data ? strlen(data) : 0;
    return true;
}

static bool
append_command(DBusMessageIter *array, const DmCommand *command)
{
    DBusMessageIter entry;
    guint8 verb = (guint8)command->verb;
    dbus_uint32_t span = command->span;

    return dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry) &&
           dbus_message_iter_append_basic(&entry, DBUS_TYPE_BYTE, &verb) &&
           dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &span) &&
           append_text(&entry, command->loc_uri) && append_text(&entry, command->format) &&
           append_data(&entry, command->data) && dbus_message_iter_close_container(array, &entry);
}

bool
dm_wire_append_commands(DBusMessageIter *iter, const DmCommand *commands, gsize n_commands)
{
    DBusMessageIter array;

    for (gsize i = 0; i < n_commands; i++) {
        if (!text_is_valid(commands[i].loc_uri) || !text_is_valid(commands[i].format) ||
            !data_is_valid(commands[i].data, commands[i].data_size))
            return false;
    }
    if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, COMMAND, &array))
        return false;
    for (gsize i = 0; i < n_commands; i++) {
        if (!append_command(&array, &commands[i]))
            return false;
    }
    return dbus_message_iter_close_container(iter, &array);
}

static bool
read_command(DBusMessageIter *array, DmCommand *ret_command)
{
    DBusMessageIter entry;
    DmCommand command = {0};
    guint8 verb;
    dbus_uint32_t span;

    dbus_message_iter_recurse(array, &entry);
    dm_wire_next_basic(&entry, &verb);
    dm_wire_next_basic(&entry, &span);
    dm_wire_next_basic(&entry, &command.loc_uri);
    dm_wire_next_basic(&entry, &command.format);
    if (verb > DM_VERB_RESULTS || !read_data(&entry, &command.data, &command.data_size))
        return false;
    command.verb = (DmVerb)verb;
    command.span = span;
    if (*command.loc_uri == '\0')
        command.loc_uri = NULL;
    if (*command.format == '\0')
        command.format = NULL;
    *ret_command = command;
    return true;
}

GArray *
dm_wire_read_commands(DBusMessageIter *iter)
{
    g_autoptr(GArray) commands = g_array_new(FALSE, FALSE, sizeof(DmCommand));
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a" COMMAND))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DmCommand command;

        if (commands->len == DM_BATCH_MAX || !read_command(&array, &command))
            return NULL;
        g_array_append_val(commands, command);
        dbus_message_iter_next(&array);
    }
    if (!dm_batch_is_valid((const DmCommand *)(void *)commands->data, commands->len))
        return NULL;
    return g_steal_pointer(&commands);
}

static bool
append_item(DBusMessageIter *array, const DmResultItem *item)
{
    DBusMessageIter entry;
    guint8 format = (guint8)item->format;

    return dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry) &&
           append_text(&entry, item->loc_uri) &&
           dbus_message_iter_append_basic(&entry, DBUS_TYPE_BYTE, &format) &&
           append_data(&entry, item->data) && dbus_message_iter_close_container(array, &entry);
}

static bool
append_result(DBusMessageIter *array, const DmResult *result, const DmResultItem *items)
{
    DBusMessageIter entry, list;
    dbus_uint32_t status = (dbus_uint32_t)result->status;

    if (!dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry) ||
        !dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &status) ||
        !dbus_message_iter_open_container(&entry, DBUS_TYPE_ARRAY, ITEM, &list))
        return false;
    for (guint i = 0; i < result->n_items; i++) {
        if (!append_item(&list, &items[i]))
            return false;
    }
    return dbus_message_iter_close_container(&entry, &list) &&
           dbus_message_iter_close_container(array, &entry);
}

static bool
reply_is_valid(const DmReply *reply)
{
    for (gsize i = 0; i < dm_reply_get_size(reply); i++) {
        const DmResultItem *items = dm_reply_get_items(reply, i);

        for (guint j = 0; j < dm_reply_get(reply, i)->n_items; j++) {
            if (!text_is_valid(items[j].loc_uri) ||
                !data_is_valid(items[j].data, items[j].data_size))
                return false;
        }
    }
    return true;
}

bool
dm_wire_append_reply(DBusMessageIter *iter, const DmReply *reply)
{
    dbus_bool_t is_stopped = dm_reply_is_stopped(reply);
    DBusMessageIter array;

    if (!reply_is_valid(reply))
        return false;
    if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, RESULT, &array))
        return false;
    for (gsize i = 0; i < dm_reply_get_size(reply); i++) {
        if (!append_result(&array, dm_reply_get(reply, i), dm_reply_get_items(reply, i)))
            return false;
    }
    return dbus_message_iter_close_container(iter, &array) &&
           dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &is_stopped);
}

static bool
read_item(DBusMessageIter *array, DmReply *reply)
{
    DBusMessageIter entry;
    const char *loc_uri, *data;
    guint8 format;
    gsize size;

    dbus_message_iter_recurse(array, &entry);
    dm_wire_next_basic(&entry, &loc_uri);
    dm_wire_next_basic(&entry, &format);
    if (format > DM_FORMAT_TIME || !read_data(&entry, &data, &size))
        return false;
    dm_reply_add_item(reply, loc_uri, (DmFormat)format, data, size);
    return true;
}

static bool
read_result(DBusMessageIter *array, DmReply *reply)
{
    DBusMessageIter entry, list;
    dbus_uint32_t status;

    dbus_message_iter_recurse(array, &entry);
    dm_wire_next_basic(&entry, &status);
    if (!dm_status_is_known(status))
        return false;
    dm_reply_add(reply, (DmStatus)status);
    dbus_message_iter_recurse(&entry, &list);
    while (dbus_message_iter_get_arg_type(&list) != DBUS_TYPE_INVALID) {
        if (!read_item(&list, reply))
            return false;
        dbus_message_iter_next(&list);
    }
    return true;
}

DmReply *
dm_wire_read_reply(DBusMessageIter *iter)
{
    g_autoptr(DmReply) reply = dm_reply_new(0);
    dbus_bool_t is_stopped = FALSE;
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a" RESULT))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        /* Provision's has one more than it had settings. */
        if (dm_reply_get_size(reply) > DM_BATCH_MAX || !read_result(&array, reply))
            return NULL;
        dbus_message_iter_next(&array);
    }
    if (!dbus_message_iter_next(iter) || !dm_wire_has_signature(iter, "b"))
        return NULL;
    dbus_message_iter_get_basic(iter, &is_stopped);
    if (is_stopped)
        dm_reply_set_stop(reply);
    return g_steal_pointer(&reply);
}

bool
dm_wire_append_strings(DBusMessageIter *iter, GHashTable *strings)
{
    DBusMessageIter array, entry;
    GHashTableIter each;
    gpointer key, value;

    g_hash_table_iter_init(&each, strings);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        if (!text_is_valid(key) || !text_is_valid(value))
            return false;
    }
    if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{ss}", &array))
        return false;
    g_hash_table_iter_init(&each, strings);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        if (!dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) ||
            !append_text(&entry, key) || !append_text(&entry, value) ||
            !dbus_message_iter_close_container(&array, &entry))
            return false;
    }
    return dbus_message_iter_close_container(iter, &array);
}

GHashTable *
dm_wire_read_strings(DBusMessageIter *iter)
{
    g_autoptr(GHashTable) strings = dm_account_new();
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a{ss}"))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DBusMessageIter entry;
        const char *key, *value;

        dbus_message_iter_recurse(&array, &entry);
        dm_wire_next_basic(&entry, &key);
        dm_wire_next_basic(&entry, &value);
        if (g_hash_table_size(strings) == DM_ACCOUNT_MAX_ENTRIES || *key == '\0' ||
            strlen(key) > DM_ACCOUNT_MAX_KEY || strlen(value) > DM_ACCOUNT_MAX_VALUE ||
            !g_hash_table_insert(strings, g_strdup(key), g_strdup(value)))
            return NULL;
        dbus_message_iter_next(&array);
    }
    return g_steal_pointer(&strings);
}
