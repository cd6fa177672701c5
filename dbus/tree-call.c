/* SPDX-License-Identifier: MIT */

#include "dbus/tree-call.h"

#include <string.h>

#include "common/error.h"
#include "dbus/names.h"

/* What the wire adds to the texts of a command or entry, at most: numbers, lengths, alignment. */
#define ENTRY_OVERHEAD 48
#define CALL_OVERHEAD 4096

DBusMessage *
dm_tree_client_new_call(const char *method)
{
    DBusMessage *call = dbus_message_new_method_call(NULL, DM_TREE_PATH, DM_TREE_INTERFACE, method);

    /* libdbus fails only for want of memory; GLib ends the process then, and so does this. */
    if (call == NULL)
        g_error("out of memory");
    return call;
}

static gsize
size_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

/* Asked before sending: a peer cuts the connection at a message that is too large. */
static bool
check_size(const char *what, const DmCommand *commands, gsize n_commands, GError **error)
{
    gsize size = CALL_OVERHEAD;

    if (n_commands > DM_BATCH_MAX) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "%s: %" G_GSIZE_FORMAT " commands, and at most %d fit in one message", what,
                    n_commands, DM_BATCH_MAX);
        return false;
    }
    for (gsize i = 0; i < n_commands; i++)
        size += ENTRY_OVERHEAD + size_of(commands[i].loc_uri) + size_of(commands[i].format) +
                size_of(commands[i].data);
    if (size > DM_TREE_MAX_CALL) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                    "%s: about %" G_GSIZE_FORMAT " bytes, and at most %d fit in one message", what,
                    size, DM_TREE_MAX_CALL);
        return false;
    }
    return true;
}

static bool
check_text(const char *what, const char *text, GError **error)
{
    if (dbus_validate_utf8(text, NULL))
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s is not valid UTF-8", what);
    return false;
}

/* The message, if `built`; otherwise an error. */
static DBusMessage *
finish(DBusMessage *call, bool built, GError **error)
{
    if (built)
        return call;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: a text is not valid UTF-8 or holds a NUL",
                dbus_message_get_member(call));
    dbus_message_unref(call);
    return NULL;
}

DBusMessage *
dm_tree_call_new_apply(const DmContext *context, const DmCommand *commands, gsize n_commands,
                       GError **error)
{
    const char *session = context->session != NULL ? context->session : "";
    const char *provider = context->provider != NULL ? context->provider : "";
    dbus_uint64_t message = context->message;
    dbus_int64_t uid = context->uid;
    DBusMessageIter iter;
    DBusMessage *call;

    if (!check_size("Apply", commands, n_commands, error) ||
        !check_text("Apply: the session's id", session, error) ||
        !check_text("Apply: the provider's id", provider, error))
        return NULL;
    call = dm_tree_client_new_call("Apply");
    dbus_message_iter_init_append(call, &iter);
    return finish(call,
                  dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &session) &&
                      dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT64, &message) &&
                      dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &provider) &&
                      dbus_message_iter_append_basic(&iter, DBUS_TYPE_INT64, &uid) &&
                      dm_wire_append_commands(&iter, commands, n_commands),
                  error);
}

DBusMessage *
dm_tree_call_new_provision(const char *provider_id, GHashTable *account, const DmCommand *settings,
                           gsize n_settings, guint flags, GError **error)
{
    dbus_uint32_t wire_flags = flags;
    DBusMessageIter iter;
    DBusMessage *call;

    if (!check_size("Provision", settings, n_settings, error) ||
        !check_text("Provision: the provider's id", provider_id, error))
        return NULL;
    call = dm_tree_client_new_call("Provision");
    dbus_message_iter_init_append(call, &iter);
    return finish(call,
                  dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &provider_id) &&
                      dm_wire_append_strings(&iter, account) &&
                      dm_wire_append_commands(&iter, settings, n_settings) &&
                      dbus_message_iter_append_basic(&iter, DBUS_TYPE_UINT32, &wire_flags),
                  error);
}

DBusMessage *
dm_tree_call_new_report(const char *provider_id, const DmTreeReport *report, GError **error)
{
    DBusMessageIter iter;
    DBusMessage *call;

    if (!check_text("ReportSession: the provider's id", provider_id, error))
        return NULL;
    call = dm_tree_client_new_call("ReportSession");
    dbus_message_iter_init_append(call, &iter);
    return finish(call,
                  dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &provider_id) &&
                      dm_wire_append_report(&iter, report),
                  error);
}

DmReply *
dm_tree_call_read_reply(DBusMessage *answer, GError **error)
{
    DBusMessageIter iter;
    DmReply *reply;

    dbus_message_iter_init(answer, &iter);
    reply = dm_wire_read_reply(&iter);
    if (reply == NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "the tree's answer is malformed (signature \"%s\")",
                    dbus_message_get_signature(answer));
    return reply;
}

bool
dm_tree_call_read_session(DBusMessage *answer, DmTreeSession *ret_session, GError **error)
{
    DBusMessageIter iter;

    dbus_message_iter_init(answer, &iter);
    if (dm_wire_read_session(&iter, ret_session))
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "the tree's description of the session is malformed (signature \"%s\")",
                dbus_message_get_signature(answer));
    return false;
}
