/* SPDX-License-Identifier: MIT */

#include "plugin/socket-sessions.h"

#include "common/log.h"
#include "common/source.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "tree/session.h"

struct DmSocketSessions {
    DmTree *tree;
    GMainContext *context;
    GHashTable *running; /* provider's id → Running */
    guint patience_ms;
};

typedef struct {
    DmSocketSessions *sessions;
    char *provider;
    char *token;
    gconstpointer peer;   /* NULL: gone */
    unsigned long broker; /* the peer's process, if it attends; 0: it does not */
    GSource *patience;    /* while it is gone */
} Running;

static void
running_free(gpointer data)
{
    Running *running = data;

    dm_source_drop(&running->patience);
    g_free(running->provider);
    g_free(running->token);
    g_free(running);
}

/* -- whose it is --------------------------------------------------------------------------------
 */

/* The token of the session under way; NULL: none is. Borrowed. */
static const char *
find_current(const DmSocketSessions *sessions, const char *id)
{
    const DmProvider *provider = dm_tree_find_provider(sessions->tree, DM_SCOPE_DEVICE, 0, id);

    return provider != NULL ? dm_session_get_current(provider) : NULL;
}

/* Notes whose the session under way is, if there is one; NULL `peer`: nobody's now. */
static Running *
note_provider(DmSocketSessions *sessions, gconstpointer peer, unsigned long broker, const char *id)
{
    const char *token = find_current(sessions, id);
    Running *running;

    g_hash_table_remove(sessions->running, id);
    if (token == NULL)
        return NULL;
    running = g_new0(Running, 1);
    running->sessions = sessions;
    running->provider = g_strdup(id);
    running->token = g_strdup(token);
    running->peer = peer;
    running->broker = broker;
    g_hash_table_insert(sessions->running, running->provider, running);
    return running;
}

/* A message of a session whose peer was gone: it is back. */
static void
note_message(DmSocketSessions *sessions, gconstpointer peer, const char *token)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, sessions->running);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Running *running = value;

        if (!g_str_equal(running->token, token))
            continue;
        dm_source_drop(&running->patience);
        running->peer = peer;
    }
}

void
dm_socket_sessions_note(DmSocketSessions *sessions, gconstpointer peer, unsigned long broker,
                        DBusMessage *call)
{
    DBusMessageIter iter;
    const char *first;

    if (!dbus_message_iter_init(call, &iter) ||
        dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_STRING)
        return;
    dbus_message_iter_get_basic(&iter, &first);
    if (dbus_message_has_member(call, "Apply"))
        note_message(sessions, peer, first);
    else if (dbus_message_has_member(call, "BeginSession") ||
             dbus_message_has_member(call, "ReportSession"))
        (void)note_provider(sessions, peer, broker, first);
}

/* -- peers that go ------------------------------------------------------------------------------
 */

static void
abandon(Running *running)
{
    DmSocketSessions *sessions = running->sessions;
    g_autofree char *provider = g_strdup(running->provider);
    g_autoptr(GError) error = NULL;

    if (!dm_session_abandon(sessions->tree, provider, running->token,
                            "the broker went away in the middle of the session", &error))
        dm_log_warning("The end of a session could not be kept", "REASON", error->message);
    g_hash_table_remove(sessions->running, provider);
}

static gboolean
on_patience_over(gpointer data)
{
    abandon(data);
    return G_SOURCE_REMOVE;
}

void
dm_socket_sessions_attend(DmSocketSessions *sessions, unsigned long broker)
{
    g_autoptr(GList) all = g_hash_table_get_values(sessions->running);

    for (GList *l = all; l != NULL; l = l->next) {
        Running *running = l->data;

        if (running->peer == NULL && running->broker != 0 && running->broker != broker)
            abandon(running);
    }
}

static void
start_patience(Running *running)
{
    running->peer = NULL;
    running->patience = g_timeout_source_new(running->sessions->patience_ms);
    g_source_set_callback(running->patience, on_patience_over, running, NULL);
    g_source_attach(running->patience, running->sessions->context);
}

void
dm_socket_sessions_drop(DmSocketSessions *sessions, gconstpointer peer)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, sessions->running);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Running *running = value;

        if (running->peer != peer)
            continue;
        if (g_strcmp0(find_current(sessions, running->provider), running->token) != 0) {
            g_hash_table_iter_remove(&iter);
            continue;
        }
        start_patience(running);
    }
}

/* -- life ---------------------------------------------------------------------------------------
 */

DmSocketSessions *
dm_socket_sessions_new(DmTree *tree, GMainContext *context, guint patience_ms)
{
    DmSocketSessions *sessions = g_new0(DmSocketSessions, 1);
    DmProvider *const *providers;
    gsize n;

    sessions->tree = tree;
    sessions->context = context;
    sessions->running = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, running_free);
    sessions->patience_ms = patience_ms > 0 ? patience_ms : DM_SOCKET_SESSIONS_PATIENCE_MS;
    /* What was under way when this process was started again: its broker may come back. */
    providers = dm_tree_get_providers(tree, &n);
    for (gsize i = 0; i < n && dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE; i++) {
        Running *running = note_provider(sessions, NULL, 0, dm_provider_get_id(providers[i]));

        if (running != NULL)
            start_patience(running);
    }
    return sessions;
}

void
dm_socket_sessions_free(DmSocketSessions *sessions)
{
    if (sessions == NULL)
        return;
    g_hash_table_unref(sessions->running);
    g_free(sessions);
}
