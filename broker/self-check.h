/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"

/* What the broker knows of its own state, as a file for whoever has to help: no secret, no
 * identifier but the providers' names. */
typedef struct {
    const char *socket;
    bool attends;
    bool uses_bus;
    bool is_on_bus;
    const char *bus_reason; /* why not; NULL not known */
    const DmConfig *config;
    const char *config_path;
    const char *config_error; /* why the file as it is now is not in force; NULL: it is */
    const char *key_directory;
    const GPtrArray *providers; /* DmTreeProvider; NULL: the tree did not say */
    guint n_running;            /* sessions */
} DmSelfCheck;

/* A JSON object. Free with g_free(). */
char *dm_self_check_to_json(const DmSelfCheck *check);
