/* SPDX-License-Identifier: MIT */
#include "dbus/values.h"

#include <string.h>

static const char *
get_text(const DmValue *value)
{
    return value->u.chr != NULL ? value->u.chr : "";
}

/* Whether it can be appended: asked before anything is, because what is begun cannot be taken back
 * out of a message. */
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
    case DBUS_TYPE_STRING:
        return value->format == DM_FORMAT_CHR &&
               dm_text_is_valid(get_text(value), strlen(get_text(value)));
    case DBUS_TYPE_BOOLEAN:
        return value->format == DM_FORMAT_BOOL;
    case DBUS_TYPE_INT32:
        return value->format == DM_FORMAT_INT && value->u.integer >= G_MININT32 &&
               value->u.integer <= G_MAXINT32;
    default:
        return false;
    }
}

/* -- to libdbus ---------------------------------------------------------------------------------
 */

static void
append_basic(DBusMessageIter *iter, int type, const void *value)
{
    if (!dbus_message_iter_append_basic(iter, type, value))
        g_error("out of memory");
}

static void
append_list(DBusMessageIter *iter, const char *const *list)
{
    DBusMessageIter array;

    if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "s", &array))
        g_error("out of memory");
    for (; *list != NULL; list++)
        append_basic(&array, DBUS_TYPE_STRING, list);
    if (!dbus_message_iter_close_container(iter, &array))
        g_error("out of memory");
}

static void
append_value(DBusMessageIter *iter, const DmValue *value)
{
    const char *text = get_text(value);
    dbus_bool_t boolean;
    dbus_int32_t integer;

    if (value->format == DM_FORMAT_BOOL) {
        boolean = value->u.boolean;
        append_basic(iter, DBUS_TYPE_BOOLEAN, &boolean);
    } else if (value->format == DM_FORMAT_INT) {
        integer = (dbus_int32_t)value->u.integer;
        append_basic(iter, DBUS_TYPE_INT32, &integer);
    } else {
        append_basic(iter, DBUS_TYPE_STRING, &text);
    }
}

bool
dm_values_append_variant(DBusMessageIter *iter, const char *signature, const DmValue *value,
                         const char *const *list)
{
    DBusMessageIter variant;

    if (!is_sound(signature, value, list))
        return false;
    if (!dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, signature, &variant))
        g_error("out of memory");
    if (signature[0] == DBUS_TYPE_ARRAY)
        append_list(&variant, list);
    else
        append_value(&variant, value);
    if (!dbus_message_iter_close_container(iter, &variant))
        g_error("out of memory");
    return true;
}

/* -- to a body ----------------------------------------------------------------------------------
 */

bool
dm_values_append_entry(DmBody *body, const char *key, const char *signature, const DmValue *value,
                       const char *const *list)
{
    DmBodyArray array;

    if (!is_sound(signature, value, list))
        return false;
    dm_body_begin_struct(body);
    dm_body_append_valid(body, key);
    dm_body_begin_variant(body, signature);
    switch (signature[0]) {
    case DBUS_TYPE_BOOLEAN:
        dm_body_append_bool(body, value->u.boolean);
        break;
    case DBUS_TYPE_INT32:
        dm_body_append_int32(body, (gint32)value->u.integer);
        break;
    case DBUS_TYPE_STRING:
        dm_body_append_valid(body, get_text(value));
        break;
    default:
        array = dm_body_begin_array(body, false);
        for (; *list != NULL; list++)
            dm_body_append_valid(body, *list);
        dm_body_end_array(body, array);
    }
    return true;
}
