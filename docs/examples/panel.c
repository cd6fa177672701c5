/* SPDX-License-Identifier: MIT */
/* Keeps up with who manages this device and how far the first sync is, as a panel or a page of the
 * settings does: never blocks, and goes on when the service stops and starts. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

/* The text of a property; NULL where it is unset, or not for this user to see. */
static const char *
get_text(GDBusInterface *interface, const char *property)
{
    g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(G_DBUS_PROXY(interface), property);

    /* The proxy keeps what it has: the text outlives this reference. */
    return value == NULL ? NULL : g_variant_get_string(value, NULL);
}

static void
show_provider(GDBusObjectManager *manager, GDBusObject *object)
{
    g_autoptr(GDBusInterface) provider = g_dbus_object_get_interface(object, NAME ".Provider");
    g_autoptr(GDBusInterface) session = g_dbus_object_get_interface(object, NAME ".Session");
    g_autofree char *path =
        g_strconcat(g_dbus_object_get_object_path(object), "/FirstSyncStatus", NULL);
    g_autoptr(GDBusInterface) progress =
        g_dbus_object_manager_get_interface(manager, path, NAME ".Progress");

    if (provider == NULL || session == NULL) /* a user's part has no sessions */
        return;
    const char *phone = get_text(provider, "HelpPhoneNumber");
    g_print("%s: session %s, first sync %s, help desk %s\n", get_text(provider, "ProviderID"),
            get_text(session, "State"), progress == NULL ? "none" : get_text(progress, "Phase"),
            phone == NULL ? "not known" : phone);
}

static void
show(GDBusObjectManager *manager)
{
    g_autofree char *owner =
        g_dbus_object_manager_client_get_name_owner(G_DBUS_OBJECT_MANAGER_CLIENT(manager));
    g_autolist(GDBusObject) objects = g_dbus_object_manager_get_objects(manager);

    if (owner == NULL)
        g_print("the service is not running\n");
    for (GList *l = objects; l != NULL; l = l->next)
        show_provider(manager, l->data);
}

static void
on_properties(GDBusObjectManager *manager, GDBusObject *object, GDBusProxy *proxy,
              GVariant *changed, const char *const *invalidated, gpointer data)
{
    show(manager);
}

static void
on_ready(GObject *source, GAsyncResult *result, gpointer data)
{
    GDBusObjectManager **manager = data;
    g_autoptr(GError) error = NULL;

    *manager = g_dbus_object_manager_client_new_for_bus_finish(result, &error);
    if (*manager == NULL) {
        g_printerr("%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    g_signal_connect(*manager, "notify::name-owner", G_CALLBACK(show), NULL);
    g_signal_connect(*manager, "object-added", G_CALLBACK(show), NULL);
    g_signal_connect(*manager, "object-removed", G_CALLBACK(show), NULL);
    g_signal_connect(*manager, "interface-proxy-properties-changed", G_CALLBACK(on_properties),
                     NULL);
    show(*manager);
}

int
main(void)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GDBusObjectManager) manager = NULL;

    g_dbus_object_manager_client_new_for_bus(
        G_BUS_TYPE_SYSTEM, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, NAME, "/org/dmclient/DMClient1",
        NULL, NULL, NULL, NULL, on_ready, &manager);
    g_main_loop_run(loop);
    return EXIT_SUCCESS;
}
