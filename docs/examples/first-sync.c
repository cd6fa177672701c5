/* SPDX-License-Identifier: MIT */
/* first-sync PROVIDER: shows the first sync of the provider, an object path, until it is over. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

/* Shows where it is; whether it is over. */
static gboolean
show(GDBusProxy *progress)
{
    g_autoptr(GVariant) phase = g_dbus_proxy_get_cached_property(progress, "Phase");
    g_autoptr(GVariant) categories = g_dbus_proxy_get_cached_property(progress, "Categories");
    const char *name;

    if (phase == NULL || categories == NULL) {
        g_printerr("there is no first sync\n");
        return TRUE;
    }
    name = g_variant_get_string(phase, NULL);
    g_print("%s\n", name);
    for (gsize i = 0; i < g_variant_n_children(categories); i++) {
        const char *category;
        guint total, done, failed;

        g_variant_get_child(categories, i, "(&suuu)", &category, &total, &done, &failed);
        if (total > 0)
            g_print("  %s: %u of %u, %u failed\n", category, done, total, failed);
    }
    return g_str_equal(name, "succeeded") || g_str_equal(name, "failed");
}

static void
on_changed(GDBusProxy *progress, GVariant *changed, const char *const *invalidated, gpointer loop)
{
    if (show(progress))
        g_main_loop_quit(loop);
}

int
main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusProxy) progress = NULL;
    g_autofree char *path = NULL;

    if (argc != 2) {
        g_printerr("usage: first-sync PROVIDER\n");
        return EXIT_FAILURE;
    }
    path = g_strconcat(argv[1], "/FirstSyncStatus", NULL);
    progress = g_dbus_proxy_new_for_bus_sync(G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NULL, NAME,
                                             path, NAME ".Progress", NULL, &error);
    if (progress == NULL) {
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    g_signal_connect(progress, "g-properties-changed", G_CALLBACK(on_changed), loop);
    if (!show(progress))
        g_main_loop_run(loop);
    return EXIT_SUCCESS;
}
