/* SPDX-License-Identifier: MIT */
#include "plugin/call.h"

#include <string.h>

#include "common/error.h"
#include "common/status.h"
#include "common/text.h"
#include "plugin/objects-private.h"

/* Longest text of a caller's that an error quotes: what a name on the bus may have. */
#define MAX_QUOTED 255

/* -- replies ------------------------------------------------------------------------------------
 */

DBusMessage *
dm_call_new_error(DBusMessage *call, const char *name, const char *sentence, const char *detail)
{
    DBusMessage *error;

    if (detail != NULL && *detail != '\0' && strlen(detail) <= MAX_QUOTED)
        error = dbus_message_new_error_printf(call, name, "%s: %s", sentence, detail);
    else
        error = dbus_message_new_error(call, name, sentence);
    if (error == NULL)
        g_error("out of memory");
    return error;
}

static const char *
get_error_name(const GError *error)
{
    if (error->domain != DM_ERROR)
        return dm_status_to_dbus_error(DM_STATUS_FAILED);
    switch (error->code) {
    case DM_ERROR_DISCONNECTED:
        return dm_status_to_dbus_error(DM_STATUS_UNAVAILABLE);
    case DM_ERROR_NOT_FOUND:
        return dm_status_to_dbus_error(DM_STATUS_NOT_FOUND);
    case DM_ERROR_INVALID:
        return dm_status_to_dbus_error(DM_STATUS_BAD_REQUEST);
    case DM_ERROR_FULL:
        return dm_status_to_dbus_error(DM_STATUS_DEVICE_FULL);
    case DM_ERROR_STORAGE:
        return dm_status_to_dbus_error(DM_STATUS_STORAGE);
    case DM_ERROR_BUSY:
        return DBUS_ERROR_LIMITS_EXCEEDED;
    case DM_ERROR_DENIED:
        return DBUS_ERROR_ACCESS_DENIED;
    default:
        return dm_status_to_dbus_error(DM_STATUS_FAILED);
    }
}

DBusMessage *
dm_call_new_failure(DBusMessage *call, const GError *error)
{
    g_autofree char *text = dm_text_clean(error->message, DM_TEXT_ONE_LINE);

    return dm_call_new_error(call, get_error_name(error), text != NULL ? text : error->message,
                             NULL);
}

DBusMessage *
dm_call_finish_reply(DBusMessage *call, DmBody *body, const char *signature)
{
    DBusMessage *reply = dm_body_to_reply(body, call, signature);

    if (reply == NULL)
        reply = dm_call_new_error(call, DBUS_ERROR_LIMITS_EXCEEDED,
                                  "the answer is too large for one message", NULL);
    return reply;
}

DBusMessage *
dm_call_new_empty_reply(DBusMessage *call)
{
    DBusMessage *reply = dbus_message_new_method_return(call);

    if (reply == NULL)
        g_error("out of memory");
    return reply;
}

/* -- arguments ----------------------------------------------------------------------------------
 */

static DmOption *
find_option(DmOption *options, const char *name)
{
    for (; options->name != NULL; options++) {
        if (g_str_equal(options->name, name))
            return options;
    }
    return NULL;
}

static bool
read_options(DmCall *call, DBusMessageIter *iter, DmOption *options)
{
    DBusMessageIter entries;

    dbus_message_iter_recurse(iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&entries)) {
        DBusMessageIter entry, variant;
        dbus_bool_t value;
        DmOption *option;
        const char *name;

        dbus_message_iter_recurse(&entries, &entry);
        dbus_message_iter_get_basic(&entry, &name);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &variant);
        option = find_option(options, name);
        if (option == NULL || dbus_message_iter_get_arg_type(&variant) != DBUS_TYPE_BOOLEAN) {
            call->reply = dm_call_new_error(
                call->message, DBUS_ERROR_INVALID_ARGS,
                option == NULL ? "the method has no such option" : "the option is a boolean", name);
            return false;
        }
        dbus_message_iter_get_basic(&variant, &value);
        option->value = value;
    }
    return true;
}

bool
dm_call_read_options(DmCall *call, DmOption *options)
{
    DBusMessageIter iter;

    dbus_message_iter_init(call->message, &iter);
    while (dbus_message_iter_has_next(&iter))
        dbus_message_iter_next(&iter);
    return read_options(call, &iter, options);
}

const char *
dm_call_read_path(DmCall *call, DmOption *options)
{
    DBusMessageIter iter;
    const char *path;

    dbus_message_iter_init(call->message, &iter);
    dbus_message_iter_get_basic(&iter, &path);
    dbus_message_iter_next(&iter);
    return read_options(call, &iter, options) ? path : NULL;
}

/* -- authorisation ------------------------------------------------------------------------------
 */

bool
dm_call_authorise(DmCall *call, DmAction action)
{
    const DmCaller *caller = call->caller;
    bool interactive = dbus_message_get_allow_interactive_authorization(call->message);

    if (dm_caller_may(caller, action))
        return true;
    if (caller->is_known && caller->verdicts[action] == DM_VERDICT_NONE) {
        call->need = action;
        call->interactive = interactive;
    } else if (caller->is_known && caller->verdicts[action] == DM_VERDICT_CHALLENGE) {
        call->reply = dm_call_new_error(
            call->message, DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
            "a person has to authorise this: call it with interactive authorization allowed", NULL);
    } else {
        call->reply = dm_call_new_error(call->message, DBUS_ERROR_ACCESS_DENIED,
                                        "you are not authorised", dm_action_to_id(action));
    }
    return false;
}

DmCallResult
dm_call_get_result(const DmCall *call)
{
    return call->reply != NULL ? DM_CALL_DONE : DM_CALL_ASK;
}

/* -- later --------------------------------------------------------------------------------------
 */

struct DmLater {
    DmObjects *objects;
    DBusMessage *message;
    guint connection_number;
};

DmLater *
dm_later_new(const DmCall *call)
{
    DmLater *later = g_new(DmLater, 1);

    *later =
        (DmLater){call->objects, dbus_message_ref(call->message), call->objects->connection_number};
    return later;
}

void
dm_later_free(DmLater *later)
{
    dbus_message_unref(later->message);
    g_free(later);
}

static void
reply(DmLater *later, DBusMessage *message)
{
    if (later->objects->connection_number == later->connection_number)
        dm_objects_reply(later->objects, later->message, message);
    else
        dbus_message_unref(message);
}

void
dm_later_reply(DmLater *later, DmBody *body, const char *signature)
{
    reply(later, dm_call_finish_reply(later->message, body, signature));
}

void
dm_later_reply_fd(DmLater *later, int fd)
{
    DBusMessage *message = dm_call_new_empty_reply(later->message);

    if (!dbus_message_append_args(message, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID))
        g_error("out of memory");
    reply(later, message);
}

void
dm_later_fail(DmLater *later, const GError *error)
{
    reply(later, dm_call_new_failure(later->message, error));
}
