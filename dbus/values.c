/* SPDX-License-Identifier: MIT */
#include "dbus/values.h"

#include <string.h>

static void
append(DBusMessageIter *iter, int type, const void *value)
{
    if (!dbus_message_iter_append_basic(iter, type, value))
        g_error("out of memory");
}

void
dm_values_open(DBusMessageIter *iter, int type, const char *signature, DBusMessageIter *ret_inner)
{
    if (!dbus_message_iter_open_container(iter, type, signature, ret_inner))
        g_error("out of memory");
}

void
dm_values_close(DBusMessageIter *iter, DBusMessageIter *inner)
{
    if (!dbus_message_iter_close_container(iter, inner))
        g_error("out of memory");
}

void
dm_values_open_entry(DBusMessageIter *dict, const char *key, DBusMessageIter *ret_entry)
{
    dm_values_open(dict, DBUS_TYPE_DICT_ENTRY, NULL, ret_entry);
    append(ret_entry, DBUS_TYPE_STRING, &key);
}

void
dm_values_append_text(DBusMessageIter *iter, const char *text)
{
    if (!dm_text_is_valid(text, strlen(text)))
        text = "";
    append(iter, DBUS_TYPE_STRING, &text);
}

void
dm_values_append_path(DBusMessageIter *iter, const char *path)
{
    append(iter, DBUS_TYPE_OBJECT_PATH, &path);
}

void
dm_values_append_number(DBusMessageIter *iter, guint32 number)
{
    append(iter, DBUS_TYPE_UINT32, &number);
}

void
dm_values_append_basic(DBusMessageIter *iter, int type, const void *value)
{
    const char signature[] = {(char)type, '\0'};
    DBusMessageIter variant;

    dm_values_open(iter, DBUS_TYPE_VARIANT, signature, &variant);
    if (type == DBUS_TYPE_STRING)
        dm_values_append_text(&variant, *(const char *const *)value);
    else
        append(&variant, type, value);
    dm_values_close(iter, &variant);
}

/* -- values of the tree -------------------------------------------------------------------------
 */

static const char *
get_text(const DmValue *value)
{
    return value->u.chr != NULL ? value->u.chr : "";
}

/* Whether it can be appended: asked before anything is, because a container cannot be taken back
 * out of the middle of a message. */
static bool
is_sound(const char *signature, const DmValue *value, const char *const *list)
{
    if (g_str_equal(signature, "as")) {
        for (; *list != NULL; list++) {
            if (!dm_text_is_valid(*list, strlen(*list)))
                return false;
        }
        return true;
    }
    switch (signature[0]) {
    case 's':
        return value->format == DM_FORMAT_CHR &&
               dm_text_is_valid(get_text(value), strlen(get_text(value)));
    case 'b':
        return value->format == DM_FORMAT_BOOL;
    case 'i':
        return value->format == DM_FORMAT_INT && value->u.integer >= G_MININT32 &&
               value->u.integer <= G_MAXINT32;
    default:
        return false;
    }
}

static void
append_list(DBusMessageIter *iter, const char *const *list)
{
    DBusMessageIter array;

    dm_values_open(iter, DBUS_TYPE_ARRAY, "s", &array);
    for (; *list != NULL; list++)
        append(&array, DBUS_TYPE_STRING, list);
    dm_values_close(iter, &array);
}

static void
append_value(DBusMessageIter *iter, const DmValue *value)
{
    const char *text = get_text(value);
    dbus_bool_t boolean;
    dbus_int32_t integer;

    if (value->format == DM_FORMAT_BOOL) {
        boolean = value->u.boolean;
        append(iter, DBUS_TYPE_BOOLEAN, &boolean);
    } else if (value->format == DM_FORMAT_INT) {
        integer = (dbus_int32_t)value->u.integer;
        append(iter, DBUS_TYPE_INT32, &integer);
    } else {
        append(iter, DBUS_TYPE_STRING, &text);
    }
}

static void
append_variant(DBusMessageIter *iter, const char *signature, const DmValue *value,
               const char *const *list)
{
    DBusMessageIter variant;

    dm_values_open(iter, DBUS_TYPE_VARIANT, signature, &variant);
    if (signature[0] == DBUS_TYPE_ARRAY)
        append_list(&variant, list);
    else
        append_value(&variant, value);
    dm_values_close(iter, &variant);
}

bool
dm_values_append_variant(DBusMessageIter *iter, const char *signature, const DmValue *value,
                         const char *const *list)
{
    if (!is_sound(signature, value, list))
        return false;
    append_variant(iter, signature, value, list);
    return true;
}

bool
dm_values_append_entry(DBusMessageIter *dict, const char *key, const char *signature,
                       const DmValue *value, const char *const *list)
{
    DBusMessageIter entry;

    if (!is_sound(signature, value, list))
        return false;
    dm_values_open_entry(dict, key, &entry);
    append_variant(&entry, signature, value, list);
    dm_values_close(dict, &entry);
    return true;
}
