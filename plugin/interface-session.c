/* SPDX-License-Identifier: MIT */
#include "dbus/names.h"
#include "plugin/call.h"
#include "plugin/objects-private.h"
#include "tree/history.h"

/* ….Session on each provider of the device tree: how the sessions with its server go. */

static bool
is_on(const DmObject *object)
{
    return object->node == DM_NODE_PROVIDER && object->scope == DM_SCOPE_DEVICE;
}

static void
load(const DmTree *tree, const DmObject *object, DmState *state)
{
    state->session = dm_session_get_info(object->provider);
}

static void
append_state(DmBody *body, const DmProperty *property, const void *data)
{
    const DmState *state = data;

    dm_body_append_text(body, dm_session_state_to_name(state->session.state));
}

/* -- dictionaries: an a{sv} of a session --------------------------------------------------------
 */

static void
begin_entry(DmBody *body, const char *key, const char *signature)
{
    dm_body_begin_struct(body);
    dm_body_append_valid(body, key);
    dm_body_begin_variant(body, signature);
}

static void
append_text(DmBody *body, const char *key, const char *text)
{
    begin_entry(body, key, "s");
    dm_body_append_text(body, text);
}

/* Nothing where it is not known. */
static void
append_number(DmBody *body, const char *key, gint64 number)
{
    if (number < 0)
        return;
    begin_entry(body, key, "t");
    dm_body_append_uint64(body, (guint64)number);
}

/* What everybody may know of a session. */
static void
append_public(DmBody *body, const DmHistoryEntry *entry)
{
    append_text(body, "id", entry->id);
    append_text(body, "origin", entry->origin);
    append_text(body, "result", entry->result);
    append_text(body, "reason", entry->reason);
    append_number(body, "start", entry->start_us);
    append_number(body, "end", entry->end_us);
    append_number(body, "duration", entry->duration_us);
}

static void
append_commands(DmBody *body, const DmHistoryEntry *entry)
{
    DmBodyArray array;

    begin_entry(body, "commands", "a(suu)");
    array = dm_body_begin_array(body, true);
    for (gsize i = 0; i < entry->n_commands; i++) {
        dm_body_begin_struct(body);
        dm_body_append_text(body, entry->commands[i].verb);
        dm_body_append_uint32(body, entry->commands[i].status);
        dm_body_append_uint32(body, entry->commands[i].count);
    }
    dm_body_end_array(body, array);
}

static void
append_entry(DmBody *body, const DmHistoryEntry *entry)
{
    DmBodyArray dict = dm_body_begin_array(body, true);

    append_public(body, entry);
    append_text(body, "address", entry->address);
    append_number(body, "messages-sent", entry->messages_sent);
    append_number(body, "messages-received", entry->messages_received);
    append_number(body, "bytes-sent", entry->bytes_sent);
    append_number(body, "bytes-received", entry->bytes_received);
    append_commands(body, entry);
    dm_body_end_array(body, dict);
}

void
dm_session_interface_append_ended(DmBody *body, const DmHistoryEntry *entry)
{
    DmBodyArray dict = dm_body_begin_array(body, true);

    append_public(body, entry);
    dm_body_end_array(body, dict);
}

/* -- GetHistory ---------------------------------------------------------------------------------
 */

static DmCallResult
on_get_history(DmCall *call)
{
    DmOption options[] = {{NULL}};
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(DmBody) body = NULL;
    dbus_uint32_t count;
    DmBodyArray array;

    if (call->caller == NULL)
        return DM_CALL_ASK;
    if (!dm_call_read_options(call, options))
        return DM_CALL_DONE;
    if (!dm_call_authorise(call, DM_ACTION_READ_DETAILS))
        return dm_call_get_result(call);
    (void)dbus_message_get_args(call->message, NULL, DBUS_TYPE_UINT32, &count, DBUS_TYPE_INVALID);
    if (!dm_history_get(call->objects->options.tree, dm_provider_get_id(call->object->provider),
                        count > 0 ? MIN(count, DM_HISTORY_MAX) : DM_HISTORY_MAX, &entries,
                        &error)) {
        call->reply = dm_call_new_failure(call->message, error);
        return DM_CALL_DONE;
    }
    body = dm_body_new();
    array = dm_body_begin_array(body, false);
    for (guint i = 0; i < entries->len; i++)
        append_entry(body, g_ptr_array_index(entries, i));
    dm_body_end_array(body, array);
    call->reply = dm_call_finish_reply(call->message, body, "aa{sv}");
    return DM_CALL_DONE;
}

static const DmMethod methods[] = {
    {"GetHistory",
     (const DmArgument[]){
         {"count", "u", false}, {"options", "a{sv}", false}, {"sessions", "aa{sv}", true}, {NULL}},
     on_get_history,
     "The last sessions, newest first, at most `count` of them; 0: all that are kept, which is "
     "at most 200. "
     "Keys: `id` s, `origin` s, `result` s (`ok`, or the error's short name), `reason` s, `start` "
     "t and `end` t (µs since the epoch), `duration` t (µs), `address` s, `messages-sent` t, "
     "`messages-received` t, `bytes-sent` t, `bytes-received` t, `commands` a(suu) (verb, status, "
     "how many). What is not known of a session is left out.",
     DM_ACTION_READ_DETAILS, true,
     (const DmMethodError[]){
         {DM_BUS_ERROR_PREFIX "Storage", "The disk failed."},
         {DM_BUS_ERROR_PREFIX "Failed", "The history is damaged; the message says the way out."},
         {NULL}}},
    {NULL},
};

static const DmSignal signals[] = {
    {"Finished", (const DmArgument[]){{"session", "a{sv}", true}, {NULL}},
     "A session has ended: `id`, `origin`, `result`, `reason`, `start`, `end` and `duration`, as "
     "GetHistory has them."},
    {NULL},
};

#define TEXT(name, field, doc)                                                                     \
    {                                                                                              \
        name, "s", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, session.field),        \
            dm_property_append_text, doc                                                           \
    }
#define TIME(name, field, doc)                                                                     \
    {                                                                                              \
        name, "t", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, session.field),        \
            dm_property_append_time, doc " µs since the epoch, 0 none."                           \
    }

static const DmProperty properties[] = {
    {"State", "s", DM_READ_PUBLIC, DM_EMITS_VALUE, 0, append_state,
     "`idle`, `waiting`, `connecting`, `running` or `backing-off`."},
    TIME("LastAttempt", last_attempt_us, "When the last session began."),
    TIME("LastSuccess", last_success_us, "When the last session that reached a regular end ended."),
    TIME("NextScheduled", next_us, "When the poll schedule begins the next session."),
    TEXT("LastError", last_error, "Why the last session failed, in a word; empty if it did not."),
    TEXT("LastErrorMessage", last_error_message, "The same, in words for people."),
    TEXT("Origin", origin,
         "What caused the last session: `user`, `schedule`, `push`, `login`, `enrolment`, `csp`, "
         "`api` or `unenroll`."),
    TIME("CertificateExpires", certificate_expires_us,
         "When the client certificate is not valid any longer."),
    TEXT("ServerHost", server_host, "The host that the last session was with."),
    TIME("UnenrollDeadline", unenroll_deadline_us,
         "When the device unenrols by itself if its server stays out of reach."),
    {NULL},
};

const DmInterface dm_interface_session = {
    .name = DM_BUS_INTERFACE_SESSION,
    .is_on = is_on,
    .methods = methods,
    .signals = signals,
    .properties = properties,
    .load = load,
    .is_own = true,
    .doc = "How the sessions with the provider's server go.",
};
