/* SPDX-License-Identifier: MIT */
#include "plugin/unread.h"

#include "common/log.h"
#include "common/source.h"
#include "dbus/wire.h"

/* How long the bus may take to answer. */
#define ANSWER_MS 5000

/* Answers that are not large, at most 64 KiB or so, after which the bus is asked. */
#define N_SMALL 256

/* Unread by all: so little that nobody needs to be looked at; so much that those with more than an
 * equal share of it wait; and so much that all wait who leave more than a little, or users who come
 * one after the other would each find a share. The rest up to the bus's limit is for what is sent
 * meanwhile. */
#define FEW_BYTES (1024 * 1024)
#define MANY_BYTES (32 * 1024 * 1024)
#define MOST_BYTES (40 * 1024 * 1024)

/* Names kept; others are not looked at before there is room again. */
#define MAX_NAMES 4096

/* How soon it is looked again at those who wait; each time after twice as long. */
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS 5000

#define STATS_INTERFACE "org.freedesktop.DBus.Debug.Stats"

/* Somebody who had an answer since all were read last. Counted: questions keep one of their own. */
typedef struct {
    DmUnread *unread; /* NULL: that is gone */
    char *name;
    DmCaller caller;
    bool is_new;   /* not looked at yet */
    bool is_asked; /* who it is */
    bool is_gone;
    guint64 bytes; /* unread, when it was last looked */
    DBusPendingCall *pending;
} Reader;

struct DmUnread {
    DBusConnection *connection;
    GMainContext *context;
    DmAccess *access;
    DmUnreadHandlers handlers;
    GHashTable *readers; /* name → Reader */
    GHashTable *closed;  /* set of uids */
    guint n_small;       /* answers since the bus was asked */
    DBusPendingCall *own;
    guint n_questions; /* of the round under way: 0 none */
    GSource *retry;
    guint retry_ms;
    bool is_mute; /* the bus does not say */
};

/* -- asking the bus -----------------------------------------------------------------------------
 */

static DBusPendingCall *
ask_stats(DmUnread *unread, const char *name, DBusPendingCallNotifyFunction func, void *data)
{
    DBusPendingCall *pending = NULL;
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     STATS_INTERFACE, "GetConnectionStats");

    if (call == NULL ||
        !dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) ||
        !dbus_connection_send_with_reply(unread->connection, call, &pending, ANSWER_MS) ||
        (pending != NULL && !dbus_pending_call_set_notify(pending, func, data, NULL)))
        g_error("out of memory");
    dbus_message_unref(call);
    return pending;
}

static void
drop_question(DBusPendingCall **pending)
{
    if (*pending == NULL)
        return;
    dbus_pending_call_cancel(*pending);
    g_clear_pointer(pending, dbus_pending_call_unref);
}

/* The figure `key` of an answer; false if there is none. */
static bool
read_figure(DBusMessage *answer, const char *key, guint64 *ret_figure)
{
    DBusMessageIter iter, entries, entry, variant;
    dbus_uint32_t figure;
    const char *name;

    if (dbus_message_get_type(answer) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
        !dbus_message_has_sender(answer, DBUS_SERVICE_DBUS) ||
        !dbus_message_has_signature(answer, "a{sv}"))
        return false;
    dbus_message_iter_init(answer, &iter);
    dbus_message_iter_recurse(&iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&entries)) {
        dbus_message_iter_recurse(&entries, &entry);
        dm_wire_next_basic(&entry, &name);
        dbus_message_iter_recurse(&entry, &variant);
        if (!g_str_equal(name, key) || !dm_wire_has_signature(&variant, "u"))
            continue;
        dbus_message_iter_get_basic(&variant, &figure);
        *ret_figure = figure;
        return true;
    }
    return false;
}

/* -- readers ------------------------------------------------------------------------------------
 */

static void
reader_clear(gpointer data)
{
    Reader *reader = data;

    g_free(reader->name);
}

static void
reader_unref(gpointer data)
{
    g_rc_box_release_full(data, reader_clear);
}

/* Takes it out of the table. */
static void
reader_remove(gpointer data)
{
    Reader *reader = data;

    drop_question(&reader->pending);
    reader->unread = NULL;
    reader_unref(reader);
}

static void
add_reader(DmUnread *unread, const char *name)
{
    Reader *reader = g_rc_box_new0(Reader);

    reader->unread = unread;
    reader->name = g_strdup(name);
    reader->is_new = true;
    g_hash_table_insert(unread->readers, reader->name, reader);
}

/* -- users --------------------------------------------------------------------------------------
 */

static void
set_closed(DmUnread *unread, guint32 uid, bool is_closed)
{
    if (dm_unread_is_closed(unread, uid) == is_closed)
        return;
    if (is_closed)
        g_hash_table_add(unread->closed, GUINT_TO_POINTER(uid));
    else
        g_hash_table_remove(unread->closed, GUINT_TO_POINTER(uid));
    unread->handlers.set_closed(uid, is_closed, unread->handlers.data);
}

static gboolean
is_done_with(gpointer key, gpointer value, gpointer data)
{
    const Reader *reader = value;

    return !reader->is_new && (reader->is_gone || reader->bytes == 0);
}

/* Bytes that are unread by user: uid → guint64 *. */
static GHashTable *
sum_by_user(DmUnread *unread, guint *ret_n_with_many, guint64 *ret_total)
{
    GHashTable *sums = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, unread->readers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Reader *reader = value;
        gpointer key = GUINT_TO_POINTER(reader->caller.uid);
        guint64 *sum = g_hash_table_lookup(sums, key);

        if (!reader->caller.is_known)
            continue;
        if (sum == NULL) {
            sum = g_new0(guint64, 1);
            g_hash_table_insert(sums, key, sum);
        }
        *sum += reader->bytes;
    }
    *ret_n_with_many = 0;
    *ret_total = 0;
    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        *ret_n_with_many += *(const guint64 *)value > FEW_BYTES;
        *ret_total += *(const guint64 *)value;
    }
    return sums;
}

static void
open_those_who_read(DmUnread *unread, GHashTable *sums)
{
    g_autoptr(GList) closed = g_hash_table_get_keys(unread->closed);

    for (GList *l = closed; l != NULL; l = l->next) {
        const guint64 *sum = sums != NULL ? g_hash_table_lookup(sums, l->data) : NULL;

        if (sum == NULL || *sum <= FEW_BYTES)
            set_closed(unread, GPOINTER_TO_UINT(l->data), false);
    }
}

/* All questions of the round are answered. */
static void
judge(DmUnread *unread)
{
    g_autoptr(GHashTable) sums = NULL;
    guint n_with_many;
    guint64 total;
    GHashTableIter iter;
    gpointer key, value;

    (void)g_hash_table_foreach_remove(unread->readers, is_done_with, NULL);
    sums = sum_by_user(unread, &n_with_many, &total);
    open_those_who_read(unread, sums);
    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        guint64 sum = *(const guint64 *)value;

        if (sum > FEW_BYTES && (sum * n_with_many >= MANY_BYTES || total >= MOST_BYTES))
            set_closed(unread, GPOINTER_TO_UINT(key), true);
    }
}

/* -- looking again ------------------------------------------------------------------------------
 */

static void ask_own(DmUnread *unread);

static gboolean
on_retry(gpointer data)
{
    DmUnread *unread = data;

    dm_source_drop(&unread->retry);
    ask_own(unread);
    return G_SOURCE_REMOVE;
}

/* It has been looked: once more later, if anybody waits for that. */
static void
look_later(DmUnread *unread)
{
    if (!dm_unread_has_closed(unread))
        unread->retry_ms = RETRY_FIRST_MS;
    else if (unread->retry == NULL && unread->handlers.is_waiting(unread->handlers.data)) {
        unread->retry = g_timeout_source_new(unread->retry_ms);
        unread->retry_ms = MIN(unread->retry_ms * 2, RETRY_LAST_MS);
        g_source_set_callback(unread->retry, on_retry, unread, NULL);
        g_source_attach(unread->retry, unread->context);
    }
}

/* -- a round: everybody is looked at ------------------------------------------------------------
 */

static void
on_question_done(DmUnread *unread)
{
    if (--unread->n_questions > 0)
        return;
    judge(unread);
    look_later(unread);
}

static void
on_reader_stats(DBusPendingCall *pending, void *data)
{
    Reader *reader = data;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);

    g_clear_pointer(&reader->pending, dbus_pending_call_unref);
    reader->bytes = 0;
    /* Whose figure there is not has left, and nothing is kept for it. */
    if (!read_figure(answer, "OutgoingBytes", &reader->bytes))
        reader->is_gone = true;
    dbus_message_unref(answer);
    on_question_done(reader->unread);
}

static void
on_caller(const DmCaller *caller, gpointer data)
{
    Reader *reader = data;

    reader->is_asked = false;
    reader->caller = *caller;
    if (!caller->is_known)
        reader->is_gone = true;
    if (reader->unread != NULL)
        on_question_done(reader->unread);
}

static void
ask_about(DmUnread *unread, Reader *reader)
{
    reader->is_new = false;
    reader->pending = ask_stats(unread, reader->name, on_reader_stats, reader);
    if (reader->pending != NULL)
        unread->n_questions++;
    if (reader->caller.is_known || reader->is_asked ||
        dm_access_find(unread->access, reader->name, &reader->caller))
        return;
    if (dm_access_ask(unread->access, reader->name, on_caller, g_rc_box_acquire(reader),
                      reader_unref)) {
        reader->is_asked = true;
        unread->n_questions++;
    } else {
        reader_unref(reader);
    }
}

static void
start_round(DmUnread *unread)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, unread->readers);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ask_about(unread, value);
    if (unread->n_questions == 0) {
        judge(unread);
        look_later(unread);
    }
}

/* -- all together -------------------------------------------------------------------------------
 */

/* What the bus keeps of the service's own messages. */
static void
on_own_stats(DBusPendingCall *pending, void *data)
{
    DmUnread *unread = data;
    DBusMessage *answer = dbus_pending_call_steal_reply(pending);
    const char *name = dbus_message_get_error_name(answer);
    guint64 bytes = 0;

    g_clear_pointer(&unread->own, dbus_pending_call_unref);
    if (read_figure(answer, "IncomingBytes", &bytes)) {
        if (bytes <= FEW_BYTES) {
            g_hash_table_remove_all(unread->readers);
            open_those_who_read(unread, NULL);
            look_later(unread);
        } else if (bytes >= MANY_BYTES || dm_unread_has_closed(unread)) {
            start_round(unread);
        }
    } else if (name != NULL && !g_str_equal(name, DBUS_ERROR_NO_REPLY)) {
        /* Unless the policy of the bus is not ours, it has no such figures. */
        dm_log_debug("The bus does not say what is unread", "REASON", name);
        unread->is_mute = true;
        /* Nor when it has been read: nobody is kept waiting for that. */
        open_those_who_read(unread, NULL);
    } else {
        look_later(unread);
    }
    dbus_message_unref(answer);
}

/* Unless it is being looked already. */
static void
ask_own(DmUnread *unread)
{
    const char *name = dbus_bus_get_unique_name(unread->connection);

    if (unread->own != NULL || unread->n_questions > 0 || unread->is_mute || name == NULL)
        return;
    unread->n_small = 0;
    unread->own = ask_stats(unread, name, on_own_stats, unread);
}

void
dm_unread_note(DmUnread *unread, const char *name, bool is_large)
{
    if (unread->is_mute || name == NULL)
        return;
    if (!g_hash_table_contains(unread->readers, name) &&
        g_hash_table_size(unread->readers) < MAX_NAMES)
        add_reader(unread, name);
    if (is_large || ++unread->n_small >= N_SMALL)
        ask_own(unread);
}

void
dm_unread_look(DmUnread *unread)
{
    if (unread->retry == NULL)
        ask_own(unread);
}

bool
dm_unread_is_closed(const DmUnread *unread, guint32 uid)
{
    return g_hash_table_contains(unread->closed, GUINT_TO_POINTER(uid));
}

bool
dm_unread_has_closed(const DmUnread *unread)
{
    return g_hash_table_size(unread->closed) > 0;
}

/* -- life ---------------------------------------------------------------------------------------
 */

DmUnread *
dm_unread_new(DBusConnection *connection, GMainContext *context, DmAccess *access,
              const DmUnreadHandlers *handlers)
{
    DmUnread *unread = g_new0(DmUnread, 1);

    unread->connection = dbus_connection_ref(connection);
    unread->context = context;
    unread->access = access;
    unread->handlers = *handlers;
    unread->readers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, reader_remove);
    unread->closed = g_hash_table_new(NULL, NULL);
    unread->retry_ms = RETRY_FIRST_MS;
    return unread;
}

void
dm_unread_free(DmUnread *unread)
{
    if (unread == NULL)
        return;
    dm_source_drop(&unread->retry);
    drop_question(&unread->own);
    g_hash_table_unref(unread->readers);
    g_hash_table_unref(unread->closed);
    dbus_connection_unref(unread->connection);
    g_free(unread);
}
