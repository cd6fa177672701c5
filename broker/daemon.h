/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"

/* The broker that stays: attends at the tree, and runs the sessions that somebody asks for or that
 * are due, on a main context. */
typedef struct DmDaemon DmDaemon;

typedef struct {
    const char *socket;
    const char *key_directory;
    const char *config_path; /* read again on reload */
    bool config_must_exist;
    DmConfig *config; /* a reference is taken */
    bool uses_bus;
    const char *bus_address; /* NULL: the system bus */
} DmDaemonOptions;

/* Most sessions side by side. */
#define DM_DAEMON_MAX_SESSIONS 4

typedef struct {
    /* The tree listens to it, for the first time. */
    void (*on_ready)(gpointer data);
    /* It has stopped, as it was told to; may free it. */
    void (*on_stopped)(gpointer data);
} DmDaemonHandlers;

/* Starts on `context` (NULL: the default); text is copied. NULL and DM_ERROR: BUSY (another one
 * has this key directory), and what else dm_lock_take_daemon() says. */
DmDaemon *dm_daemon_new(const DmDaemonOptions *options, GMainContext *context,
                        const DmDaemonHandlers *handlers, gpointer data, GError **error);

/* Reads the configuration again; sessions that run keep the one they began with. One that is wrong
 * is said, and the old one stays. */
void dm_daemon_reload(DmDaemon *daemon);

/* Breaks off all sessions, with a report, and stops when those have got out; a second time at once.
 */
void dm_daemon_stop(DmDaemon *daemon);

/* Ends what is left at once, without a report. NULL is fine. */
void dm_daemon_free(DmDaemon *daemon);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmDaemon, dm_daemon_free)
