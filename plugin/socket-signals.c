/* SPDX-License-Identifier: MIT */

#include "plugin/socket-signals.h"

#include <stdbool.h>

#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "tree/session.h"
#include "tree/unenroll.h"

struct DmSocketSignals {
    const DmTree *tree;
    DmSocketSend send;
    gpointer data;
    GHashTable *dues; /* provider's id → gint64 µs since the epoch, as last said */
};

static DBusMessage *
new_signal(const char *member)
{
    DBusMessage *signal = dbus_message_new_signal(DM_TREE_PATH, DM_TREE_INTERFACE, member);

    /* libdbus fails only for want of memory; GLib ends the process then, and so does this. */
    if (signal == NULL)
        g_error("out of memory");
    return signal;
}

static gint64 *
new_due(gint64 due)
{
    gint64 *copy = g_new(gint64, 1);

    *copy = due;
    return copy;
}

DmSocketSignals *
dm_socket_signals_new(const DmTree *tree, DmSocketSend send, gpointer data)
{
    DmSocketSignals *signals = g_new0(DmSocketSignals, 1);
    DmProvider *const *providers;
    gsize n;

    signals->tree = tree;
    signals->send = send;
    signals->data = data;
    signals->dues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    providers = dm_tree_get_providers(tree, &n);
    for (gsize i = 0; i < n; i++) {
        const char *reason;

        if (dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE)
            g_hash_table_replace(signals->dues, g_strdup(dm_provider_get_id(providers[i])),
                                 new_due(dm_session_get_due(tree, providers[i], &reason)));
    }
    return signals;
}

void
dm_socket_signals_free(DmSocketSignals *signals)
{
    if (signals == NULL)
        return;
    g_hash_table_unref(signals->dues);
    g_free(signals);
}

/* -- Changed -------------------------------------------------------------------------------------
 */

static bool
is_of_node(const DmChange *change)
{
    return change->kind == DM_CHANGE_VALUE || change->kind == DM_CHANGE_ADDED ||
           change->kind == DM_CHANGE_REMOVED;
}

static bool
is_same_provider(const DmChange *a, const DmChange *b)
{
    return a->scope == b->scope && g_strcmp0(a->provider, b->provider) == 0 &&
           (a->scope == DM_SCOPE_DEVICE || a->uid == b->uid);
}

/* Sends one signal for the changes of one provider. */
static void
tell_provider(DmSocketSignals *signals, const DmChange *changes, gsize n_changes)
{
    g_autoptr(DBusMessage) signal = new_signal("Changed");
    const char *provider = changes->provider != NULL ? changes->provider : "";
    dbus_int64_t uid = changes->scope == DM_SCOPE_USER ? (gint64)changes->uid : -1;
    g_autoptr(GString) loc_uri = g_string_new(NULL);
    DBusMessageIter iter, array;

    dbus_message_iter_init_append(signal, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &provider);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_INT64, &uid);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "s", &array);
    for (gsize i = 0; i < n_changes; i++) {
        if (!is_of_node(&changes[i]))
            continue;
        g_string_truncate(loc_uri, 0);
        dm_schema_append_loc_uri(loc_uri, changes[i].scope, changes[i].node, changes[i].provider);
        dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &loc_uri->str);
    }
    dbus_message_iter_close_container(&iter, &array);
    signals->send(signal, signals->data);
}

static void
tell_changes(DmSocketSignals *signals, const DmChange *changes, gsize n_changes)
{
    gsize end;

    for (gsize start = 0; start < n_changes; start = end) {
        bool any = false;

        for (end = start; end < n_changes && is_same_provider(&changes[start], &changes[end]);
             end++)
            any |= is_of_node(&changes[end]);
        if (any)
            tell_provider(signals, &changes[start], end - start);
    }
}

/* -- Unenrolled ----------------------------------------------------------------------------------
 */

static void
tell_unenrolled(DmSocketSignals *signals, const char *provider)
{
    const DmUnenrollment *one = dm_tree_find_unenrollment(signals->tree, provider);
    g_autoptr(DBusMessage) signal = NULL;

    if (one == NULL)
        return;
    signal = new_signal("Unenrolled");
    dbus_message_append_args(signal, DBUS_TYPE_STRING, &one->provider, DBUS_TYPE_STRING,
                             &one->thumbprint, DBUS_TYPE_STRING, &one->by, DBUS_TYPE_STRING,
                             &one->reason, DBUS_TYPE_INVALID);
    signals->send(signal, signals->data);
}

static void
tell_unenrollments(DmSocketSignals *signals, const DmChange *changes, gsize n_changes)
{
    for (gsize i = 0; i < n_changes; i++)
        if (changes[i].kind == DM_CHANGE_REMOVED && changes[i].scope == DM_SCOPE_DEVICE &&
            changes[i].node == DM_NODE_PROVIDER)
            tell_unenrolled(signals, changes[i].provider);
}

/* -- Due -----------------------------------------------------------------------------------------
 */

static void
send_due(DmSocketSignals *signals, const char *provider, gint64 due, const char *reason)
{
    g_autoptr(DBusMessage) signal = new_signal("Due");
    dbus_int64_t wire_due = due;

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64, &wire_due,
                             DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID);
    signals->send(signal, signals->data);
}

/* Sends when `id` is due, if that is news; a provider that is gone is never due. */
static void
tell_due(DmSocketSignals *signals, const char *id)
{
    const DmProvider *provider = dm_tree_find_provider(signals->tree, DM_SCOPE_DEVICE, 0, id);
    const gint64 *known = g_hash_table_lookup(signals->dues, id);
    const char *reason = "";
    gint64 due = 0;

    if (provider != NULL)
        due = dm_session_get_due(signals->tree, provider, &reason);
    if (due == (known != NULL ? *known : 0))
        return;
    if (provider != NULL)
        g_hash_table_replace(signals->dues, g_strdup(id), new_due(due));
    else
        g_hash_table_remove(signals->dues, id);
    send_due(signals, id, due, due != 0 ? reason : "");
}

static void
tell_dues(DmSocketSignals *signals, const DmChange *changes, gsize n_changes)
{
    for (gsize i = 0; i < n_changes; i++) {
        if (changes[i].provider == NULL || changes[i].scope != DM_SCOPE_DEVICE)
            continue;
        if (i == 0 || !is_same_provider(&changes[i - 1], &changes[i]))
            tell_due(signals, changes[i].provider);
    }
}

/* -- PushChanged ---------------------------------------------------------------------------------
 */

static void
tell_push(DmSocketSignals *signals, const DmChange *changes, gsize n_changes)
{
    for (gsize i = 0; i < n_changes; i++) {
        g_autoptr(DBusMessage) signal = NULL;
        DmNodeId node = changes[i].node;

        if (changes[i].scope != DM_SCOPE_DEVICE || !is_of_node(&changes[i]) ||
            (node != DM_NODE_PUSH && node != DM_NODE_PUSH_PFN &&
             (node != DM_NODE_PROVIDER || changes[i].kind != DM_CHANGE_REMOVED)))
            continue;
        signal = new_signal("PushChanged");
        signals->send(signal, signals->data);
        return;
    }
}

void
dm_socket_signals_tell(DmSocketSignals *signals, const DmChange *changes, gsize n_changes)
{
    tell_changes(signals, changes, n_changes);
    tell_dues(signals, changes, n_changes);
    tell_unenrollments(signals, changes, n_changes);
    tell_push(signals, changes, n_changes);
}

/* -- what the broker is asked --------------------------------------------------------------------
 */

DBusMessage *
dm_socket_signals_new_sync(const char *provider, const char *session, const char *origin,
                           gint64 uid)
{
    DBusMessage *signal = new_signal("SyncRequested");
    dbus_int64_t user = uid;

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &session,
                             DBUS_TYPE_STRING, &origin, DBUS_TYPE_INT64, &user, DBUS_TYPE_INVALID);
    return signal;
}

DBusMessage *
dm_socket_signals_new_logs(const char *request)
{
    DBusMessage *signal = new_signal("LogsRequested");

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &request, DBUS_TYPE_INVALID);
    return signal;
}

DBusMessage *
dm_socket_signals_new_reload(void)
{
    return new_signal("ReloadRequested");
}
