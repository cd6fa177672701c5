/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/tree-private.h"

/* Exactly once: the reply to the last message of each session. Those of messages that changed the
 * tree are in the store, written with the change; those of messages that changed nothing are kept
 * in memory, for a few sessions: to run such a message again would change nothing either. */

void dm_replies_init(DmTree *tree);
void dm_replies_clear(DmTree *tree);

/* The reply to give instead of running a message of `n` entries: the one it got before, or
 * BAD_REQUEST for each entry if a later message of the session has run already or if the message is
 * not the one that came before under its number. NULL: it is to run. */
DmReply *dm_replies_find(DmTree *tree, const DmContext *context, gsize n);

/* Keeps the reply to a message; `is_stored` says that the store has it. */
void dm_replies_keep(DmTree *tree, const DmContext *context, const DmReply *reply, bool is_stored);

/* Forgets those of the sessions of the provider called `id` (tree/session.c names them by it) and
 * of `session`; the store's are not its. */
void dm_replies_forget(DmTree *tree, const char *id, const char *session);

/* A reply of `n` times `status`. */
DmReply *dm_replies_new(gsize n, DmStatus status);
