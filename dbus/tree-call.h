/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "common/command.h"

/* The tree socket's calls: wire format, used by both sides, and the client (design section 4,
 * security.md section 1). Peer-to-peer D-Bus, object DM_TREE_PATH, interface DM_TREE_INTERFACE:
 *
 * Hello(u version) → (u version, s product)
 *     First, or everything is refused (BadRequest). Another version: BadVersion, and the end.
 * Apply(s session, t message, s provider, x uid, a(yussbs) commands) → a(ua(sybs))b
 *     Provider "" is local root, uid -1 no user. A command: verb, span, LocURI ("" none), Format
 *     ("" none), whether there is Data, Data. A result: status, items of LocURI, format, whether
 *     there is Data, Data. After the results whether the session is over with this message, and
 *     none of it is answered (E2).
 * Provision(s provider, a{ss} account, a(yussbs) settings, u flags) → a(ua(sybs))b
 *     Flags: DM_TREE_PROVISION_CHECK (DmProvisionFlags of tree/tree.h).
 * Attend()
 *     This peer runs sessions: from now on SyncRequested, LogsRequested and ReloadRequested come to
 *     it, and to no other peer; requests that still wait are sent at once.
 * BeginSession(s provider, s origin) → a{sv}
 *     See DmTreeSession. Its token is the session's id, the same that SyncRequested bore.
 * ReportSession(s provider, a{sv} report)
 *     See DmTreeReport.
 * ReportOutcome(s provider, x uid, s locuri, u status, s reason)
 * RenewCertificate(s provider, s thumbprint, s signature)
 *     The commit that switches to another certificate (S5): its SHA-256 in lower-case hex, and
 *     SignedEntDMID, base64.
 * RenewNonce(s provider, s level, s nonce)
 *     From now on AAUTHDATA of the account's APPAUTH of that level, APPSRV or CLIENT, is this nonce
 *     (base64): on disk before the answer (protocol.md section 5).
 * NoteLogin(u uid, b is-new) → as
 *     Somebody has logged in, just now or before anybody watched; the providers that want a session
 *     for it (P9), with that user's context.
 * GetPush() → a(sssu)
 *     Those of the device with Push: provider, PFN ("" none), ChannelURI ("" none), Status (rules
 *     section 8).
 * ReportPush(s provider, s pfn, s channel-uri, u status)
 *     What became of registering that PFN, or, PFN "", of giving a channel back (U1, U2). No effect
 *     if another one is set meanwhile.
 * FinishUnenroll(s provider)
 *     The last session of a provider that is to be unenrolled is over, however it went: now its
 *     clean-up (E3). NotFound if none was asked for; nothing more if it was done already.
 * GetUnenrollments() → a(sxxsss)
 *     The last ones, oldest first: provider, when asked for and when done (µs since the epoch, 0
 *     not yet), by whom, why, thumbprint of the certificate ("" none).
 * GetDue() → a(sxs)
 *     Provider, µs since the epoch (0 never), reason.
 * GetProviders() → a(suas)
 *     Those of the device: provider, how many server addresses it has, thumbprints of the
 *     certificates that its enrolment uses.
 * Inspect() → (a(sas) addresses, s health)
 *     For a check: provider and server addresses in force, of those of the device; how the store is
 *     (ok, degraded, read-only).
 * HandLogs(s request, a(say) files)
 *     What LogsRequested asked for: see DmTreeFile.
 *
 * Signals: Changed(s provider, x uid, as locuris) after a commit; provider "" is the root, uid -1
 * the device tree. Due(s provider, x due, s reason) when that changes; 0 never.
 * Unenrolled(s provider, s thumbprint, s by, s reason) when a provider is gone: its certificate and
 * key are the broker's to remove, unless another provider uses them.
 * SyncRequested(s provider, s session, s origin, x uid): a session is wanted; uid of the user whose
 * it is (the context of `./User`), -1 none. Origin DM_TREE_ORIGIN_UNENROLL: the provider is to be
 * unenrolled; the last session tells its server (E2), then comes FinishUnenroll.
 * PushChanged(): what GetPush answers may be something else now, apart from what ReportPush did.
 * LogsRequested(s request): the broker answers with HandLogs. ReloadRequested(): the configuration
 * is to be read again.
 *
 * Errors are DM_BUS_ERROR_PREFIX names with a sentence for people. File descriptors are refused. */

/* Most bytes of a message to the server, and of one from it. A SyncML message has half a MiB. */
#define DM_TREE_MAX_CALL (4 * 1024 * 1024)
#define DM_TREE_MAX_ANSWER (16 * 1024 * 1024)

/* Provision only says what would come of it, and changes nothing. */
#define DM_TREE_PROVISION_CHECK 1u

/* -- the wire ------------------------------------------------------------------------------------
 * Each is false (or NULL) when the message is not of that form or breaks a cap. An append that says
 * false leaves the message unusable. */

/* Appends commands; false for text that is not valid UTF-8 or holds a NUL. */
bool dm_wire_append_commands(DBusMessageIter *iter, const DmCommand *commands, gsize n_commands);

/* DmCommands that borrow from the message, valid as a batch (dm_batch_is_valid()); array for
 * g_array_unref(). */
GArray *dm_wire_read_commands(DBusMessageIter *iter);

bool dm_wire_append_reply(DBusMessageIter *iter, const DmReply *reply);
DmReply *dm_wire_read_reply(DBusMessageIter *iter);

/* a{ss} */
bool dm_wire_append_strings(DBusMessageIter *iter, GHashTable *strings);

/* An account map (dm_account_new()), caps of common/account.h held. */
GHashTable *dm_wire_read_strings(DBusMessageIter *iter);

/* Most bytes of a certificate in it. */
#define DM_TREE_MAX_CERTIFICATE 16384

/* What BeginSession answers: keys session-id s, token s, addresses as, account a{ss}, version s,
 * sign b, keep-alive b, security-mode x. All are there, and cert0 s, cert1 s where they are set,
 * must-check b and fallback b where they are true; keys not known are passed over. */
typedef struct {
    char *session_id;
    char *token;
    GStrv addresses;
    GHashTable *account;
    char *version;
    bool sign;
    bool keep_alive;
    gint64 security_mode;
    char *cert0, *cert1; /* of the server, base64 or PEM; NULL: not set (S4) */
    bool must_check;     /* one that cannot be checked for revocation is not to be used (S4) */
    bool has_fallback;   /* the last address is not of the list in force (L5) */
} DmTreeSession;

void dm_tree_session_clear(DmTreeSession *session);
bool dm_wire_append_session(DBusMessageIter *iter, const DmTreeSession *session);

/* On false `*ret_session` is untouched. */
bool dm_wire_read_session(DBusMessageIter *iter, DmTreeSession *ret_session);

/* How many commands of one verb were answered with one status. */
typedef struct {
    const char *verb; /* as in SyncML */
    guint status;
    guint n;
} DmTreeCount;

/* Most of them in a report; one with more is malformed. */
#define DM_TREE_MAX_COUNTS 256

/* What went over the wire in a session. */
typedef struct {
    guint messages_sent;
    guint messages_received;
    guint64 bytes_sent;
    guint64 bytes_received;
    DmTreeCount commands[DM_TREE_MAX_COUNTS];
    guint n_commands; /* entries of `commands` */
} DmTreeTotals;

/* What ReportSession brings: keys state s, ended b, address s, error s, message s,
 * certificate-expires x, and with `has_totals` messages-sent u, messages-received u, bytes-sent t,
 * bytes-received t, commands a(suu). NULL and negative fields are not sent and say nothing (as
 * tree/session.h); `state` by its name. */
typedef struct {
    const char *state;
    int ended;
    const char *address;
    const char *error;
    const char *message;
    gint64 certificate_expires_us;
    bool has_totals; /* at least one of their keys has come */
    DmTreeTotals totals;
} DmTreeReport;

#define DM_TREE_REPORT_INIT                                                                        \
    {                                                                                              \
        .ended = -1, .certificate_expires_us = -1                                                  \
    }

bool dm_wire_append_report(DBusMessageIter *iter, const DmTreeReport *report);

/* Strings are borrowed from the message; on false `*ret_report` is untouched. */
bool dm_wire_read_report(DBusMessageIter *iter, DmTreeReport *ret_report);

/* A file that HandLogs brings, redacted text: its name of [a-z0-9.-], not beginning with a dot. */
typedef struct {
    const char *name;
    const char *data;
    gsize size;
} DmTreeFile;

#define DM_TREE_MAX_FILES 8
#define DM_TREE_MAX_FILE_NAME 64
#define DM_TREE_MAX_FILE (1024 * 1024)

/* DmTreeFiles that borrow from the message; array for g_array_unref(), NULL if a cap is broken. */
GArray *dm_wire_read_files(DBusMessageIter *iter);

/* What GetProviders tells of one. */
typedef struct {
    const char *id;
    guint n_addresses;
    GStrv thumbprints; /* of certificates that it uses, lower-case hex */
} DmTreeProvider;

/* DmTreeProviders whose ids borrow from the message; for g_ptr_array_unref(), NULL if malformed. */
GPtrArray *dm_wire_read_providers(DBusMessageIter *iter);

/* Builds NoteLogin; and what its answer says: ids for g_strfreev(), NULL if malformed. */
DBusMessage *dm_tree_call_new_note_login(guint32 uid, bool is_new);
GStrv dm_tree_call_read_login(DBusMessage *answer);

/* What GetPush tells of a provider. */
typedef struct {
    const char *provider;
    const char *pfn;
    const char *channel_uri;
    guint status;
} DmTreePush;

/* DmTreePushes that borrow from the message; array for g_array_unref(), NULL if malformed. */
GArray *dm_wire_read_pushes(DBusMessageIter *iter);
/* What Inspect tells of one. */
typedef struct {
    const char *id;
    GStrv addresses;
} DmTreeAddresses;

#define DM_TREE_MAX_ADDRESSES 256 /* of one provider */

/* DmTreeAddresses whose ids borrow from the message, and the health, which does too; for
 * g_ptr_array_unref(), NULL if malformed. */
GPtrArray *dm_wire_read_inspection(DBusMessage *answer, const char **ret_health);

/* What GetDue and the signal Due tell of a provider. */
typedef struct {
    const char *provider;
    gint64 due_us; /* wall clock, µs since the epoch; 0 never */
    const char *reason;
} DmTreeDue;

/* DmTreeDues that borrow from the message; array for g_array_unref(), NULL if malformed. */
GArray *dm_wire_read_dues(DBusMessageIter *iter);

/* What SyncRequested asks for; borrowed from the signal. */
typedef struct {
    const char *provider;
    const char *session; /* its id; "" none yet */
    const char *origin;
    gint64 uid; /* -1 none */
} DmTreeSyncRequest;

#define DM_TREE_ORIGIN_SCHEDULE "schedule"
#define DM_TREE_ORIGIN_LOGIN "login"
#define DM_TREE_ORIGIN_PUSH "push"
#define DM_TREE_ORIGIN_UNENROLL "unenroll"

/* False if the signal is not of that form, or the uid none. */
bool dm_wire_read_sync_request(DBusMessage *signal, DmTreeSyncRequest *ret_request);

/* -- calls and their answers --------------------------------------------------------------------*/

/* A call of DM_TREE_INTERFACE; unref with dbus_message_unref() once sent. */
DBusMessage *dm_tree_client_new_call(const char *method);

/* Build Apply, Provision and ReportSession; NULL and INVALID if text in it is not valid, TOO_LARGE
 * if it is over DM_TREE_MAX_CALL or DM_BATCH_MAX. */
DBusMessage *dm_tree_call_new_apply(const DmContext *context, const DmCommand *commands,
                                    gsize n_commands, GError **error);
DBusMessage *dm_tree_call_new_provision(const char *provider_id, GHashTable *account,
                                        const DmCommand *settings, gsize n_settings, guint flags,
                                        GError **error);
DBusMessage *dm_tree_call_new_report(const char *provider_id, const DmTreeReport *report,
                                     GError **error);

/* HandLogs; NULL and INVALID, TOO_LARGE likewise. */
DBusMessage *dm_tree_call_new_hand_logs(const char *request, const DmTreeFile *files, gsize n_files,
                                        GError **error);

/* The reply in the answer to Apply or Provision; NULL and INVALID if it is malformed. */
DmReply *dm_tree_call_read_reply(DBusMessage *answer, GError **error);

/* The session in the answer to BeginSession, for dm_tree_session_clear(); false and INVALID if it
 * is malformed, `*ret_session` untouched. */
bool dm_tree_call_read_session(DBusMessage *answer, DmTreeSession *ret_session, GError **error);

/* -- the client ---------------------------------------------------------------------------------*/

typedef struct DmTreeClient DmTreeClient;

/* How long a call waits for its answer. */
#define DM_TREE_CALL_TIMEOUT_MS 60000

/* … but Apply of a session, which has limits of its own: its commands may take long (S3). */
#define DM_TREE_APPLY_TIMEOUT_MS (60 * 60 * 1000)

/* Connects to the socket and says Hello, blocking for at most `timeout_ms`: for command line and
 * start-up, not for a running loop. NULL and DM_ERROR: NOT_FOUND or DISCONNECTED (nobody serves it;
 * the message says how to start it), DENIED, VERSION, TIMEOUT. */
DmTreeClient *dm_tree_client_new(const char *socket_path, int timeout_ms, GError **error);

/* Connects without waiting for the peer; nothing has been said then. NULL and DM_ERROR: NOT_FOUND,
 * DISCONNECTED, DENIED. */
DmTreeClient *dm_tree_client_connect(const char *socket_path, GError **error);

/* Closes it; functions of calls under way are not called any more. Allowed in any callback of the
 * client. NULL is fine. */
void dm_tree_client_free(DmTreeClient *client);

/* From now on runs on `context` (NULL: the default): calls may be asynchronous, signals come.
 * `on_signal` gets each signal message of DM_TREE_INTERFACE, `on_lost` the end of the connection,
 * once; either may be NULL. */
typedef void (*DmTreeSignalFunc)(DBusMessage *signal, gpointer data);
typedef void (*DmTreeLostFunc)(gpointer data);
void dm_tree_client_attach(DmTreeClient *client, GMainContext *context, DmTreeSignalFunc on_signal,
                           DmTreeLostFunc on_lost, gpointer data);

/* Sends and blocks for the answer, for dbus_message_unref(). NULL and DM_ERROR: DISCONNECTED,
 * TIMEOUT; where the peer refused, its sentence with NOT_FOUND, INVALID, DENIED, FULL, STORAGE or
 * VERSION where its error says that, otherwise FAILED. */
DBusMessage *dm_tree_client_call(DmTreeClient *client, DBusMessage *call, GError **error);

/* Sends; `func` gets the answer (borrowed) or an error of the same codes, once, never before this
 * returns, unless the client is freed before. Only after dm_tree_client_attach(). */
typedef void (*DmTreeReplyFunc)(DBusMessage *answer, const GError *error, gpointer data);
void dm_tree_client_call_async(DmTreeClient *client, DBusMessage *call, DmTreeReplyFunc func,
                               gpointer data);

/* Says Hello over a connection that was only connected, after dm_tree_client_attach(). `func` gets
 * the answer or an error, DENIED and VERSION among them, as dm_tree_client_call_async() has it. */
void dm_tree_client_say_hello(DmTreeClient *client, DmTreeReplyFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTreeClient, dm_tree_client_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmTreeSession, dm_tree_session_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DBusMessage, dbus_message_unref)
