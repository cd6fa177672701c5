/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/rules/rule.h"
#include "tree/tree-private.h"

/* The change of the tree that one message makes. Nodes change at once, so that what follows in the
 * message sees them (V8); an undo journal takes everything back: an Atomic that fails (M2), one
 * command that a rule refuses when the message commits (V8), or all of it when the disk fails (M4).
 * What is written and told in the end is the net difference between the journal's first entry of a
 * node and the node. There is one transaction object in a tree, used again for each message. */

/* The number of no command: changes that a rule makes when it corrects. */
#define DM_COMMAND_NONE G_MAXUINT

/* A point of the journal to roll back to. */
typedef struct {
    guint n_undos;
    guint n_writes;
    guint n_unenrolls;
} DmMark;

DmTransaction *dm_transaction_new(DmTree *tree);
void dm_transaction_free(DmTransaction *transaction);

/* Starts on behalf of `context`, which is borrowed until the end. */
void dm_transaction_begin(DmTransaction *transaction, const DmContext *context);

/* Ends it: what was done stays in memory, the journal is forgotten. */
void dm_transaction_end(DmTransaction *transaction);

DmTree *dm_transaction_get_tree(const DmTransaction *transaction);
const DmContext *dm_transaction_get_context(const DmTransaction *transaction);

/* Names the entry of the batch that does what follows. */
void dm_transaction_set_command(DmTransaction *transaction, guint command);

/* Room for text that is put together and read before the next command. */
GString *dm_transaction_get_text(DmTransaction *transaction);

/* The provider that `id` names (A2), or NULL; the one found last is found at once. */
DmProvider *dm_transaction_match(DmTransaction *transaction, DmScope scope, guint32 uid,
                                 const char *id);

/* -- changes: nothing is checked any more -------------------------------------------------------
 */

/* Sets a leaf, whose parent is present; takes the value and leaves it empty. NULL unsets it.
 * `provider` NULL: a leaf of the root. */
void dm_transaction_take(DmTransaction *transaction, DmProvider *provider, DmNodeId node,
                         DmValue *value);

/* Makes an interior node below a provider present, and those between. */
void dm_transaction_add_node(DmTransaction *transaction, DmProvider *provider, DmNodeId node);

/* Removes an interior node and all below it; with FirstSyncStatus go the outcomes (F5). */
void dm_transaction_remove_node(DmTransaction *transaction, DmProvider *provider, DmNodeId node);

/* Puts `outcomes` (owned strings, taken) in the place of the provider's. */
void dm_transaction_take_outcomes(DmTransaction *transaction, DmProvider *provider,
                                  GHashTable *outcomes);

/* Puts `session` (owned strings, taken) in the place of the provider's DM_STORE_SESSION. */
void dm_transaction_take_session(DmTransaction *transaction, DmProvider *provider,
                                 GHashTable *session);

/* Makes a provider (V10), in the device tree with FirstSyncStatus. */
DmProvider *dm_transaction_add_provider(DmTransaction *transaction, DmScope scope, guint32 uid,
                                        const char *id);

/* Removes one; it lives on, out of the tree, until the end. */
void dm_transaction_remove_provider(DmTransaction *transaction, DmProvider *provider);

/* Notes that the command wrote `node`, whose rule may have a word when it commits. */
void dm_transaction_note_write(DmTransaction *transaction, DmProvider *provider, DmNodeId node);

/* -- taking back --------------------------------------------------------------------------------
 */

DmMark dm_transaction_mark(const DmTransaction *transaction);
void dm_transaction_roll_back(DmTransaction *transaction, DmMark mark);

/* Undoes what one command did to nodes, as if it had not been there; later commands stand (V8). */
void dm_transaction_undo(DmTransaction *transaction, guint command);

/* -- at the end ---------------------------------------------------------------------------------
 */

/* Has each topic judged that was written since `mark`. True: all may stand. False: `*ret_command`
 * was the last to write the topic that refused, with `*ret_status`. */
bool dm_transaction_judge(DmTransaction *transaction, DmMark mark, guint *ret_command,
                          DmStatus *ret_status);

/* Forgets the writes since `mark` that were judged: an Atomic that stands is settled. */
void dm_transaction_settle(DmTransaction *transaction, DmMark mark);

/* Changes the outcomes of the session's provider, device's and user's, by what the message's
 * commands mean to its first sync, going by the statuses of `reply` (F6). After judging. */
void dm_transaction_note_outcomes(DmTransaction *transaction, const DmCommand *commands,
                                  gsize n_commands, const DmReply *reply);

/* Begins the chain of poll sessions anew of each provider that is new, or whose Poll now says other
 * than what the chain began with (P6). After judging. */
void dm_transaction_note_schedules(DmTransaction *transaction);

/* Works out the net changes, and what becomes of enrolments; how many. Before the two below. */
gsize dm_transaction_collect(DmTransaction *transaction);

/* Writes them with the reply to the message (unless the context has no session) in one transaction
 * of the store (M1). False and DM_ERROR STORAGE or FULL: nothing is on disk. */
bool dm_transaction_write(DmTransaction *transaction, const DmReply *reply, GError **error);

/* Ends a transaction that belongs to no message: collects, writes, tells, or takes everything back.
 * False and DM_ERROR STORAGE or FULL. */
bool dm_transaction_finish(DmTransaction *transaction, GError **error);

/* Has the client decide the first syncs that the transaction completes (F4), and starts the clock
 * of those that a server's session begins (F7). After noting outcomes. */
void dm_transaction_decide_first_syncs(DmTransaction *transaction);

/* Notes the outcome `text` ("code reason") of the LocURI `canonical` wherever `provider` expects it
 * (F6); outside a message. */
void dm_transaction_note_outcome(DmTransaction *transaction, DmProvider *provider,
                                 const char *canonical, const char *text);

/* Sets one text of the provider's outcomes; NULL unsets it. */
void dm_transaction_set_outcome(DmTransaction *transaction, DmProvider *provider, const char *name,
                                const char *text);

/* Takes what is on disk now into memory where it is not yet, and tells the listeners. */
void dm_transaction_tell(DmTransaction *transaction);
