/* SPDX-License-Identifier: MIT */
#include "plugin/access.h"

#include <string.h>

#include "dbus/connection.h"
#include "dbus/loop.h"
#include "tests/unit/private-bus.h"

/* -- who may read what --------------------------------------------------------------------------
 */

static const DmCaller root = {.is_known = true, .is_root = true, .uid = 0};
static const DmCaller user = {.is_known = true, .is_root = false, .uid = 4000000000};

/* Users of whom polkit has said something. */
static const DmCaller near = {.is_known = true,
                              .uid = 1000,
                              .verdicts = {[DM_ACTION_READ_IDENTITY] = DM_VERDICT_YES,
                                           [DM_ACTION_READ_DETAILS] = DM_VERDICT_CHALLENGE,
                                           [DM_ACTION_DISCONNECT] = DM_VERDICT_NO}};
static const DmCaller trusted = {
    .is_known = true,
    .uid = 1000,
    .verdicts = {
        [DM_ACTION_READ_IDENTITY] = DM_VERDICT_YES, [DM_ACTION_READ_DETAILS] = DM_VERDICT_YES}};

/* The uid of nobody, and flags that a caller who is not known must not profit from. */
static const DmCaller unknown = {.is_known = false, .is_root = true, .uid = 0};

static void
test_read_classes(void)
{
    static const struct {
        const DmCaller *caller;
        DmScope scope;
        guint32 uid;
        DmReadClass most; /* the last class of PUBLIC, IDENTITY, DETAILS, ROOT it may read */
        bool any;
    } cases[] = {
        {&root, DM_SCOPE_DEVICE, 0, DM_READ_ROOT, true},
        {&root, DM_SCOPE_USER, 1000, DM_READ_ROOT, true},
        {&user, DM_SCOPE_DEVICE, 0, DM_READ_PUBLIC, true},
        {&user, DM_SCOPE_USER, 4000000000, DM_READ_PUBLIC, true},
        {&user, DM_SCOPE_USER, 1000, DM_READ_PUBLIC, false},
        {&user, DM_SCOPE_USER, 0, DM_READ_PUBLIC, false},
        {&near, DM_SCOPE_DEVICE, 0, DM_READ_IDENTITY, true},
        {&near, DM_SCOPE_USER, 1000, DM_READ_IDENTITY, true},
        {&near, DM_SCOPE_USER, 1001, DM_READ_PUBLIC, false},
        {&trusted, DM_SCOPE_DEVICE, 0, DM_READ_DETAILS, true},
        {&trusted, DM_SCOPE_USER, 1000, DM_READ_DETAILS, true},
        {&trusted, DM_SCOPE_USER, 1001, DM_READ_PUBLIC, false},
        {&unknown, DM_SCOPE_DEVICE, 0, DM_READ_PUBLIC, true},
        {&unknown, DM_SCOPE_USER, 0, DM_READ_PUBLIC, false},
        {&dm_caller_anybody, DM_SCOPE_DEVICE, 0, DM_READ_PUBLIC, true},
        {&dm_caller_anybody, DM_SCOPE_USER, 0, DM_READ_PUBLIC, false},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (DmReadClass read = DM_READ_PUBLIC; read <= DM_READ_ROOT; read++) {
            bool expected = cases[i].any && read <= cases[i].most;

            g_assert_cmpint(dm_caller_may_read(cases[i].caller, cases[i].scope, cases[i].uid, read),
                            ==, expected);
        }
        g_assert_false(
            dm_caller_may_read(cases[i].caller, cases[i].scope, cases[i].uid, DM_READ_NONE));
    }
}

/* Only where a verdict would decide, and there is none, is polkit asked. */
static void
test_must_ask(void)
{
    static const DmReadClass asked[] = {DM_READ_IDENTITY, DM_READ_DETAILS};

    for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
        g_assert_true(dm_caller_must_ask(&user, DM_SCOPE_DEVICE, 0, asked[i]));
        g_assert_true(dm_caller_must_ask(&user, DM_SCOPE_USER, 4000000000, asked[i]));
        g_assert_false(dm_caller_must_ask(&user, DM_SCOPE_USER, 1000, asked[i]));
        g_assert_false(dm_caller_must_ask(&root, DM_SCOPE_DEVICE, 0, asked[i]));
        g_assert_false(dm_caller_must_ask(&unknown, DM_SCOPE_DEVICE, 0, asked[i]));
        g_assert_false(dm_caller_must_ask(&near, DM_SCOPE_DEVICE, 0, asked[i]));
        g_assert_false(dm_caller_must_ask(&trusted, DM_SCOPE_DEVICE, 0, asked[i]));
    }
    g_assert_false(dm_caller_must_ask(&user, DM_SCOPE_DEVICE, 0, DM_READ_PUBLIC));
    g_assert_false(dm_caller_must_ask(&user, DM_SCOPE_DEVICE, 0, DM_READ_ROOT));
    g_assert_false(dm_caller_may(&near, DM_ACTION_DISCONNECT));
    g_assert_false(dm_caller_may(&near, DM_ACTION_READ_DETAILS));
    g_assert_true(dm_caller_may(&near, DM_ACTION_READ_IDENTITY));
    g_assert_true(dm_caller_may(&root, DM_ACTION_DISCONNECT));
    g_assert_false(dm_caller_may(&unknown, DM_ACTION_SYNC));
}

/* -- asking the bus -----------------------------------------------------------------------------
 */

typedef struct {
    PrivateBus bus;
    DmBus *service;
    DBusConnection *connection;
    DmAccess *access;
    guint n_answers, n_freed;
    DmCaller caller;
} Fixture;

static void
on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    ((Fixture *)data)->connection = connection;
}

static void
on_lost(DmBus *bus, const char *reason, gpointer data)
{
    g_error("%s", reason);
}

static bool
is_ready(gpointer data)
{
    return ((Fixture *)data)->connection != NULL;
}

static void
setup(Fixture *f, gconstpointer own_uid_is_root)
{
    static const DmBusHandlers handlers = {on_ready, on_lost};

    private_bus_init(&f->bus);
    private_bus_start(&f->bus);
    f->service = dm_bus_new(f->bus.address, NULL, NULL, &handlers, f);
    wait_until(is_ready, f);
    f->access = dm_access_new(f->connection, own_uid_is_root != NULL);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    dm_access_free(f->access);
    dm_bus_free(f->service);
    private_bus_clear(&f->bus);
}

static void
on_answer(const DmCaller *caller, gpointer data)
{
    Fixture *f = data;

    f->caller = *caller;
    f->n_answers++;
}

static void
on_free(gpointer data)
{
    ((Fixture *)data)->n_freed++;
}

static bool
has_answer(gpointer data)
{
    return ((Fixture *)data)->n_answers > 0;
}

static bool
ask(Fixture *f, const char *name)
{
    return dm_access_ask(f->access, name, on_answer, f, on_free);
}

/* Another connection to the bus. Free with close_peer(). */
static DBusConnection *
open_peer(Fixture *f)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *peer = dbus_connection_open_private(f->bus.address, &error);

    g_assert_nonnull(peer);
    g_assert_true(dbus_bus_register(peer, &error));
    dbus_connection_set_exit_on_disconnect(peer, FALSE);
    return peer;
}

static void
close_peer(DBusConnection *peer)
{
    dbus_connection_close(peer);
    dbus_connection_unref(peer);
}

/* Serials count what goes out. */
static dbus_uint32_t
send_probe(Fixture *f)
{
    DBusMessage *probe = dbus_message_new_signal("/t", "t.t", "T");
    dbus_uint32_t serial = 0;

    dbus_connection_send(f->connection, probe, &serial);
    dbus_message_unref(probe);
    return serial;
}

/* Many calls of one name are one question to the bus; afterwards it is known without asking. */
static void
test_ask_once(Fixture *f, gconstpointer data)
{
    DBusConnection *peer = open_peer(f);
    const char *name = dbus_bus_get_unique_name(peer);
    dbus_uint32_t serial = send_probe(f);
    DmCaller caller;

    g_assert_false(dm_access_find(f->access, name, &caller));
    for (guint i = 0; i < 10; i++)
        g_assert_true(ask(f, name));
    g_assert_false(dm_access_find(f->access, name, &caller));
    wait_until(has_answer, f);
    g_assert_cmpuint(f->n_answers, ==, 10);
    g_assert_cmpuint(f->n_freed, ==, 10);
    g_assert_true(f->caller.is_known);
    g_assert_cmpuint(f->caller.uid, ==, getuid());
    g_assert_true(dm_access_find(f->access, name, &caller));
    g_assert_cmpuint(caller.uid, ==, getuid());
    g_assert_cmpuint(dm_access_get_size(f->access), ==, 1);
    /* The one question, and this one. */
    g_assert_cmpuint(send_probe(f), ==, serial + 2);
    close_peer(peer);
}

static void
test_own_uid(Fixture *f, gconstpointer own_uid_is_root)
{
    DBusConnection *peer = open_peer(f);

    g_assert_true(ask(f, dbus_bus_get_unique_name(peer)));
    wait_until(has_answer, f);
    g_assert_cmpint(f->caller.is_root, ==, getuid() == 0 || own_uid_is_root != NULL);
    close_peer(peer);
}

/* A name that the bus does not know is not root, and not worth remembering. */
static void
test_unknown_name(Fixture *f, gconstpointer data)
{
    DmCaller caller;

    g_assert_true(ask(f, ":1.999999"));
    wait_until(has_answer, f);
    g_assert_false(f->caller.is_known);
    g_assert_false(dm_caller_may_read(&f->caller, DM_SCOPE_DEVICE, 0, DM_READ_IDENTITY));
    g_assert_false(dm_access_find(f->access, ":1.999999", &caller));
    g_assert_cmpuint(dm_access_get_size(f->access), ==, 0);
    g_assert_false(ask(f, NULL));
    g_assert_false(dm_access_find(f->access, NULL, &caller));
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
    guint n = 0;

    for (guint i = 0; i < DM_ACCESS_MAX_WAITING_ONE; i++)
        g_assert_true(ask(f, ":1.888888"));
    g_assert_false(ask(f, ":1.888888"));
    for (n = DM_ACCESS_MAX_WAITING_ONE; n < DM_ACCESS_MAX_WAITING_ALL; n++) {
        g_autofree char *name = g_strdup_printf(":2.%u", n);

        g_assert_true(ask(f, name));
    }
    g_assert_false(ask(f, ":3.1"));
    g_assert_cmpuint(f->n_freed, ==, 0);
    /* Whoever waits is freed, not answered, when the connection is lost. */
    g_clear_pointer(&f->access, dm_access_free);
    g_assert_cmpuint(f->n_freed, ==, DM_ACCESS_MAX_WAITING_ALL);
    g_assert_cmpuint(f->n_answers, ==, 0);
}

static bool
has_all_answers(gpointer data)
{
    return ((Fixture *)data)->n_answers == DM_ACCESS_MAX_NAMES + 10;
}

/* More names than connections: the bus says of each name who owns it. It lets one connection have
 * 512 of them. */
static void
test_least_recently_used(Fixture *f, gconstpointer data)
{
    DBusConnection *peers[2] = {open_peer(f), open_peer(f)};
    DBusError error = DBUS_ERROR_INIT;
    DmCaller caller;

    for (guint i = 0; i < DM_ACCESS_MAX_NAMES + 10; i++) {
        g_autofree char *name = g_strdup_printf("t.n%u", i);

        g_assert_cmpint(dbus_bus_request_name(peers[i % 2], name, 0, &error), ==,
                        DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
    }
    for (guint i = 0; i < DM_ACCESS_MAX_NAMES; i++) {
        g_autofree char *name = g_strdup_printf("t.n%u", i);

        g_assert_true(ask(f, name));
    }
    while (f->n_answers < DM_ACCESS_MAX_NAMES)
        g_main_context_iteration(NULL, TRUE);
    /* The first is used again, so the second is the oldest. */
    g_assert_true(dm_access_find(f->access, "t.n0", &caller));
    for (guint i = DM_ACCESS_MAX_NAMES; i < DM_ACCESS_MAX_NAMES + 10; i++) {
        g_autofree char *name = g_strdup_printf("t.n%u", i);

        g_assert_true(ask(f, name));
    }
    wait_until(has_all_answers, f);
    g_assert_cmpuint(dm_access_get_size(f->access), ==, DM_ACCESS_MAX_NAMES);
    g_assert_true(dm_access_find(f->access, "t.n0", &caller));
    g_assert_false(dm_access_find(f->access, "t.n1", &caller));
    g_assert_false(dm_access_find(f->access, "t.n10", &caller));
    g_assert_true(dm_access_find(f->access, "t.n11", &caller));
    close_peer(peers[0]);
    close_peer(peers[1]);
}

/* -- a bus that answers as the test wants -------------------------------------------------------
 */

typedef struct {
    const char *sender; /* NULL: an error instead of an answer */
    int type;
    guint64 value;
    bool is_known;
    guint32 uid;
} Answer;

typedef struct {
    const Answer *answer;
    DBusConnection *connection; /* the bus's side */
} FakeBus;

static DBusHandlerResult
on_question(DBusConnection *connection, DBusMessage *message, void *data)
{
    const Answer *answer = ((FakeBus *)data)->answer;
    const dbus_uint32_t u32 = (dbus_uint32_t)answer->value;
    DBusMessage *reply;

    if (!dbus_message_is_method_call(message, DBUS_INTERFACE_DBUS, "GetConnectionUnixUser"))
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (answer->sender == NULL) {
        reply = dbus_message_new_error(message, DBUS_ERROR_NAME_HAS_NO_OWNER, "nobody");
    } else {
        reply = dbus_message_new_method_return(message);
        dbus_message_set_sender(reply, answer->sender);
        if (answer->type == DBUS_TYPE_UINT64)
            dbus_message_append_args(reply, DBUS_TYPE_UINT64, &answer->value, DBUS_TYPE_INVALID);
        else
            dbus_message_append_args(reply, answer->type, &u32, DBUS_TYPE_INVALID);
    }
    dbus_connection_send(connection, reply, NULL);
    dbus_message_unref(reply);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void
on_connection(DBusServer *server, DBusConnection *connection, void *data)
{
    FakeBus *bus = data;

    bus->connection = dbus_connection_ref(connection);
    dbus_connection_add_filter(connection, on_question, bus, NULL);
    dm_loop_add_connection(connection, NULL);
}

static void
test_answers(void)
{
    static const Answer answers[] = {
        {DBUS_SERVICE_DBUS, DBUS_TYPE_UINT32, 0, true, 0},
        {DBUS_SERVICE_DBUS, DBUS_TYPE_UINT32, 4000000000, true, 4000000000},
        {DBUS_SERVICE_DBUS, DBUS_TYPE_UINT32, 4294967294, true, 4294967294},
        {DBUS_SERVICE_DBUS, DBUS_TYPE_UINT32, 4294967295, false, 0},
        {DBUS_SERVICE_DBUS, DBUS_TYPE_INT32, 0, false, 0},
        {DBUS_SERVICE_DBUS, DBUS_TYPE_UINT64, 0, false, 0},
        {":1.5", DBUS_TYPE_UINT32, 0, false, 0},
        {NULL, DBUS_TYPE_UINT32, 0, false, 0},
    };
    g_autofree char *dir = g_dir_make_tmp("dm-access-XXXXXX", NULL);
    g_autofree char *socket = g_build_filename(dir, "bus", NULL);
    g_autofree char *address = g_strdup_printf("unix:path=%s", socket);
    FakeBus bus = {NULL};
    DBusServer *server = dbus_server_listen(address, NULL);
    DBusConnection *connection;

    g_assert_nonnull(server);
    dbus_server_set_new_connection_function(server, on_connection, &bus, NULL);
    dm_loop_add_server(server, NULL);
    connection = dbus_connection_open_private(address, NULL);
    g_assert_nonnull(connection);
    dm_loop_add_connection(connection, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        Fixture f = {.access = dm_access_new(connection, false)};

        bus.answer = &answers[i];
        g_assert_true(ask(&f, ":1.7"));
        wait_until(has_answer, &f);
        g_assert_cmpint(f.caller.is_known, ==, answers[i].is_known);
        g_assert_cmpint(f.caller.is_root, ==, answers[i].is_known && answers[i].uid == 0);
        if (answers[i].is_known)
            g_assert_cmpuint(f.caller.uid, ==, answers[i].uid);
        dm_access_free(f.access);
    }
    dm_loop_remove_connection(connection);
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
    dm_loop_remove_connection(bus.connection);
    dbus_connection_close(bus.connection);
    dbus_connection_unref(bus.connection);
    dm_loop_remove_server(server);
    dbus_server_disconnect(server);
    dbus_server_unref(server);
    g_unlink(socket);
    g_rmdir(dir);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/read-classes", test_read_classes);
    g_test_add_func("/access/must-ask", test_must_ask);
    g_test_add_func("/access/answers-of-the-bus", test_answers);
#define ADD(path, own, function)                                                                   \
    g_test_add("/access/" path, Fixture, own, setup, function, teardown)
    ADD("asks-once", NULL, test_ask_once);
    ADD("V9-own-uid-outside-the-system-instance", "own", test_own_uid);
    ADD("own-uid-in-the-system-instance", NULL, test_own_uid);
    ADD("unknown-caller-is-refused", NULL, test_unknown_name);
    ADD("waiting-calls-are-bounded", NULL, test_bounds);
    ADD("remembers-the-last-used", NULL, test_least_recently_used);
    return g_test_run();
}
