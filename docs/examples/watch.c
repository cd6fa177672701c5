/* SPDX-License-Identifier: MIT */
/* Prints what there is, and every change as it happens. */

#include <gio/gio.h>
#include <stdlib.h>

static void
on_added(GDBusObjectManager *manager, GDBusObject *object, gpointer data)
{
    g_print("added %s\n", g_dbus_object_get_object_path(object));
}

static void
on_removed(GDBusObjectManager *manager, GDBusObject *object, gpointer data)
{
    g_print("removed %s\n", g_dbus_object_get_object_path(object));
}

static void
on_changed(GDBusObjectManagerClient *manager, GDBusObjectProxy *object, GDBusProxy *interface,
           GVariant *changed, const char *const *invalidated, gpointer data)
{
    g_autofree char *values = g_variant_print(changed, FALSE);

    g_print("changed %s %s\n", g_dbus_proxy_get_object_path(interface), values);
    for (; *invalidated != NULL; invalidated++) /* not for everyone, or unset */
        g_print("changed %s %s\n", g_dbus_proxy_get_object_path(interface), *invalidated);
}

int
main(void)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusObjectManager) manager = g_dbus_object_manager_client_new_for_bus_sync(
        G_BUS_TYPE_SYSTEM, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, "org.dmclient.DMClient1",
        "/org/dmclient/DMClient1", NULL, NULL, NULL, NULL, &error);
    g_autolist(GDBusObject) objects = NULL;

    if (manager == NULL) {
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_signal_connect(manager, "object-added", G_CALLBACK(on_added), NULL);
    g_signal_connect(manager, "object-removed", G_CALLBACK(on_removed), NULL);
    g_signal_connect(manager, "interface-proxy-properties-changed", G_CALLBACK(on_changed), NULL);
    objects = g_dbus_object_manager_get_objects(manager);
    for (GList *l = objects; l != NULL; l = l->next)
        g_print("%s\n", g_dbus_object_get_object_path(l->data));
    g_main_loop_run(loop);
    return EXIT_SUCCESS;
}
