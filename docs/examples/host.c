/* SPDX-License-Identifier: MIT */
/* host PLUGIN STATE-DIR SOCKET: serves the DMClient tree until SIGTERM. */

#include <dlfcn.h>
#include <dmclient/plugin.h>
#include <glib-unix.h>
#include <stdlib.h>

typedef struct {
    GMainLoop *loop;
    int status;
} Host;

static gboolean
on_signal(gpointer data)
{
    g_main_loop_quit(((Host *)data)->loop);
    return G_SOURCE_CONTINUE;
}

static void
on_ready(void *data)
{
    g_print("ready\n");
}

static void
on_failed(const char *message, void *data)
{
    g_printerr("%s\n", message);
    ((Host *)data)->status = EXIT_FAILURE;
    g_main_loop_quit(((Host *)data)->loop);
}

int
main(int argc, char **argv)
{
    Host host = {g_main_loop_new(NULL, FALSE), EXIT_SUCCESS};
    DmPluginHost given = {
        .size = sizeof given, .on_ready = on_ready, .on_failed = on_failed, .data = &host};
    void *file = argc == 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    DmPluginGetFunc get = file ? (DmPluginGetFunc)dlsym(file, DM_PLUGIN_SYMBOL) : NULL;
    const DmPlugin *plugin = get ? get() : NULL;
    DmPluginInstance *instance;
    g_autofree char *error = NULL;

    if (!plugin || plugin->size < sizeof *plugin || plugin->abi != DM_PLUGIN_ABI)
        g_error("usage: host PLUGIN STATE-DIR SOCKET");
    g_unix_signal_add(SIGTERM, on_signal, &host);
    given.state_dir = argv[2];
    given.socket = argv[3];
    instance = plugin->open(&given, &error);
    if (instance)
        g_main_loop_run(host.loop);
    else
        on_failed(error, &host);
    plugin->close(instance);
    g_main_loop_unref(host.loop);
    return host.status;
}
