/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The plug-in's part of the configuration file (design section 7), group [tree]; the other groups
 * belong to other programs. common/config-keys.def has the keys, dmclient.conf(5) what they mean.
 */
typedef struct {
    bool allow_http;
    bool has_window;
    guint window_min;    /* minutes after midnight */
    GPtrArray *warnings; /* char*: keys of the group that nobody knows, "FILE: [tree] KEY …" */
} DmSettings;

void dm_settings_clear(DmSettings *settings);

/* Reads `path`; NULL: the defaults. False and DM_ERROR: NOT_FOUND, DENIED, TOO_LARGE, INVALID (the
 * message names file and key); `*ret_settings` is untouched then. */
bool dm_settings_load(const char *path, DmSettings *ret_settings, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmSettings, dm_settings_clear)
