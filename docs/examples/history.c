/* SPDX-License-Identifier: MIT */
/* history PROVIDER: shows the last five sessions of the provider, an object path. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

/* What is not known of a session is not in it. */
static void
print_session(GVariant *session)
{
    const char *origin = "", *result = "", *reason = "";
    g_autoptr(GDateTime) start = NULL;
    g_autofree char *when = NULL;
    guint64 start_us = 0;

    g_variant_lookup(session, "start", "t", &start_us);
    g_variant_lookup(session, "origin", "&s", &origin);
    g_variant_lookup(session, "result", "&s", &result);
    g_variant_lookup(session, "reason", "&s", &reason);
    start = g_date_time_new_from_unix_local((gint64)(start_us / G_USEC_PER_SEC));
    when = g_date_time_format(start, "%F %T");
    g_print("%s  %s  %s  %s\n", when, origin, result, reason);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = NULL;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) sessions = NULL;

    if (argc != 2) {
        g_printerr("usage: history PROVIDER\n");
        return EXIT_FAILURE;
    }
    bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    if (bus == NULL) {
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    reply = g_dbus_connection_call_sync(
        bus, NAME, argv[1], NAME ".Session", "GetHistory", g_variant_new("(ua{sv})", 5, NULL),
        G_VARIANT_TYPE("(aa{sv})"), G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT,
        NULL, &error);
    if (reply == NULL) {
        g_dbus_error_strip_remote_error(error);
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    sessions = g_variant_get_child_value(reply, 0);
    for (gsize i = 0; i < g_variant_n_children(sessions); i++) {
        g_autoptr(GVariant) session = g_variant_get_child_value(sessions, i);

        print_session(session);
    }
    return EXIT_SUCCESS;
}
