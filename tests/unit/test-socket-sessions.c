/* SPDX-License-Identifier: MIT */

#include "plugin/socket-sessions.h"

#include "tests/unit/socket-fixture.h"
#include "tree/session.h"

/* A session whose broker goes away and does not come back is over. */

#define ADDRESS_URI PROVIDER_URI "/ManagementServiceAddress"

static void
open_with_patience(Fixture *fixture, guint patience_ms)
{
    const DmCommand address = make_command(DM_VERB_REPLACE, ADDRESS_URI, "https://a.example/");
    const DmContext root = {.uid = -1};

    *fixture = (Fixture){.patience_ms = patience_ms};
    fixture_init_with(fixture);
    dm_reply_free(dm_tree_apply(fixture->tree, &root, &address, 1));
}

static const DmProvider *
find_provider(const Fixture *fixture)
{
    return dm_tree_find_provider(fixture->tree, DM_SCOPE_DEVICE, 0, "A");
}

static bool
is_under_way(const Fixture *fixture)
{
    return dm_session_get_current(find_provider(fixture)) != NULL;
}

/* The token. Free with g_free(). */
static char *
begin(const Fixture *fixture, Client *client)
{
    DBusMessage *call = dm_tree_client_new_call("BeginSession");
    const char *provider = "A", *origin = "user";

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &origin,
                             DBUS_TYPE_INVALID);
    dbus_message_unref(client_expect(client, call));
    return g_strdup(dm_session_get_current(find_provider(fixture)));
}

static void
report(Client *client, int ended)
{
    DmTreeReport what = DM_TREE_REPORT_INIT;

    what.state = ended < 0 ? "running" : "idle";
    what.ended = ended;
    dbus_message_unref(client_expect(client, dm_tree_call_new_report("A", &what, NULL)));
}

static void
test_peer_that_goes(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *token = NULL;
    Client *client;

    open_with_patience(&fixture, 1);
    client = client_new(fixture.path);
    token = begin(&fixture, client);
    client_free(client);
    WAIT_UNTIL(!is_under_way(&fixture));
    g_assert_cmpstr(dm_session_get_info(find_provider(&fixture)).last_error, ==, "lost");
}

/* One that ended before its peer went is left as it ended. */
static void
test_peer_that_has_ended(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *token = NULL;
    Client *client;

    open_with_patience(&fixture, 1);
    client = client_new(fixture.path);
    token = begin(&fixture, client);
    report(client, 1);
    client_free(client);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == 0);
    g_assert_cmpstr(dm_session_get_info(find_provider(&fixture)).last_error, ==, "");
}

/* Whoever goes on with it, by a report or by a message of it, is its peer from then on. */
static void
test_peer_that_comes_back(gconstpointer by_message)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *token = NULL;
    DmContext context = {.message = 1, .provider = "A", .uid = -1};
    const DmCommand get = make_command(DM_VERB_GET, PHONE_URI, NULL);
    Client *first, *second;

    open_with_patience(&fixture, 60000);
    first = client_new(fixture.path);
    token = begin(&fixture, first);
    client_free(first);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == 0);
    second = client_new(fixture.path);
    context.session = token;
    if (by_message != NULL)
        dm_reply_free(client_apply(second, &context, &get, 1));
    else
        report(second, -1);
    g_assert_true(is_under_way(&fixture));
    report(second, 1);
    g_assert_false(is_under_way(&fixture));
    client_free(second);
}

/* Another's messages do not make the session theirs: local root reads, and goes. */
static void
test_other_peers(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *token = NULL;
    const DmContext root = {.uid = -1};
    const DmCommand get = make_command(DM_VERB_GET, PHONE_URI, NULL);
    g_autoptr(Client) broker = NULL;
    Client *other;

    open_with_patience(&fixture, 1);
    broker = client_new(fixture.path);
    token = begin(&fixture, broker);
    other = client_new(fixture.path);
    dm_reply_free(client_apply(other, &root, &get, 1));
    client_free(other);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == 1);
    report(broker, -1);
    g_assert_true(is_under_way(&fixture));
}

/* What was under way when the socket was opened has a broker that may come back, or none. */
static void
test_under_way_at_the_start(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(DmSocketSessions) sessions = NULL;
    g_auto(DmSessionStart) start = {0};

    open_with_patience(&fixture, 60000);
    g_assert_true(dm_session_begin(fixture.tree, "A", "user", &start, NULL));
    sessions = dm_socket_sessions_new(fixture.tree, NULL, 1);
    WAIT_UNTIL(!is_under_way(&fixture));
    g_assert_cmpstr(dm_session_get_info(find_provider(&fixture)).last_error, ==, "lost");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/socket-sessions/peer-that-goes", test_peer_that_goes);
    g_test_add_func("/socket-sessions/peer-that-has-ended", test_peer_that_has_ended);
    g_test_add_data_func("/socket-sessions/peer-that-comes-back/report", NULL,
                         test_peer_that_comes_back);
    g_test_add_data_func("/socket-sessions/peer-that-comes-back/message", "",
                         test_peer_that_comes_back);
    g_test_add_func("/socket-sessions/other-peers", test_other_peers);
    g_test_add_func("/socket-sessions/under-way-at-the-start", test_under_way_at_the_start);
    return g_test_run();
}
