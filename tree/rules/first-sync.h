/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* First sync: what a server expects to have set up, and how far it is (rules section 7). */

/* Splits one of the Expected lists: U+F000 between items, blanks and quotation marks around them
 * and empty items dropped (F1). With `strip_count` the `;count` of an application's LocURI is cut.
 * Free with g_strfreev(). */
GStrv dm_first_sync_split(const char *text, bool strip_count);

/* The one way to write a LocURI of any tree, for comparing: scope and aliases normalised (F6, A1,
 * A2), no `?…`. Free with g_free(). NULL if it is no LocURI. */
char *dm_first_sync_canonical(const char *loc_uri);

/* The canonical items of the Expected lists of `provider`, as a set; NULL if there are none. Unref
 * with g_hash_table_unref(). */
GHashTable *dm_first_sync_index(const DmProvider *provider);

/* Those of the index that are `canonical` or above it: an outcome of `canonical` is one of theirs
 * (F6). May be empty. Free with g_strfreev(). */
GStrv dm_first_sync_find_expected(GHashTable *index, const char *canonical);

#define DM_FIRST_SYNC_N_LISTS 6

typedef struct {
    const char *name; /* the node's name without "Expected", const: "Policies", … */
    guint total, done, failed;
} DmFirstSyncCategory;

/* What `….Progress` shows. */
typedef struct {
    const char *phase; /* "none", "running", "succeeded", "failed"; const */
    DmFirstSyncCategory categories[DM_FIRST_SYNC_N_LISTS];
    gint64 deadline_us; /* wall clock, 0 none */
    GStrv failed_items; /* "LocURI: code reason" */
} DmFirstSyncProgress;

void dm_first_sync_progress_clear(DmFirstSyncProgress *progress);

/* The progress of a provider whose FirstSyncStatus is present; false, and nothing written, if it is
 * not. */
bool dm_first_sync_get_progress(const DmProvider *provider, DmFirstSyncProgress *ret_progress);

/* Whether `outcome`, "code reason", is that of an item that failed (F6). */
bool dm_first_sync_is_failed(const char *outcome);

/* -- the run (F4, F7) ---------------------------------------------------------------------------
 */

/* Key of DmProvider's outcomes under which the run's clock stands: with FirstSyncStatus it goes,
 * and a new run begins (F5). No LocURI is so called. */
#define DM_FIRST_SYNC_STARTED "started"

/* How much of its time a run whose first session has begun has left by now, negative if none;
 * false: none has begun. */
bool dm_first_sync_get_left(const DmProvider *provider, gint64 *ret_left_us);

/* Boot time at which the first run fails that does not succeed before; -1: none is under way. */
gint64 dm_first_sync_get_due_us(const DmTree *tree);

/* Has each run fail whose time is over, in one commit (F4). False and DM_ERROR STORAGE, FULL. */
bool dm_first_sync_expire(DmTree *tree, GError **error);

/* Has a run that failed begin anew, as a person asks who presses "Try again": in one commit a new
 * run (F5) for the same lists, buttons, texts and timeout, in which what was provisioned stays so
 * and what failed is pending. Its time begins with the next session (F4). `uid` is ignored in the
 * device tree. False and DM_ERROR: NOT_FOUND (no such FirstSyncStatus), INVALID (the run has not
 * failed: there is nothing to try again), DENIED (the server wants people who wait on the page not
 * to try again: the flags of the device's BlockInStatusPage are set, without 2), STORAGE, FULL. */
bool dm_first_sync_retry(DmTree *tree, const char *provider_id, DmScope scope, guint32 uid,
                         GError **error);

/* Goes on with the clocks that another run of the kernel left; for dm_tree_new(). */
void dm_first_sync_resume(DmTree *tree);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmFirstSyncProgress, dm_first_sync_progress_clear)
