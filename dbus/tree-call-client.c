/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/paths.h"
#include "common/source.h"
#include "common/status.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"

struct DmTreeClient {
    DBusConnection *connection;
    char *path;
    GMainContext *context; /* NULL until attached */
    DmTreeSignalFunc on_signal;
    DmTreeLostFunc on_lost;
    gpointer data;
    GQueue calls;             /* Call, those under way */
    DmTreeReplyFunc on_hello; /* NULL: not waited for */
    gpointer hello_data;
    bool is_freed; /* only what handle_end() holds is left */
};

/* A call under way: waits for `pending`, or for `failed` where nothing could be sent. */
typedef struct {
    DmTreeClient *client;
    DBusPendingCall *pending;
    GSource *failed;
    DmTreeReplyFunc func;
    gpointer data;
} Call;

/* -- errors --------------------------------------------------------------------------------------
 */

static DmErrorCode
code_of(const char *name)
{
    DmStatus status;

    if (strcmp(name, DBUS_ERROR_ACCESS_DENIED) == 0)
        return DM_ERROR_DENIED;
    if (!dm_status_from_dbus_error(name, &status))
        return DM_ERROR_FAILED;
    if (status == DM_STATUS_NOT_FOUND)
        return DM_ERROR_NOT_FOUND;
    if (status == DM_STATUS_BAD_REQUEST)
        return DM_ERROR_INVALID;
    if (status == DM_STATUS_PERMISSION_DENIED)
        return DM_ERROR_DENIED;
    if (status == DM_STATUS_DEVICE_FULL)
        return DM_ERROR_FULL;
    if (status == DM_STATUS_STORAGE)
        return DM_ERROR_STORAGE;
    if (status == DM_STATUS_BAD_VERSION)
        return DM_ERROR_VERSION;
    return DM_ERROR_FAILED;
}

/* libdbus says NoReply of a lost connection and of a slow peer alike. */
static void
set_error(GError **error, DmTreeClient *client, const DBusError *dbus_error)
{
    if (!dbus_connection_get_is_connected(client->connection) &&
        !g_str_has_prefix(dbus_error->name, DM_BUS_ERROR_PREFIX))
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED, "%s: the tree closed the connection",
                    client->path);
    else if (dbus_error_has_name(dbus_error, DBUS_ERROR_NO_REPLY) ||
             dbus_error_has_name(dbus_error, DBUS_ERROR_TIMEOUT))
        g_set_error(error, DM_ERROR, DM_ERROR_TIMEOUT, "%s: the tree does not answer",
                    client->path);
    else
        g_set_error_literal(error, DM_ERROR, code_of(dbus_error->name), dbus_error->message);
}

static void
set_connect_error(GError **error, const char *path, const DBusError *dbus_error)
{
    if (dbus_error_has_name(dbus_error, DBUS_ERROR_ACCESS_DENIED))
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s: permission denied: only root and dmclient-broker may use the tree", path);
    else if (dbus_error_has_name(dbus_error, DBUS_ERROR_FILE_NOT_FOUND))
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND,
                    "%s: nobody serves the tree here: start dmclient-agent, or name its socket "
                    "(--socket, " DM_ENV_SOCKET ")",
                    path);
    else
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    "%s: nobody serves the tree here any more (%s): start dmclient-agent", path,
                    dbus_error->message);
}

/* -- calls under way; who made one may free the client when told of its end ----------------------
 */

static void
call_free(Call *call)
{
    if (call->pending != NULL) {
        dbus_pending_call_cancel(call->pending);
        dbus_pending_call_unref(call->pending);
    }
    dm_source_drop(&call->failed);
    g_free(call);
}

/* Ends `call` and tells who made it. The client may be freed by that. */
static void
call_finish(Call *call, DBusMessage *answer, const GError *error)
{
    DmTreeReplyFunc func = call->func;
    gpointer data = call->data;

    g_queue_remove(&call->client->calls, call);
    call_free(call);
    func(answer, error, data);
}

static void
on_answer(DBusPendingCall *pending, void *data)
{
    Call *call = data;
    g_autoptr(DBusMessage) answer = dbus_pending_call_steal_reply(pending);
    g_autoptr(GError) error = NULL;
    DBusError dbus_error = DBUS_ERROR_INIT;

    if (dbus_set_error_from_message(&dbus_error, answer)) {
        set_error(&error, call->client, &dbus_error);
        dbus_error_free(&dbus_error);
    }
    call_finish(call, error == NULL ? answer : NULL, error);
}

static void
call_fail(Call *call)
{
    g_autoptr(GError) error = NULL;

    g_set_error(&error, DM_ERROR, DM_ERROR_DISCONNECTED, "%s: the tree closed the connection",
                call->client->path);
    call_finish(call, NULL, error);
}

static gboolean
on_failed(gpointer data)
{
    call_fail(data);
    return G_SOURCE_REMOVE;
}

/* libdbus tells of the end first, and of the calls that fail by it later: this way round callers
 * hear of their calls while there is still a client. */
static void
handle_end(DmTreeClient *client)
{
    guint n_calls = g_queue_get_length(&client->calls);

    g_rc_box_acquire(client);
    while (!client->is_freed && n_calls-- > 0)
        call_fail(g_queue_peek_head(&client->calls));
    if (!client->is_freed && client->on_lost != NULL)
        client->on_lost(client->data);
    g_rc_box_release(client);
}

/* -- connecting ----------------------------------------------------------------------------------
 */

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    DmTreeClient *client = data;

    /* Either function may free the client: nothing is touched after it. */
    if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
        handle_end(client);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
        dbus_message_has_interface(message, DM_TREE_INTERFACE)) {
        if (client->on_signal != NULL)
            client->on_signal(message, client->data);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static DBusConnection *
open_connection(const char *path, GError **error)
{
    char *escaped = dbus_address_escape_value(path);
    g_autofree char *address = g_strconcat("unix:path=", escaped, NULL);
    DBusError dbus_error = DBUS_ERROR_INIT;
    DBusConnection *connection = dbus_connection_open_private(address, &dbus_error);

    dbus_free(escaped);
    if (connection == NULL) {
        set_connect_error(error, path, &dbus_error);
        dbus_error_free(&dbus_error);
        return NULL;
    }
    dbus_connection_set_exit_on_disconnect(connection, FALSE);
    dbus_connection_set_max_message_size(connection, DM_TREE_MAX_ANSWER);
    dbus_connection_set_max_message_unix_fds(connection, 0);
    return connection;
}

static bool
check_hello(DmTreeClient *client, DBusMessage *answer, GError **error)
{
    dbus_uint32_t version = 0;
    const char *product = NULL;

    if (dbus_message_get_args(answer, NULL, DBUS_TYPE_UINT32, &version, DBUS_TYPE_STRING, &product,
                              DBUS_TYPE_INVALID) &&
        version == DM_TREE_VERSION)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_VERSION,
                "%s: speaks version %u of the tree's interface, and %d is needed", client->path,
                version, DM_TREE_VERSION);
    return false;
}

static DBusMessage *
new_hello(void)
{
    DBusMessage *call = dm_tree_client_new_call("Hello");
    dbus_uint32_t version = DM_TREE_VERSION;

    dbus_message_append_args(call, DBUS_TYPE_UINT32, &version, DBUS_TYPE_INVALID);
    return call;
}

/* That is how a server refuses a uid: it has no words for it. */
static void
set_hung_up_error(GError **error, const DmTreeClient *client)
{
    g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                "%s: hangs up on uid %u: only root and dmclient-broker may use the tree",
                client->path, (unsigned)geteuid());
}

static bool
say_hello(DmTreeClient *client, int timeout_ms, GError **error)
{
    g_autoptr(DBusMessage) call = new_hello();
    g_autoptr(DBusMessage) answer = NULL;
    DBusError dbus_error = DBUS_ERROR_INIT;

    answer = dbus_connection_send_with_reply_and_block(client->connection, call, timeout_ms,
                                                       &dbus_error);
    if (answer != NULL)
        return check_hello(client, answer, error);
    if (!dbus_connection_get_is_connected(client->connection))
        set_hung_up_error(error, client);
    else
        set_error(error, client, &dbus_error);
    dbus_error_free(&dbus_error);
    return false;
}

DmTreeClient *
dm_tree_client_connect(const char *socket_path, GError **error)
{
    DBusConnection *connection = open_connection(socket_path, error);
    DmTreeClient *client;

    if (connection == NULL)
        return NULL;
    client = g_rc_box_new0(DmTreeClient);
    client->connection = connection;
    client->path = g_strdup(socket_path);
    dbus_connection_add_filter(connection, on_message, client, NULL);
    return client;
}

DmTreeClient *
dm_tree_client_new(const char *socket_path, int timeout_ms, GError **error)
{
    g_autoptr(DmTreeClient) client = dm_tree_client_connect(socket_path, error);

    if (client == NULL || !say_hello(client, timeout_ms, error))
        return NULL;
    return g_steal_pointer(&client);
}

void
dm_tree_client_attach(DmTreeClient *client, GMainContext *context, DmTreeSignalFunc on_signal,
                      DmTreeLostFunc on_lost, gpointer data)
{
    g_return_if_fail(client->context == NULL);

    client->context = g_main_context_ref(context != NULL ? context : g_main_context_default());
    client->on_signal = on_signal;
    client->on_lost = on_lost;
    client->data = data;
    dm_loop_add_connection(client->connection, client->context);
}

/* -- calls ---------------------------------------------------------------------------------------
 */

void
dm_tree_client_call_async(DmTreeClient *client, DBusMessage *message, DmTreeReplyFunc func,
                          gpointer data)
{
    Call *call = g_new0(Call, 1);
    const char *member = dbus_message_get_member(message);
    bool is_apply = member != NULL && strcmp(member, "Apply") == 0;

    g_return_if_fail(client->context != NULL);

    call->client = client;
    call->func = func;
    call->data = data;
    g_queue_push_tail(&client->calls, call);
    dbus_connection_send_with_reply(client->connection, message, &call->pending,
                                    is_apply ? DM_TREE_APPLY_TIMEOUT_MS : DM_TREE_CALL_TIMEOUT_MS);
    if (call->pending != NULL) {
        dbus_pending_call_set_notify(call->pending, on_answer, call, NULL);
        return;
    }
    call->failed = g_idle_source_new();
    g_source_set_callback(call->failed, on_failed, call, NULL);
    g_source_attach(call->failed, client->context);
}

static void
on_hello(DBusMessage *answer, const GError *error, gpointer data)
{
    DmTreeClient *client = data;
    g_autoptr(GError) cause = NULL;

    if (g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        set_hung_up_error(&cause, client);
    else if (error != NULL)
        cause = g_error_copy(error);
    else
        (void)check_hello(client, answer, &cause);
    client->on_hello(cause == NULL ? answer : NULL, cause, client->hello_data);
}

void
dm_tree_client_say_hello(DmTreeClient *client, DmTreeReplyFunc func, gpointer data)
{
    g_autoptr(DBusMessage) call = new_hello();

    client->on_hello = func;
    client->hello_data = data;
    dm_tree_client_call_async(client, call, on_hello, client);
}

DBusMessage *
dm_tree_client_call(DmTreeClient *client, DBusMessage *call, GError **error)
{
    DBusError dbus_error = DBUS_ERROR_INIT;
    DBusMessage *answer = dbus_connection_send_with_reply_and_block(
        client->connection, call, DM_TREE_CALL_TIMEOUT_MS, &dbus_error);

    if (answer == NULL) {
        set_error(error, client, &dbus_error);
        dbus_error_free(&dbus_error);
    }
    return answer;
}

void
dm_tree_client_free(DmTreeClient *client)
{
    Call *call;

    if (client == NULL)
        return;
    while ((call = g_queue_pop_head(&client->calls)) != NULL)
        call_free(call);
    dbus_connection_remove_filter(client->connection, on_message, client);
    if (client->context != NULL) {
        dm_loop_remove_connection(client->connection);
        g_main_context_unref(client->context);
    }
    dbus_connection_close(client->connection);
    dbus_connection_unref(client->connection);
    g_free(client->path);
    client->is_freed = true;
    g_rc_box_release(client);
}
