/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"
#include "broker/session.h"

/* One session, and the process's end with it: the command line's `--once`. All borrowed. */
typedef struct {
    const char *provider;
    const char *origin;
    gint64 uid; /* of the user whose session it is; -1 none */
    const char *socket;
    const char *key_directory;
    DmConfig *config;
    bool no_retry; /* each address is tried once, without a pause (L4) */
} DmOnceOptions;

/* What came of it; `address` is for g_free(). */
typedef struct {
    char *address; /* NULL: none answered */
    DmSessionRecord record;
} DmOnceResult;

/* Runs the default main context until the session is over and reported. False and DM_ERROR as
 * broker/exits.c lists. A pause before another try is told on standard error. SIGINT and SIGTERM
 * break it off. */
bool dm_once_run(const DmOnceOptions *options, DmOnceResult *ret_result, GError **error);
