/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/history.h"
#include "tree/rules/poll.h"
#include "tree/session.h"
#include "tree/tree-private.h"

/* What the files of the sessions share; nobody else includes it.
 *
 * session.c          begin, report, outcomes
 * session-clock.c    the steady clock, loss of contact
 * session-current.c  the session that is under way
 * history.c          those that are over
 * session-login.c    who has logged in
 * session-schedule.c the chain of poll sessions
 * session-state.c    what is kept of sessions: text of a provider, changed in one commit
 *
 * Kept under DM_STORE_SESSION; times in µs, decimal, since the epoch or on the steady clock: */
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
#define DM_SESSION_FALLBACK "fallback"       /* the address that the last begin added to it (L5) */
#define DM_SESSION_CHAIN "chain"             /* the settings of the chain of poll sessions … */
#define DM_SESSION_CHAIN_START "chain-start" /* … the time it began, steady … */
#define DM_SESSION_CHAIN_DONE "chain-done"   /* … the sessions of it so far … */
#define DM_SESSION_CHAIN_LAST "chain-last"   /* … and the place of the last, steady (P6) */
#define DM_SESSION_ENROLLED "enrolled"       /* time the provider was made (P10) */
#define DM_SESSION_CLOCK "clock"             /* session-clock.c */
#define DM_SESSION_LOGIN "login-"            /* and a uid: it has logged in (P9) */
#define DM_SESSION_RENEWED "renewed"         /* the counter at the last renewal (S5) */
#define DM_SESSION_TOKEN "token"             /* of the session that is under way; unset: none */
#define DM_SESSION_BEGUN "begun"             /* boot-time clock and boot's id at the last begin */

/* -- session.c --------------------------------------------------------------------------------- */

/* The provider of the device tree; NULL and NOT_FOUND, with the providers that there are. */
DmProvider *dm_session_find_provider(DmTree *tree, const char *provider_id, GError **error);

/* Text from another process in a form that may be kept and shown: valid, one line, at most `max`
 * bytes. Free with g_free(). */
char *dm_session_clean(const char *text, gsize max);

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

/* Notes that the session under way of `provider` becomes `entry`, which is taken. */
void dm_session_edits_take_over(DmSessionEdits *edits, DmProvider *provider, DmHistoryEntry *entry);

/* The entry that was noted last, also after the commit; NULL: none. Borrowed. */
const DmHistoryEntry *dm_session_edits_get_over(const DmSessionEdits *edits);

/* What DM_STORE_SESSION of `provider` would be with the edits made: for a transaction, which makes
 * them as part of a message. */
GHashTable *dm_session_edits_to_map(const DmSessionEdits *edits, const DmProvider *provider);

/* Writes all in one transaction, then changes the maps in memory. False and STORAGE or FULL:
 * nothing has changed. */
bool dm_session_edits_commit(DmSessionEdits *edits, DmTree *tree, GError **error);

/* Text and number, never negative, of DM_STORE_SESSION; "" and 0 where there is none. */
const char *dm_session_get_text(const DmProvider *provider, const char *name);
gint64 dm_session_get_int(const DmProvider *provider, const char *name);

/* -- session-current.c ------------------------------------------------------------------------- */

/* The token of the next session; borrowed, made if there is none yet. NULL and FAILED. */
const char *dm_session_ensure_token(DmProvider *provider, GError **error);

/* A session begins with `token`. */
void dm_session_edit_begun(DmSessionEdits *edits, DmProvider *provider, const char *token);

/* The session under way, if there is one, is over as `report` says: into the history with it. */
void dm_session_edit_over(DmSessionEdits *edits, DmProvider *provider,
                          const DmSessionReport *report);

/* The same where nobody knows how it ended; the caller says what is under way from now on. */
void dm_session_edit_lost(DmSessionEdits *edits, DmProvider *provider, const char *reason);

/* Notes as lost what was under way in another boot; for dm_tree_new(). */
void dm_session_resume(DmTree *tree);

/* -- history.c --------------------------------------------------------------------------------- */

/* The entry of the session under way as `report` ends it now; NULL: none is under way. */
DmHistoryEntry *dm_history_new_entry(const DmProvider *provider, const DmSessionReport *report);

/* Whether a report may have these commands: as many as an entry has, SyncML's verbs and statuses.
 */
bool dm_history_check_commands(const DmHistoryCommand *commands, gsize n_commands);

/* Puts an entry of `provider` into the open transaction. */
bool dm_history_put(DmStore *store, const DmProvider *provider, const DmHistoryEntry *entry,
                    GError **error);

/* -- first-sync-run.c -------------------------------------------------------------------------- */

/* A session begins: starts the clock of the provider's run, or notes what it has used (F7). */
void dm_first_sync_edit_begin(DmSessionEdits *edits, DmProvider *provider);

/* -- session-clock.c --------------------------------------------------------------------------- */

/* What time it is for a provider. */
typedef struct {
    gint64 steady_us;  /* as tree/rules/poll.h says */
    gint64 lead_us;    /* the wall clock's lead over it, in whole seconds */
    gint64 wall_us;    /* the wall clock */
    gint64 powered_us; /* the machine has been on since the last regular session (P10) */
} DmSessionTimes;

DmSessionTimes dm_session_get_times(const DmProvider *provider);

/* Whether a moment, on the boot-time clock of the boot `boot_id`, is one of this boot. */
bool dm_session_is_this_boot(const DmTree *tree, const char *boot_id, gint64 boot_us);

/* Keeps what time it is, so that time goes on from here whatever becomes of the wall clock; with
 * `is_contact` no time has passed since a regular session. */
void dm_session_edit_clock(DmSessionEdits *edits, DmProvider *provider, bool is_contact);

/* P10; 0 never. */
gint64 dm_session_get_unenroll_deadline(const DmProvider *provider);

/* -- session-schedule.c ------------------------------------------------------------------------ */

/* Begins the chain anew now if the settings are other ones (P6). */
void dm_session_edit_chain(DmSessionEdits *edits, DmProvider *provider);

/* The same as part of a transaction: DM_STORE_SESSION of the provider as it should be; NULL if the
 * settings are those of the chain. A new provider is enrolled now. */
GHashTable *dm_session_begin_chain(DmProvider *provider);

/* Counts a session of the schedule that begins now. */
void dm_session_count_poll(DmSessionEdits *edits, DmProvider *provider);

/* Counts the one that has become due meanwhile: it is merged with the session that ends now (P7).
 */
void dm_session_merge_poll(DmSessionEdits *edits, DmProvider *provider);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSessionEdits, dm_session_edits_free)
