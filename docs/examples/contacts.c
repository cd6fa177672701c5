/* SPDX-License-Identifier: MIT */
/* Prints the help contacts of each provider that manages this device. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

static GDBusProxy *
new_proxy(const char *path, const char *interface, GError **error)
{
    return g_dbus_proxy_new_for_bus_sync(G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NULL, NAME,
                                         path, interface, NULL, error);
}

static void
print_contact(GDBusProxy *provider, const char *property)
{
    g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(provider, property);

    if (value != NULL) /* one that is not set is not there */
        g_print("  %s\n", g_variant_get_string(value, NULL));
}

int
main(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusProxy) manager = new_proxy("/org/dmclient/DMClient1", NAME ".Manager", &error);
    g_autoptr(GVariant) paths = NULL;

    if (manager != NULL)
        paths = g_dbus_proxy_get_cached_property(manager, "Providers");
    if (paths == NULL) {
        g_printerr("%s\n", error != NULL ? error->message : "the service is not running");
        return EXIT_FAILURE;
    }
    for (gsize i = 0; i < g_variant_n_children(paths); i++) {
        g_autoptr(GDBusProxy) provider = NULL;
        const char *path;

        g_variant_get_child(paths, i, "&o", &path);
        provider = new_proxy(path, NAME ".Provider", NULL);
        if (provider == NULL)
            continue;
        g_print("%s\n", path);
        print_contact(provider, "HelpPhoneNumber");
        print_contact(provider, "HelpWebsite");
        print_contact(provider, "HelpEmailAddress");
    }
    return EXIT_SUCCESS;
}
