/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"
#include "broker/session.h"

/* One session from beginning to end: the tree is asked for what is needed, its server is spoken to,
 * the tree is told how it went. All borrowed. */
typedef struct {
    const char *provider;
    const char *origin;
    const char *socket;
    const char *key_directory;
    const DmConfig *config;
} DmOnceOptions;

/* What came of it; `address` is for g_free(). */
typedef struct {
    char *address; /* NULL: none answered */
    DmSessionRecord record;
} DmOnceResult;

/* Runs the default main context until the session is over and reported. False and DM_ERROR as
 * broker/exits.c lists. SIGINT and SIGTERM break it off. */
bool dm_once_run(const DmOnceOptions *options, DmOnceResult *ret_result, GError **error);
