/* SPDX-License-Identifier: MIT */

#include "tests/unit/socket-fixture.h"
#include "tree/push.h"

/* What brings sessions about, as the tree socket has it: logins (P9), push (rules section 8). */

#define POLL_URI PROVIDER_URI "/Poll"
#define PUSH_URI PROVIDER_URI "/Push"

static void
set(Fixture *fixture, DmVerb verb, const char *uri, const char *data)
{
    const DmCommand command = make_command(verb, uri, data);
    const DmContext root = {.uid = -1};
    g_autoptr(DmReply) reply = dm_tree_apply(fixture->tree, &root, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

/* -- logins --------------------------------------------------------------------------------------
 */

static void
assert_login(Client *client, guint32 uid, bool is_new, const char *expected)
{
    g_autoptr(DBusMessage) answer = client_expect(client, dm_tree_call_new_note_login(uid, is_new));
    g_auto(GStrv) providers = dm_tree_call_read_login(answer);
    g_autofree char *joined = NULL;

    g_assert_nonnull(providers);
    joined = g_strjoinv("|", providers);
    g_assert_cmpstr(joined, ==, expected);
}

static void
test_logins(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;

    fixture_init(&fixture);
    client = client_new(fixture.path);
    set(&fixture, DM_VERB_ADD, POLL_URI, NULL);
    set(&fixture, DM_VERB_ADD, POLL_URI "/AllUsersPollOnFirstLogin", "true");
    assert_login(client, 1000, true, "A");
    assert_login(client, 1000, true, "");
    assert_login(client, 1001, false, "A");
    set(&fixture, DM_VERB_ADD, POLL_URI "/PollOnLogin", "true");
    assert_login(client, 1000, true, "A");
    assert_login(client, 1000, false, "");
    client_expect_error(client, dm_tree_call_new_note_login(G_MAXUINT32, true),
                        DM_BUS_ERROR_PREFIX "BadRequest");
}

static void
test_login_answer_malformed(void)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    dbus_uint32_t number = 1;

    g_assert_null(dm_tree_call_read_login(call));
    dbus_message_append_args(call, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
    g_assert_null(dm_tree_call_read_login(call));
}

/* -- push ----------------------------------------------------------------------------------------
 */

static DBusMessage *
make_report(const char *provider, const char *pfn, const char *uri, dbus_uint32_t status)
{
    DBusMessage *call = dm_tree_client_new_call("ReportPush");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &pfn,
                             DBUS_TYPE_STRING, &uri, DBUS_TYPE_UINT32, &status, DBUS_TYPE_INVALID);
    return call;
}

/* What GetPush says of the one provider: "PFN channel status"; "" it is not there. */
static void
assert_push(Client *client, const char *expected)
{
    g_autoptr(DBusMessage) answer = client_expect(client, dm_tree_client_new_call("GetPush"));
    g_autofree char *text = g_strdup("");
    g_autoptr(GArray) pushes = NULL;
    DBusMessageIter iter;

    dbus_message_iter_init(answer, &iter);
    pushes = dm_wire_read_pushes(&iter);
    g_assert_nonnull(pushes);
    if (pushes->len > 0) {
        const DmTreePush *push = &g_array_index(pushes, DmTreePush, 0);

        g_assert_cmpuint(pushes->len, ==, 1);
        g_assert_cmpstr(push->provider, ==, "A");
        g_free(text);
        text = g_strdup_printf("%s %s %u", push->pfn, push->channel_uri, push->status);
    }
    g_assert_cmpstr(text, ==, expected);
}

static guint
count(const Client *client, const char *member)
{
    guint n = 0;

    for (guint i = 0; i < client->signals->len; i++)
        n += (guint)dbus_message_has_member(g_ptr_array_index(client->signals, i), member);
    return n;
}

static void
test_push(void)
{
    g_auto(Fixture) fixture = {0};
    g_autoptr(Client) client = NULL;
    g_autofree char *long_uri = g_strnfill(1025, 'x');

    fixture_init(&fixture);
    client = client_new(fixture.path);
    assert_push(client, "");
    set(&fixture, DM_VERB_ADD, PUSH_URI, NULL);
    set(&fixture, DM_VERB_ADD, PUSH_URI "/PFN", "pfn");
    WAIT_UNTIL(count(client, "PushChanged") == 2);
    dbus_message_unref(client_expect(client, make_report("A", "pfn", "https://c/", 0)));
    assert_push(client, "pfn https://c/ 0");
    g_assert_cmpuint(count(client, "PushChanged"), ==, 2);
    /* Of another one, it is too late. */
    dbus_message_unref(client_expect(client, make_report("A", "old", "https://d/", 0)));
    dbus_message_unref(client_expect(client, make_report("A", "", "", 6)));
    assert_push(client, "pfn https://c/ 0");
    client_expect_error(client, make_report("B", "pfn", "", 4), DM_BUS_ERROR_PREFIX "NotFound");
    client_expect_error(client, make_report("A", "pfn", "", 9), DM_BUS_ERROR_PREFIX "BadRequest");
    client_expect_error(client, make_report("A", "pfn", long_uri, 0),
                        DM_BUS_ERROR_PREFIX "BadRequest");
    assert_push(client, "pfn https://c/ 0");
    set(&fixture, DM_VERB_DELETE, PUSH_URI "/PFN", NULL);
    dbus_message_unref(client_expect(client, make_report("A", "", "", 6)));
    assert_push(client, "  6");
    set(&fixture, DM_VERB_DELETE, PUSH_URI, NULL);
    assert_push(client, "");
    set(&fixture, DM_VERB_REPLACE, PHONE_URI, "1");
    set(&fixture, DM_VERB_DELETE, PROVIDER_URI, NULL);
    WAIT_UNTIL(count(client, "Unenrolled") == 1 && count(client, "PushChanged") == 5);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/socket/P9-logins", test_logins);
    g_test_add_func("/socket/P9-malformed-answer", test_login_answer_malformed);
    g_test_add_func("/socket/U1-U2-push", test_push);
    return g_test_run();
}
