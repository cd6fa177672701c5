/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "common/command.h"

/* The tree socket's calls: wire format, used by both sides, and the client (design section 4,
 * security.md section 1). Peer-to-peer D-Bus, object DM_TREE_PATH, interface DM_TREE_INTERFACE:
 *
 *   Hello(u version) → (u version, s product)         first, or everything is refused (BadRequest);
 *                                                     another version: BadVersion, and the end
 *   Apply(s session, t message, s provider, x uid, a(yussbs) commands) → a(ua(sybs))
 *       provider "" is local root, uid -1 no user; command: verb, span, LocURI, Format ("" none),
 *       whether there is Data, Data; result: status, items of LocURI, format, whether Data, Data
 *   Provision(s provider, a{ss} account, a(yussbs) settings, u flags) → a(ua(sybs))
 *   BeginSession(s provider, s origin) → a{sv}        see DmTreeSession
 *   ReportSession(s provider, a{sv} report)           state s, ended b, address s, error s, message
 * s, certificate-expires x ReportOutcome(s provider, x uid, s locuri, u status, s reason) GetDue()
 * → a(sxs)                                 provider, µs since the epoch, reason signals: Changed(s
 * provider, x uid, as locuris)   after a commit; "" the root Due(s provider, x due, s reason) when
 * it changes; 0 never SyncRequested(s provider, s session, s origin)
 *
 * Errors are DM_BUS_ERROR_PREFIX names with a sentence for people. */

/* -- the wire; each false when the message is not of that form or breaks a cap -------------------
 */

/* Appends commands; text that is not valid UTF-8 makes it false and leaves the message unusable. */
bool dm_wire_append_commands(DBusMessageIter *iter, const DmCommand *commands, gsize n_commands);
/* Commands that borrow from the message; array for g_array_unref(); NULL if malformed. */
GArray *dm_wire_read_commands(DBusMessageIter *iter);
bool dm_wire_append_reply(DBusMessageIter *iter, const DmReply *reply);
DmReply *dm_wire_read_reply(DBusMessageIter *iter);
bool dm_wire_append_strings(DBusMessageIter *iter, GHashTable *strings); /* a{ss} */
/* An account map (dm_account_new()), caps of common/account.h held; NULL if malformed. */
GHashTable *dm_wire_read_strings(DBusMessageIter *iter);

/* -- the client ---------------------------------------------------------------------------------
 */

typedef struct DmTreeClient DmTreeClient;

/* Connects to the socket and says Hello, blocking for at most `timeout_ms`: for command line and
 * start-up, not for a running loop. NULL and DM_ERROR: NOT_FOUND or DISCONNECTED (nobody serves it;
 * the message says how to start it), DENIED, VERSION, TIMEOUT. */
DmTreeClient *dm_tree_client_new(const char *socket_path, int timeout_ms, GError **error);
void dm_tree_client_free(DmTreeClient *client);

/* From now on runs on `context`: calls may be asynchronous, signals come. `on_signal` gets each
 * signal message of DM_TREE_INTERFACE, `on_lost` the end of the connection. */
typedef void (*DmTreeSignalFunc)(DBusMessage *signal, gpointer data);
typedef void (*DmTreeLostFunc)(gpointer data);
void dm_tree_client_attach(DmTreeClient *client, GMainContext *context, DmTreeSignalFunc on_signal,
                           DmTreeLostFunc on_lost, gpointer data);

/* A call of DM_TREE_INTERFACE; unref with dbus_message_unref() once sent. */
DBusMessage *dm_tree_client_new_call(const char *method);

/* Sends and blocks for the answer; NULL and an error of the same codes, or FAILED with the peer's
 * sentence; NOT_FOUND where the peer's error is that. Unref the answer. */
DBusMessage *dm_tree_client_call(DmTreeClient *client, DBusMessage *call, GError **error);

/* Sends; `func` gets the answer (borrowed) or an error, once, unless the client is freed before. */
typedef void (*DmTreeReplyFunc)(DBusMessage *answer, const GError *error, gpointer data);
void dm_tree_client_call_async(DmTreeClient *client, DBusMessage *call, DmTreeReplyFunc func,
                               gpointer data);

/* Builds the Apply call; NULL and INVALID if text in it is not valid. */
DBusMessage *dm_tree_call_new_apply(const DmContext *context, const DmCommand *commands,
                                    gsize n_commands, GError **error);
DBusMessage *dm_tree_call_new_provision(const char *provider_id, GHashTable *account,
                                        const DmCommand *settings, gsize n_settings, guint flags,
                                        GError **error);
/* The reply in the answer to Apply or Provision; NULL and INVALID if it is malformed. */
DmReply *dm_tree_call_read_reply(DBusMessage *answer, GError **error);

/* What BeginSession answers: keys session-id s, token s, addresses as, account a{ss}, version s,
 * sign b, keep-alive b, security-mode x. */
typedef struct {
    char *session_id;
    char *token;
    GStrv addresses;
    GHashTable *account;
    char *version;
    bool sign;
    bool keep_alive;
    gint64 security_mode;
} DmTreeSession;

void dm_tree_session_clear(DmTreeSession *session);
bool dm_tree_call_read_session(DBusMessage *answer, DmTreeSession *ret_session, GError **error);

/* ReportSession's call; NULL and negative fields say nothing (as tree/session.h). */
typedef struct {
    const char *state;
    int ended;
    const char *address;
    const char *error;
    const char *message;
    gint64 certificate_expires_us;
} DmTreeReport;

DBusMessage *dm_tree_call_new_report(const char *provider_id, const DmTreeReport *report,
                                     GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTreeClient, dm_tree_client_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmTreeSession, dm_tree_session_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DBusMessage, dbus_message_unref)
