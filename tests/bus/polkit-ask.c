/* SPDX-License-Identifier: MIT */

/* Asks polkit by plugin/polkit.c about a caller, for tests.
 *
 *   polkit-ask SENDER UID ACTION [interactive]     prints none, no, challenge or yes
 *
 * The bus is the system bus, or DBUS_SYSTEM_BUS_ADDRESS. */

#include <stdio.h>

#include "common/log.h"
#include "dbus/connection.h"
#include "plugin/polkit.h"

typedef struct {
    char **arguments;
    DmPolkit *polkit;
    GMainLoop *loop;
} Ask;

static void
on_verdict(DmVerdict verdict, gpointer data)
{
    static const char *const words[] = {"none", "no", "challenge", "yes"};
    Ask *ask = data;

    puts(words[verdict]);
    g_main_loop_quit(ask->loop);
}

static void
keep(gpointer data)
{
}

static void
on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    Ask *ask = data;
    guint64 uid = 0;

    if (!g_ascii_string_to_unsigned(ask->arguments[1], 10, 0, G_MAXUINT32, &uid, NULL))
        g_error("not a uid: %s", ask->arguments[1]);
    ask->polkit = dm_polkit_new(connection, NULL, NULL);
    if (!dm_polkit_check(ask->polkit, ask->arguments[0], (guint32)uid, ask->arguments[2],
                         ask->arguments[3] != NULL, on_verdict, ask, keep))
        g_error("not taken");
}

static void
on_lost(DmBus *bus, const char *reason, gpointer data)
{
    g_error("%s", reason);
}

int
main(int argc, char **argv)
{
    static const DmBusHandlers handlers = {on_ready, on_lost};
    Ask ask = {.arguments = argv + 1, .loop = g_main_loop_new(NULL, FALSE)};
    DmBus *bus;

    if (argc < 4)
        return 64;
    dm_log_init("polkit-ask");
    bus = dm_bus_new(NULL, NULL, NULL, &handlers, &ask);
    g_main_loop_run(ask.loop);
    dm_polkit_free(ask.polkit);
    dm_bus_free(bus);
    g_main_loop_unref(ask.loop);
    return 0;
}
