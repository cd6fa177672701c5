/* SPDX-License-Identifier: MIT */
#include "plugin/polkit-wire.h"

#define ALLOW_INTERACTION 1u /* of the flags of CheckAuthorization */

/* How much of an error's text is passed on. */
#define MAX_FAULT_BYTES 300

static void
check_memory(bool is_enough)
{
    if (!is_enough)
        g_error("out of memory");
}

static void
append_subject(DBusMessageIter *iter, const char *sender)
{
    static const char *const kind = "system-bus-name", *const key = "name";
    DBusMessageIter subject, details, entry, value;

    check_memory(dbus_message_iter_open_container(iter, DBUS_TYPE_STRUCT, NULL, &subject) &&
                 dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind) &&
                 dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &details) &&
                 dbus_message_iter_open_container(&details, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
                 dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
                 dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT,
                                                  DBUS_TYPE_STRING_AS_STRING, &value) &&
                 dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &sender) &&
                 dbus_message_iter_close_container(&entry, &value) &&
                 dbus_message_iter_close_container(&details, &entry) &&
                 dbus_message_iter_close_container(&subject, &details) &&
                 dbus_message_iter_close_container(iter, &subject));
}

DBusMessage *
dm_polkit_wire_new_check(const char *sender, const char *action, const char *cancellation)
{
    DBusMessage *call = dbus_message_new_method_call(DM_POLKIT_NAME, DM_POLKIT_PATH,
                                                     DM_POLKIT_INTERFACE, "CheckAuthorization");
    const char *id = cancellation != NULL ? cancellation : "";
    dbus_uint32_t flags = cancellation != NULL ? ALLOW_INTERACTION : 0;
    DBusMessageIter iter, details;

    check_memory(call != NULL);
    dbus_message_iter_init_append(call, &iter);
    append_subject(&iter, sender);
    check_memory(dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &action) &&
                 dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{ss}", &details) &&
                 dbus_message_iter_close_container(&iter, &details) &&
                 dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &flags) &&
                 dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &id));
    return call;
}

DBusMessage *
dm_polkit_wire_new_cancel(const char *owner, const char *cancellation)
{
    DBusMessage *call = dbus_message_new_method_call(owner, DM_POLKIT_PATH, DM_POLKIT_INTERFACE,
                                                     "CancelCheckAuthorization");

    check_memory(call != NULL && dbus_message_append_args(call, DBUS_TYPE_STRING, &cancellation,
                                                          DBUS_TYPE_INVALID));
    dbus_message_set_no_reply(call, TRUE);
    dbus_message_set_auto_start(call, FALSE);
    return call;
}

DmVerdict
dm_polkit_wire_read_verdict(DBusMessage *answer)
{
    DBusMessageIter iter, result;
    dbus_bool_t is_authorized, is_challenge;

    if (dbus_message_get_type(answer) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
        !dbus_message_has_signature(answer, "(bba{ss})"))
        return DM_VERDICT_NONE;
    dbus_message_iter_init(answer, &iter);
    dbus_message_iter_recurse(&iter, &result);
    dbus_message_iter_get_basic(&result, &is_authorized);
    dbus_message_iter_next(&result);
    dbus_message_iter_get_basic(&result, &is_challenge);
    /* Who is authorised need not be asked for more: both at once is no answer. */
    if (is_authorized && is_challenge)
        return DM_VERDICT_NONE;
    if (is_challenge)
        return DM_VERDICT_CHALLENGE;
    return is_authorized ? DM_VERDICT_YES : DM_VERDICT_NO;
}

char *
dm_polkit_wire_make_fault(DBusMessage *answer)
{
    const char *text;

    if (dbus_message_get_type(answer) != DBUS_MESSAGE_TYPE_ERROR)
        return g_strdup("its answer is malformed");
    if (!dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
        text = "";
    return g_strdup_printf("%s: %.*s", dbus_message_get_error_name(answer), MAX_FAULT_BYTES, text);
}
