/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/rules/poll.h"
#include "tree/session.h"
#include "tree/tree-private.h"

/* What the files of the sessions share; nobody else includes it.
 *
 * session.c          begin, report, outcomes
 * session-state.c    what is kept of sessions: text of a provider, changed in one commit
 * session-schedule.c the chain of poll sessions
 *
 * Kept under DM_STORE_SESSION, times in µs since the epoch, decimal: */
#define DM_SESSION_COUNTER "counter"         /* sessions begun */
#define DM_SESSION_ATTEMPT "attempt"         /* time of the last begin */
#define DM_SESSION_SUCCESS "success"         /* time of the last regular end */
#define DM_SESSION_ORIGIN "origin"           /* of the last begin */
#define DM_SESSION_ERROR "error"             /* of the last end */
#define DM_SESSION_MESSAGE "message"         /* the same in words */
#define DM_SESSION_HOST "host"               /* that answered last */
#define DM_SESSION_EXPIRES "expires"         /* time the certificate expires */
#define DM_SESSION_ADDRESS "address"         /* that worked last (L3) … */
#define DM_SESSION_ADDRESS_LIST "list"       /* … and the list it was of, as a digest */
#define DM_SESSION_BEGIN_LIST "begin-list"   /* the list that the last begin used */
#define DM_SESSION_CHAIN "chain"             /* the settings of the chain of poll sessions … */
#define DM_SESSION_CHAIN_START "chain-start" /* … the time it began … */
#define DM_SESSION_CHAIN_DONE "chain-done"   /* … the sessions of it so far … */
#define DM_SESSION_CHAIN_LAST "chain-last"   /* … and the time of the last of them (P6) */

/* -- session-state.c --------------------------------------------------------------------------- */

/* What is to change, collected, then committed as one. */
typedef struct DmSessionEdits DmSessionEdits;

DmSessionEdits *dm_session_edits_new(void);
void dm_session_edits_free(DmSessionEdits *edits);

/* Notes that `name` becomes `value` (NULL: unset); nothing if that is what it is. */
void dm_session_edits_set(DmSessionEdits *edits, DmProvider *provider, DmStoreKind kind,
                          const char *name, const char *value);
void dm_session_edits_set_int(DmSessionEdits *edits, DmProvider *provider, DmStoreKind kind,
                              const char *name, gint64 number);

bool dm_session_edits_is_empty(const DmSessionEdits *edits);

/* Writes all in one transaction, then changes the maps in memory. False and STORAGE or FULL:
 * nothing has changed. */
bool dm_session_edits_commit(DmSessionEdits *edits, DmTree *tree, GError **error);

/* Text and number, never negative, of DM_STORE_SESSION; "" and 0 where there is none. */
const char *dm_session_get_text(const DmProvider *provider, const char *name);
gint64 dm_session_get_int(const DmProvider *provider, const char *name);

/* -- session-schedule.c ------------------------------------------------------------------------ */

/* Begins the chain anew at `now_us` if the settings are other ones (P6). */
void dm_session_edit_chain(DmSessionEdits *edits, DmProvider *provider, gint64 now_us);

/* Counts a session of the schedule that begins at `now_us`. */
void dm_session_count_poll(DmSessionEdits *edits, DmProvider *provider, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSessionEdits, dm_session_edits_free)
