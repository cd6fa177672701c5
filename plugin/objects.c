/* SPDX-License-Identifier: MIT */
#include "plugin/objects.h"

#include <malloc.h>
#include <string.h>

#include "common/source.h"
#include "dbus/names.h"
#include "plugin/call.h"
#include "plugin/objects-private.h"

/* How soon after the last large reply it is looked whether it has gone out; each time after twice
 * as long. Not at once: programs that start together ask together, and memory that has just been
 * given back is the dearest to have. */
#define TRIM_FIRST_MS 1000
#define TRIM_LAST_MS 10000

/* Most bytes that wait for the bus when another answer is begun: whoever comes next is behind them.
 */
#define MAX_OUTGOING (1024 * 1024)

/* -- sending ------------------------------------------------------------------------------------
 */

void
dm_objects_send(DmObjects *objects, DBusMessage *message)
{
    if (objects->connection != NULL && !dbus_connection_send(objects->connection, message, NULL))
        g_error("out of memory");
    dbus_message_unref(message);
}

static void start_trim(DmObjects *objects);

/* A reply of megabytes goes through several buffers of its size. glibc keeps what they used, and
 * gives it back only when it is told that it was once only. */
static gboolean
on_trim(gpointer data)
{
    DmObjects *objects = data;

    dm_source_drop(&objects->trim);
    if (objects->connection != NULL && dbus_connection_has_messages_to_send(objects->connection)) {
        objects->trim_ms = MIN(objects->trim_ms * 2, TRIM_LAST_MS);
        start_trim(objects);
    } else {
        malloc_trim(0);
    }
    return G_SOURCE_REMOVE;
}

static void
start_trim(DmObjects *objects)
{
    objects->trim = g_timeout_source_new(objects->trim_ms);
    g_source_set_callback(objects->trim, on_trim, objects, NULL);
    g_source_attach(objects->trim, objects->options.context);
}

void
dm_objects_trim_later(DmObjects *objects)
{
    dm_source_drop(&objects->trim);
    objects->trim_ms = TRIM_FIRST_MS;
    start_trim(objects);
}

/* -- calls --------------------------------------------------------------------------------------
 */

/* The method that a message calls, or NULL and an error reply. */
static const DmMethod *
find_method(DmCall *call)
{
    const char *interface = dbus_message_get_interface(call->message);
    const char *member = dbus_message_get_member(call->message);
    const DmMethod *method = NULL;
    const DmInterface *found;
    const DmNodeInterface *own;

    if (interface == NULL) {
        for (guint i = 0; dm_interfaces[i] != NULL && method == NULL; i++) {
            if (dm_interfaces[i]->is_on(call->object))
                method = dm_interface_find_method(dm_interfaces[i], member);
        }
    } else {
        found = dm_interface_find(call->object, interface);
        if (found != NULL)
            method = dm_interface_find_method(found, member);
        own = dm_object_is_real(call->object)
                  ? dm_node_interfaces_find(call->objects->interfaces, call->object->node)
                  : NULL;
        if (found == NULL && (own == NULL || !g_str_equal(own->name, interface))) {
            call->reply = dm_call_new_error(call->message, DBUS_ERROR_UNKNOWN_INTERFACE,
                                            "the object has no such interface", interface);
            return NULL;
        }
    }
    if (method == NULL) {
        call->reply = dm_call_new_error(call->message, DBUS_ERROR_UNKNOWN_METHOD,
                                        "the object has no such method", member);
    } else if (!dm_method_takes(method, dbus_message_get_signature(call->message))) {
        call->reply = dm_call_new_error(call->message, DBUS_ERROR_INVALID_ARGS,
                                        "the method takes other arguments", member);
        method = NULL;
    }
    return method;
}

static bool
is_above_root(const char *path)
{
    gsize size = strlen(path);

    return size == 1 || (strncmp(DM_BUS_ROOT, path, size) == 0 && DM_BUS_ROOT[size] == '/');
}

/* Of the levels above the root there is nothing to say but what is below them. */
static DBusMessage *
new_reply_above_root(DBusMessage *call)
{
    const char *path = dbus_message_get_path(call);
    const char *below = &DM_BUS_ROOT[strlen(path) == 1 ? 1 : strlen(path) + 1];
    g_autoptr(DmBody) body = NULL;
    g_autofree char *xml = NULL;

    if (!dbus_message_has_member(call, "Introspect") || !dbus_message_has_signature(call, "") ||
        (dbus_message_get_interface(call) != NULL &&
         !dbus_message_has_interface(call, DBUS_INTERFACE_INTROSPECTABLE)))
        return dm_call_new_error(call, DBUS_ERROR_UNKNOWN_METHOD, "the object has no such method",
                                 dbus_message_get_member(call));
    xml = g_strdup_printf(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE
                          "<node>\n  <node name=\"%.*s\"/>\n</node>\n",
                          (int)strcspn(below, "/"), below);
    body = dm_body_new();
    dm_body_append_valid(body, xml);
    return dm_call_finish_reply(call, body, "s");
}

/* Finds what the message is about; without a method there is a reply, an error most often. */
static const DmMethod *
find_target(DmCall *call)
{
    const char *path = dbus_message_get_path(call->message);

    /* Peer is about the process, wherever it is sent. */
    if (dbus_message_has_interface(call->message, DBUS_INTERFACE_PEER)) {
        *call->object = (DmObject){.scope = DM_SCOPE_DEVICE, .node = DM_NODE_NONE};
        return find_method(call);
    }
    if (dm_object_find(call->objects->options.tree, path, call->object))
        return find_method(call);
    call->reply = is_above_root(path) ? new_reply_above_root(call->message)
                                      : dm_call_new_error(call->message, DBUS_ERROR_UNKNOWN_OBJECT,
                                                          "there is no object at this path", path);
    return NULL;
}

/* Whether answers can be made: not while much waits for the bus to take it. */
static bool
is_open(gconstpointer data)
{
    const DmObjects *objects = data;

    return objects->connection == NULL ||
           dbus_connection_get_outgoing_size(objects->connection) < MAX_OUTGOING;
}

void
dm_objects_reply(DmObjects *objects, DBusMessage *call, DBusMessage *reply)
{
    if (dbus_message_get_no_reply(call)) {
        dbus_message_unref(reply);
        return;
    }
    dm_objects_send(objects, reply);
    if (objects->unread != NULL)
        dm_unread_note(objects->unread, dbus_message_get_sender(call), false);
}

/* -- callers ------------------------------------------------------------------------------------
 */

/* A message that waits: until its caller is known, until polkit has answered, or for its turn.
 * Counted: whoever asks keeps one of its own. */
typedef struct {
    DmObjects *objects;
    DBusMessage *message;
    DmCaller caller; /* what was learned of it for this message */
    bool has_caller;
    bool has_turn;
    DmAction asked; /* what polkit is being asked */
    bool is_person; /* with a person, if it takes one */
} Job;

static void
job_clear(gpointer data)
{
    Job *job = data;

    dbus_message_unref(job->message);
}

static void
job_unref(gpointer data)
{
    g_rc_box_release_full(data, job_clear);
}

static void
job_refuse(Job *job)
{
    dm_objects_reply(job->objects, job->message,
                     dm_call_new_error(job->message, DBUS_ERROR_LIMITS_EXCEEDED,
                                       "too many calls wait already; try again when they are "
                                       "answered",
                                       NULL));
    job_unref(job);
}

static void job_go_on(Job *job);

static void
on_caller(const DmCaller *caller, gpointer data)
{
    Job *job = data;

    job->caller = *caller;
    job->has_caller = true;
    job_go_on(g_rc_box_acquire(job));
}

static void
on_verdict(DmVerdict verdict, gpointer data)
{
    Job *job = data;

    /* Nobody is asked twice for one call: where none could say, and where there is no place for a
     * dialog, it is a no. */
    if (verdict == DM_VERDICT_NONE || (verdict == DM_VERDICT_CHALLENGE && job->is_person))
        verdict = DM_VERDICT_NO;
    job->caller.verdicts[job->asked] = verdict;
    /* All who asked the same are told at once: what may take long waits for its turn again. */
    job->has_turn = false;
    job_go_on(g_rc_box_acquire(job));
}

/* Finds out what a method wants to know of the caller. */
static void
job_ask(Job *job, const DmCall *call)
{
    DmAccess *access = job->objects->access;
    const char *sender = dbus_message_get_sender(job->message);
    bool asked;

    if (!job->has_caller && dm_access_find(access, sender, &job->caller)) {
        job->has_caller = true;
        job_go_on(job);
        return;
    }
    job->asked = call->need;
    job->is_person = call->interactive;
    if (!job->has_caller)
        asked = dm_access_ask(access, sender, on_caller, job, job_unref);
    else
        asked = dm_access_authorise(access, sender, job->caller.uid, call->need, call->interactive,
                                    on_verdict, job, job_unref);
    if (!asked)
        job_refuse(job);
}

/* Whose turn it is goes by user; one of whom nothing is known, who has gone most likely, is one of
 * a user of their own. */
static void
job_wait(Job *job)
{
    DmObjects *objects = job->objects;
    guint32 uid = job->caller.is_known ? job->caller.uid : G_MAXUINT32;

    if (dm_queue_push(objects->queue, uid, dbus_message_get_sender(job->message), job)) {
        if (dm_queue_has_closed(objects->queue))
            dm_unread_look(objects->unread);
    } else if (dm_unread_is_closed(objects->unread, uid)) {
        /* An error would be one more message that nobody reads. */
        job_unref(job);
    } else {
        job_refuse(job);
    }
}

/* Whether the call has to wait for its turn: one that may take long, and any while others wait, or
 * while somebody is not answered, which may be the caller. `method` NULL: none was found. */
static bool
must_wait(const DmObjects *objects, const DmMethod *method)
{
    return (method != NULL && method->is_heavy) || !dm_queue_is_empty(objects->queue) ||
           !is_open(objects) || dm_unread_has_closed(objects->unread);
}

/* Has `call` wait for its turn, which comes to it from the start again. */
static void
job_queue(Job *job, DmCall *call)
{
    g_clear_pointer(&call->reply, dbus_message_unref);
    if (job->has_caller)
        job_wait(job);
    else
        job_ask(job, call);
}

/* Serves the message as far as it goes; from the start each time, for the tree may have changed.
 */
static void
job_go_on(Job *job)
{
    DmObjects *objects = job->objects;
    DmObject object;
    DmCall call = {.objects = objects,
                   .message = job->message,
                   .object = &object,
                   .caller = job->has_caller ? &job->caller : NULL,
                   .need = DM_ACTION_N};
    const DmMethod *method = find_target(&call);

    if (!job->has_turn && must_wait(objects, method)) {
        job_queue(job, &call);
        return;
    }
    switch (method != NULL ? method->call(&call) : DM_CALL_DONE) {
    case DM_CALL_ASK:
        job_ask(job, &call);
        return;
    case DM_CALL_DONE:
        dm_objects_reply(objects, job->message, call.reply);
        if (method != NULL && method->is_heavy)
            dm_unread_note(objects->unread, dbus_message_get_sender(job->message), true);
        break;
    case DM_CALL_LATER:
        break;
    }
    job_unref(job);
}

/* Whether nothing would be seen of the call: it only reads, and wants no reply. */
static bool
is_vain(DBusMessage *message, const DmMethod *method)
{
    return dbus_message_get_no_reply(message) &&
           (method->action == DM_ACTION_N || dm_action_is_read(method->action));
}

static void
on_turn(gpointer data, gpointer user_data)
{
    Job *job = data;

    job->has_turn = true;
    job_go_on(job);
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmObjects *objects = data;
    DmObject object;
    DmCall call = {.objects = objects, .message = message, .object = &object, .need = DM_ACTION_N};
    DmCallResult result = DM_CALL_ASK;
    const DmMethod *method;
    Job *job;

    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    method = find_target(&call);
    if (method != NULL && is_vain(message, method))
        return DBUS_HANDLER_RESULT_HANDLED;
    /* The way of most calls: answered at once, whoever it is. */
    if (must_wait(objects, method))
        g_clear_pointer(&call.reply, dbus_message_unref);
    else
        result = method != NULL ? method->call(&call) : DM_CALL_DONE;
    if (result == DM_CALL_DONE)
        dm_objects_reply(objects, message, call.reply);
    if (result != DM_CALL_ASK)
        return DBUS_HANDLER_RESULT_HANDLED;
    job = g_rc_box_new0(Job);
    job->objects = objects;
    job->message = dbus_message_ref(message);
    job_ask(job, &call);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void
set_closed(guint32 uid, bool is_closed, gpointer data)
{
    dm_queue_set_closed(((DmObjects *)data)->queue, uid, is_closed);
}

static bool
is_waiting(gconstpointer data)
{
    return dm_queue_has_closed(((const DmObjects *)data)->queue);
}

/* -- life ---------------------------------------------------------------------------------------
 */

DmObjects *
dm_objects_new(const DmObjectsOptions *options)
{
    DmObjects *objects = g_new0(DmObjects, 1);

    objects->options = *options;
    objects->queue = dm_queue_new(options->context, &(const DmQueueHandlers){
                                                        .serve = on_turn,
                                                        .free_job = job_unref,
                                                        .is_open = is_open,
                                                        .data = objects,
                                                    });
    objects->interfaces = dm_node_interfaces_new();
    objects->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    objects->health = dm_tree_get_health(options->tree);
    objects->listener = dm_tree_add_listener(options->tree, dm_objects_on_changes, objects);
    dm_objects_note_all(objects);
    return objects;
}

void
dm_objects_free(DmObjects *objects)
{
    if (objects == NULL)
        return;
    dm_objects_set_connection(objects, NULL);
    dm_source_drop(&objects->trim);
    dm_queue_free(objects->queue);
    dm_tree_remove_listener(objects->options.tree, objects->listener);
    g_hash_table_unref(objects->shown);
    dm_node_interfaces_free(objects->interfaces);
    g_free(objects);
}

static const DBusObjectPathVTable vtable = {.message_function = on_message};

void
dm_objects_set_connection(DmObjects *objects, DBusConnection *connection)
{
    objects->connection_number++;
    if (objects->connection != NULL) {
        (void)dbus_connection_unregister_object_path(objects->connection, DM_BUS_ROOT);
        (void)dbus_connection_unregister_object_path(objects->connection, "/");
        g_clear_pointer(&objects->unread, dm_unread_free);
        g_clear_pointer(&objects->access, dm_access_free);
        dm_queue_clear(objects->queue);
        g_clear_pointer(&objects->connection, dbus_connection_unref);
    }
    if (connection == NULL)
        return;
    objects->connection = dbus_connection_ref(connection);
    objects->access = dm_access_new(connection, objects->options.own_uid_is_root);
    objects->unread = dm_unread_new(connection, objects->options.context, objects->access,
                                    &(const DmUnreadHandlers){
                                        .set_closed = set_closed,
                                        .is_waiting = is_waiting,
                                        .data = objects,
                                    });
    /* All that is answered is answered here: libdbus would answer Peer by itself, take any path for
     * one that is there, and count nothing. */
    dbus_connection_set_route_peer_messages(connection, TRUE);
    if (!dbus_connection_register_fallback(connection, DM_BUS_ROOT, &vtable, objects) ||
        !dbus_connection_register_fallback(connection, "/", &vtable, objects))
        g_error("out of memory");
}
