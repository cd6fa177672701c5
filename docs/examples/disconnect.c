/* SPDX-License-Identifier: MIT */
/* disconnect PROVIDER: ends the enrolment with the provider, an object path. A program with windows
 * asks first, says what will be removed, and shows that it waits: polkit asks for a password. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

static int status = EXIT_FAILURE;

/* What to show for an error of a call: the message is written for people, but for its prefix. */
static void
show_error(GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    g_dbus_error_strip_remote_error(error);
    if (g_strcmp0(name, "org.freedesktop.DBus.Error.AccessDenied") == 0)
        g_print("an administrator has to do this\n"); /* or the dialog was closed: no more to say */
    else
        g_print("%s\n", error->message);
}

static void
on_done(GObject *bus, GAsyncResult *result, gpointer loop)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);

    if (reply == NULL) {
        show_error(error);
    } else {
        g_print("the device is being disconnected\n"); /* its objects go a little later */
        status = EXIT_SUCCESS;
    }
    g_main_loop_quit(loop);
}

int
main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);

    if (argc != 2 || bus == NULL) {
        g_printerr("%s\n", bus == NULL ? error->message : "usage: disconnect PROVIDER");
        return EXIT_FAILURE;
    }
    /* Without the flag nobody is asked; with GLib's usual 25 seconds nobody types in time. */
    g_dbus_connection_call(bus, NAME, "/org/dmclient/DMClient1", NAME ".Manager", "Unenroll",
                           g_variant_new("(oa{sv})", argv[1], NULL), NULL,
                           G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL,
                           on_done, loop);
    g_main_loop_run(loop);
    return status;
}
