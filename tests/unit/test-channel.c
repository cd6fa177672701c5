/* SPDX-License-Identifier: MIT */

#include "broker/channel.h"

#include "tests/unit/socket-fixture.h"

/* A channel that attends, and what it told: 'a' attended, 'l' lost, 's' a signal, '+' and '-' a
 * call's answer or error. */
typedef struct {
    DmChannel *channel;
    GString *told;
    bool free_when_lost;
} Attendant;

static void
on_attended(gpointer data)
{
    g_string_append_c(((Attendant *)data)->told, 'a');
}

static void
on_lost(const GError *reason, gpointer data)
{
    Attendant *attendant = data;

    g_assert_nonnull(reason);
    g_string_append_c(attendant->told, 'l');
    if (attendant->free_when_lost)
        g_clear_pointer(&attendant->channel, dm_channel_free);
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
    if (dbus_message_has_member(signal, "SyncRequested"))
        g_string_append_c(((Attendant *)data)->told, 's');
}

static void
on_answer(DBusMessage *answer, const GError *error, gpointer data)
{
    g_string_append_c(((Attendant *)data)->told, error == NULL ? '+' : '-');
}

static const DmChannelHandlers handlers = {on_attended, on_lost, on_signal};

static void
attend(Attendant *attendant, const char *path)
{
    attendant->told = g_string_new(NULL);
    attendant->channel = dm_channel_new_attending(path, NULL, &handlers, attendant);
}

static void
attendant_clear(Attendant *attendant)
{
    dm_channel_free(attendant->channel);
    if (attendant->told != NULL)
        g_string_free(attendant->told, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Attendant, attendant_clear)

static void
call(Attendant *attendant)
{
    g_autoptr(DBusMessage) message = dm_tree_client_new_call("GetDue");

    dm_channel_call(attendant->channel, message, on_answer, attendant);
}

#define WAIT_FOR(ATTENDANT, TEXT)                                                                  \
    do {                                                                                           \
        WAIT_UNTIL((ATTENDANT)->told->len >= strlen(TEXT));                                        \
        g_assert_cmpstr((ATTENDANT)->told->str, ==, TEXT);                                         \
    } while (0)

static void
test_attends(void)
{
    g_auto(Fixture) fixture = {0};
    g_auto(Attendant) attendant = {0};

    fixture_init(&fixture);
    attend(&attendant, fixture.path);
    g_assert_cmpuint(attendant.told->len, ==, 0);
    call(&attendant); /* before there is a connection */
    WAIT_FOR(&attendant, "a+");
    g_assert_cmpuint(dm_socket_get_n_attending(fixture.socket), ==, 1);
    dm_socket_request_sync(fixture.socket, "A", "A-1", "user", -1);
    WAIT_FOR(&attendant, "a+s");
    call(&attendant);
    WAIT_FOR(&attendant, "a+s+");
}

static void
test_comes_back(void)
{
    g_auto(Fixture) fixture = {0};
    g_auto(Attendant) attendant = {0};

    fixture_init(&fixture);
    attend(&attendant, fixture.path);
    WAIT_FOR(&attendant, "a");
    fixture_close(&fixture);
    WAIT_FOR(&attendant, "al");
    call(&attendant);
    fixture_open(&fixture);
    WAIT_FOR(&attendant, "ala+");
    /* It attends again. */
    g_assert_cmpuint(dm_socket_get_n_attending(fixture.socket), ==, 1);
    dm_socket_request_sync(fixture.socket, "A", "A-1", "user", -1);
    WAIT_FOR(&attendant, "ala+s");
}

static void
test_comes_late(void)
{
    g_auto(Fixture) fixture = {0};
    g_auto(Attendant) attendant = {0};

    fixture_init(&fixture);
    fixture_close(&fixture);
    attend(&attendant, fixture.path);
    WAIT_FOR(&attendant, "l");
    fixture_open(&fixture);
    dm_channel_hurry(attendant.channel);
    WAIT_FOR(&attendant, "la");
    dm_channel_hurry(attendant.channel); /* there is no need to */
    call(&attendant);
    WAIT_FOR(&attendant, "la+");
}

/* What is called while there is no tree is not kept for ever. */
static void
test_patience(void)
{
    g_auto(Fixture) fixture = {0};
    g_auto(Attendant) attendant = {0};

    fixture_init(&fixture);
    fixture_close(&fixture);
    attend(&attendant, fixture.path);
    call(&attendant);
    WAIT_FOR(&attendant, "l-");
    fixture_open(&fixture);
    dm_channel_hurry(attendant.channel);
    WAIT_FOR(&attendant, "l-a");
}

static void
test_freed_when_lost(void)
{
    g_auto(Fixture) fixture = {0};
    g_auto(Attendant) attendant = {.free_when_lost = true};

    fixture_init(&fixture);
    attend(&attendant, fixture.path);
    WAIT_FOR(&attendant, "a");
    call(&attendant);
    call(&attendant);
    fixture_close(&fixture);
    WAIT_UNTIL(attendant.channel == NULL);
    g_assert_true(g_str_has_suffix(attendant.told->str, "l"));
}

static void
test_forgotten(void)
{
    g_auto(Fixture) fixture = {0};
    g_auto(Attendant) attendant = {0};

    fixture_init(&fixture);
    attend(&attendant, fixture.path);
    call(&attendant);
    dm_channel_forget(attendant.channel, &attendant);
    WAIT_FOR(&attendant, "a");
    call(&attendant);
    WAIT_FOR(&attendant, "a+");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel/attends", test_attends);
    g_test_add_func("/channel/attends-again-when-the-tree-comes-back", test_comes_back);
    g_test_add_func("/channel/attends-when-the-tree-comes-late", test_comes_late);
    g_test_add_func("/channel/calls-do-not-wait-for-ever", test_patience);
    g_test_add_func("/channel/may-be-freed-when-lost", test_freed_when_lost);
    g_test_add_func("/channel/forgotten-calls", test_forgotten);
    return g_test_run();
}
