/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "desktop/model.h"

/* The first sync with a provider as the bus shows it: the device's part, and that of the user who
 * runs this. */

typedef enum {
    DM_FIRST_SYNC_NONE, /* there is none, or the organisation wants none of its parts shown */
    DM_FIRST_SYNC_RUNNING,
    DM_FIRST_SYNC_FAILED,
    DM_FIRST_SYNC_DONE,
} DmFirstSyncState;

typedef enum { DM_FIRST_SYNC_DEVICE, DM_FIRST_SYNC_USER, DM_FIRST_SYNC_N_PARTS } DmFirstSyncPart;

typedef struct {
    DmFirstSyncState state; /* of the parts that are shown */
    bool is_done;           /* the device's part says so, shown or not */
    struct {
        const char *provider; /* path of its provider object; NULL: not there, or not to be shown.
                                 Borrowed until the model changes */
        DmFirstSyncState state;
    } parts[DM_FIRST_SYNC_N_PARTS];
    bool is_held;      /* nobody is to leave the page while it is not over */
    bool can_retry;    /* what may be offered after a failure (security.md has the judge) */
    bool can_continue; /* also while it runs, where nobody is held */
    bool can_collect;
    bool wants_reset; /* the organisation would have the device set up from scratch */
} DmFirstSync;

/* Reads it. */
DmFirstSync dm_first_sync_read(const DmModel *model, const char *provider);

/* What one part has: the categories, a(suuu), borrowed or NULL; when it fails, µs since the epoch
 * or 0; what the organisation says after a failure, borrowed; what failed, as, NULL while the
 * caller may not read it. */
GVariant *dm_first_sync_get_categories(const DmModel *model, const char *part);
gint64 dm_first_sync_get_deadline(const DmModel *model, const char *part);
const char *dm_first_sync_get_text(const DmModel *model, const char *part);
GVariant *dm_first_sync_get_failed(const DmModel *model, const char *part);
