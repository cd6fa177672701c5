/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* The binary interface between a host and dmclient.so: the only installed header.
 *
 * A host opens the file with dlopen(), finds DM_PLUGIN_SYMBOL, calls it, checks `abi`, and then
 * opens as many instances as it likes, each on a state directory of its own and on a GLib main
 * context that the host runs. The plug-in has no thread: everything happens in that context, and in
 * open() and close(), which are called from the thread that runs it. It installs no signal handler,
 * never exits, writes nothing to standard output and logs through g_log_structured() with domain
 * "dmclient".
 *
 * Both structs begin with their size: a side reads only fields that lie inside it, and fields are
 * only ever added at the end. The abi number changes when that rule would be broken. */

#define DM_PLUGIN_ABI 1u
#define DM_PLUGIN_SYMBOL "dm_plugin_get"

/* What the host gives. Strings are copied by open(). */
typedef struct {
    size_t size;           /* sizeof(DmPluginHost) as the host knows it */
    GMainContext *context; /* NULL: the default one */
    const char *state_dir; /* the database's directory; made if absent */
    const char *socket;    /* path of the tree socket; NULL: none is served. Its directory exists */
    int socket_fd;         /* a listening socket from socket activation instead, or -1 */
    const char *bus_address; /* NULL: the system bus; "": no bus */
    const char *config;      /* configuration file; NULL: defaults */

    /* Called once, from the main context, when the instance cannot go on (the bus name belongs to
     * another; the socket is gone): `message` says why. The host should close it. May be NULL. */
    void (*on_failed)(const char *message, void *data);
    /* Called once, when name and socket are served. May be NULL. */
    void (*on_ready)(void *data);
    void *data;
} DmPluginHost;

typedef struct DmPluginInstance DmPluginInstance;

/* What the plug-in gives. Const, valid as long as the file is loaded. */
typedef struct {
    size_t size;         /* sizeof(DmPlugin) as the plug-in knows it */
    uint32_t abi;        /* DM_PLUGIN_ABI it was built with */
    const char *name;    /* "dmclient" */
    const char *version; /* "0.1.0" */

    /* Starts an instance. NULL and, if `error` is not NULL, a sentence there for free(): state
     * directory owned by another process (named), database unreadable or newer, socket path taken.
     */
    DmPluginInstance *(*open)(const DmPluginHost *host, char **error);

    /* Stops it: name and socket are let go, everything is on disk and freed. NULL is fine. */
    void (*close)(DmPluginInstance *instance);
} DmPlugin;

/* The one exported symbol: const DmPlugin *dm_plugin_get(void). */
typedef const DmPlugin *(*DmPluginGetFunc)(void);
