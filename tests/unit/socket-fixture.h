/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/account.h"
#include "common/error.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "plugin/socket.h"
#include "tests/unit/fixture.h"
#include "tree/tree.h"

/* A tree socket over a tree in memory with provider "A", and clients of it, all on the default
 * main context of this thread. */

#define PROVIDER_URI "./Device/Vendor/MSFT/DMClient/Provider/A"
#define WEBSITE_URI PROVIDER_URI "/HelpWebsite"
#define PHONE_URI PROVIDER_URI "/HelpPhoneNumber"
typedef struct {
    char *dir;
    char *path;
    guint patience_ms; /* before fixture_init_with(); 0: as it is */
    void (*on_attending)(gpointer data);
    gpointer data;
    DmTree *tree;
    DmSocket *socket;
} Fixture;

static inline DmCommand
make_command(DmVerb verb, const char *loc_uri, const char *data)
{
    return (DmCommand){verb, 0, loc_uri, NULL, data, data != NULL ? strlen(data) : 0};
}

/* The tree with provider "A", made by local root. */
static inline DmTree *
make_tree(void)
{
    const DmCommand add = make_command(DM_VERB_ADD, PROVIDER_URI, NULL);
    const DmContext root = {.uid = -1};
    DmTree *tree = dm_tree_new(NULL, NULL, NULL);
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &root, &add, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
    return tree;
}

static inline DmSocketOptions
make_options(const Fixture *fixture)
{
    return (DmSocketOptions){.path = fixture->path,
                             .allow_own_uid = true,
                             .product = "dmclient test",
                             .patience_ms = fixture->patience_ms,
                             .on_attending = fixture->on_attending,
                             .data = fixture->data};
}

static inline void
fixture_open(Fixture *fixture)
{
    const DmSocketOptions options = make_options(fixture);
    g_autoptr(GError) error = NULL;

    fixture->tree = make_tree();
    fixture->socket = dm_socket_new(fixture->tree, &options, &error);
    g_assert_no_error(error);
}

static inline void
fixture_close(Fixture *fixture)
{
    g_clear_pointer(&fixture->socket, dm_socket_free);
    g_clear_pointer(&fixture->tree, dm_tree_free);
}

/* Of a fixture whose options have been set, the rest zero. */
static inline void
fixture_init_with(Fixture *fixture)
{
    fixture->dir = g_dir_make_tmp("socket-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->dir, "tree", NULL);
    fixture_open(fixture);
}

static inline void
fixture_init(Fixture *fixture)
{
    *fixture = (Fixture){0};
    fixture_init_with(fixture);
}

static inline void
fixture_clear(Fixture *fixture)
{
    fixture_close(fixture);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS)); /* nothing is left behind */
    g_assert_cmpint(g_rmdir(fixture->dir), ==, 0);
    g_free(fixture->path);
    g_free(fixture->dir);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* -- clients -------------------------------------------------------------------------------------
 */

typedef struct {
    DBusConnection *connection;
    GPtrArray *signals; /* DBusMessage, as they came */
    bool lost;
} Client;

static inline DBusHandlerResult
on_client_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    Client *client = data;

    if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected"))
        client->lost = true;
    else if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL)
        g_ptr_array_add(client->signals, dbus_message_ref(message));
    return DBUS_HANDLER_RESULT_HANDLED;
}

static inline void
unref_message(gpointer data)
{
    dbus_message_unref(data);
}

/* Connects, says nothing. */
static inline Client *
client_connect(const char *path)
{
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    Client *client = g_new0(Client, 1);

    client->connection = dbus_connection_open_private(address, NULL);
    g_assert_nonnull(client->connection);
    client->signals = g_ptr_array_new_with_free_func(unref_message);
    dbus_connection_set_exit_on_disconnect(client->connection, FALSE);
    dbus_connection_add_filter(client->connection, on_client_message, client, NULL);
    dm_loop_add_connection(client->connection, NULL);
    return client;
}

static inline void
client_free(Client *client)
{
    dbus_connection_remove_filter(client->connection, on_client_message, client);
    dm_loop_remove_connection(client->connection);
    dbus_connection_close(client->connection);
    dbus_connection_unref(client->connection);
    g_ptr_array_unref(client->signals);
    g_free(client);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

/* Sends `call` and returns the answer or error; NULL if the connection ends instead. */
static inline DBusMessage *
client_call(Client *client, DBusMessage *call)
{
    DBusPendingCall *pending = NULL;
    DBusMessage *answer = NULL;

    dbus_connection_send_with_reply(client->connection, call, &pending, DBUS_TIMEOUT_INFINITE);
    g_assert_nonnull(pending);
    WAIT_UNTIL(client->lost || dbus_pending_call_get_completed(pending));
    if (dbus_pending_call_get_completed(pending))
        answer = dbus_pending_call_steal_reply(pending);
    dbus_pending_call_unref(pending);
    return answer;
}

/* Takes `call`, and fails unless its answer is a regular one. */
static inline DBusMessage *
client_expect(Client *client, DBusMessage *call)
{
    DBusMessage *answer = client_call(client, call);

    g_assert_nonnull(answer);
    g_assert_cmpstr(dbus_message_get_error_name(answer), ==, NULL);
    dbus_message_unref(call);
    return answer;
}

/* Takes `call`, and fails unless it is refused with error `name`. */
static inline void
client_expect_error(Client *client, DBusMessage *call, const char *name)
{
    g_autoptr(DBusMessage) answer = client_call(client, call);

    g_assert_nonnull(answer);
    g_assert_cmpstr(dbus_message_get_error_name(answer), ==, name);
    dbus_message_unref(call);
}

static inline DBusMessage *
make_hello(dbus_uint32_t version)
{
    DBusMessage *call = dm_tree_client_new_call("Hello");

    dbus_message_append_args(call, DBUS_TYPE_UINT32, &version, DBUS_TYPE_INVALID);
    return call;
}

/* Connects and says Hello. */
static inline Client *
client_new(const char *path)
{
    Client *client = client_connect(path);
    g_autoptr(DBusMessage) answer = client_expect(client, make_hello(DM_TREE_VERSION));

    g_assert_true(dbus_message_has_signature(answer, "us"));
    return client;
}

/* The reply to `commands` as message `message` of `session`. */
static inline DmReply *
client_apply(Client *client, const DmContext *context, const DmCommand *commands, gsize n)
{
    DBusMessage *call = dm_tree_call_new_apply(context, commands, n, NULL);
    g_autoptr(DBusMessage) answer = client_expect(client, call);
    DmReply *reply = dm_tree_call_read_reply(answer, NULL);

    g_assert_nonnull(reply);
    g_assert_cmpuint(dm_reply_get_size(reply), ==, n);
    return reply;
}

/* The text of a leaf of provider "A"; NULL if unset. */
static inline char *
read_leaf(const DmTree *tree, DmNodeId node)
{
    DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");
    char buffer[DM_VALUE_TEXT_MAX];
    DmValue value;

    g_assert_nonnull(provider);
    if (!dm_provider_get(provider, node, &value))
        return NULL;
    return g_strdup(dm_value_to_text(&value, buffer));
}

/* -- a client that speaks no D-Bus ---------------------------------------------------------------
 */

static inline int
raw_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

/* The handshake of EXTERNAL as this uid, up to where messages begin. */
static inline GByteArray *
raw_handshake(void)
{
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)geteuid());
    g_autoptr(GString) text = g_string_new(NULL);
    GByteArray *bytes = g_byte_array_new();

    g_string_append_c(text, '\0');
    g_string_append(text, "AUTH EXTERNAL ");
    for (const char *c = uid; *c != '\0'; c++)
        g_string_append_printf(text, "%02x", (unsigned)*c);
    g_string_append(text, "\r\nBEGIN\r\n");
    g_byte_array_append(bytes, (const guint8 *)text->str, (guint)text->len);
    return bytes;
}

/* Takes `message` and appends its bytes. */
static inline void
raw_append(GByteArray *bytes, DBusMessage *message, dbus_uint32_t serial)
{
    char *data;
    int size;

    dbus_message_set_serial(message, serial);
    g_assert_true(dbus_message_marshal(message, &data, &size));
    g_byte_array_append(bytes, (const guint8 *)data, (guint)size);
    dbus_free(data);
    dbus_message_unref(message);
}
