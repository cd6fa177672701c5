/* SPDX-License-Identifier: MIT */

#include "tests/unit/socket-fixture.h"
#include "tree/unenroll.h"

/* The end of an enrolment as the tree socket has it (rules section 9). */

static const DmContext server = {.session = "s", .message = 1, .provider = "A", .uid = -1};

/* The server's Exec; the answer stops its session. */
static void
exec(Client *client)
{
    const DmCommand commands[] = {
        make_command(DM_VERB_EXEC, PROVIDER_URI "/Unenroll", NULL),
        make_command(DM_VERB_GET, PROVIDER_URI, NULL),
    };
    g_autoptr(DmReply) reply = client_apply(client, &server, commands, G_N_ELEMENTS(commands));

    g_assert_true(dm_reply_is_stopped(reply));
    g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_NOT_EXECUTED);
}

static bool
is_enrolled(const Fixture *fixture)
{
    return dm_tree_find_provider(fixture->tree, DM_SCOPE_DEVICE, 0, "A") != NULL;
}

static DBusMessage *
make_finish(const char *provider)
{
    DBusMessage *call = dm_tree_client_new_call("FinishUnenroll");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INVALID);
    return call;
}

/* The first signal `member` that has come; NULL: none has. */
static DBusMessage *
find_heard(const Client *client, const char *member)
{
    for (guint i = 0; i < client->signals->len; i++)
        if (dbus_message_has_member(g_ptr_array_index(client->signals, i), member))
            return g_ptr_array_index(client->signals, i);
    return NULL;
}

static void
test_finish(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) first = NULL;
    g_autoptr(DBusMessage) second = NULL;
    g_autoptr(DBusMessage) records = NULL;
    DBusMessage *signal;
    const char *provider, *thumbprint, *by, *reason;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    client_expect_error(client, make_finish("A"), DM_BUS_ERROR_PREFIX "NotFound");
    exec(client);
    g_assert_true(is_enrolled(&fixture));
    first = client_expect(client, make_finish("A"));
    g_assert_false(is_enrolled(&fixture));
    second = client_expect(client, make_finish("A"));
    WAIT_UNTIL(find_heard(client, "Unenrolled") != NULL);
    signal = find_heard(client, "Unenrolled");
    g_assert_true(dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING,
                                        &thumbprint, DBUS_TYPE_STRING, &by, DBUS_TYPE_STRING,
                                        &reason, DBUS_TYPE_INVALID));
    g_assert_cmpstr(provider, ==, "A");
    g_assert_cmpstr(by, ==, "server");
    records = client_expect(client, dm_tree_client_new_call("GetUnenrollments"));
    g_assert_true(dbus_message_has_signature(records, "a(sxxsss)"));
}

/* A broker that tells no server of it ends its session, and that is the end. */
static void
test_session_ends(void)
{
    const DmTreeReport running = {.state = "running", .ended = -1, .certificate_expires_us = -1};
    const DmTreeReport ended = {.ended = 1, .certificate_expires_us = -1};
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) first = NULL;
    g_autoptr(DBusMessage) second = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    exec(client);
    first = client_expect(client, dm_tree_call_new_report("A", &running, NULL));
    g_assert_true(is_enrolled(&fixture));
    second = client_expect(client, dm_tree_call_new_report("A", &ended, NULL));
    g_assert_false(is_enrolled(&fixture));
}

static void
test_connection_drops(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) other = NULL;
    Client *passing, *client;

    fixture_init(&fixture);
    other = client_new(fixture.path);
    client = client_new(fixture.path);
    passing = client_new(fixture.path);
    exec(client);
    client_free(passing);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == 2);
    g_assert_true(is_enrolled(&fixture));
    client_free(client);
    WAIT_UNTIL(!is_enrolled(&fixture));
    WAIT_UNTIL(find_heard(other, "Unenrolled") != NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/socket-unenroll/E3-finish-and-tell", test_finish);
    g_test_add_func("/socket-unenroll/E2-the-session-ends", test_session_ends);
    g_test_add_func("/socket-unenroll/E2-the-connection-drops", test_connection_drops);
    return g_test_run();
}
