/* SPDX-License-Identifier: MIT */

#include "hosts/tree-wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "dbus/tree-call.h"

#define COMMAND "(yussbs)"
#define REPLY "a(ua(sybs))b"

/* What the wire adds to the texts of a command, at most: numbers, lengths, alignment. */
#define COMMAND_OVERHEAD 48
#define CALL_OVERHEAD 4096

/* -- checks --------------------------------------------------------------------------------------
 */

static bool
text_is_valid(const char *text)
{
    return text == NULL || dbus_validate_utf8(text, NULL);
}

static bool
command_is_valid(const DmCommand *command)
{
    return text_is_valid(command->loc_uri) && text_is_valid(command->format) &&
           (command->data == NULL || (strlen(command->data) == command->data_size &&
                                      dbus_validate_utf8(command->data, NULL)));
}

/* As dm_batch_is_valid(): spans stay inside their parents, only containers have one. */
static bool
spans_are_valid(const DmCommand *commands, size_t n_commands)
{
    size_t ends[DM_BATCH_MAX_DEPTH];
    size_t depth = 0;

    for (size_t i = 0; i < n_commands; i++) {
        size_t limit;

        while (depth > 0 && ends[depth - 1] == i)
            depth--;
        if (commands[i].span == 0)
            continue;
        limit = depth == 0 ? n_commands : ends[depth - 1];
        if ((commands[i].verb != DM_VERB_ATOMIC && commands[i].verb != DM_VERB_SEQUENCE) ||
            commands[i].span >= limit - i || depth == DM_BATCH_MAX_DEPTH)
            return false;
        ends[depth++] = i + 1 + commands[i].span;
    }
    return true;
}

static size_t
size_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

int
dm_tree_wire_check(const DmCommand *commands, size_t n_commands)
{
    size_t size = CALL_OVERHEAD;

    if (n_commands > DM_BATCH_MAX)
        return EMSGSIZE;
    for (size_t i = 0; i < n_commands; i++) {
        size += COMMAND_OVERHEAD + size_of(commands[i].loc_uri) + size_of(commands[i].format) +
                size_of(commands[i].data);
        if (size > DM_TREE_MAX_CALL)
            return EMSGSIZE;
        if (!command_is_valid(&commands[i]))
            return EINVAL;
    }
    return spans_are_valid(commands, n_commands) ? 0 : EINVAL;
}

/* -- calls ---------------------------------------------------------------------------------------
 */

static bool
append(DBusMessageIter *iter, int type, const void *value)
{
    return dbus_message_iter_append_basic(iter, type, value);
}

/* NULL is the empty text. */
static bool
append_text(DBusMessageIter *iter, const char *text)
{
    if (text == NULL)
        text = "";
    return append(iter, DBUS_TYPE_STRING, &text);
}

static bool
append_command(DBusMessageIter *array, const DmCommand *command)
{
    unsigned char verb = (unsigned char)command->verb;
    dbus_uint32_t span = command->span;
    dbus_bool_t has_data = command->data != NULL;
    DBusMessageIter entry;

    return dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry) &&
           append(&entry, DBUS_TYPE_BYTE, &verb) && append(&entry, DBUS_TYPE_UINT32, &span) &&
           append_text(&entry, command->loc_uri) && append_text(&entry, command->format) &&
           append(&entry, DBUS_TYPE_BOOLEAN, &has_data) && append_text(&entry, command->data) &&
           dbus_message_iter_close_container(array, &entry);
}

static bool
append_commands(DBusMessageIter *iter, const DmCommand *commands, size_t n_commands)
{
    DBusMessageIter array;

    if (!dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, COMMAND, &array))
        return false;
    for (size_t i = 0; i < n_commands; i++) {
        if (!append_command(&array, &commands[i]))
            return false;
    }
    return dbus_message_iter_close_container(iter, &array);
}

static DBusMessage *
new_call(const char *method)
{
    return dbus_message_new_method_call(NULL, DM_TREE_PATH, DM_TREE_INTERFACE, method);
}

/* Gives the call away if it could be built; only memory can be wanting. */
static int
finish(DBusMessage *call, bool built, DBusMessage **ret_call)
{
    if (built) {
        *ret_call = call;
        return 0;
    }
    if (call != NULL)
        dbus_message_unref(call);
    return ENOMEM;
}

int
dm_tree_wire_new_hello(DBusMessage **ret_call)
{
    DBusMessage *call = new_call("Hello");
    dbus_uint32_t version = DM_TREE_VERSION;
    DBusMessageIter iter;

    if (call != NULL)
        dbus_message_iter_init_append(call, &iter);
    return finish(call, call != NULL && append(&iter, DBUS_TYPE_UINT32, &version), ret_call);
}

int
dm_tree_wire_new_apply(const char *session, uint64_t message, int64_t uid,
                       const DmCommand *commands, size_t n_commands, DBusMessage **ret_call)
{
    dbus_uint64_t wire_message = message;
    dbus_int64_t wire_uid = uid;
    int error = dm_tree_wire_check(commands, n_commands);
    DBusMessageIter iter;
    DBusMessage *call;

    if (error != 0)
        return error;
    call = new_call("Apply");
    if (call != NULL)
        dbus_message_iter_init_append(call, &iter);
    return finish(call,
                  call != NULL && append_text(&iter, session) &&
                      append(&iter, DBUS_TYPE_UINT64, &wire_message) && append_text(&iter, "") &&
                      append(&iter, DBUS_TYPE_INT64, &wire_uid) &&
                      append_commands(&iter, commands, n_commands),
                  ret_call);
}

int
dm_tree_wire_new_report(const char *provider, int64_t uid, const char *loc_uri, DmStatus status,
                        const char *reason, DBusMessage **ret_call)
{
    dbus_int64_t wire_uid = uid;
    dbus_uint32_t code = (dbus_uint32_t)status;
    DBusMessageIter iter;
    DBusMessage *call;

    if (!text_is_valid(provider) || !text_is_valid(loc_uri) || !text_is_valid(reason))
        return EINVAL;
    call = new_call("ReportOutcome");
    if (call != NULL)
        dbus_message_iter_init_append(call, &iter);
    return finish(call,
                  call != NULL && append_text(&iter, provider) &&
                      append(&iter, DBUS_TYPE_INT64, &wire_uid) && append_text(&iter, loc_uri) &&
                      append(&iter, DBUS_TYPE_UINT32, &code) && append_text(&iter, reason),
                  ret_call);
}

/* -- the reply -----------------------------------------------------------------------------------
 */

static bool
status_is_known(dbus_uint32_t code)
{
    switch (code) {
#define DM_STATUS(known, id, name, text) case known:
#include "common/status.def"
#undef DM_STATUS
        return true;
    default:
        return false;
    }
}

/* The basic value that `iter` stands at, strings borrowed, and a step on. */
static void
next(DBusMessageIter *iter, void *ret_value)
{
    dbus_message_iter_get_basic(iter, ret_value);
    dbus_message_iter_next(iter);
}

/* False for Data where there is said to be none, and for a format that there is not. */
static bool
read_item(DBusMessageIter *list, DmResultItem *ret_item)
{
    DBusMessageIter entry;
    unsigned char format;
    dbus_bool_t has_data;
    const char *data;

    dbus_message_iter_recurse(list, &entry);
    next(&entry, &ret_item->loc_uri);
    next(&entry, &format);
    next(&entry, &has_data);
    next(&entry, &data);
    if (format > DM_FORMAT_TIME || (!has_data && *data != '\0'))
        return false;
    ret_item->format = (DmFormat)format;
    ret_item->data = has_data ? data : NULL;
    ret_item->data_size = has_data ? strlen(data) : 0;
    return true;
}

/* How many items all results have in all. */
static size_t
count_items(DBusMessageIter array)
{
    size_t n = 0;

    for (; dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&array)) {
        DBusMessageIter entry;

        dbus_message_iter_recurse(&array, &entry);
        dbus_message_iter_next(&entry);
        n += (size_t)dbus_message_iter_get_element_count(&entry);
    }
    return n;
}

/* Reads one result and its items, which go to `items`. */
static bool
read_result(DBusMessageIter *array, DmHostResult *ret_result, DmResultItem *items)
{
    DBusMessageIter entry, list;
    dbus_uint32_t status;

    dbus_message_iter_recurse(array, &entry);
    next(&entry, &status);
    if (!status_is_known(status))
        return false;
    *ret_result = (DmHostResult){.status = (DmStatus)status, .items = items};
    dbus_message_iter_recurse(&entry, &list);
    for (; dbus_message_iter_get_arg_type(&list) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&list)) {
        if (!read_item(&list, &items[ret_result->n_items++]))
            return false;
    }
    return true;
}

static bool
read_results(DBusMessageIter array, DmHostReply *reply)
{
    DmResultItem *items = reply->items;

    for (size_t i = 0; i < reply->n_results; i++, dbus_message_iter_next(&array)) {
        if (!read_result(&array, &reply->results[i], items))
            return false;
        items += reply->results[i].n_items;
    }
    return true;
}

int
dm_tree_wire_read_reply(DBusMessage *answer, size_t n_commands, DmHostReply *ret_reply)
{
    DmHostReply reply = {0};
    dbus_bool_t is_stopped = FALSE;
    DBusMessageIter iter, array;

    if (!dbus_message_has_signature(answer, REPLY))
        return EPROTO;
    dbus_message_iter_init(answer, &iter);
    reply.n_results = (size_t)dbus_message_iter_get_element_count(&iter);
    if (reply.n_results != n_commands)
        return EPROTO;
    dbus_message_iter_recurse(&iter, &array);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &is_stopped);
    reply.is_stopped = is_stopped;
    reply.answer = dbus_message_ref(answer);
    /* One more, so that none is not NULL. */
    reply.results = calloc(reply.n_results + 1, sizeof *reply.results);
    reply.items = calloc(count_items(array) + 1, sizeof *reply.items);
    if (reply.results == NULL || reply.items == NULL) {
        dm_host_reply_clear(&reply);
        return ENOMEM;
    }
    if (!read_results(array, &reply)) {
        dm_host_reply_clear(&reply);
        return EPROTO;
    }
    *ret_reply = reply;
    return 0;
}

void
dm_host_reply_clear(DmHostReply *reply)
{
    free(reply->results);
    free(reply->items);
    if (reply->answer != NULL)
        dbus_message_unref(reply->answer);
    *reply = (DmHostReply){0};
}
