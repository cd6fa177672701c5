/* SPDX-License-Identifier: MIT */

/* How fast a change of many providers reaches who listens: PropertiesChanged received a second, by
 * all SUBSCRIBERS together, from the moment at which the telephone number of each of PROVIDERS is
 * changed at once; the median of ROUNDS. With SOCKET it is changed by one message through the tree
 * socket, otherwise by the service's Emit. Prints one number.
 * Usage: bench-signals NAME SUBSCRIBERS PROVIDERS ROUNDS [SOCKET] */

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "tests/bench/bench.h"

#define DEADLINE_MS 30000
#define PREFIX "./Device/Vendor/MSFT/DMClient/Provider/"

typedef struct {
    const char *name;
    DBusConnection *caller;
    DmTreeClient *client; /* NULL: by Emit */
    guint n_providers;
} Bench;

static DBusConnection *
connect_bus(void)
{
    DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);

    if (connection == NULL)
        g_error("no bus");
    return connection;
}

static DBusConnection *
subscribe(const char *name)
{
    g_autofree char *rule =
        g_strdup_printf("type='signal',sender='%s',interface='" DBUS_INTERFACE_PROPERTIES
                        "',member='PropertiesChanged',arg0='" DM_BUS_INTERFACE_PROVIDER "'",
                        name);
    DBusConnection *connection = connect_bus();
    DBusError error = DBUS_ERROR_INIT;

    dbus_bus_add_match(connection, rule, &error);
    if (dbus_error_is_set(&error))
        g_error("%s", error.message);
    return connection;
}

/* -- the change ---------------------------------------------------------------------------------
 */

static void
apply(const Bench *bench, const char *text)
{
    static const DmContext root = {.uid = -1};
    g_autofree DmCommand *commands = g_new0(DmCommand, bench->n_providers);
    g_autoptr(GPtrArray) loc_uris = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(DBusMessage) call = NULL;
    g_autoptr(DBusMessage) answer = NULL;
    g_autoptr(DmReply) reply = NULL;

    for (guint i = 0; i < bench->n_providers; i++) {
        char *loc_uri = g_strdup_printf(PREFIX "P%u/HelpPhoneNumber", i);

        g_ptr_array_add(loc_uris, loc_uri);
        commands[i] = (DmCommand){
            .verb = DM_VERB_REPLACE, .loc_uri = loc_uri, .data = text, .data_size = strlen(text)};
    }
    call = dm_tree_call_new_apply(&root, commands, bench->n_providers, &error);
    if (call != NULL)
        answer = dm_tree_client_call(bench->client, call, &error);
    if (answer != NULL)
        reply = dm_tree_call_read_reply(answer, &error);
    if (reply == NULL)
        g_error("%s", error->message);
    for (guint i = 0; i < bench->n_providers; i++)
        if (dm_reply_get(reply, i)->status != DM_STATUS_OK)
            g_error("%s: %u", commands[i].loc_uri, dm_reply_get(reply, i)->status);
}

static void
emit(const Bench *bench, const char *text)
{
    g_autoptr(DBusMessage) call =
        dbus_message_new_method_call(bench->name, DM_BENCH_PATH, DM_BENCH_INTERFACE, DM_BENCH_EMIT);
    g_autoptr(DBusMessage) reply = NULL;
    DBusError error = DBUS_ERROR_INIT;
    dbus_uint32_t count = bench->n_providers;

    dbus_message_append_args(call, DBUS_TYPE_UINT32, &count, DBUS_TYPE_STRING, &text,
                             DBUS_TYPE_INVALID);
    reply = dbus_connection_send_with_reply_and_block(bench->caller, call, DEADLINE_MS, &error);
    if (reply == NULL)
        g_error("%s", error.message);
}

/* -- who listens --------------------------------------------------------------------------------
 */

static void
take_signals(DBusConnection *connection, guint n)
{
    while (n > 0) {
        DBusMessage *message = dbus_connection_pop_message(connection);

        if (message != NULL) {
            n -= dbus_message_has_member(message, "PropertiesChanged");
            dbus_message_unref(message);
        } else if (!dbus_connection_read_write(connection, DEADLINE_MS)) {
            g_error("the bus is gone");
        }
    }
}

/* A new text each time: what is unchanged is not told. */
static double
measure(const Bench *bench, DBusConnection *const *subscribers, guint n_subscribers)
{
    g_autofree char *text = g_strdup_printf("+49 30 %" G_GINT64_FORMAT, g_get_monotonic_time());
    double start = dm_bench_wall_s();

    if (bench->client != NULL)
        apply(bench, text);
    else
        emit(bench, text);
    for (guint i = 0; i < n_subscribers; i++)
        take_signals(subscribers[i], bench->n_providers);
    return bench->n_providers * n_subscribers / (dm_bench_wall_s() - start);
}

int
main(int argc, char **argv)
{
    guint n_subscribers = dm_bench_get_count(argc, argv, 2, 1);
    guint n_rounds = dm_bench_get_count(argc, argv, 4, 5);
    g_autofree DBusConnection **subscribers = g_new0(DBusConnection *, n_subscribers);
    g_autofree double *figures = g_new0(double, n_rounds);
    g_autoptr(DmTreeClient) client = NULL;
    g_autoptr(GError) error = NULL;
    Bench bench = {.n_providers = dm_bench_get_count(argc, argv, 3, 1)};

    if (argc < 5)
        return 64;
    bench.name = argv[1];
    bench.caller = connect_bus();
    if (argc > 5) {
        client = dm_tree_client_new(argv[5], DEADLINE_MS, &error);
        if (client == NULL)
            g_error("%s", error->message);
        bench.client = client;
    }
    for (guint i = 0; i < n_subscribers; i++)
        subscribers[i] = subscribe(bench.name);
    for (guint i = 0; i < n_rounds; i++)
        figures[i] = measure(&bench, subscribers, n_subscribers);
    g_print("%.3f\n", dm_bench_median(figures, n_rounds));
    return EXIT_SUCCESS;
}
