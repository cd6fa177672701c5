/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/socket-fixture.h"

#define ERROR(name) DM_BUS_ERROR_PREFIX name

/* -- who may ------------------------------------------------------------------------------------
 */

static void
test_mode(void)
{
    g_auto(Fixture) fixture = {0};
    struct stat st;

    fixture_init(&fixture);
    g_assert_cmpint(stat(fixture.path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 07777, ==, 0660);
}

/* What the server answers to a line of the handshake. */
static char *
ask_auth(const char *path, const char *line)
{
    int fd = raw_connect(path);
    char buffer[256] = "";
    ssize_t size = -1;

    g_assert_cmpint(write(fd, "", 1), ==, 1);
    g_assert_cmpint(write(fd, line, strlen(line)), ==, (gssize)strlen(line));
    g_assert_cmpint(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
    WAIT_UNTIL((size = read(fd, buffer, sizeof buffer - 1)) >= 0 || errno != EAGAIN);
    close(fd);
    g_assert_cmpint(size, >, 0);
    return g_strndup(buffer, (gsize)size);
}

static void
test_external_only(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *anonymous = NULL;
    g_autofree char *cookie = NULL;
    g_autofree char *other = NULL;

    fixture_init(&fixture);
    anonymous = ask_auth(fixture.path, "AUTH ANONYMOUS 74657374\r\n");
    g_assert_cmpstr(anonymous, ==, "REJECTED EXTERNAL\r\n");
    cookie = ask_auth(fixture.path, "AUTH DBUS_COOKIE_SHA1 30\r\n");
    g_assert_cmpstr(cookie, ==, "REJECTED EXTERNAL\r\n");
    /* A uid that is not what SO_PEERCRED says: 4294967294. */
    other = ask_auth(fixture.path, "AUTH EXTERNAL 34323934393637323934\r\n");
    g_assert_cmpstr(other, ==, "REJECTED EXTERNAL\r\n");
}

/* Connects as `uid` in a process of its own; exits 0 if Hello was refused as DENIED, 1 if it was
 * answered. */
static pid_t
connect_as(const char *path, uid_t uid)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    if (setuid(uid) == 0) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DmTreeClient) client = dm_tree_client_new(path, DEADLINE_S * 1000, &error);

        if (client != NULL)
            _exit(1);
        if (g_error_matches(error, DM_ERROR, DM_ERROR_DENIED))
            _exit(0);
    }
    _exit(2);
}

static void
on_child_end(GPid pid, int wait_status, gpointer data)
{
    int *status = data;

    *status = wait_status;
}

static void
test_other_uid(void)
{
    g_auto(Fixture) fixture = {0};
    int status = -1;
    pid_t pid;

    fixture_init(&fixture);
    if (geteuid() != 0) {
        g_test_skip("needs root to become another");
        return;
    }
    /* Whatever the modes of the files say. */
    g_assert_cmpint(chmod(fixture.dir, 0755), ==, 0);
    g_assert_cmpint(chmod(fixture.path, 0666), ==, 0);
    pid = connect_as(fixture.path, 65534);
    g_assert_cmpint(pid, >, 0);
    g_child_watch_add(pid, on_child_end, &status);
    WAIT_UNTIL(status >= 0);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void
test_number_of_connections(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func((GDestroyNotify)client_free);
    Client *one_more;

    fixture_init(&fixture);
    for (guint i = 0; i < DM_SOCKET_MAX_CONNECTIONS; i++)
        g_ptr_array_add(clients, client_new(fixture.path));
    one_more = client_connect(fixture.path);
    WAIT_UNTIL(one_more->lost);
    client_free(one_more);
    g_assert_cmpuint(dm_socket_get_n_connections(fixture.socket), ==, DM_SOCKET_MAX_CONNECTIONS);

    /* There is room again when one goes. */
    g_ptr_array_set_size(clients, DM_SOCKET_MAX_CONNECTIONS - 1);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == DM_SOCKET_MAX_CONNECTIONS - 1);
    g_ptr_array_add(clients, client_new(fixture.path));
}

/* -- the form of calls ---------------------------------------------------------------------------
 */

static void
test_hello(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;

    fixture_init(&fixture);
    client = client_connect(fixture.path);
    client_expect_error(client, dm_tree_client_new_call("GetDue"), ERROR("BadRequest"));
    client_expect_error(client, dm_tree_client_new_call("Hello"), ERROR("BadRequest"));
    dbus_message_unref(client_expect(client, make_hello(DM_TREE_VERSION)));
    dbus_message_unref(client_expect(client, dm_tree_client_new_call("GetDue")));
    client_expect_error(client, make_hello(DM_TREE_VERSION), ERROR("BadRequest"));
    g_assert_false(client->lost);
}

static void
test_hello_other_version(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;

    fixture_init(&fixture);
    client = client_connect(fixture.path);
    client_expect_error(client, make_hello(DM_TREE_VERSION + 1), ERROR("BadVersion"));
    WAIT_UNTIL(client->lost);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == 0);
}

static void
test_unknown(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    DBusMessage *elsewhere, *another;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    client_expect_error(client, dm_tree_client_new_call("Shutdown"), DBUS_ERROR_UNKNOWN_METHOD);
    elsewhere = dbus_message_new_method_call(NULL, "/", DM_TREE_INTERFACE, "GetDue");
    client_expect_error(client, elsewhere, DBUS_ERROR_UNKNOWN_OBJECT);
    another = dbus_message_new_method_call(NULL, DM_TREE_PATH, "org.example.Other", "GetDue");
    client_expect_error(client, another, DBUS_ERROR_UNKNOWN_INTERFACE);
}

static void
test_wrong_signature(void)
{
    static const char *const methods[] = {"Apply",         "Provision",     "BeginSession",
                                          "ReportSession", "ReportOutcome", "GetDue"};
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    dbus_uint32_t number = 7;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    for (guint i = 0; i < G_N_ELEMENTS(methods); i++) {
        DBusMessage *call = dm_tree_client_new_call(methods[i]);

        dbus_message_append_args(call, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
        client_expect_error(client, call, ERROR("BadRequest"));
    }
}

static void
test_file_descriptors(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("GetDue");
    int fd = STDIN_FILENO;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    g_assert_true(dbus_connection_can_send_type(client->connection, DBUS_TYPE_UNIX_FD));
    dbus_message_append_args(call, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
    dbus_connection_send(client->connection, call, NULL);
    WAIT_UNTIL(client->lost);
}

static void
test_message_over_the_cap(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("BeginSession");
    g_autofree char *origin = g_strnfill(DM_TREE_MAX_CALL, 'x');
    const char *provider = "A";

    fixture_init(&fixture);
    client = client_new(fixture.path);
    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &origin,
                             DBUS_TYPE_INVALID);
    dbus_connection_send(client->connection, call, NULL);
    WAIT_UNTIL(client->lost);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture.socket) == 0);
}

/* What waits for a peer that never reads is bounded: then it is cut, and nobody else. */
static void
test_peer_that_does_not_read(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) other = NULL;
    g_autoptr(GByteArray) bytes = raw_handshake();
    g_autofree char *large = g_strnfill(1 << 20, 'x');
    guint n_sent = 0;
    int fd;

    fixture_init(&fixture);
    raw_append(bytes, make_hello(DM_TREE_VERSION), 1);
    raw_append(bytes, dm_tree_client_new_call("Attend"), 2);
    fd = raw_connect(fixture.path);
    g_assert_cmpint(write(fd, bytes->data, bytes->len), ==, bytes->len);
    other = client_new(fixture.path);
    dbus_message_unref(client_expect(other, dm_tree_client_new_call("Attend")));
    WAIT_UNTIL(dm_socket_get_n_attending(fixture.socket) == 2);
    dm_socket_request_sync(fixture.socket, "A", "1", "user", -1);
    while (dm_socket_get_n_connections(fixture.socket) == 2) {
        dm_socket_request_sync(fixture.socket, "A", large, "user", -1);
        n_sent++;
        g_assert_cmpuint(n_sent, <, 64); /* of a MiB each */
        WAIT_UNTIL(other->signals->len > n_sent);
    }
    g_assert_cmpuint(n_sent, >=, 16);
    g_assert_false(other->lost);
    close(fd);
}

/* -- sessions and signals ------------------------------------------------------------------------
 */

static DBusMessage *
make_begin(const char *provider)
{
    DBusMessage *call = dm_tree_client_new_call("BeginSession");
    const char *origin = "schedule";

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &origin,
                             DBUS_TYPE_INVALID);
    return call;
}

static void
set_address(Client *client)
{
    const DmContext root = {.uid = -1};
    const DmCommand set = make_command(DM_VERB_REPLACE, PROVIDER_URI "/ManagementServiceAddress",
                                       "https://a.example/");
    g_autoptr(DmReply) reply = client_apply(client, &root, &set, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

static void
test_session(void)
{
    const DmTreeReport report = {
        .state = "idle", .ended = 1, .address = "https://a.example/", .certificate_expires_us = -1};
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) begun = NULL;
    g_auto(DmTreeSession) session = {0};

    fixture_init(&fixture);
    client = client_new(fixture.path);
    client_expect_error(client, make_begin("nobody"), ERROR("NotFound"));
    client_expect_error(client, make_begin("A"), ERROR("BadRequest")); /* has no address */
    set_address(client);
    begun = client_expect(client, make_begin("A"));
    g_assert_true(dm_tree_call_read_session(begun, &session, NULL));
    g_assert_cmpstr(session.session_id, !=, "");
    g_assert_cmpuint(g_strv_length(session.addresses), ==, 1);
    g_assert_cmpstr(session.addresses[0], ==, "https://a.example/");
    dbus_message_unref(client_expect(client, dm_tree_call_new_report("A", &report, NULL)));
    client_expect_error(client, dm_tree_call_new_report("nobody", &report, NULL),
                        ERROR("NotFound"));
    client_expect_error(
        client, dm_tree_call_new_report("A", &(DmTreeReport){.state = "asleep", .ended = -1}, NULL),
        ERROR("BadRequest"));
}

static const char *
find_signal(const Client *client, const char *member, DBusMessage **ret_signal)
{
    for (guint i = 0; i < client->signals->len; i++) {
        DBusMessage *signal = g_ptr_array_index(client->signals, i);

        if (dbus_message_has_member(signal, member)) {
            *ret_signal = signal;
            return member;
        }
    }
    return NULL;
}

static void
test_due(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    const DmContext root = {.uid = -1};
    const DmCommand poll[] = {
        make_command(DM_VERB_ADD, PROVIDER_URI "/Poll", NULL),
        make_command(DM_VERB_REPLACE, PROVIDER_URI "/Poll/IntervalForFirstSetOfRetries", "15"),
        make_command(DM_VERB_REPLACE, PROVIDER_URI "/Poll/NumberOfFirstRetries", "10"),
    };
    const DmCommand gone = make_command(DM_VERB_DELETE, PROVIDER_URI, NULL);
    const char *provider, *reason;
    DBusMessage *signal = NULL;
    dbus_int64_t due = 0;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    dm_reply_free(client_apply(client, &root, poll, G_N_ELEMENTS(poll)));
    g_assert_nonnull(find_signal(client, "Due", &signal));
    g_assert_true(dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64,
                                        &due, DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID));
    g_assert_cmpstr(provider, ==, "A");
    g_assert_cmpint(due, >, 0);
    g_assert_cmpstr(reason, ==, "first");

    g_ptr_array_set_size(client->signals, 0);
    dm_reply_free(client_apply(client, &root, &gone, 1));
    g_assert_nonnull(find_signal(client, "Due", &signal));
    g_assert_true(dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64,
                                        &due, DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID));
    g_assert_cmpint(due, ==, 0);
}

static void
test_get_due(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) answer = NULL;
    DBusMessageIter iter, array, entry;
    const char *provider;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    answer = client_expect(client, dm_tree_client_new_call("GetDue"));
    g_assert_true(dbus_message_has_signature(answer, "a(sxs)"));
    dbus_message_iter_init(answer, &iter);
    g_assert_cmpint(dbus_message_iter_get_element_count(&iter), ==, 1);
    dbus_message_iter_recurse(&iter, &array);
    dbus_message_iter_recurse(&array, &entry);
    dbus_message_iter_get_basic(&entry, &provider);
    g_assert_cmpstr(provider, ==, "A");
}

static void
test_get_providers(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) answer = NULL;
    g_autoptr(GPtrArray) providers = NULL;
    const DmTreeProvider *provider;
    DBusMessageIter iter;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    answer = client_expect(client, dm_tree_client_new_call("GetProviders"));
    dbus_message_iter_init(answer, &iter);
    providers = dm_wire_read_providers(&iter);
    g_assert_nonnull(providers);
    g_assert_cmpuint(providers->len, ==, 1);
    provider = providers->pdata[0];
    g_assert_cmpstr(provider->id, ==, "A");
    g_assert_cmpuint(provider->n_addresses, ==, 0);
    g_assert_null(provider->thumbprints[0]);
}

static void
test_inspect(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DBusMessage) answer = NULL;
    g_autoptr(GPtrArray) providers = NULL;
    const DmTreeAddresses *one;
    const char *health = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    answer = client_expect(client, dm_tree_client_new_call("Inspect"));
    providers = dm_wire_read_inspection(answer, &health);
    g_assert_nonnull(providers);
    g_assert_cmpstr(health, ==, "ok");
    g_assert_cmpuint(providers->len, ==, 1);
    one = providers->pdata[0];
    g_assert_cmpstr(one->id, ==, "A");
    g_assert_null(one->addresses[0]);
}

static void
test_sync_requested(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(Client) silent = NULL;
    DmTreeSyncRequest request;
    DBusMessage *signal = NULL;

    fixture_init(&fixture);
    silent = client_new(fixture.path);
    client = client_new(fixture.path);
    g_assert_cmpuint(dm_socket_get_n_attending(fixture.socket), ==, 0);
    dbus_message_unref(client_expect(client, dm_tree_client_new_call("Attend")));
    g_assert_cmpuint(dm_socket_get_n_attending(fixture.socket), ==, 1);
    dm_socket_request_sync(fixture.socket, "A", "s-1", "user", 4000000000);
    WAIT_UNTIL(find_signal(client, "SyncRequested", &signal) != NULL);
    g_assert_true(dm_wire_read_sync_request(signal, &request));
    g_assert_cmpstr(request.provider, ==, "A");
    g_assert_cmpstr(request.session, ==, "s-1");
    g_assert_cmpstr(request.origin, ==, "user");
    g_assert_cmpint(request.uid, ==, 4000000000);
    /* Who does not attend hears nothing. */
    g_assert_cmpuint(silent->signals->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/socket/mode-is-0660", test_mode);
    g_test_add_func("/socket/EXTERNAL-only", test_external_only);
    g_test_add_func("/socket/another-uid-is-refused", test_other_uid);
    g_test_add_func("/socket/number-of-connections-is-bounded", test_number_of_connections);
    g_test_add_func("/socket/hello-comes-first-and-once", test_hello);
    g_test_add_func("/socket/hello-of-another-version-is-the-end", test_hello_other_version);
    g_test_add_func("/socket/unknown-calls-are-refused", test_unknown);
    g_test_add_func("/socket/wrong-signatures-are-refused", test_wrong_signature);
    g_test_add_func("/socket/file-descriptors-are-the-end", test_file_descriptors);
    g_test_add_func("/socket/message-over-the-cap-is-the-end", test_message_over_the_cap);
    g_test_add_func("/socket/peer-that-does-not-read-is-cut", test_peer_that_does_not_read);
    g_test_add_func("/socket/session", test_session);
    g_test_add_func("/socket/due-is-told-when-it-changes", test_due);
    g_test_add_func("/socket/get-due", test_get_due);
    g_test_add_func("/socket/get-providers", test_get_providers);
    g_test_add_func("/socket/inspect", test_inspect);
    g_test_add_func("/socket/sync-requested", test_sync_requested);
    return g_test_run();
}
