/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>

#include "tests/unit/socket-fixture.h"

static const DmContext root = {.uid = -1};

static void
expect(Client *client, const DmContext *context, const DmCommand *command, DmStatus status)
{
    g_autoptr(DmReply) reply = client_apply(client, context, command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, status);
}

static void
test_round_trip(void)
{
    const DmCommand batch[] = {
        make_command(DM_VERB_REPLACE, WEBSITE_URI, "https://help.example/ä"),
        make_command(DM_VERB_GET, WEBSITE_URI, NULL),
        make_command(DM_VERB_GET, PHONE_URI, NULL),
        make_command(DM_VERB_GET, NULL, NULL),
        make_command(DM_VERB_COPY, WEBSITE_URI, NULL),
    };
    static const DmStatus statuses[] = {DM_STATUS_OK, DM_STATUS_OK, DM_STATUS_NOT_FOUND,
                                        DM_STATUS_BAD_REQUEST, DM_STATUS_NOT_IMPLEMENTED};
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DmReply) reply = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    reply = client_apply(client, &root, batch, G_N_ELEMENTS(batch));
    for (guint i = 0; i < G_N_ELEMENTS(batch); i++)
        g_assert_cmpint(dm_reply_get(reply, i)->status, ==, statuses[i]);
    g_assert_cmpuint(dm_reply_get(reply, 1)->n_items, ==, 1);
    g_assert_cmpstr(dm_reply_get_items(reply, 1)->loc_uri, ==, WEBSITE_URI);
    g_assert_cmpstr(dm_reply_get_items(reply, 1)->data, ==, "https://help.example/ä");
}

static void
test_scope(void)
{
    const DmContext other = {.session = "B/1", .message = 1, .provider = "B", .uid = -1};
    const DmContext own = {.session = "A/1", .message = 1, .provider = "A", .uid = -1};
    const DmContext nobody = {.uid = (gint64)G_MAXUINT32};
    const DmCommand set = make_command(DM_VERB_REPLACE, WEBSITE_URI, "https://help.example/");
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    expect(client, &other, &set, DM_STATUS_PERMISSION_DENIED);
    expect(client, &own, &set, DM_STATUS_OK);
    client_expect_error(client, dm_tree_call_new_apply(&nobody, &set, 1, NULL),
                        DM_BUS_ERROR_PREFIX "BadRequest");
}

/* A hostile batch is refused as a whole, and nothing of it runs. */
static void
test_malformed(void)
{
    const DmCommand batch[] = {
        make_command(DM_VERB_REPLACE, WEBSITE_URI, "https://help.example/"),
        {.verb = DM_VERB_ATOMIC, .span = 9},
    };
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autofree char *value = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    client_expect_error(client, dm_tree_call_new_apply(&root, batch, G_N_ELEMENTS(batch), NULL),
                        DM_BUS_ERROR_PREFIX "BadRequest");
    value = read_leaf(fixture.tree, DM_NODE_HELP_WEBSITE);
    g_assert_null(value);
}

/* G4: who gets the answer to a change has had the signal. */
static void
test_signal_before_reply(void)
{
    const DmCommand batch[] = {
        make_command(DM_VERB_REPLACE, WEBSITE_URI, "https://help.example/"),
        make_command(DM_VERB_REPLACE, PHONE_URI, "+1 555 0100"),
    };
    const DmCommand again = make_command(DM_VERB_REPLACE, PHONE_URI, "+1 555 0100");
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    const char *provider;
    char **loc_uris = NULL;
    dbus_int64_t uid = 0;
    int n = 0;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    dm_reply_free(client_apply(client, &root, batch, G_N_ELEMENTS(batch)));
    g_assert_cmpuint(client->signals->len, ==, 1); /* one for the message, not one a leaf */
    g_assert_true(dbus_message_is_signal(g_ptr_array_index(client->signals, 0), DM_TREE_INTERFACE,
                                         "Changed"));
    g_assert_true(dbus_message_get_args(
        g_ptr_array_index(client->signals, 0), NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64,
        &uid, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &loc_uris, &n, DBUS_TYPE_INVALID));
    g_assert_cmpstr(provider, ==, "A");
    g_assert_cmpint(uid, ==, -1);
    g_assert_cmpint(n, ==, 2);
    g_assert_true(g_strv_contains((const char *const *)loc_uris, WEBSITE_URI));
    g_assert_true(g_strv_contains((const char *const *)loc_uris, PHONE_URI));
    dbus_free_string_array(loc_uris);

    /* What changes nothing tells nothing. */
    dm_reply_free(client_apply(client, &root, &again, 1));
    g_assert_cmpuint(client->signals->len, ==, 1);
}

/* A second client hears of it too, and it has read everything when its own next answer comes. */
static void
test_signal_to_others(void)
{
    const DmCommand set = make_command(DM_VERB_REPLACE, PHONE_URI, "+1 555 0100");
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(Client) other = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    other = client_new(fixture.path);
    dm_reply_free(client_apply(client, &root, &set, 1));
    dbus_message_unref(client_expect(other, dm_tree_client_new_call("GetDue")));
    g_assert_cmpuint(other->signals->len, ==, 1);
}

/* Add is good once: a second run of the message would be 418. */
static void
test_resend(void)
{
    const DmContext first = {.session = "A/1", .message = 1, .provider = "A", .uid = -1};
    const DmContext second = {.session = "A/1", .message = 2, .provider = "A", .uid = -1};
    const DmCommand add = make_command(DM_VERB_ADD, WEBSITE_URI, "https://help.example/");
    g_auto(Fixture) fixture = {0};
    Client *client;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    expect(client, &first, &add, DM_STATUS_OK);
    client_free(client); /* as if the answer had been lost with the connection */
    client = client_new(fixture.path);
    expect(client, &first, &add, DM_STATUS_OK);
    expect(client, &second, &add, DM_STATUS_EXISTS);
    client_free(client);
}

static void
test_provision(void)
{
    const DmCommand settings[] = {
        make_command(DM_VERB_REPLACE,
                     "./Device/Vendor/MSFT/DMClient/Provider/N/ManagementServiceAddress",
                     "https://n.example/"),
    };
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(GHashTable) account = dm_account_new();

    fixture_init(&fixture);
    client = client_new(fixture.path);
    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_NAME), g_strdup("Contoso"));
    for (guint flags = DM_TREE_PROVISION_CHECK; flags + 1 > 0; flags--) {
        DBusMessage *call = dm_tree_call_new_provision("N", account, settings, 1, flags, NULL);
        g_autoptr(DBusMessage) answer = client_expect(client, call);
        g_autoptr(DmReply) reply = dm_tree_call_read_reply(answer, NULL);

        g_assert_cmpuint(dm_reply_get_size(reply), ==, 2);
        g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
        g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_OK);
        g_assert_true((dm_tree_find_provider(fixture.tree, DM_SCOPE_DEVICE, 0, "N") != NULL) ==
                      (flags == 0)); /* a check makes nothing */
    }
    client_expect_error(client, dm_tree_call_new_provision("M", account, settings, 1, 64, NULL),
                        DM_BUS_ERROR_PREFIX "BadRequest");
}

/* G7: what does not fit in the answer says so, and the connection lives on. */
static void
test_answer_over_the_cap(void)
{
    enum { N = 400 };
    static const char uri[] = PROVIDER_URI "/FirstSyncStatus/ExpectedPolicies";
    g_autoptr(GString) list = g_string_new(NULL);
    DmCommand set, gets[N];
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autoptr(DmReply) reply = NULL;
    gsize size = 0;

    for (guint i = 0; i < 60; i++)
        g_string_append_printf(list, "%01000u\uF000", i);
    set = make_command(DM_VERB_REPLACE, uri, list->str);
    for (guint i = 0; i < N; i++)
        gets[i] = make_command(DM_VERB_GET, uri, NULL);
    fixture_init(&fixture);
    client = client_new(fixture.path);
    expect(client, &root, &set, DM_STATUS_OK);
    reply = client_apply(client, &root, gets, N);
    for (guint i = 0; i < N; i++) {
        const DmResult *result = dm_reply_get(reply, i);

        if (result->n_items > 0)
            size += dm_reply_get_items(reply, i)->data_size;
        g_assert_cmpint(result->status, ==,
                        result->n_items > 0 ? DM_STATUS_OK : DM_STATUS_SIZE_TOO_BIG);
    }
    g_assert_cmpuint(size, <, DM_TREE_MAX_ANSWER);
    g_assert_cmpint(dm_reply_get(reply, N - 1)->status, ==, DM_STATUS_SIZE_TOO_BIG);
    expect(client, &root, &gets[0], DM_STATUS_OK);
}

/* -- dropped at any byte -------------------------------------------------------------------------
 */

/* The bytes of a session: handshake, Hello, and one message that sets two leaves. */
static GByteArray *
make_bytes(void)
{
    const DmContext context = {.session = "A/7", .message = 1, .provider = "A", .uid = -1};
    const DmCommand batch[] = {
        make_command(DM_VERB_ADD, WEBSITE_URI, "https://help.example/"),
        make_command(DM_VERB_ADD, PHONE_URI, "+1 555 0100"),
    };
    GByteArray *bytes = raw_handshake();

    raw_append(bytes, make_hello(DM_TREE_VERSION), 1);
    raw_append(bytes, dm_tree_call_new_apply(&context, batch, G_N_ELEMENTS(batch), NULL), 2);
    return bytes;
}

/* Sends the first `size` bytes and hangs up. */
static void
send_and_hang_up(Fixture *fixture, const guint8 *bytes, gsize size)
{
    int fd = raw_connect(fixture->path);
    char buffer[4096];
    ssize_t got = -1;

    g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
    g_assert_cmpint(shutdown(fd, SHUT_WR), ==, 0);
    g_assert_cmpint(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
    /* Until the server has read it all, and hung up too. */
    WAIT_UNTIL((got = read(fd, buffer, sizeof buffer)) == 0 || (got < 0 && errno != EAGAIN));
    close(fd);
    WAIT_UNTIL(dm_socket_get_n_connections(fixture->socket) == 0);
}

/* Both leaves or none; whether they are there. */
static bool
has_run(const Fixture *fixture)
{
    g_autofree char *website = read_leaf(fixture->tree, DM_NODE_HELP_WEBSITE);
    g_autofree char *phone = read_leaf(fixture->tree, DM_NODE_HELP_PHONE_NUMBER);

    g_assert_true((website == NULL) == (phone == NULL));
    if (website == NULL)
        return false;
    g_assert_cmpstr(website, ==, "https://help.example/");
    g_assert_cmpstr(phone, ==, "+1 555 0100");
    return true;
}

/* The broker comes back and sends the message again: it has run once, and its answer is that of the
 * one run. */
static void
check_resend(Fixture *fixture)
{
    const DmContext context = {.session = "A/7", .message = 1, .provider = "A", .uid = -1};
    const DmCommand batch[] = {
        make_command(DM_VERB_ADD, WEBSITE_URI, "https://help.example/"),
        make_command(DM_VERB_ADD, PHONE_URI, "+1 555 0100"),
    };
    g_autoptr(Client) client = client_new(fixture->path);
    g_autoptr(DmReply) reply = client_apply(client, &context, batch, G_N_ELEMENTS(batch));

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
    g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_OK);
    g_assert_true(has_run(fixture));
}

static void
test_cut_at_every_byte(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(GByteArray) bytes = make_bytes();

    fixture_init(&fixture);
    for (guint size = 0; size <= bytes->len; size++) {
        fixture_close(&fixture);
        fixture_open(&fixture);
        send_and_hang_up(&fixture, bytes->data, size);
        g_assert_true(has_run(&fixture) == (size == bytes->len));
        check_resend(&fixture);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apply/round-trip", test_round_trip);
    g_test_add_func("/apply/V9-provider-and-user", test_scope);
    g_test_add_func("/apply/malformed-runs-nothing", test_malformed);
    g_test_add_func("/apply/G4-signal-before-reply", test_signal_before_reply);
    g_test_add_func("/apply/G4-signal-to-others", test_signal_to_others);
    g_test_add_func("/apply/resend-runs-nothing-twice", test_resend);
    g_test_add_func("/apply/provision", test_provision);
    g_test_add_func("/apply/G7-answer-over-the-cap", test_answer_over_the_cap);
    g_test_add_func("/apply/cut-at-every-byte-is-all-or-nothing", test_cut_at_every_byte);
    return g_test_run();
}
