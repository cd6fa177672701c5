/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* The end of an enrolment (rules section 9). It is asked for first, durably: from then on no
 * session of the provider but the one that tells its server runs anything. Then comes the clean-up,
 * in one commit: the provider in the device's and all users' trees, its account, its sessions'
 * state and replies. What is pending when the tree is opened is cleaned up then. */

/* One that is pending or done, as it is kept; the last 16 done are. */
typedef struct {
    gint64 enrolment; /* no other enrolment has the same, of that name neither; 0: in no store */
    char *provider;   /* its id */
    char *session;    /* whose Exec asked for it; "" none */
    gint64 requested_us;
    gint64 done_us;   /* wall clock; 0: pending */
    char *by;         /* in a word: "server", "root", or as the caller of this file said */
    char *reason;     /* in words */
    char *thumbprint; /* of the certificate, which is the broker's to remove; "" none */
    gint64 due_us;    /* boot time by which it is cleaned up at the latest, while pending */
} DmUnenrollment;

/* How long the session that tells the server may take, the clean-up then goes ahead without. */
#define DM_UNENROLL_PATIENCE_US (10 * 60 * G_GINT64_CONSTANT(1000000))

/* All of them, oldest first; borrowed until the next change. */
const DmUnenrollment *const *dm_tree_get_unenrollments(const DmTree *tree, gsize *ret_n);

/* The last of the provider called `id`; NULL if there is none. Borrowed likewise. */
const DmUnenrollment *dm_tree_find_unenrollment(const DmTree *tree, const char *id);

/* Asks for it, durably, and leaves the clean-up to be done after the last session (E4). True too if
 * it was asked for already. `by` and `reason` are cut at 64 and 512 bytes. False and DM_ERROR:
 * NOT_FOUND, STORAGE, FULL. */
bool dm_tree_request_unenroll(DmTree *tree, const char *id, const char *by, const char *reason,
                              GError **error);

/* Cleans up at once, without a last session, whether it was asked for or not (E4, P10). Errors as
 * above; after STORAGE and FULL nothing has changed. */
bool dm_tree_unenroll(DmTree *tree, const char *id, const char *by, const char *reason,
                      GError **error);

/* The last session is over, however it went: cleans up what was asked for (E2, E3). True if it was
 * done already and no provider is called so. False and DM_ERROR: NOT_FOUND if none was asked for,
 * STORAGE, FULL. */
bool dm_tree_finish_unenroll(DmTree *tree, const char *id, GError **error);

/* Cleans up all that is pending and due at boot time `now_us` (G_MAXINT64: whenever it is due). The
 * first error is given, the others are tried all the same; what failed is due again later. */
bool dm_tree_finish_unenrolls(DmTree *tree, gint64 now_us, GError **error);

/* Boot time at which the first of those pending is due; -1: none is. */
gint64 dm_tree_get_unenroll_due_us(const DmTree *tree);
