/* SPDX-License-Identifier: MIT */

#include "plugin/socket.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/source.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "plugin/socket-calls.h"
#include "plugin/socket-path.h"
#include "plugin/socket-sessions.h"
#include "plugin/socket-signals.h"
#include "tree/unenroll.h"

#define BROKER_USER "dmclient-broker"
#define SOCKET_MODE 0660

/* Most bytes that may wait for a peer; one that reads has less than the longest answer and a few
 * signals waiting. */
#define MAX_OUTGOING (DM_TREE_MAX_ANSWER + 65536)

struct DmSocket {
    DmTree *tree;
    GMainContext *context;
    DBusServer *server;
    char *product;
    DmSocketSignals *signals;
    DmSocketSessions *sessions;
    guint listener;
    GPtrArray *peers;        /* Peer */
    GSource *overseer;       /* an OverseerSource */
    DmSocketOptions options; /* without path and product, which belong to the caller */
    bool has_broker;
    uid_t broker_uid;
};

/* A connection. */
typedef struct {
    DmSocket *socket;
    DBusConnection *connection;
    bool greeted;  /* has said Hello */
    bool attends;  /* runs sessions: is told of requests */
    bool unenrols; /* runs a session that asked for a clean-up, which waits for its end */
} Peer;

/* Looks at what waits to be sent. The loop asks whether it is due when it comes round: to set its
 * ready time would wake the loop up (see dbus/loop.c). */
typedef struct {
    GSource base;
    bool is_due;
} OverseerSource;

/* -- who may ------------------------------------------------------------------------------------
 */

static bool
find_user(const char *name, uid_t *ret_uid)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];

    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return false;
    *ret_uid = found->pw_uid;
    return true;
}

/* libdbus asks with what SO_PEERCRED said, after EXTERNAL authentication. */
static dbus_bool_t
is_allowed(DBusConnection *connection, unsigned long uid, void *data)
{
    const DmSocket *self = data;

    return uid == 0 || (self->options.allow_own_uid && uid == geteuid()) ||
           (self->has_broker && uid == self->broker_uid);
}

/* -- connections --------------------------------------------------------------------------------
 */

static DBusHandlerResult on_message(DBusConnection *connection, DBusMessage *message, void *data);

static void
peer_free(gpointer data)
{
    Peer *peer = data;

    dbus_connection_remove_filter(peer->connection, on_message, peer);
    (void)dbus_connection_set_unix_user_function(peer->connection, NULL, NULL, NULL);
    dbus_connection_set_wakeup_main_function(peer->connection, NULL, NULL, NULL);
    dm_loop_remove_connection(peer->connection);
    dbus_connection_close(peer->connection);
    dbus_connection_unref(peer->connection);
    g_free(peer);
}

/* Cuts the connection; the peer itself goes when libdbus has said so to on_message(). */
static void
peer_cut(Peer *peer)
{
    peer->greeted = false;
    dbus_connection_close(peer->connection);
}

static void
peer_send(Peer *peer, DBusMessage *message)
{
    if (!dbus_connection_send(peer->connection, message, NULL))
        g_error("out of memory");
}

static DBusMessage *
answer_hello(Peer *peer, DBusMessage *call)
{
    dbus_uint32_t version = 0;
    DBusMessage *answer;

    if (!dbus_message_get_args(call, NULL, DBUS_TYPE_UINT32, &version, DBUS_TYPE_INVALID))
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, "Hello takes \"u\"");
    if (version != DM_TREE_VERSION)
        return dbus_message_new_error_printf(
            call, dm_status_to_dbus_error(DM_STATUS_BAD_VERSION),
            "version %u of the tree's interface is not spoken here, but version %d", version,
            DM_TREE_VERSION);
    answer = dbus_message_new_method_return(call);
    version = DM_TREE_VERSION;
    dbus_message_append_args(answer, DBUS_TYPE_UINT32, &version, DBUS_TYPE_STRING,
                             &peer->socket->product, DBUS_TYPE_INVALID);
    peer->greeted = true;
    return answer;
}

/* 0: it could not be found out. */
static unsigned long
get_pid(const Peer *peer)
{
    unsigned long pid = 0;

    return dbus_connection_get_unix_process_id(peer->connection, &pid) ? pid : 0;
}

static DBusMessage *
answer_tree(Peer *peer, DBusMessage *call)
{
    DmSocket *self = peer->socket;
    bool was_pending = dm_tree_get_unenroll_due_us(self->tree) >= 0;
    DBusMessage *answer = dm_socket_calls_answer(self->tree, call, peer->attends);

    dm_socket_sessions_note(self->sessions, peer, peer->attends ? get_pid(peer) : 0, call);

    if (!was_pending && dm_tree_get_unenroll_due_us(self->tree) >= 0)
        peer->unenrols = true;
    if (self->options.on_called != NULL)
        self->options.on_called(self->options.data);
    return answer;
}

/* From now on this peer is told who wants a session. */
static DBusMessage *
answer_attend(Peer *peer, DBusMessage *call)
{
    if (!dbus_message_has_signature(call, ""))
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, "Attend takes nothing");
    peer->attends = true;
    dm_socket_sessions_attend(peer->socket->sessions, get_pid(peer));
    return dbus_message_new_method_return(call);
}

/* Files for an archive that somebody waits for. */
static DBusMessage *
answer_logs(Peer *peer, DBusMessage *call)
{
    const DmSocketOptions *options = &peer->socket->options;
    g_autoptr(GArray) files = NULL;
    DBusMessageIter iter;
    const char *request;

    if (!peer->attends)
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, "Attend comes first");
    if (!dbus_message_has_signature(call, "sa(say)"))
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, "HandLogs takes \"sa(say)\"");
    dbus_message_iter_init(call, &iter);
    dbus_message_iter_get_basic(&iter, &request);
    dbus_message_iter_next(&iter);
    files = dm_wire_read_files(&iter);
    if (files == NULL)
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST,
                                      "the files are too many, or have names that no file has");
    if (options->on_logs != NULL)
        options->on_logs(request, files, options->data);
    return dbus_message_new_method_return(call);
}

static DBusMessage *
answer_call(Peer *peer, DBusMessage *call)
{
    if (!dbus_message_has_path(call, DM_TREE_PATH))
        return dbus_message_new_error(call, DBUS_ERROR_UNKNOWN_OBJECT,
                                      "there is one object here, " DM_TREE_PATH);
    if (!dbus_message_has_interface(call, DM_TREE_INTERFACE))
        return dbus_message_new_error(call, DBUS_ERROR_UNKNOWN_INTERFACE,
                                      "there is one interface here, " DM_TREE_INTERFACE);
    if (!peer->greeted && !dbus_message_has_member(call, "Hello"))
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, "Hello comes first");
    if (peer->greeted && dbus_message_has_member(call, "Hello"))
        return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, "Hello has been said");
    if (!peer->greeted)
        return answer_hello(peer, call);
    if (dbus_message_has_member(call, "Attend"))
        return answer_attend(peer, call);
    if (dbus_message_has_member(call, "HandLogs"))
        return answer_logs(peer, call);
    return answer_tree(peer, call);
}

static void
tell_attending(const DmSocket *self)
{
    if (self->options.on_attending != NULL)
        self->options.on_attending(self->options.data);
}

static void
handle_call(Peer *peer, DBusMessage *call)
{
    bool attended = peer->attends;
    g_autoptr(DBusMessage) answer = answer_call(peer, call);
    DmStatus status;

    if (answer == NULL)
        g_error("out of memory");
    if (!dbus_message_get_no_reply(call))
        peer_send(peer, answer);
    /* libdbus writes at once what the socket takes: the peer hears why before the end. */
    if (dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR &&
        dm_status_from_dbus_error(dbus_message_get_error_name(answer), &status) &&
        status == DM_STATUS_BAD_VERSION)
        peer_cut(peer);
    if (peer->attends && !attended)
        tell_attending(peer->socket);
}

/* -- peers that do not read ---------------------------------------------------------------------
 */

/* libdbus says that something could not be written at once: an answer, a signal, or what it answers
 * by itself (Ping). It holds the connection's lock meanwhile, so the look at it is taken later. */
static void
on_outgoing(void *data)
{
    const DmSocket *self = data;

    ((OverseerSource *)self->overseer)->is_due = true;
}

static gboolean
on_overseer_prepare(GSource *source, gint *timeout_ms)
{
    *timeout_ms = -1;
    return ((OverseerSource *)source)->is_due;
}

static gboolean
on_overseer_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    const DmSocket *self = data;

    ((OverseerSource *)source)->is_due = false;
    for (guint i = 0; i < self->peers->len; i++) {
        Peer *peer = g_ptr_array_index(self->peers, i);

        if (dbus_connection_get_outgoing_size(peer->connection) > MAX_OUTGOING)
            peer_cut(peer);
    }
    return G_SOURCE_CONTINUE;
}

/* Const but for GLib, whose function wants it without. */
static GSourceFuncs overseer_funcs = {.prepare = on_overseer_prepare,
                                      .dispatch = on_overseer_ready};

static GSource *
start_overseer(DmSocket *self)
{
    GSource *overseer = g_source_new(&overseer_funcs, sizeof(OverseerSource));

    g_source_set_static_name(overseer, "tree socket overseer");
    g_source_set_callback(overseer, G_SOURCE_FUNC(on_overseer_ready), self, NULL);
    g_source_attach(overseer, self->context);
    return overseer;
}

/* -- new connections ----------------------------------------------------------------------------
 */

static void
drop_peer(Peer *peer)
{
    DmSocket *self = peer->socket;
    bool unenrols = peer->unenrols, attended = peer->attends;

    dm_socket_sessions_drop(self->sessions, peer);
    g_ptr_array_remove_fast(self->peers, peer);
    if (attended)
        tell_attending(self);
    if (!unenrols)
        return;
    /* E2: nobody is left to end its session. Where the disk fails it is tried again. */
    (void)dm_tree_finish_unenrolls(self->tree, G_MAXINT64, NULL);
    if (self->options.on_called != NULL)
        self->options.on_called(self->options.data);
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    Peer *peer = data;

    if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected"))
        drop_peer(peer);
    else if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL)
        handle_call(peer, message);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void
on_new_connection(DBusServer *server, DBusConnection *connection, void *data)
{
    DmSocket *self = data;
    Peer *peer;

    /* libdbus closes a connection that nobody takes. */
    if (self->peers->len == DM_SOCKET_MAX_CONNECTIONS)
        return;
    peer = g_new0(Peer, 1);
    peer->socket = self;
    peer->connection = dbus_connection_ref(connection);
    dbus_connection_set_unix_user_function(connection, is_allowed, self, NULL);
    dbus_connection_set_max_message_size(connection, DM_TREE_MAX_CALL);
    dbus_connection_set_max_received_size(connection, DM_TREE_MAX_CALL);
    dbus_connection_set_max_message_unix_fds(connection, 0);
    dbus_connection_set_wakeup_main_function(connection, on_outgoing, self, NULL);
    if (!dbus_connection_add_filter(connection, on_message, peer, NULL))
        g_error("out of memory");
    dm_loop_add_connection(connection, self->context);
    g_ptr_array_add(self->peers, peer);
}

/* -- signals ------------------------------------------------------------------------------------
 */

static void
send_to_all(DBusMessage *signal, gpointer data)
{
    DmSocket *self = data;

    for (guint i = 0; i < self->peers->len; i++) {
        Peer *peer = g_ptr_array_index(self->peers, i);

        if (peer->greeted)
            peer_send(peer, signal);
    }
}

static void
on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    DmSocket *self = data;

    dm_socket_signals_tell(self->signals, changes, n_changes);
}

guint
dm_socket_get_n_attending(const DmSocket *self)
{
    guint n = 0;

    for (guint i = 0; i < self->peers->len; i++)
        n += ((const Peer *)g_ptr_array_index(self->peers, i))->attends;
    return n;
}

/* Sends a signal, which it owns, to those who run sessions. */
static void
send_to_attending(DmSocket *self, DBusMessage *signal)
{
    for (guint i = 0; i < self->peers->len; i++) {
        Peer *peer = g_ptr_array_index(self->peers, i);

        if (peer->attends)
            peer_send(peer, signal);
    }
    dbus_message_unref(signal);
}

void
dm_socket_request_sync(DmSocket *self, const char *provider, const char *session,
                       const char *origin, gint64 uid)
{
    send_to_attending(self, dm_socket_signals_new_sync(provider, session, origin, uid));
}

void
dm_socket_request_logs(DmSocket *self, const char *request)
{
    send_to_attending(self, dm_socket_signals_new_logs(request));
}

void
dm_socket_request_reload(DmSocket *self)
{
    send_to_attending(self, dm_socket_signals_new_reload());
}

guint
dm_socket_get_n_connections(const DmSocket *self)
{
    return self->peers->len;
}

/* -- listening ----------------------------------------------------------------------------------
 */

static DBusServer *
listen_at(const char *address, const char *name, GError **error)
{
    const char *mechanisms[] = {"EXTERNAL", NULL};
    DBusError dbus_error = DBUS_ERROR_INIT;
    DBusServer *server = dbus_server_listen(address, &dbus_error);

    if (server == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: cannot serve the tree here: %s", name,
                    dbus_error.message);
        dbus_error_free(&dbus_error);
        return NULL;
    }
    if (!dbus_server_set_auth_mechanisms(server, mechanisms))
        g_error("out of memory");
    return server;
}

static void
stop_server(DBusServer *server)
{
    dbus_server_disconnect(server);
    dbus_server_unref(server);
}

static DBusServer *
listen_at_path(const char *path, GError **error)
{
    g_autofree char *address = NULL;
    DBusServer *server;
    char *escaped;

    if (!dm_socket_path_clear(path, error))
        return NULL;
    escaped = dbus_address_escape_value(path);
    address = g_strconcat("unix:path=", escaped, NULL);
    dbus_free(escaped);
    server = listen_at(address, path, error);
    /* libdbus leaves it open to everyone, whatever the umask. */
    if (server != NULL && chmod(path, SOCKET_MODE) < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: cannot set its mode: %s", path,
                    g_strerror(errno));
        stop_server(server);
        return NULL;
    }
    return server;
}

DmSocket *
dm_socket_new(DmTree *tree, const DmSocketOptions *options, GError **error)
{
    DBusServer *server = options->path != NULL
                             ? listen_at_path(options->path, error)
                             : listen_at("systemd:", "the socket of the service manager", error);
    DmSocket *self;

    if (server == NULL)
        return NULL;
    self = g_new0(DmSocket, 1);
    self->tree = tree;
    self->context =
        g_main_context_ref(options->context != NULL ? options->context : g_main_context_default());
    self->server = server;
    self->product = g_strdup(options->product);
    self->options = *options;
    self->options.path = self->options.product = NULL;
    self->has_broker = find_user(BROKER_USER, &self->broker_uid);
    self->peers = g_ptr_array_new_with_free_func(peer_free);
    self->signals = dm_socket_signals_new(tree, send_to_all, self);
    self->sessions = dm_socket_sessions_new(tree, self->context, options->patience_ms);
    self->overseer = start_overseer(self);
    self->listener = dm_tree_add_listener(tree, on_changes, self);
    dbus_server_set_new_connection_function(server, on_new_connection, self, NULL);
    dm_loop_add_server(server, self->context);
    return self;
}

void
dm_socket_free(DmSocket *self)
{
    if (self == NULL)
        return;
    dm_tree_remove_listener(self->tree, self->listener);
    dm_loop_remove_server(self->server);
    stop_server(self->server);
    g_ptr_array_unref(self->peers);
    dm_socket_sessions_free(self->sessions);
    dm_source_drop(&self->overseer);
    dm_socket_signals_free(self->signals);
    g_main_context_unref(self->context);
    g_free(self->product);
    g_free(self);
}
