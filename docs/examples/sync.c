/* SPDX-License-Identifier: MIT */
/* sync PROVIDER: has a session run with the server of the provider, an object path, and waits for
 * its end. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = NULL;
    g_autoptr(GVariant) reply = NULL;
    GVariantBuilder options;
    const char *session;

    if (argc != 2) {
        g_printerr("usage: sync PROVIDER\n");
        return EXIT_FAILURE;
    }
    bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    if (bus == NULL) {
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "wait", g_variant_new_boolean(TRUE));
    reply = g_dbus_connection_call_sync(
        bus, NAME, "/org/dmclient/DMClient1", NAME ".Manager", "Sync",
        g_variant_new("(oa{sv})", argv[1], &options), G_VARIANT_TYPE("(s)"),
        G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL, &error);
    if (reply == NULL) {
        g_dbus_error_strip_remote_error(error);
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_variant_get(reply, "(&s)", &session);
    g_print("session %s has ended\n", session);
    return EXIT_SUCCESS;
}
