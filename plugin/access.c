/* SPDX-License-Identifier: MIT */
#include "plugin/access.h"

#include <string.h>
#include <unistd.h>

#include "dbus/names.h"

/* How long the bus may take to say who somebody is. */
#define ANSWER_MS 5000

/* One unique name: either asked about, or known and in the queue of those to forget. */
typedef struct {
    DmAccess *access;
    char *name;
    DmCaller caller;
    DBusPendingCall *pending; /* NULL: known */
    GQueue waiting;           /* Waiting */
    GList link;               /* in `recent`, if known */
} Name;

typedef struct {
    DmAccessFunc func;
    gpointer data;
    GDestroyNotify free_data;
} Waiting;

struct DmAccess {
    DBusConnection *connection;
    bool own_uid_is_root;
    DmPolkit *polkit;
    guint generation;  /* counts what made verdicts void */
    GHashTable *names; /* char* of the Name → Name, owned */
    GQueue recent;     /* known ones, the last used first */
    guint n_waiting;
};

const DmCaller dm_caller_anybody = {.is_known = false};

/* -- what a caller may --------------------------------------------------------------------------
 */

const char *
dm_action_to_id(DmAction action)
{
    static const char *const ids[DM_ACTION_N] = {
        [DM_ACTION_READ_IDENTITY] = DM_BUS_INTERFACE ".read-identity",
        [DM_ACTION_READ_DETAILS] = DM_BUS_INTERFACE ".read-details",
        [DM_ACTION_SYNC] = DM_BUS_INTERFACE ".sync",
        [DM_ACTION_RETRY_FIRST_SYNC] = DM_BUS_INTERFACE ".retry-first-sync",
        [DM_ACTION_COLLECT_LOGS] = DM_BUS_INTERFACE ".collect-logs",
        [DM_ACTION_DISCONNECT] = DM_BUS_INTERFACE ".disconnect",
        [DM_ACTION_RELOAD] = DM_BUS_INTERFACE ".reload",
    };

    return ids[action];
}

DmAction
dm_action_of_read(DmReadClass read)
{
    switch (read) {
    case DM_READ_IDENTITY:
        return DM_ACTION_READ_IDENTITY;
    case DM_READ_DETAILS:
        return DM_ACTION_READ_DETAILS;
    case DM_READ_PUBLIC:
    case DM_READ_ROOT:
    case DM_READ_NONE:
        break;
    }
    return DM_ACTION_N;
}

bool
dm_action_is_read(DmAction action)
{
    return action == DM_ACTION_READ_IDENTITY || action == DM_ACTION_READ_DETAILS;
}

bool
dm_caller_may(const DmCaller *caller, DmAction action)
{
    return caller->is_known && (caller->is_root || caller->verdicts[action] == DM_VERDICT_YES);
}

/* Whether the tree is one that the caller may look at, of the classes that are not for all. */
static bool
is_in_reach(const DmCaller *caller, DmScope scope, guint32 uid)
{
    return scope == DM_SCOPE_DEVICE ||
           (caller->is_known && (caller->is_root || caller->uid == uid));
}

bool
dm_caller_may_read(const DmCaller *caller, DmScope scope, guint32 uid, DmReadClass read)
{
    if (read == DM_READ_NONE || !is_in_reach(caller, scope, uid))
        return false;
    if (read == DM_READ_PUBLIC || (caller->is_known && caller->is_root))
        return true;
    return read != DM_READ_ROOT && dm_caller_may(caller, dm_action_of_read(read));
}

bool
dm_caller_must_ask(const DmCaller *caller, DmScope scope, guint32 uid, DmReadClass read)
{
    DmAction action = dm_action_of_read(read);

    return action != DM_ACTION_N && caller->is_known && !caller->is_root &&
           is_in_reach(caller, scope, uid) && caller->verdicts[action] == DM_VERDICT_NONE;
}

/* -- names --------------------------------------------------------------------------------------
 */

static void
free_waiting(gpointer data)
{
    Waiting *waiting = data;

    waiting->free_data(waiting->data);
    g_free(waiting);
}

static void
free_name(gpointer data)
{
    Name *name = data;
    DmAccess *access = name->access;

    if (name->pending != NULL) {
        dbus_pending_call_cancel(name->pending);
        dbus_pending_call_unref(name->pending);
    } else {
        g_queue_unlink(&access->recent, &name->link);
    }
    access->n_waiting -= name->waiting.length;
    g_queue_clear_full(&name->waiting, free_waiting);
    g_free(name->name);
    g_free(name);
}

static void
remember(Name *name)
{
    DmAccess *access = name->access;

    g_clear_pointer(&name->pending, dbus_pending_call_unref);
    g_queue_push_head_link(&access->recent, &name->link);
    if (access->recent.length > DM_ACCESS_MAX_NAMES) {
        Name *oldest = access->recent.tail->data;

        g_hash_table_remove(access->names, oldest->name);
    }
}

/* Nothing that polkit said holds any longer; who somebody is does. */
static void
forget_verdicts(gpointer data)
{
    DmAccess *access = data;

    access->generation++;
    for (GList *l = access->recent.head; l != NULL; l = l->next) {
        Name *name = l->data;

        memset(name->caller.verdicts, 0, sizeof name->caller.verdicts);
    }
}

DmAccess *
dm_access_new(DBusConnection *connection, bool own_uid_is_root)
{
    DmAccess *access = g_new0(DmAccess, 1);

    access->connection = dbus_connection_ref(connection);
    access->own_uid_is_root = own_uid_is_root;
    access->polkit = dm_polkit_new(connection, forget_verdicts, access);
    access->names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_name);
    return access;
}

void
dm_access_free(DmAccess *access)
{
    if (access == NULL)
        return;
    dm_polkit_free(access->polkit);
    g_hash_table_unref(access->names);
    dbus_connection_unref(access->connection);
    g_free(access);
}

guint
dm_access_get_size(const DmAccess *access)
{
    return access->recent.length;
}

bool
dm_access_find(DmAccess *access, const char *sender, DmCaller *ret_caller)
{
    Name *name = sender != NULL ? g_hash_table_lookup(access->names, sender) : NULL;

    if (name == NULL || name->pending != NULL)
        return false;
    g_queue_unlink(&access->recent, &name->link);
    g_queue_push_head_link(&access->recent, &name->link);
    *ret_caller = name->caller;
    return true;
}

/* -- asking the bus -------------------------------------------------------------------------------
 */

static void
on_answer(DBusPendingCall *pending, void *data)
{
    Name *name = data;
    DmAccess *access = name->access;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);
    GQueue waiting = name->waiting;
    DmCaller caller = {.is_known = false};
    dbus_uint32_t uid;

    /* libdbus takes whatever has the serial for the answer; the bus may let others send such. The
     * largest uid is (uid_t)-1: nobody. */
    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_METHOD_RETURN &&
        dbus_message_has_sender(answer, DBUS_SERVICE_DBUS) &&
        dbus_message_get_args(answer, NULL, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID) &&
        uid != G_MAXUINT32) {
        caller.is_known = true;
        caller.uid = uid;
        caller.is_root = uid == 0 || (access->own_uid_is_root && uid == geteuid());
    }
    dbus_message_unref(answer);

    access->n_waiting -= waiting.length;
    g_queue_init(&name->waiting);
    /* Whoever could not be identified has gone, most likely: not worth a place. */
    if (caller.is_known) {
        name->caller = caller;
        remember(name);
    } else {
        g_hash_table_remove(access->names, name->name);
    }
    for (GList *l = waiting.head; l != NULL; l = l->next) {
        const Waiting *entry = l->data;

        entry->func(&caller, entry->data);
    }
    g_queue_clear_full(&waiting, free_waiting);
}

/* The question to the bus; NULL if the connection is gone. */
static DBusPendingCall *
send_question(DmAccess *access, const char *sender)
{
    DBusPendingCall *pending = NULL;
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, "GetConnectionUnixUser");

    if (call == NULL ||
        !dbus_message_append_args(call, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID) ||
        !dbus_connection_send_with_reply(access->connection, call, &pending, ANSWER_MS))
        g_error("out of memory");
    dbus_message_unref(call);
    return pending;
}

/* The entry of a name that is being asked about, made if need be; NULL if the connection is gone.
 */
static Name *
find_asked(DmAccess *access, const char *sender)
{
    Name *name = g_hash_table_lookup(access->names, sender);
    DBusPendingCall *pending;

    if (name != NULL)
        return name;
    pending = send_question(access, sender);
    if (pending == NULL)
        return NULL;
    name = g_new0(Name, 1);
    name->access = access;
    name->name = g_strdup(sender);
    name->pending = pending;
    name->link.data = name;
    g_hash_table_insert(access->names, name->name, name);
    if (!dbus_pending_call_set_notify(pending, on_answer, name, NULL))
        g_error("out of memory");
    return name;
}

bool
dm_access_ask(DmAccess *access, const char *sender, DmAccessFunc func, gpointer data,
              GDestroyNotify free_data)
{
    Name *name;
    Waiting *waiting;

    if (sender == NULL || access->n_waiting >= DM_ACCESS_MAX_WAITING_ALL)
        return false;
    name = find_asked(access, sender);
    if (name == NULL || name->pending == NULL || name->waiting.length >= DM_ACCESS_MAX_WAITING_ONE)
        return false;
    waiting = g_new(Waiting, 1);
    *waiting = (Waiting){func, data, free_data};
    g_queue_push_tail(&name->waiting, waiting);
    access->n_waiting++;
    return true;
}

/* -- asking polkit ------------------------------------------------------------------------------
 */

typedef struct {
    DmAccess *access;
    char *sender;
    DmAction action;
    bool is_kept; /* the verdict is to be remembered */
    guint generation;
    DmVerdictFunc func;
    gpointer data;
    GDestroyNotify free_data;
} Question;

static void
free_question(gpointer data)
{
    Question *question = data;

    question->free_data(question->data);
    g_free(question->sender);
    g_free(question);
}

static void
on_verdict(DmVerdict verdict, gpointer data)
{
    Question *question = data;
    Name *name = g_hash_table_lookup(question->access->names, question->sender);

    /* What was asked before a change may be an answer from before it. */
    if (question->is_kept && verdict != DM_VERDICT_NONE && name != NULL && name->pending == NULL &&
        question->generation == question->access->generation)
        name->caller.verdicts[question->action] = verdict;
    question->func(verdict, question->data);
}

bool
dm_access_authorise(DmAccess *access, const char *sender, guint32 uid, DmAction action,
                    bool interactive, DmVerdictFunc func, gpointer data, GDestroyNotify free_data)
{
    Question *question = g_new(Question, 1);

    *question = (Question){.access = access,
                           .sender = g_strdup(sender),
                           .action = action,
                           .is_kept = dm_action_is_read(action) && !interactive,
                           .generation = access->generation,
                           .func = func,
                           .data = data,
                           .free_data = free_data};
    if (dm_polkit_check(access->polkit, sender, uid, dm_action_to_id(action), interactive,
                        on_verdict, question, free_question))
        return true;
    g_free(question->sender);
    g_free(question);
    return false;
}
