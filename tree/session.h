/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/history.h"
#include "tree/tree.h"

/* Sessions of a provider with its server as the tree knows them: what the broker needs to run one,
 * what it reports of one, when the next is due. Kept in the store. Device tree only. */

typedef enum {
    DM_SESSION_IDLE,
    DM_SESSION_WAITING,
    DM_SESSION_CONNECTING,
    DM_SESSION_RUNNING,
    DM_SESSION_BACKING_OFF,
} DmSessionState;

/* "idle", "waiting", "connecting", "running", "backing-off" (design section 5). */
const char *dm_session_state_to_name(DmSessionState state);
bool dm_session_state_from_name(const char *name, DmSessionState *ret_state);

/* The origin of sessions that the poll schedule begins. */
#define DM_SESSION_ORIGIN_SCHEDULE "schedule"

/* What `….Session` shows. Times in µs since the epoch, 0 none; strings "" where there is nothing.
 */
typedef struct {
    DmSessionState state;
    gint64 last_attempt_us;
    gint64 last_success_us;
    gint64 next_us;
    gint64 certificate_expires_us;
    gint64 unenroll_deadline_us;
    const char *last_error;         /* short name, such as "tls" */
    const char *last_error_message; /* in words */
    const char *origin;             /* user schedule push login enrolment csp api */
    const char *server_host;
} DmSessionInfo;

/* Borrowed until the next change. */
DmSessionInfo dm_session_get_info(const DmProvider *provider);

/* The origin of the session that tells a server of the end (E2): the only one that a provider can
 * begin that is to be unenrolled. */
#define DM_SESSION_ORIGIN_UNENROLL "unenroll"

/* How many server addresses are in force (L2); a user tree's provider has none. */
guint dm_session_count_addresses(const DmProvider *provider);

/* These addresses, in their order (L2). Free with g_strfreev(). */
GStrv dm_session_get_addresses(const DmProvider *provider);

/* SHA-256 of the certificates that the enrolment uses, in lower-case hex: the active one, and the
 * one it replaced until a session with the new one has worked (S5). NULL-ended, may be empty; free
 * with g_strfreev(). */
GStrv dm_session_get_thumbprints(const DmProvider *provider);

/* What the broker gets to start a session with. */
typedef struct {
    char *session_id;     /* SessionID for the wire: decimal, from SyncApplicationVersion 2.0
                             hexadecimal (S1) */
    char *token;          /* unique for ever: the `session` of each DmContext of it */
    GStrv addresses;      /* candidates in order (L2, L3) */
    bool has_fallback;    /* the last of them is not of the list in force, but the one that worked
                             before it: tried once, after all the others (L5) */
    GHashTable *account;  /* common/account.h, DM_ACCOUNT_DEV_ID included */
    char *version;        /* min(SyncApplicationVersion, MaxSyncApplicationVersion) (S1) */
    bool sign;            /* RequireMessageSigning (S2) */
    bool keep_alive;      /* EnableOmaDmKeepAliveMessage (S3) */
    gint64 security_mode; /* S4 */
    char *cert0, *cert1;  /* as they are stored; NULL: not set (S4) */
    bool must_check;      /* UseCertIfRevocationCheckOffline is false (S4) */
} DmSessionStart;

void dm_session_start_clear(DmSessionStart *start);

/* Begins a session: raises the provider's session counter durably, notes attempt and origin, and
 * fills `*ret_start`. False and DM_ERROR: NOT_FOUND (the message lists the providers there are),
 * INVALID (no address, or to be unenrolled and `origin` another one), STORAGE, FULL. */
bool dm_session_begin(DmTree *tree, const char *provider_id, const char *origin,
                      DmSessionStart *ret_start, GError **error);

/* The token that the next session of the provider begins with, in `*ret_token`, borrowed until the
 * next change: so that a request for a session can be answered with its id before there is one. In
 * memory only; the same until a session has begun with it. False and DM_ERROR NOT_FOUND, FAILED. */
bool dm_session_reserve(DmTree *tree, const char *provider_id, const char **ret_token,
                        GError **error);

/* The token of the session that is under way: begun, and not over yet. NULL: none. Borrowed until
 * the next change. Also the broker's death leaves it under way, until the next one begins, the
 * machine is started again, or dm_session_abandon(). */
const char *dm_session_get_current(const DmProvider *provider);

/* Ends the session `token` as failed with the error "lost", if it is the one under way; otherwise
 * nothing is to be done. `reason` is in words. False and DM_ERROR STORAGE, FULL. */
bool dm_session_abandon(DmTree *tree, const char *provider_id, const char *token,
                        const char *reason, GError **error);

/* What the broker reports. Fields that are NULL or negative say nothing and leave what was. */
typedef struct {
    int state;           /* DmSessionState, or -1 */
    int ended;           /* 1 ended regularly, 0 failed; -1 not ended yet */
    const char *address; /* the one that answered (L3): remembered on a regular end */
    const char *error;   /* short name; "" none */
    const char *message; /* in words */
    gint64 certificate_expires_us;
    /* With `ended`, for the history: */
    gint64 messages_sent, messages_received;
    gint64 bytes_sent, bytes_received;
    const DmHistoryCommand *commands; /* verbs and statuses as they were answered */
    gsize n_commands;                 /* at most DM_HISTORY_MAX_COMMANDS */
} DmSessionReport;

/* One that says nothing. */
#define DM_SESSION_REPORT_INIT                                                                     \
    ((DmSessionReport){.state = -1,                                                                \
                       .ended = -1,                                                                \
                       .certificate_expires_us = -1,                                               \
                       .messages_sent = -1,                                                        \
                       .messages_received = -1,                                                    \
                       .bytes_sent = -1,                                                           \
                       .bytes_received = -1})

/* Takes a report: one commit where something durable changed (a mere change of state is kept in
 * memory). With `ended` the session that is under way, if any, is over, and goes into the history
 * (tree/history.h) in the same commit; listeners find it in DmChange. False and DM_ERROR NOT_FOUND,
 * INVALID (commands: too many, an unknown verb, no status), STORAGE, FULL. */
bool dm_session_report(DmTree *tree, const char *provider_id, const DmSessionReport *report,
                       GError **error);

/* -- what is due --------------------------------------------------------------------------------
 */

/* When the provider's next session by schedule is due (wall clock, µs since the epoch, 0 never; in
 * the past: overdue) and why, in a word: "first", "second", "third", "daily" (rules P1–P8).
 * `*ret_reason` is const. A commit that changes a Poll, or makes a provider, begins the chain anew
 * (P6). It counts a session of the origin "schedule" as that begins, and one that has become due as
 * another session ends, with which it is merged (P7). */
gint64 dm_session_get_due(const DmTree *tree, const DmProvider *provider, const char **ret_reason);

/* What an administrator should know of the provider's poll schedule, a sentence each (P4, P8): to
 * be logged when a Poll has changed. NULL-ended, often empty; free with g_strfreev(). */
GStrv dm_session_get_poll_warnings(const DmProvider *provider);

/* Takes note of a login of `uid` (not of an unlocking), and says which providers want a session for
 * it, ids in `*ret_providers` for g_strfreev() (P9): those with PollOnLogin, unless it is not
 * `is_new` (it was before anybody watched, and may have been noted), and where it is the first of
 * the uid that was noted, those with AllUsersPollOnFirstLogin. Uids are remembered for ever, one
 * commit each. False and DM_ERROR STORAGE, FULL. */
bool dm_session_note_login(DmTree *tree, guint32 uid, bool is_new, GStrv *ret_providers,
                           GError **error);

typedef enum {
    DM_SESSION_AT_START,
    DM_SESSION_AT_STOP,
} DmSessionMoment;

/* Keeps what time it is as the owner of the tree starts (so that no later change of the wall clock
 * is taken for time that has passed, P7; writes only in a new boot) and stops (time with the power
 * on, P10; writes only where loss of contact is watched for). Sessions' begins and ends do it for
 * their provider. False and DM_ERROR STORAGE, FULL. */
bool dm_session_note_time(DmTree *tree, DmSessionMoment moment, GError **error);

/* Whether contact with the provider's server is lost, and it is to be unenrolled (P10): from
 * DmSessionInfo.unenroll_deadline_us on, if the wall clock is left alone until then. */
bool dm_session_is_contact_lost(const DmProvider *provider);

/* -- outcomes -----------------------------------------------------------------------------------
 */

/* Takes the outcome of a command on a LocURI of any tree (F6): kept if the LocURI or one above it
 * is expected by a FirstSyncStatus of `provider_id`, in the device tree or, with a uid, in that
 * user's. `reason` is cut at 512 bytes; NULL: none. False and DM_ERROR: NOT_FOUND, INVALID
 * (LocURI), STORAGE, FULL. */
bool dm_session_report_outcome(DmTree *tree, const char *provider_id, gint64 uid,
                               const char *loc_uri, DmStatus status, const char *reason,
                               GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmSessionStart, dm_session_start_clear)
