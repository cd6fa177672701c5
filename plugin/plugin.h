/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* The binary interface between a host and dmclient.so: the only installed header.
 *
 * A host opens the file with dlopen(), finds DM_PLUGIN_SYMBOL, calls it, checks `abi`, and then
 * opens as many instances as it likes, each on a state directory of its own and on a GLib main
 * context that the host runs:
 *
 *     void *handle = dlopen("/usr/lib/…/dmclient/dmclient.so", RTLD_NOW | RTLD_LOCAL);
 *     DmPluginGetFunc get = (DmPluginGetFunc)dlsym(handle, DM_PLUGIN_SYMBOL);
 *     const DmPlugin *plugin = get();
 *     if (plugin->size < sizeof(DmPlugin) || plugin->abi != DM_PLUGIN_ABI)
 *         … refuse it
 *     DmPluginHost host = {
 *         .size = sizeof host,
 *         .state_dir = "/var/lib/dmclient",
 *         .socket = "/run/dmclient/tree",
 *         .socket_fd = -1,
 *         .on_failed = stop_and_say_why,
 *     };
 *     char *error = NULL;
 *     DmPluginInstance *instance = plugin->open(&host, &error);
 *     if (instance == NULL)
 *         … say `error`, free(error)
 *     g_main_loop_run(loop);
 *     plugin->close(instance);
 *
 * Threads: none. Everything happens in the context, and in open() and close(), which are called
 * from the thread that runs it, at any time but from another callback of the same instance; close()
 * is allowed in on_ready and on_failed too. open() may read the whole database and write to the
 * disk; nothing in the context blocks on the bus or the network.
 *
 * The process: the plug-in installs no signal handler and changes no signal's disposition, never
 * exits or forks, writes nothing to standard output, and logs through g_log_structured() with
 * domain "dmclient". It needs the uid that owns the state directory, no other right. Memory that
 * runs out ends the process, as in GLib.
 *
 * The file stays in memory after dlclose() (it is linked with -z nodelete): an instance that is
 * closed has given back its memory, descriptors, sources and the state directory, and can be opened
 * again.
 *
 * Both structs begin with their size: a side reads only fields that lie inside it, takes those that
 * do not as 0, and fields are only ever added at the end. The abi number changes when that rule
 * would be broken. */

#define DM_PLUGIN_ABI 1u
#define DM_PLUGIN_SYMBOL "dm_plugin_get"

/* What the host gives. Strings are copied by open(). */
typedef struct {
    size_t size;           /* sizeof(DmPluginHost) as the host knows it */
    GMainContext *context; /* NULL: the default one */

    /* The database's directory, made (0700) if absent; one instance at a time has it. In
     * /var/lib/dmclient only uid 0 may write to the tree (and the broker's); in any other, which is
     * a private one, also the uid of the process. */
    const char *state_dir;

    /* Path of the tree socket, in a directory that exists; NULL: none is served. */
    const char *socket;

    /* Instead of a path: the one listening socket that the service manager handed to this process,
     * 3 (sd_listen_fds(3); LISTEN_PID and LISTEN_FDS are still set). From open() on it belongs to
     * the plug-in. -1 or 0: there is none. */
    int socket_fd;

    const char *bus_address; /* NULL: the system bus; "": no bus */
    const char *config;      /* configuration file, which must exist; NULL: defaults */

    /* Called once, from the main context, when the instance cannot go on: the bus name belongs to
     * another. `message` says why, for people. The host should close it. A bus that goes away is no
     * failure: the plug-in waits for it to come back. May be NULL. */
    void (*on_failed)(const char *message, void *data);

    /* Called once, from the main context, when name and socket are served. May be NULL. */
    void (*on_ready)(void *data);

    void *data; /* for the two functions */
} DmPluginHost;

typedef struct DmPluginInstance DmPluginInstance;

/* What the plug-in gives. Const, valid as long as the file is loaded. */
typedef struct {
    size_t size;         /* sizeof(DmPlugin) as the plug-in knows it */
    uint32_t abi;        /* DM_PLUGIN_ABI it was built with */
    const char *name;    /* "dmclient" */
    const char *version; /* "0.1.0" */

    /* Starts an instance. NULL and, if `error` is not NULL, a sentence there for free(): state
     * directory or socket owned by another process (named), database unreadable or newer,
     * configuration wrong. */
    DmPluginInstance *(*open)(const DmPluginHost *host, char **error);

    /* Stops it: name and socket are let go, everything is on disk and freed. NULL is fine. */
    void (*close)(DmPluginInstance *instance);
} DmPlugin;

/* The one exported symbol: const DmPlugin *dm_plugin_get(void). */
typedef const DmPlugin *(*DmPluginGetFunc)(void);
