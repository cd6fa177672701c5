/* SPDX-License-Identifier: MIT */

/* A client that measures a service on the bus. Prints one number.
 *   bench-bus get NAME PATH INTERFACE PROPERTY COUNT   Gets a second, 64 in flight
 *   bench-bus get-all NAME PATH INTERFACE COUNT [FILE] GetAlls a second, as many in flight
 *   bench-bus managed NAME PATH COUNT [FILE]           ms a GetManagedObjects
 *   bench-bus start NAME PATH INTERFACE PROPERTY COMMAND…  ms from exec to the first Get answered
 * FILE gets the first reply, as it is on the wire. */

#include <dbus/dbus.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define IN_FLIGHT 64
#define DEADLINE_MS 30000

static DBusMessage *
new_get(char **args)
{
    DBusMessage *call =
        dbus_message_new_method_call(args[0], args[1], DBUS_INTERFACE_PROPERTIES, "Get");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &args[2], DBUS_TYPE_STRING, &args[3],
                             DBUS_TYPE_INVALID);
    return call;
}

static DBusMessage *
new_get_all(char **args)
{
    DBusMessage *call =
        dbus_message_new_method_call(args[0], args[1], DBUS_INTERFACE_PROPERTIES, "GetAll");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &args[2], DBUS_TYPE_INVALID);
    return call;
}

static void
send_call(DBusConnection *connection, DBusMessage *call)
{
    /* A message that was sent is locked, and its serial is spent. */
    DBusMessage *copy = dbus_message_copy(call);

    dbus_connection_send(connection, copy, NULL);
    dbus_message_unref(copy);
}

/* The next reply; an error reply ends the benchmark. */
static DBusMessage *
wait_reply(DBusConnection *connection)
{
    for (;;) {
        DBusMessage *message = dbus_connection_pop_message(connection);

        if (message == NULL) {
            if (!dbus_connection_read_write(connection, DEADLINE_MS))
                g_error("the bus is gone");
            continue;
        }
        if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_ERROR)
            g_error("%s", dbus_message_get_error_name(message));
        if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_RETURN)
            return message;
        dbus_message_unref(message);
    }
}

static void
save(DBusMessage *reply, const char *path)
{
    char *bytes;
    int size;

    if (path == NULL)
        return;
    dbus_message_marshal(reply, &bytes, &size);
    if (!g_file_set_contents(path, bytes, size, NULL))
        g_error("cannot write %s", path);
    dbus_free(bytes);
}

/* Calls a second; takes the call. */
static double
measure_rate(DBusConnection *connection, DBusMessage *call, guint count, const char *path)
{
    double start = dm_bench_wall_s();
    guint sent = 0;

    for (; sent < MIN(IN_FLIGHT, count); sent++)
        send_call(connection, call);
    for (guint got = 0; got < count; got++) {
        DBusMessage *reply = wait_reply(connection);

        if (got == 0)
            save(reply, path);
        dbus_message_unref(reply);
        if (sent < count) {
            send_call(connection, call);
            sent++;
        }
    }
    dbus_message_unref(call);
    return count / (dm_bench_wall_s() - start);
}

static double
measure_managed(DBusConnection *connection, char **args)
{
    guint count = (guint)atoi(args[2]);
    DBusMessage *call = dbus_message_new_method_call(
        args[0], args[1], "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    double *figures = g_new(double, count);
    double median;

    for (guint i = 0; i < count; i++) {
        double start = dm_bench_wall_s();
        DBusMessage *reply;

        send_call(connection, call);
        reply = wait_reply(connection);
        figures[i] = (dm_bench_wall_s() - start) * 1000;
        if (i == 0)
            save(reply, args[3]);
        dbus_message_unref(reply);
    }
    median = dm_bench_median(figures, count);
    g_free(figures);
    dbus_message_unref(call);
    return median;
}

static bool
is_owned(DBusMessage *message, const char *name)
{
    const char *changed, *old, *now;

    return dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
           dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &changed, DBUS_TYPE_STRING, &old,
                                 DBUS_TYPE_STRING, &now, DBUS_TYPE_INVALID) &&
           strcmp(changed, name) == 0 && *now != '\0';
}

static double
measure_start(DBusConnection *connection, char **args)
{
    DBusMessage *call = new_get(args);
    bool owned = false;
    double start, elapsed;
    pid_t child;

    dbus_bus_add_match(connection, "type='signal',member='NameOwnerChanged'", NULL);
    start = dm_bench_wall_s();
    child = fork();
    if (child == 0) {
        execv(args[4], args + 4);
        _exit(127);
    }
    while (!owned) {
        DBusMessage *message = dbus_connection_pop_message(connection);

        if (message != NULL) {
            owned = is_owned(message, args[0]);
            dbus_message_unref(message);
        } else if (!dbus_connection_read_write(connection, DEADLINE_MS)) {
            g_error("the bus is gone");
        }
    }
    send_call(connection, call);
    dbus_message_unref(wait_reply(connection));
    elapsed = (dm_bench_wall_s() - start) * 1000;
    dbus_message_unref(call);
    (void)kill(child, SIGTERM);
    (void)waitpid(child, NULL, 0);
    return elapsed;
}

int
main(int argc, char **argv)
{
    DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);
    double figure;

    if (connection == NULL || argc < 5)
        return 64;
    if (strcmp(argv[1], "get") == 0)
        figure = measure_rate(connection, new_get(argv + 2), (guint)atoi(argv[6]), NULL);
    else if (strcmp(argv[1], "get-all") == 0)
        figure = measure_rate(connection, new_get_all(argv + 2), (guint)atoi(argv[5]), argv[6]);
    else if (strcmp(argv[1], "managed") == 0)
        figure = measure_managed(connection, argv + 2);
    else
        figure = measure_start(connection, argv + 2);
    g_print("%.3f\n", figure);
    return EXIT_SUCCESS;
}
