/* SPDX-License-Identifier: MIT */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/error.h"
#include "common/status.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"

/* A server that runs in a thread of its own, since the client blocks, and does as `mode` says. */
typedef enum { SERVE, OTHER_VERSION, REFUSE_UID, FALL_SILENT } Mode;

typedef struct {
    Mode mode;
    char *dir, *path;
    GMainContext *context;
    GMainLoop *loop;
    DBusServer *server;
    DBusConnection *connection;
    GThread *thread;
} Server;

static dbus_bool_t
refuse_everyone(DBusConnection *connection, unsigned long uid, void *data)
{
    return FALSE;
}

static DBusMessage *
answer(Server *server, DBusMessage *call)
{
    DBusMessage *reply;
    dbus_uint32_t version = server->mode == OTHER_VERSION ? 2 : DM_TREE_VERSION;
    const char *product = "test";

    if (dbus_message_has_member(call, "Fail"))
        return dbus_message_new_error(call, dm_status_to_dbus_error(DM_STATUS_NOT_FOUND),
                                      "no provider X; there are: A");
    reply = dbus_message_new_method_return(call);
    if (dbus_message_has_member(call, "Hello"))
        dbus_message_append_args(reply, DBUS_TYPE_UINT32, &version, DBUS_TYPE_STRING, &product,
                                 DBUS_TYPE_INVALID);
    return reply;
}

static void
send_due(DBusConnection *connection)
{
    g_autoptr(DBusMessage) signal = dbus_message_new_signal(DM_TREE_PATH, DM_TREE_INTERFACE, "Due");

    dbus_connection_send(connection, signal, NULL);
}

static DBusHandlerResult
on_server_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    Server *server = data;
    g_autoptr(DBusMessage) reply = NULL;

    if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL ||
        server->mode == FALL_SILENT)
        return DBUS_HANDLER_RESULT_HANDLED;
    if (dbus_message_has_member(message, "HangUp")) {
        dbus_connection_close(connection);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    reply = answer(server, message);
    if (dbus_message_has_member(message, "Signal"))
        send_due(connection);
    dbus_connection_send(connection, reply, NULL);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void
drop_connection(Server *server)
{
    if (server->connection == NULL)
        return;
    dm_loop_remove_connection(server->connection);
    dbus_connection_close(server->connection);
    g_clear_pointer(&server->connection, dbus_connection_unref);
}

static void
on_server_connection(DBusServer *listener, DBusConnection *connection, void *data)
{
    Server *server = data;

    drop_connection(server);
    server->connection = dbus_connection_ref(connection);
    if (server->mode == REFUSE_UID)
        dbus_connection_set_unix_user_function(connection, refuse_everyone, NULL, NULL);
    dbus_connection_add_filter(connection, on_server_message, server, NULL);
    dm_loop_add_connection(connection, server->context);
}

static gpointer
serve(gpointer data)
{
    Server *server = data;

    g_main_context_push_thread_default(server->context);
    g_main_loop_run(server->loop);
    drop_connection(server);
    dm_loop_remove_server(server->server);
    dbus_server_disconnect(server->server);
    dbus_server_unref(server->server);
    g_main_context_pop_thread_default(server->context);
    return NULL;
}

static Server *
server_start(Mode mode)
{
    Server *server = g_new0(Server, 1);
    g_autofree char *address = NULL;

    server->mode = mode;
    server->dir = g_dir_make_tmp("tree-call-XXXXXX", NULL);
    server->path = g_build_filename(server->dir, "tree", NULL);
    server->context = g_main_context_new();
    server->loop = g_main_loop_new(server->context, FALSE);
    address = g_strconcat("unix:path=", server->path, NULL);
    server->server = dbus_server_listen(address, NULL);
    g_assert_nonnull(server->server);
    dbus_server_set_new_connection_function(server->server, on_server_connection, server, NULL);
    dm_loop_add_server(server->server, server->context);
    server->thread = g_thread_new("server", serve, server);
    return server;
}

static gboolean
quit(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}

static void
server_stop(Server *server)
{
    g_main_context_invoke(server->context, quit, server->loop);
    g_thread_join(server->thread);
    g_main_loop_unref(server->loop);
    g_main_context_unref(server->context);
    (void)g_unlink(server->path);
    (void)g_rmdir(server->dir);
    g_free(server->path);
    g_free(server->dir);
    g_free(server);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_stop)

static void
assert_new_fails(Mode mode, int timeout_ms, DmErrorCode code)
{
    g_autoptr(Server) server = server_start(mode);
    g_autoptr(GError) error = NULL;

    g_assert_null(dm_tree_client_new(server->path, timeout_ms, &error));
    g_assert_error(error, DM_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, server->path));
}

static void
test_client_version(void)
{
    assert_new_fails(OTHER_VERSION, 10000, DM_ERROR_VERSION);
}

static void
test_client_denied(void)
{
    assert_new_fails(REFUSE_UID, 10000, DM_ERROR_DENIED);
}

static void
test_client_timeout(void)
{
    assert_new_fails(FALL_SILENT, 50, DM_ERROR_TIMEOUT);
}

static void
test_client_nobody(void)
{
    g_autoptr(GError) absent = NULL, left = NULL;
    g_autofree char *dir = g_dir_make_tmp("tree-call-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "tree", NULL);
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    DBusServer *server;
    g_autofree char *moved = g_strconcat(path, ".left", NULL);

    g_assert_null(dm_tree_client_new(path, 1000, &absent));
    g_assert_error(absent, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(absent->message, "dmclient-agent")); /* the next step */

    /* A socket whose owner is gone. */
    server = dbus_server_listen(address, NULL);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    dbus_server_disconnect(server);
    dbus_server_unref(server);
    g_assert_null(dm_tree_client_new(moved, 1000, &left));
    g_assert_error(left, DM_ERROR, DM_ERROR_DISCONNECTED);
    g_assert_nonnull(strstr(left->message, "dmclient-agent"));
    g_unlink(moved);
    g_rmdir(dir);
}

static void
test_client_call(void)
{
    g_autoptr(Server) server = server_start(SERVE);
    g_autoptr(DmTreeClient) client = dm_tree_client_new(server->path, 10000, NULL);
    g_autoptr(DBusMessage) good = dm_tree_client_new_call("GetDue");
    g_autoptr(DBusMessage) bad = dm_tree_client_new_call("Fail");
    g_autoptr(DBusMessage) end = dm_tree_client_new_call("HangUp");
    g_autoptr(DBusMessage) reply = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(client);
    reply = dm_tree_client_call(client, good, NULL);
    g_assert_nonnull(reply);
    g_assert_null(dm_tree_client_call(client, bad, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "no provider X; there are: A");
    g_clear_error(&error);
    g_assert_null(dm_tree_client_call(client, end, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_DISCONNECTED);
}

/* What came, in its order: "a" an answer, "e" an error, "s" a signal, "l" the end. */
typedef struct {
    GString *order;
    DmTreeClient *client;
    bool free_in_lost;
} Seen;

static void
on_reply(DBusMessage *reply, const GError *error, gpointer data)
{
    Seen *seen = data;

    g_assert_true((reply == NULL) != (error == NULL));
    g_string_append_c(seen->order, reply != NULL ? 'a' : 'e');
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
    Seen *seen = data;

    g_assert_true(dbus_message_has_member(signal, "Due"));
    g_string_append_c(seen->order, 's');
}

static void
on_lost(gpointer data)
{
    Seen *seen = data;

    g_string_append_c(seen->order, 'l');
    if (seen->free_in_lost)
        g_clear_pointer(&seen->client, dm_tree_client_free);
}

static void
call_async(Seen *seen, const char *method)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call(method);

    dm_tree_client_call_async(seen->client, call, on_reply, seen);
}

static gboolean
on_deadline(gpointer data)
{
    g_error("nothing happened for 20 s after \"%s\"", (const char *)data);
    return G_SOURCE_REMOVE;
}

static void
wait_for(Seen *seen, const char *order)
{
    guint deadline = g_timeout_add_seconds(20, on_deadline, seen->order->str);

    while (seen->order->len < strlen(order))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(deadline);
    g_assert_cmpstr(seen->order->str, ==, order);
}

static void
test_client_async(void)
{
    g_autoptr(Server) server = server_start(SERVE);
    g_autoptr(GString) order = g_string_new(NULL);
    Seen seen = {.order = order, .free_in_lost = true};

    seen.client = dm_tree_client_new(server->path, 10000, NULL);
    g_assert_nonnull(seen.client);
    dm_tree_client_attach(seen.client, NULL, on_signal, on_lost, &seen);
    call_async(&seen, "GetDue");
    call_async(&seen, "Signal");
    call_async(&seen, "Fail");
    g_assert_cmpuint(order->len, ==, 0);
    wait_for(&seen, "asae");
    /* Both calls fail, then the end is told; the client is freed in that very call. */
    call_async(&seen, "HangUp");
    call_async(&seen, "GetDue");
    wait_for(&seen, "asaeeel");
    g_assert_null(seen.client);
}

static void
test_client_async_disconnected(void)
{
    g_autoptr(Server) server = server_start(SERVE);
    g_autoptr(GString) order = g_string_new(NULL);
    Seen seen = {.order = order};

    seen.client = dm_tree_client_new(server->path, 10000, NULL);
    dm_tree_client_attach(seen.client, NULL, on_signal, on_lost, &seen);
    call_async(&seen, "HangUp");
    wait_for(&seen, "el");
    call_async(&seen, "GetDue");
    g_assert_cmpstr(order->str, ==, "el"); /* never before it returns */
    wait_for(&seen, "ele");
    call_async(&seen, "GetDue");
    dm_tree_client_free(seen.client);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpstr(order->str, ==, "ele"); /* not called after it was freed */
}

static void
test_client_free_pending(void)
{
    g_autoptr(Server) server = server_start(SERVE);
    g_autoptr(GString) order = g_string_new(NULL);
    Seen seen = {.order = order};

    seen.client = dm_tree_client_new(server->path, 10000, NULL);
    dm_tree_client_attach(seen.client, NULL, on_signal, on_lost, &seen);
    call_async(&seen, "GetDue");
    dm_tree_client_free(seen.client);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(order->len, ==, 0);
}

typedef struct {
    bool is_answered;
    GError *error;
} Greeting;

static void
on_greeted(DBusMessage *answer, const GError *error, gpointer data)
{
    Greeting *greeting = data;

    greeting->is_answered = true;
    greeting->error = error != NULL ? g_error_copy(error) : NULL;
}

/* What saying Hello without blocking ends with; -1 a good end. */
static int
greet(Mode mode)
{
    g_autoptr(Server) server = server_start(mode);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmTreeClient) client = dm_tree_client_connect(server->path, &error);
    Greeting greeting = {false, NULL};
    int code;

    g_assert_no_error(error);
    dm_tree_client_attach(client, NULL, NULL, NULL, NULL);
    dm_tree_client_say_hello(client, on_greeted, &greeting);
    g_assert_false(greeting.is_answered);
    while (!greeting.is_answered)
        g_main_context_iteration(NULL, TRUE);
    code = greeting.error != NULL ? greeting.error->code : -1;
    g_clear_error(&greeting.error);
    return code;
}

static void
test_client_greets_later(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(greet(SERVE), ==, -1);
    g_assert_cmpint(greet(OTHER_VERSION), ==, DM_ERROR_VERSION);
    g_assert_cmpint(greet(REFUSE_UID), ==, DM_ERROR_DENIED);
    g_assert_null(dm_tree_client_connect("/nonexistent/tree", &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/another-version-is-VERSION", test_client_version);
    g_test_add_func("/client/refused-uid-is-DENIED", test_client_denied);
    g_test_add_func("/client/silent-peer-is-TIMEOUT", test_client_timeout);
    g_test_add_func("/client/nobody-there-says-how-to-start", test_client_nobody);
    g_test_add_func("/client/call", test_client_call);
    g_test_add_func("/client/async-answers-signals-end", test_client_async);
    g_test_add_func("/client/async-after-the-end-fails-later", test_client_async_disconnected);
    g_test_add_func("/client/hello-without-blocking", test_client_greets_later);
    g_test_add_func("/client/free-cancels", test_client_free_pending);
    return g_test_run();
}
