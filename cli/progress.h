/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "cli/snapshot.h"

/* A first sync as the bus shows it. */
typedef struct {
    const DmSnapshotProvider *provider; /* borrowed from the snapshot */
    gint64 uid;                         /* whose it is; -1 the device's */
    char *phase;
    GVariant *categories; /* a(suuu): name, total, done, failed; NULL none */
    gint64 deadline_us;
    char *error_text;       /* what the organisation says to do after a failure; NULL nothing */
    GVariant *failed_items; /* as; NULL: not for this caller */
    guint total, done, failed;
} DmProgress;

void dm_progress_clear(DmProgress *progress);

/* Reads the one at the object `path`; false if there is none, `*ret_progress` untouched. */
bool dm_progress_read(const DmSnapshot *snapshot, const DmSnapshotProvider *provider, gint64 uid,
                      const char *path, DmProgress *ret_progress);

/* All first syncs of the snapshot's providers: DmProgress, each device's before its users', for
 * g_array_unref(). */
GArray *dm_progress_collect(const DmSnapshot *snapshot);

bool dm_progress_is_running(const DmProgress *progress);
bool dm_progress_has_succeeded(const DmProgress *progress);
bool dm_progress_has_failed(const DmProgress *progress);

/* In a few words: phase, and how many are done and failed. Free with g_free(). */
char *dm_progress_to_text(const DmProgress *progress);

/* The style that says how it goes. */
DmStyle dm_progress_get_style(const DmProgress *progress);

/* Adds "phase", "deadline" and "categories" to the object that is open. */
void dm_progress_add_json(const DmProgress *progress, JsonBuilder *builder);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmProgress, dm_progress_clear)
