/* SPDX-License-Identifier: MIT */
#include "dbus/loop.h"

#include <poll.h>
#include <stdbool.h>

#include "tests/unit/private-bus.h"

/* A server and its clients, all of them on the default context of this process. */

typedef struct {
    char *dir;
    DBusServer *server;
    GPtrArray *accepted; /* DBusConnection, in the order they came */
    GString *served;     /* a letter for each message that was dispatched */
    guint n_disconnected;
    bool remove_on_message;
} Fixture;

static guint n_polls;
static guint n_polled_fds;
static gint wake_fd; /* by which the context wakes itself up */
static guint n_woken;

static gint
counting_poll(GPollFD *fds, guint n_fds, gint timeout_ms)
{
    gint n_ready = g_poll(fds, n_fds, timeout_ms);

    n_polls++;
    n_polled_fds = n_fds;
    if (wake_fd == 0 && n_fds == 1)
        wake_fd = fds[0].fd;
    for (guint i = 0; i < n_fds; i++)
        n_woken += fds[i].fd == wake_fd && fds[i].revents != 0;
    return n_ready;
}

static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    Fixture *f = data;

    if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
        f->n_disconnected++;
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL) {
        g_string_append(f->served, dbus_message_get_member(message));
        if (f->remove_on_message) {
            f->remove_on_message = false;
            dm_loop_remove_connection(connection);
        }
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_is_method_call(message, "t.t", "Echo")) {
        DBusMessage *reply = dbus_message_new_method_return(message);
        const char *text;

        g_assert_true(
            dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
        dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
        dbus_connection_send(connection, reply, NULL);
        dbus_message_unref(reply);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    /* "Wait" stays unanswered. */
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void
on_connection(DBusServer *server, DBusConnection *connection, void *data)
{
    Fixture *f = data;

    g_ptr_array_add(f->accepted, dbus_connection_ref(connection));
    g_assert_true(dbus_connection_add_filter(connection, on_message, f, NULL));
    dm_loop_add_connection(connection, NULL);
}

static void
setup(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *address = NULL;
    DBusError bus_error = DBUS_ERROR_INIT;

    f->dir = g_dir_make_tmp("dm-loop-XXXXXX", &error);
    g_assert_no_error(error);
    address = g_strdup_printf("unix:path=%s/socket", f->dir);
    f->accepted = g_ptr_array_new();
    f->served = g_string_new(NULL);
    f->server = dbus_server_listen(address, &bus_error);
    g_assert_nonnull(f->server);
    dbus_server_set_new_connection_function(f->server, on_connection, f, NULL);
    dm_loop_add_server(f->server, NULL);
}

static DBusConnection *
open_client(Fixture *f)
{
    g_autofree char *address = g_strdup_printf("unix:path=%s/socket", f->dir);
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *client = dbus_connection_open_private(address, &error);

    g_assert_nonnull(client);
    dm_loop_add_connection(client, NULL);
    return client;
}

static void
close_connection(DBusConnection *connection, bool is_on_loop)
{
    if (is_on_loop)
        dm_loop_remove_connection(connection);
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    g_autofree char *socket = g_build_filename(f->dir, "socket", NULL);

    for (guint i = 0; i < f->accepted->len; i++) {
        DBusConnection *connection = g_ptr_array_index(f->accepted, i);

        dbus_connection_remove_filter(connection, on_message, f);
        if (dbus_connection_get_is_connected(connection))
            dbus_connection_close(connection);
        dbus_connection_unref(connection);
    }
    g_ptr_array_unref(f->accepted);
    dm_loop_remove_server(f->server);
    dbus_server_disconnect(f->server);
    dbus_server_unref(f->server);
    g_string_free(f->served, TRUE);
    g_unlink(socket);
    g_rmdir(f->dir);
    g_free(f->dir);
}

static void
drop_accepted(Fixture *f)
{
    for (guint i = 0; i < f->accepted->len; i++)
        dm_loop_remove_connection(g_ptr_array_index(f->accepted, i));
}

static void
send_signal(DBusConnection *connection, const char *member)
{
    DBusMessage *signal = dbus_message_new_signal("/t", "t.t", member);

    g_assert_true(dbus_connection_send(connection, signal, NULL));
    dbus_message_unref(signal);
}

static bool
has_served(gpointer data)
{
    Fixture *f = data;

    return f->served->len > 0;
}

static bool
has_two_ready(gpointer data)
{
    Fixture *f = data;

    if (f->accepted->len < 2)
        return false;
    for (guint i = 0; i < 2; i++) {
        if (!dbus_connection_get_is_authenticated(g_ptr_array_index(f->accepted, i)))
            return false;
    }
    return true;
}

static bool
is_complete(gpointer pending)
{
    return dbus_pending_call_get_completed(pending);
}

static bool
has_disconnected(gpointer data)
{
    return ((Fixture *)data)->n_disconnected > 0;
}

/* -- cases --------------------------------------------------------------------------------------
 */

/* A megabyte goes there and back: more than any socket buffer, so the write watches are used. */
static void
test_large_message(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);
    DBusMessage *call = dbus_message_new_method_call(NULL, "/t", "t.t", "Echo");
    g_autofree char *text = g_strnfill(1 << 20, 'x');
    DBusPendingCall *pending;
    DBusMessage *reply;
    const char *back;

    dbus_message_append_args(call, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    dbus_connection_send_with_reply(client, call, &pending, 20000);
    dbus_message_unref(call);
    wait_until(is_complete, pending);
    reply = dbus_pending_call_steal_reply(pending);
    g_assert_true(dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &back, DBUS_TYPE_INVALID));
    g_assert_cmpstr(back, ==, text);
    dbus_message_unref(reply);
    dbus_pending_call_unref(pending);
    drop_accepted(f);
    close_connection(client, true);
}

/* A call that nobody answers ends by its timeout, which is a source like any other. */
static void
test_timeout(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);
    DBusMessage *call = dbus_message_new_method_call(NULL, "/t", "t.t", "Wait");
    DBusPendingCall *pending;
    DBusMessage *reply;

    dbus_connection_send_with_reply(client, call, &pending, 50);
    dbus_message_unref(call);
    wait_until(is_complete, pending);
    reply = dbus_pending_call_steal_reply(pending);
    g_assert_cmpstr(dbus_message_get_error_name(reply), ==, DBUS_ERROR_NO_REPLY);
    dbus_message_unref(reply);
    dbus_pending_call_unref(pending);
    drop_accepted(f);
    close_connection(client, true);
}

/* One connection with a hundred messages waiting does not keep another's one waiting for all. */
static void
test_fair(Fixture *f, gconstpointer data)
{
    DBusConnection *clients[2] = {open_client(f), open_client(f)};
    const char *first;

    wait_until(has_two_ready, f);
    for (guint i = 0; i < 100; i++)
        send_signal(clients[0], "A");
    send_signal(clients[1], "B");
    dbus_connection_flush(clients[0]);
    dbus_connection_flush(clients[1]);
    while (f->served->len < 101)
        g_main_context_iteration(NULL, TRUE);
    first = strchr(f->served->str, 'B');
    g_assert_nonnull(first);
    g_assert_cmpint(first - f->served->str, <, 20);
    drop_accepted(f);
    close_connection(clients[0], true);
    close_connection(clients[1], true);
}

static gboolean
set_true(gpointer data)
{
    *(bool *)data = true;
    return G_SOURCE_REMOVE;
}

/* With nothing to do, poll is entered once for the test's own timer and not before. */
static void
test_idle(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);
    bool is_over = false;

    send_signal(client, "A");
    wait_until(has_served, f);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_timeout_add(300, set_true, &is_over);
    n_polls = 0;
    while (!is_over)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(n_polls, <=, 2);
    drop_accepted(f);
    close_connection(client, true);
}

/* Calls and their answers cost the loop that they are on no wake-up of its own: those take as long
 * as reading and writing a message do. */
static void
test_no_wake(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);
    const char *text = "x";

    send_signal(client, "A");
    wait_until(has_served, f);
    g_assert_true(g_main_context_acquire(NULL));
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    n_woken = 0;
    for (guint i = 0; i < 20; i++) {
        DBusMessage *call = dbus_message_new_method_call(NULL, "/t", "t.t", "Echo");
        DBusPendingCall *pending;

        dbus_message_append_args(call, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
        dbus_connection_send_with_reply(client, call, &pending, 20000);
        dbus_message_unref(call);
        while (!is_complete(pending))
            g_main_context_iteration(NULL, TRUE);
        dbus_pending_call_unref(pending);
    }
    g_main_context_release(NULL);
    g_assert_cmpint(wake_fd, !=, 0);
    g_assert_cmpuint(n_woken, ==, 0);
    drop_accepted(f);
    close_connection(client, true);
}

/* A peer that hangs up is told of once, and its descriptor leaves the poll set. */
static void
test_hang_up(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);
    bool is_over = false;

    send_signal(client, "A");
    wait_until(has_served, f);
    close_connection(client, true);
    wait_until(has_disconnected, f);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_timeout_add(200, set_true, &is_over);
    n_polls = 0;
    while (!is_over)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(n_polls, <=, 2);
    g_assert_cmpuint(f->n_disconnected, ==, 1);
    drop_accepted(f);
}

/* A handler may take its own connection off the loop; nothing of it is dispatched after. */
static void
test_remove_while_dispatching(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);
    bool is_over = false;

    f->remove_on_message = true;
    send_signal(client, "A");
    send_signal(client, "B");
    wait_until(has_served, f);
    g_timeout_add(100, set_true, &is_over);
    while (!is_over)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(f->served->str, ==, "A");
    close_connection(client, true);
}

/* What was attached is gone after it was removed: the context polls its own wake-up only. */
static void
test_remove_leaves_nothing(Fixture *f, gconstpointer data)
{
    DBusConnection *client = open_client(f);

    send_signal(client, "A");
    wait_until(has_served, f);
    drop_accepted(f);
    close_connection(client, true);
    dm_loop_remove_server(f->server);
    g_main_context_iteration(NULL, FALSE);
    g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(n_polled_fds, ==, 1);
    dm_loop_add_server(f->server, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_main_context_set_poll_func(NULL, counting_poll);
    g_main_context_iteration(NULL, FALSE); /* with nothing else in it */
#define ADD(path, function) g_test_add("/loop/" path, Fixture, NULL, setup, function, teardown)
    ADD("large-message", test_large_message);
    ADD("timeout", test_timeout);
    ADD("one-message-a-turn", test_fair);
    ADD("no-wake-ups-when-idle", test_idle);
    ADD("messages-do-not-wake-it-up", test_no_wake);
    ADD("hang-up-is-told-once", test_hang_up);
    ADD("remove-while-dispatching", test_remove_while_dispatching);
    ADD("remove-leaves-nothing", test_remove_leaves_nothing);
    return g_test_run();
}
