/* SPDX-License-Identifier: MIT */
#include "cli/variant.h"

static GVariant *
from_basic(DBusMessageIter *iter, int type)
{
    DBusBasicValue value = {.u64 = 0};

    if (type == DBUS_TYPE_UNIX_FD)
        return NULL;
    dbus_message_iter_get_basic(iter, &value);
    switch (type) {
    case DBUS_TYPE_BYTE:
        return g_variant_new_byte(value.byt);
    case DBUS_TYPE_BOOLEAN:
        return g_variant_new_boolean(value.bool_val != 0);
    case DBUS_TYPE_INT16:
        return g_variant_new_int16(value.i16);
    case DBUS_TYPE_UINT16:
        return g_variant_new_uint16(value.u16);
    case DBUS_TYPE_INT32:
        return g_variant_new_int32(value.i32);
    case DBUS_TYPE_UINT32:
        return g_variant_new_uint32(value.u32);
    case DBUS_TYPE_INT64:
        return g_variant_new_int64(value.i64);
    case DBUS_TYPE_UINT64:
        return g_variant_new_uint64(value.u64);
    case DBUS_TYPE_DOUBLE:
        return g_variant_new_double(value.dbl);
    case DBUS_TYPE_STRING:
        return g_variant_new_string(value.str);
    case DBUS_TYPE_OBJECT_PATH:
        return g_variant_new_object_path(value.str);
    case DBUS_TYPE_SIGNATURE:
        return g_variant_new_signature(value.str);
    default:
        return NULL;
    }
}

static GVariant *
from_container(DBusMessageIter *iter)
{
    char *signature = dbus_message_iter_get_signature(iter);
    DBusMessageIter inner;
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE(signature));
    dbus_free(signature);
    dbus_message_iter_recurse(iter, &inner);
    for (; dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&inner)) {
        g_autoptr(GVariant) child = dm_variant_from_iter(&inner);

        if (child == NULL) {
            g_variant_builder_clear(&builder);
            return NULL;
        }
        g_variant_builder_add_value(&builder, child);
    }
    return g_variant_builder_end(&builder);
}

GVariant *
dm_variant_from_iter(DBusMessageIter *iter)
{
    int type = dbus_message_iter_get_arg_type(iter);
    GVariant *value = NULL;

    if (dbus_type_is_basic(type))
        value = from_basic(iter, type);
    else if (dbus_type_is_container(type))
        value = from_container(iter);
    return value == NULL ? NULL : g_variant_ref_sink(value);
}
