/* SPDX-License-Identifier: MIT */
#include "dbus/connection.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/private-bus.h"

#define NAME "org.dmclient.Test1"

typedef struct {
    DmBus *bus;
    guint n_ready, n_lost, n_connected;
    char *reason;
    bool free_at_once;
} Peer;

static void
on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    Peer *peer = data;

    peer->n_ready++;
    g_assert_cmpuint(peer->n_connected, >, 0);
    g_assert_true(dm_bus_get_connection(bus) == connection);
    g_assert_true(dbus_connection_get_is_authenticated(connection));
    if (peer->free_at_once)
        dm_bus_free(g_steal_pointer(&peer->bus));
}

static void
on_lost(DmBus *bus, const char *reason, gpointer data)
{
    Peer *peer = data;

    peer->n_lost++;
    g_assert_null(dm_bus_get_connection(bus));
    g_free(peer->reason);
    peer->reason = g_strdup(reason);
    if (peer->free_at_once)
        dm_bus_free(g_steal_pointer(&peer->bus));
}

/* Nobody has the name yet, so that no call to it can have come. */
static void
on_connected(DmBus *bus, DBusConnection *connection, gpointer data)
{
    Peer *peer = data;

    peer->n_connected++;
    g_assert_null(dm_bus_get_connection(bus));
    g_assert_nonnull(dbus_bus_get_unique_name(connection));
}

static const DmBusHandlers handlers = {on_ready, on_lost, on_connected};

static void
open_peer(Peer *peer, const char *address, const char *name)
{
    peer->bus = dm_bus_new(address, name, NULL, &handlers, peer);
    g_assert_cmpuint(peer->n_ready + peer->n_lost, ==, 0);
}

static void
clear_peer(Peer *peer)
{
    dm_bus_free(peer->bus);
    g_free(peer->reason);
}

static bool
is_ready(gpointer data)
{
    return ((Peer *)data)->n_ready > 0;
}

static bool
is_ready_twice(gpointer data)
{
    return ((Peer *)data)->n_ready > 1;
}

static bool
is_lost(gpointer data)
{
    return ((Peer *)data)->n_lost > 0;
}

static bool
is_freed(gpointer data)
{
    return ((Peer *)data)->bus == NULL;
}

static void
setup(PrivateBus *bus, gconstpointer data)
{
    private_bus_init(bus);
    private_bus_start(bus);
}

static void
teardown(PrivateBus *bus, gconstpointer data)
{
    private_bus_clear(bus);
}

/* -- cases --------------------------------------------------------------------------------------
 */

static void
test_name(PrivateBus *bus, gconstpointer data)
{
    Peer peer = {NULL}, other = {NULL};
    DBusError error = DBUS_ERROR_INIT;

    open_peer(&peer, bus->address, NAME);
    open_peer(&other, bus->address, NULL);
    g_assert_null(dm_bus_get_connection(peer.bus));
    wait_until(is_ready, &peer);
    wait_until(is_ready, &other);
    g_assert_true(dbus_bus_name_has_owner(dm_bus_get_connection(other.bus), NAME, &error));
    g_assert_cmpuint(peer.n_lost, ==, 0);
    clear_peer(&peer);
    clear_peer(&other);
}

static void
test_system_bus_variable(PrivateBus *bus, gconstpointer data)
{
    Peer peer = {NULL};

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", bus->address, TRUE);
    open_peer(&peer, NULL, NAME);
    wait_until(is_ready, &peer);
    clear_peer(&peer);
    g_unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

/* The reason names the holder; when that one lets go the name is ours after all. */
static void
test_name_taken(PrivateBus *bus, gconstpointer data)
{
    Peer first = {NULL}, second = {NULL};
    g_autofree char *pid = g_strdup_printf("process %d", (int)getpid());

    open_peer(&first, bus->address, NAME);
    wait_until(is_ready, &first);
    open_peer(&second, bus->address, NAME);
    wait_until(is_lost, &second);
    g_assert_nonnull(strstr(second.reason, NAME));
    g_assert_nonnull(strstr(second.reason, pid));
    g_assert_true(dm_bus_is_name_taken(second.bus));
    g_assert_cmpuint(second.n_ready, ==, 0);
    clear_peer(&first);
    wait_until(is_ready, &second);
    g_assert_false(dm_bus_is_name_taken(second.bus));
    clear_peer(&second);
}

/* No bus yet: told once, and there as soon as the bus is. */
static void
test_late_bus(PrivateBus *bus, gconstpointer data)
{
    Peer peer = {NULL};

    private_bus_stop(bus);
    open_peer(&peer, bus->address, NAME);
    wait_until(is_lost, &peer);
    g_assert_nonnull(strstr(peer.reason, bus->address));
    for (gint64 end_us = g_get_monotonic_time() + 500000; g_get_monotonic_time() < end_us;)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(peer.n_lost, ==, 1);
    private_bus_start(bus);
    wait_until(is_ready, &peer);
    clear_peer(&peer);
}

static void
test_restart(PrivateBus *bus, gconstpointer data)
{
    Peer peer = {NULL};

    open_peer(&peer, bus->address, NAME);
    wait_until(is_ready, &peer);
    private_bus_stop(bus);
    wait_until(is_lost, &peer);
    private_bus_start(bus);
    wait_until(is_ready_twice, &peer);
    g_assert_cmpuint(peer.n_lost, ==, 1);
    clear_peer(&peer);
}

/* -- pauses between attempts --------------------------------------------------------------------
 */

static GArray *pauses; /* guint ms, those asked for; NULL: they are made as asked for */

/* In the place of GLib's. */
GSource *
g_timeout_source_new(guint interval)
{
    GSource *(*real)(guint interval);

    if (pauses != NULL) {
        g_array_append_val(pauses, interval);
        interval = 0;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "g_timeout_source_new");
    return real(interval);
}

static bool
has_twelve_pauses(gpointer data)
{
    return pauses->len >= 12;
}

static bool
has_pauses(gpointer data)
{
    return pauses->len >= 2;
}

/* From a tenth of a second on, twice as long each time, half a minute at most; anew after a good
 * connection. */
static void
test_pauses(PrivateBus *bus, gconstpointer data)
{
    static const guint expected[] = {0,    100,  200,   400,   800,   1600,
                                     3200, 6400, 12800, 25600, 30000, 30000};
    Peer peer = {NULL};

    pauses = g_array_new(FALSE, FALSE, sizeof(guint));
    private_bus_stop(bus);
    open_peer(&peer, bus->address, NAME);
    wait_until(has_twelve_pauses, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpuint(g_array_index(pauses, guint, i), ==, expected[i]);
    g_assert_cmpuint(peer.n_lost, ==, 1);
    private_bus_start(bus);
    wait_until(is_ready, &peer);
    g_array_set_size(pauses, 0);
    private_bus_stop(bus);
    wait_until(has_pauses, NULL);
    g_assert_cmpuint(g_array_index(pauses, guint, 0), ==, 100);
    g_assert_cmpuint(g_array_index(pauses, guint, 1), ==, 200);
    clear_peer(&peer);
    g_clear_pointer(&pauses, g_array_unref);
}

static gboolean
count(gpointer data)
{
    (*(guint *)data)++;
    return G_SOURCE_CONTINUE;
}

/* Something that takes the connection and never says a word holds up nothing else. */
static void
test_silent_bus(PrivateBus *bus, gconstpointer data)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    g_autofree char *address = g_strdup_printf("unix:path=%s/silent", bus->dir);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Peer peer = {NULL};
    guint n_ticks = 0, timer;

    g_snprintf(name.sun_path, sizeof(name.sun_path), "%s/silent", bus->dir);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&name, sizeof(name)), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    open_peer(&peer, address, NAME);
    timer = g_timeout_add(5, count, &n_ticks);
    while (n_ticks < 40)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(peer.n_ready + peer.n_lost, ==, 0);
    g_source_remove(timer);
    clear_peer(&peer);
    close(listener);
    g_unlink(name.sun_path);
}

static void
test_free_in_ready(PrivateBus *bus, gconstpointer data)
{
    Peer peer = {.free_at_once = true};

    open_peer(&peer, bus->address, NAME);
    wait_until(is_freed, &peer);
    g_assert_cmpuint(peer.n_ready, ==, 1);
    clear_peer(&peer);
}

static void
test_free_in_lost(PrivateBus *bus, gconstpointer data)
{
    Peer refused = {.free_at_once = true}, taken = {.free_at_once = true}, gone = {NULL};

    private_bus_stop(bus);
    open_peer(&refused, bus->address, NAME);
    wait_until(is_freed, &refused);
    private_bus_start(bus);
    open_peer(&gone, bus->address, NAME);
    wait_until(is_ready, &gone);
    open_peer(&taken, bus->address, NAME);
    wait_until(is_freed, &taken);
    gone.free_at_once = true;
    private_bus_stop(bus);
    wait_until(is_freed, &gone);
    clear_peer(&refused);
    clear_peer(&taken);
    clear_peer(&gone);
}

/* A signal of that name from a peer, not from the bus, takes nothing away. */
static void
test_forged_name_lost(PrivateBus *bus, gconstpointer data)
{
    Peer peer = {NULL}, forger = {NULL};
    DBusMessage *signal, *call;
    DBusConnection *connection;
    DBusPendingCall *pending;
    const char *name = NAME;

    open_peer(&peer, bus->address, NAME);
    open_peer(&forger, bus->address, NULL);
    wait_until(is_ready, &peer);
    wait_until(is_ready, &forger);
    connection = dm_bus_get_connection(forger.bus);
    signal = dbus_message_new_signal("/org/freedesktop/DBus", DBUS_INTERFACE_DBUS, "NameLost");
    dbus_message_set_destination(signal, NAME);
    dbus_message_append_args(signal, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
    dbus_connection_send(connection, signal, NULL);
    dbus_message_unref(signal);
    call = dbus_message_new_method_call(NAME, "/", DBUS_INTERFACE_PEER, "Ping");
    dbus_connection_send_with_reply(connection, call, &pending, 20000);
    dbus_message_unref(call);
    while (!dbus_pending_call_get_completed(pending))
        g_main_context_iteration(NULL, TRUE);
    dbus_pending_call_unref(pending);
    g_assert_cmpuint(peer.n_lost, ==, 0);
    clear_peer(&peer);
    clear_peer(&forger);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/connection/" path, PrivateBus, NULL, setup, function, teardown)
    ADD("owns-its-name", test_name);
    ADD("heeds-the-system-bus-variable", test_system_bus_variable);
    ADD("name-of-another-is-told-with-its-process", test_name_taken);
    ADD("bus-comes-late", test_late_bus);
    ADD("bus-restarts", test_restart);
    ADD("pauses-grow", test_pauses);
    ADD("silent-bus-blocks-nothing", test_silent_bus);
    ADD("freed-in-on-ready", test_free_in_ready);
    ADD("freed-in-on-lost", test_free_in_lost);
    ADD("forged-name-lost", test_forged_name_lost);
    return g_test_run();
}
