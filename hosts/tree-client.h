/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/command.h"

/* A client of the tree socket (dbus/tree-call.h) for modules in foreign processes: libdbus-1 and
 * libc only, of GLib no more than the names of types. Local root speaks through it, since a host
 * does not say for which server (V9).
 *
 * - Connects when first called, and again when the connection is lost: the agent may stop and start
 *   at any time. Where nobody serves the tree, the system bus is asked to start the agent.
 * - What writes runs exactly once, however often a connection is lost: it carries the client's own
 *   session and a rising number, and a resend gets the first reply. What only reads is read again.
 * - No thread, signal, descriptor that children inherit, or global state: one client belongs to one
 *   thread at a time, several clients to as many as like. libdbus stays loaded in the process once
 *   a client has been made, as it keeps memory that would be lost otherwise. */
typedef struct DmHostTree DmHostTree;

/* How long the bus and the agent have to start the tree, and a call to be answered. */
#define DM_HOST_START_MS 5000
#define DM_HOST_CALL_MS 60000

/* A client that says nothing yet. `uid`: whose tree `./User` is; -1 nobody's, 405 (A1).
 * The socket is $DMCLIENT_SOCKET or the default. NULL and errno: no memory, no random numbers. */
DmHostTree *dm_host_tree_new(int64_t uid);

/* NULL is fine. From any thread, when no call is under way. */
void dm_host_tree_free(DmHostTree *tree);

/* How one command ended; `items` is what a Get brought. */
typedef struct {
    DmStatus status;
    size_t n_items;
    const DmResultItem *items;
} DmHostResult;

/* The answer to Apply, a result for each entry; owns its text. `is_stopped`: see
 * dm_reply_is_stopped(). */
typedef struct {
    size_t n_results;
    DmHostResult *results;
    bool is_stopped;
    DmResultItem *items; /* of all results */
    DBusMessage *answer;
} DmHostReply;

/* Runs commands as one message, one commit (M1), and waits for the answer. 0 and `*ret_reply`, for
 * dm_host_reply_clear(), or an errno value, a sentence in dm_host_tree_get_error(), and
 * `*ret_reply` untouched:
 * - ENOENT, ECONNREFUSED: nobody serves the tree, and the bus could not change that
 * - EACCES: this process may not use the tree
 * - ECONNRESET: the tree closes the connection again and again
 * - ETIMEDOUT: no answer within DM_HOST_CALL_MS; whether it ran is not known
 * - EINVAL: text that is not valid UTF-8 or holds a NUL, spans that are not valid; nothing was sent
 * - EMSGSIZE: over DM_BATCH_MAX or DM_TREE_MAX_CALL
 * - EPROTO: the tree refused the call or answers what is not of the form; EPROTONOSUPPORT: it
 *   speaks another version; ENOMEM, or what the kernel says. */
int dm_host_tree_apply(DmHostTree *tree, const DmCommand *commands, size_t n_commands,
                       DmHostReply *ret_reply);

/* The same for what must run once even if another process asks for it again: as the one message of
 * `session`, a name that belongs to these commands alone. The tree remembers the last sessions that
 * changed it, over restarts too. */
int dm_host_tree_apply_once(DmHostTree *tree, const char *session, const DmCommand *commands,
                            size_t n_commands, DmHostReply *ret_reply);

void dm_host_reply_clear(DmHostReply *reply);

/* Tells the tree how something ended that is not of the tree's own server sessions (F6): `provider`
 * expects it perhaps, in the device tree (`is_user` false) or in that of the client's uid. Errors
 * as above; EPROTO also where there is no such provider. */
int dm_host_tree_report_outcome(DmHostTree *tree, const char *provider, bool is_user,
                                const char *loc_uri, DmStatus status, const char *reason);

/* A sentence for people about the last call that failed, with the next step; "" if none has.
 * Borrowed until the next call. */
const char *dm_host_tree_get_error(const DmHostTree *tree);

/* "chr", "int", …: as dm_format_to_name(), for those who do without GLib. Const. */
const char *dm_host_format_to_name(DmFormat format);
