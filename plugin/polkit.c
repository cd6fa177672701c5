/* SPDX-License-Identifier: MIT */
#include "plugin/polkit.h"

#include "common/log.h"
#include "plugin/polkit-wire.h"

#define MATCH_OWNER                                                                                \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS                 \
    "',member='NameOwnerChanged',arg0='%s'"
#define MATCH_CHANGED                                                                              \
    "type='signal',sender='" DM_POLKIT_NAME "',path='" DM_POLKIT_PATH                              \
    "',interface='" DM_POLKIT_INTERFACE "',member='Changed'"

/* The questions of one user; there is one as long as there are any. */
typedef struct {
    guint32 uid;
    GQueue queued; /* Question, not sent yet */
    guint n_questions;
    guint n_waiting;
    guint n_persons; /* questions that wait for a person */
    GList turn;      /* in `turns` while any are queued */
} User;

/* Whether one sender may do one action. */
typedef struct {
    DmPolkit *polkit;
    User *user;
    char *key; /* see make_key() */
    char *sender;
    char *action;
    bool interactive;
    gint64 deadline_us; /* of what a machine decides; monotonic */
    DBusPendingCall *pending;
    char *cancellation; /* id of the dialog; NULL: no person is asked */
    GQueue waiting;     /* Waiting */
    DmVerdict verdict;  /* once it is answered */
} Question;

typedef struct {
    DmPolkitFunc func;
    gpointer data;
    GDestroyNotify free_data;
} Waiting;

struct DmPolkit {
    DBusConnection *connection;
    void (*on_changed)(gpointer data);
    gpointer data;
    int answer_ms, person_ms;

    char *owner; /* unique name of the authority; NULL: none */
    DBusPendingCall *owner_question;
    bool is_faulty; /* and said so in the log */

    GHashTable *questions; /* key of the Question → Question, owned */
    GHashTable *users;     /* uid → User, owned */
    GQueue turns;          /* User with queued questions, the next to be served first */
    guint n_asked;
    guint n_waiting;
    guint n_persons;
    guint64 n_dialogs; /* ever; makes cancellation ids */
};

/* -- messages -----------------------------------------------------------------------------------
 */

static void
check_memory(bool is_enough)
{
    if (!is_enough)
        g_error("out of memory");
}

static void
set_match(DmPolkit *polkit, const char *rule, bool is_wanted)
{
    /* Without an error to fill in these send and do not wait. */
    if (is_wanted)
        dbus_bus_add_match(polkit->connection, rule, NULL);
    else if (dbus_connection_get_is_connected(polkit->connection))
        dbus_bus_remove_match(polkit->connection, rule, NULL);
}

static void
set_owner_match(DmPolkit *polkit, const char *name, bool is_wanted)
{
    g_autofree char *rule = g_strdup_printf(MATCH_OWNER, name);

    set_match(polkit, rule, is_wanted);
}

/* Closes the dialog of a question that nobody waits for any more. */
static void
send_cancel(const Question *question)
{
    const DmPolkit *polkit = question->polkit;
    DBusMessage *call;

    /* Where there is no authority there is no dialog. */
    if (polkit->owner == NULL || !dbus_connection_get_is_connected(polkit->connection))
        return;
    call = dm_polkit_wire_new_cancel(polkit->owner, question->cancellation);
    check_memory(dbus_connection_send(polkit->connection, call, NULL));
    dbus_message_unref(call);
}

/* -- questions and those who wait for them ------------------------------------------------------
 */

static char *
make_key(const char *sender, const char *action, bool interactive)
{
    return g_strdup_printf("%s %s %d", sender, action, interactive);
}

static void
free_waiting(gpointer data)
{
    Waiting *waiting = data;

    waiting->free_data(waiting->data);
    g_free(waiting);
}

static User *
ensure_user(DmPolkit *polkit, guint32 uid)
{
    User *user = g_hash_table_lookup(polkit->users, GUINT_TO_POINTER(uid));

    if (user != NULL)
        return user;
    user = g_new0(User, 1);
    user->uid = uid;
    user->turn.data = user;
    g_hash_table_insert(polkit->users, GUINT_TO_POINTER(uid), user);
    return user;
}

static void
free_user(gpointer data)
{
    User *user = data;

    g_queue_clear(&user->queued);
    g_free(user);
}

static void
drop_user_if_idle(DmPolkit *polkit, const User *user)
{
    if (user->n_questions == 0)
        g_hash_table_remove(polkit->users, GUINT_TO_POINTER(user->uid));
}

static void
enqueue(Question *question)
{
    User *user = question->user;

    if (user->queued.length == 0)
        g_queue_push_tail_link(&question->polkit->turns, &user->turn);
    g_queue_push_tail(&user->queued, question);
}

/* The next question in turn: one of each user's, then the first user's next. */
static Question *
dequeue(DmPolkit *polkit)
{
    User *user = polkit->turns.head->data;
    Question *question = g_queue_pop_head(&user->queued);

    g_queue_unlink(&polkit->turns, &user->turn);
    if (user->queued.length > 0)
        g_queue_push_tail_link(&polkit->turns, &user->turn);
    return question;
}

static Question *
add_question(DmPolkit *polkit, const char *sender, guint32 uid, const char *action,
             bool interactive)
{
    Question *question = g_new0(Question, 1);

    question->polkit = polkit;
    question->user = ensure_user(polkit, uid);
    question->user->n_questions++;
    question->key = make_key(sender, action, interactive);
    question->sender = g_strdup(sender);
    question->action = g_strdup(action);
    question->interactive = interactive;
    question->deadline_us = g_get_monotonic_time() + polkit->answer_ms * G_TIME_SPAN_MILLISECOND;
    g_hash_table_insert(polkit->questions, question->key, question);
    enqueue(question);
    return question;
}

/* It is not waited for any more: gives back its place, closes its dialog unless the authority
 * has answered. */
static void
stop_asking(Question *question, bool is_answered)
{
    DmPolkit *polkit = question->polkit;

    if (question->pending != NULL) {
        dbus_pending_call_cancel(question->pending);
        g_clear_pointer(&question->pending, dbus_pending_call_unref);
        polkit->n_asked--;
    }
    if (question->cancellation == NULL)
        return;
    if (!is_answered)
        send_cancel(question);
    set_owner_match(polkit, question->sender, false);
    g_clear_pointer(&question->cancellation, g_free);
    polkit->n_persons--;
    question->user->n_persons--;
}

static void
free_question(gpointer data)
{
    Question *question = data;

    stop_asking(question, false);
    g_queue_clear_full(&question->waiting, free_waiting);
    g_free(question->key);
    g_free(question->sender);
    g_free(question->action);
    g_free(question);
}

/* Takes it off the books; the caller tells those who wait, with tell_all(). */
static void
conclude(Question *question, DmVerdict verdict, GQueue *answered)
{
    DmPolkit *polkit = question->polkit;
    User *user = g_steal_pointer(&question->user);

    question->verdict = verdict;
    user->n_questions--;
    user->n_waiting -= question->waiting.length;
    polkit->n_waiting -= question->waiting.length;
    g_hash_table_steal(polkit->questions, question->key);
    drop_user_if_idle(polkit, user);
    g_queue_push_tail(answered, question);
}

/* The last thing its callers do: what is called may ask again. */
static void
tell_all(GQueue *answered)
{
    Question *question;

    while ((question = g_queue_pop_head(answered)) != NULL) {
        for (GList *l = question->waiting.head; l != NULL; l = l->next) {
            const Waiting *entry = l->data;

            entry->func(question->verdict, entry->data);
        }
        free_question(question);
    }
}

/* -- answers ------------------------------------------------------------------------------------
 */

static void
set_fault(DmPolkit *polkit, const char *fault)
{
    if (fault != NULL && !polkit->is_faulty)
        dm_log_warning("polkit cannot be asked: what needs its permission is refused. Is polkitd "
                       "installed, with the actions of " DM_BUS_INTERFACE "?",
                       "REASON", fault);
    else if (fault == NULL && polkit->is_faulty)
        dm_log(G_LOG_LEVEL_MESSAGE, "polkit answers again", NULL);
    polkit->is_faulty = fault != NULL;
}

/* Whether `answer` comes from the process that owns the authority's name. libdbus takes whatever
 * has the serial for the answer; the bus may let others send such. */
static bool
is_from_authority(const DmPolkit *polkit, DBusMessage *answer)
{
    return polkit->owner != NULL && dbus_message_has_sender(answer, polkit->owner);
}

/* The verdict of `answer`, and whether the authority has answered at all. */
static DmVerdict
judge(DmPolkit *polkit, const Question *question, DBusMessage *answer, bool *ret_is_answered)
{
    DmVerdict verdict;
    g_autofree char *fault = NULL;

    *ret_is_answered = is_from_authority(polkit, answer);
    if (*ret_is_answered && (verdict = dm_polkit_wire_read_verdict(answer)) != DM_VERDICT_NONE) {
        set_fault(polkit, NULL);
        return verdict;
    }
    /* The caller has left: polkit is well, and nobody is there to be told. */
    if (*ret_is_answered && dbus_message_is_error(answer, DBUS_ERROR_NAME_HAS_NO_OWNER))
        return DM_VERDICT_NO;
    /* libdbus makes this one itself when the time is over: it was the person who did not answer. */
    if (question->cancellation != NULL && dbus_message_get_sender(answer) == NULL &&
        dbus_message_is_error(answer, DBUS_ERROR_NO_REPLY))
        return DM_VERDICT_NO;
    if (!*ret_is_answered && dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_METHOD_RETURN)
        fault = g_strdup("somebody else answered in its place");
    else
        fault = dm_polkit_wire_make_fault(answer);
    set_fault(polkit, fault);
    return DM_VERDICT_NONE;
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void on_answer(DBusPendingCall *pending, void *data);

/* False if the connection is gone: then it stays as it is until all is freed. */
static bool
send_question(Question *question, int limit_ms)
{
    DmPolkit *polkit = question->polkit;
    DBusMessage *call =
        dm_polkit_wire_new_check(question->sender, question->action, question->cancellation);

    check_memory(
        dbus_connection_send_with_reply(polkit->connection, call, &question->pending, limit_ms));
    dbus_message_unref(call);
    if (question->pending == NULL)
        return false;
    polkit->n_asked++;
    check_memory(dbus_pending_call_set_notify(question->pending, on_answer, question, NULL));
    return true;
}

/* Sends what is queued as far as there is room; what has waited too long is answered. */
static void
send_queued(DmPolkit *polkit, GQueue *answered)
{
    while (polkit->n_asked < DM_POLKIT_MAX_ASKED && polkit->turns.length > 0 &&
           dbus_connection_get_is_connected(polkit->connection)) {
        Question *question = dequeue(polkit);
        gint64 rest_ms = (question->deadline_us - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;

        if (rest_ms <= 0) {
            set_fault(polkit, "it is too slow");
            conclude(question, DM_VERDICT_NONE, answered);
        } else if (!send_question(question, (int)rest_ms)) {
            enqueue(question);
            return;
        }
    }
}

/* Whether there is room for another dialog. */
static bool
may_ask_person(const DmPolkit *polkit, const User *user)
{
    return polkit->n_persons < DM_POLKIT_MAX_PERSONS &&
           user->n_persons < DM_POLKIT_MAX_PERSONS_OF_USER;
}

/* Asks again, so that a person is asked. */
static void
ask_person(Question *question)
{
    DmPolkit *polkit = question->polkit;

    question->cancellation = g_strdup_printf("dmclient-%" G_GUINT64_FORMAT, ++polkit->n_dialogs);
    polkit->n_persons++;
    question->user->n_persons++;
    /* A caller that left before this counts is unknown to the authority, and gets a no. */
    set_owner_match(polkit, question->sender, true);
    (void)send_question(question, polkit->person_ms);
}

static void
on_answer(DBusPendingCall *pending, void *data)
{
    Question *question = data;
    DmPolkit *polkit = question->polkit;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);
    GQueue answered = G_QUEUE_INIT;
    bool is_answered, is_person_asked = question->cancellation != NULL;
    DmVerdict verdict = judge(polkit, question, answer, &is_answered);

    dbus_message_unref(answer);
    stop_asking(question, is_answered);
    if (verdict != DM_VERDICT_CHALLENGE || !question->interactive || is_person_asked ||
        !may_ask_person(polkit, question->user))
        conclude(question, verdict, &answered);
    else
        ask_person(question);
    send_queued(polkit, &answered);
    tell_all(&answered);
}

static Question *
find_or_add_question(DmPolkit *polkit, const char *sender, guint32 uid, const char *action,
                     bool interactive)
{
    g_autofree char *key = make_key(sender, action, interactive);
    Question *question = g_hash_table_lookup(polkit->questions, key);

    return question != NULL ? question : add_question(polkit, sender, uid, action, interactive);
}

bool
dm_polkit_check(DmPolkit *polkit, const char *sender, guint32 uid, const char *action,
                bool interactive, DmPolkitFunc func, gpointer data, GDestroyNotify free_data)
{
    const User *user = g_hash_table_lookup(polkit->users, GUINT_TO_POINTER(uid));
    Question *question;
    Waiting *waiting;
    GQueue answered = G_QUEUE_INIT;

    if (sender == NULL || sender[0] != ':' || polkit->n_waiting >= DM_POLKIT_MAX_WAITING_ALL ||
        (user != NULL && user->n_waiting >= DM_POLKIT_MAX_WAITING_OF_USER) ||
        !dbus_connection_get_is_connected(polkit->connection))
        return false;
    question = find_or_add_question(polkit, sender, uid, action, interactive);
    if (question->waiting.length >= DM_POLKIT_MAX_WAITING_ONE)
        return false;
    waiting = g_new(Waiting, 1);
    *waiting = (Waiting){func, data, free_data};
    g_queue_push_tail(&question->waiting, waiting);
    question->user->n_waiting++;
    polkit->n_waiting++;
    /* Where there is room nothing else is queued, so that nobody's time is over here. */
    send_queued(polkit, &answered);
    g_assert(answered.length == 0);
    return true;
}

guint
dm_polkit_get_n_asked(const DmPolkit *polkit)
{
    return polkit->n_asked;
}

/* -- who the authority is -----------------------------------------------------------------------
 */

static void
set_owner(DmPolkit *polkit, const char *owner)
{
    g_free(polkit->owner);
    polkit->owner = owner != NULL && *owner != '\0' ? g_strdup(owner) : NULL;
}

static void
on_owner_answer(DBusPendingCall *pending, void *data)
{
    DmPolkit *polkit = data;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);
    const char *owner;

    g_clear_pointer(&polkit->owner_question, dbus_pending_call_unref);
    /* An error says that there is none yet: the bus will tell when there is. */
    if (dbus_message_has_sender(answer, DBUS_SERVICE_DBUS) &&
        dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
        set_owner(polkit, dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR ? NULL : owner);
    dbus_message_unref(answer);
}

/* The bus answers messages in their order, so this is answered before any question that is sent
 * later; it may take its time over it as long as the connection lasts. */
static void
ask_owner(DmPolkit *polkit)
{
    static const char *const name = DM_POLKIT_NAME;
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, "GetNameOwner");

    check_memory(call != NULL &&
                 dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) &&
                 dbus_connection_send_with_reply(polkit->connection, call, &polkit->owner_question,
                                                 DBUS_TIMEOUT_INFINITE));
    dbus_message_unref(call);
    if (polkit->owner_question != NULL)
        check_memory(
            dbus_pending_call_set_notify(polkit->owner_question, on_owner_answer, polkit, NULL));
}

/* A caller has left the bus: the dialogs for it are closed. */
static void
on_caller_left(DmPolkit *polkit, const char *name)
{
    GQueue answered = G_QUEUE_INIT;
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    GHashTableIter iter;
    Question *question;

    g_hash_table_iter_init(&iter, polkit->questions);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&question))
        if (question->cancellation != NULL && g_str_equal(question->sender, name))
            g_ptr_array_add(left, question);
    for (guint i = 0; i < left->len; i++) {
        stop_asking(left->pdata[i], false);
        conclude(left->pdata[i], DM_VERDICT_NO, &answered);
    }
    send_queued(polkit, &answered);
    tell_all(&answered);
}

static void
on_owner_changed(DmPolkit *polkit, DBusMessage *message)
{
    const char *name, *before, *after;

    /* The bus stamps each message with its sender: what has this name is from the bus itself. */
    if (!dbus_message_has_sender(message, DBUS_SERVICE_DBUS) ||
        !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                               DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID))
        return;
    if (g_str_equal(name, DM_POLKIT_NAME)) {
        set_owner(polkit, after);
        if (polkit->on_changed != NULL)
            polkit->on_changed(polkit->data);
    } else if (*after == '\0') {
        on_caller_left(polkit, name);
    }
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmPolkit *polkit = data;

    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_SIGNAL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
        on_owner_changed(polkit, message);
    else if (dbus_message_is_signal(message, DM_POLKIT_INTERFACE, "Changed") &&
             is_from_authority(polkit, message) && polkit->on_changed != NULL)
        polkit->on_changed(polkit->data);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* -- life ---------------------------------------------------------------------------------------
 */

DmPolkit *
dm_polkit_new(DBusConnection *connection, void (*on_changed)(gpointer data), gpointer data)
{
    DmPolkit *polkit = g_new0(DmPolkit, 1);

    polkit->connection = dbus_connection_ref(connection);
    polkit->on_changed = on_changed;
    polkit->data = data;
    polkit->answer_ms = DM_POLKIT_ANSWER_MS;
    polkit->person_ms = DM_POLKIT_PERSON_MS;
    polkit->questions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_question);
    polkit->users = g_hash_table_new_full(NULL, NULL, NULL, free_user);
    check_memory(dbus_connection_add_filter(connection, on_message, polkit, NULL));
    /* In this order no change is missed. */
    set_owner_match(polkit, DM_POLKIT_NAME, true);
    set_match(polkit, MATCH_CHANGED, true);
    ask_owner(polkit);
    return polkit;
}

void
dm_polkit_free(DmPolkit *polkit)
{
    if (polkit == NULL)
        return;
    dbus_connection_remove_filter(polkit->connection, on_message, polkit);
    g_hash_table_unref(polkit->questions);
    g_hash_table_unref(polkit->users);
    if (polkit->owner_question != NULL) {
        dbus_pending_call_cancel(polkit->owner_question);
        dbus_pending_call_unref(polkit->owner_question);
    }
    set_owner_match(polkit, DM_POLKIT_NAME, false);
    set_match(polkit, MATCH_CHANGED, false);
    dbus_connection_unref(polkit->connection);
    g_free(polkit->owner);
    g_free(polkit);
}

void
dm_polkit_set_limits(DmPolkit *polkit, int answer_ms, int person_ms)
{
    polkit->answer_ms = answer_ms;
    polkit->person_ms = person_ms;
}
