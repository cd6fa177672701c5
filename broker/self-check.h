/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/channel.h"
#include "broker/config.h"
#include "broker/findings.h"

/* A check of all that the broker needs, without changing anything and without a session: its
 * configuration, directory, keys and certificates, the bus, the tree, each server. One
 * implementation for dmclient-broker --check and for the archive of CollectLogs. */
typedef struct DmSelfCheck DmSelfCheck;

/* Most server addresses that are looked at; those of the first providers. */
#define DM_SELF_CHECK_MAX_PROBES 16

/* All is borrowed: `channel` and `config` until the end, the rest for the call of
 * dm_self_check_new(). */
typedef struct {
    DmConfig *config;
    const char *config_path;
    const char *config_error; /* why the file as it is now is not in force; NULL: it is */
    const char *key_directory;
    bool is_daemon; /* the broker that stays is asked itself */
    bool uses_bus;
    bool is_on_bus;
    const char *bus_reason; /* why not; NULL not known */
    const char *socket;
    DmChannel *channel;         /* NULL: the tree cannot be reached */
    const char *channel_reason; /* why not; NULL not known */
    guint limit_ms;             /* for all of it */
    /* Called before what may take time; NULL: nobody wants to know. */
    void (*on_progress)(const char *what);
} DmSelfCheckOptions;

/* Starts on `context` (NULL: the default). `done` is called once, never before this returns, within
 * the limit, with the findings (borrowed); it may free the check. */
DmSelfCheck *dm_self_check_new(const DmSelfCheckOptions *options, GMainContext *context,
                               void (*done)(const DmFindings *findings, gpointer data),
                               gpointer data);

/* NULL is fine. */
void dm_self_check_free(DmSelfCheck *check);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSelfCheck, dm_self_check_free)
