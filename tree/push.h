/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* Push channels (rules section 8): each provider with a PFN is registered with a push service
 * through a back end, which is a part of its own; what it reports is stored. A push carries no
 * content, and never replaces polling. Device tree only. */
typedef struct DmPush DmPush;

/* Push/Status, as far as the tree sets it; a back end may report any of 0 to 8. */
#define DM_PUSH_STATUS_NO_CHANNEL 4
#define DM_PUSH_STATUS_NOT_REVOKED 6

/* A back end. Each is asked after the commit that made it necessary, and answers through `push`, at
 * once or later; strings are borrowed for the call. */
typedef struct {
    /* Registers `pfn`, answered by dm_push_report(). Asked again for the same one after a restart.
     */
    void (*enrol)(DmPush *push, const char *provider, const char *pfn, gpointer data);

    /* Gives the channel back that belonged to `pfn` ("" not known any more), answered by
     * dm_push_report_revoked(). `channel_uri` "": none was assigned. */
    void (*revoke)(DmPush *push, const char *provider, const char *pfn, const char *channel_uri,
                   gpointer data);
} DmPushBackend;

/* The back end where there is no push service: no channel, Status 4 (U1), unless local root has
 * filled in a channel. Const. */
const DmPushBackend *dm_push_get_null_backend(void);

/* Follows `tree`, which outlives it; `backend` and `data` are borrowed. Nothing is asked before
 * dm_push_run(). */
DmPush *dm_push_new(DmTree *tree, const DmPushBackend *backend, gpointer data);
void dm_push_free(DmPush *push);

/* Asks the back end for what commits since the last time made necessary; cheap where there is
 * nothing. Not from a listener of the tree. False and DM_ERROR STORAGE or FULL if a leaf could not
 * be written; the back end was asked all the same. */
bool dm_push_run(DmPush *push, GError **error);

/* What became of registering `pfn`: `channel_uri` ("" or NULL none) and `status` are stored (U1).
 * True without an effect if another PFN is set meanwhile. False and DM_ERROR INVALID (URI over its
 * cap or not text, status not 0 to 8), STORAGE, FULL. */
bool dm_push_report(DmPush *push, const char *provider, const char *pfn, const char *channel_uri,
                    gint64 status, GError **error);

/* What a push service beside this process reports: as dm_push_report(), without a back end having
 * been asked; `pfn` "": of giving a channel back, where none is set any more. NOT_FOUND: there is
 * no such provider. */
bool dm_push_set_channel(DmTree *tree, const char *provider, const char *pfn,
                         const char *channel_uri, gint64 status, GError **error);

/* The leaves of a provider's Push, borrowed until the next change; false: it has none. */
typedef struct {
    const char *pfn; /* "" none, as is the next */
    const char *channel_uri;
    gint64 status;
} DmPushState;

bool dm_push_get_state(const DmProvider *provider, DmPushState *ret_state);

/* What became of revoking: where it failed and the provider still has Push and no new channel, its
 * Status is 6 (U2). False and DM_ERROR STORAGE, FULL. */
bool dm_push_report_revoked(DmPush *push, const char *provider, bool is_revoked, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPush, dm_push_free)
