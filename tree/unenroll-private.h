/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/transaction.h"
#include "tree/unenroll.h"

/* What tree/unenroll.c does for the other files of tree/; nobody else includes it. */

void dm_unenrollment_free(DmUnenrollment *unenrollment);

/* Whether the messages of this session, or all of its provider, are run no more (E2). */
bool dm_unenroll_is_over(const DmTree *tree, const DmContext *context);

/* The one pending of the provider called `id`; NULL: none. */
DmUnenrollment *dm_unenroll_find_pending(const DmTree *tree, const char *id);

/* Has the transaction ask for it, by whoever its context is; nothing if it was asked for. */
void dm_transaction_request_unenroll(DmTransaction *transaction, DmProvider *provider);

/* The note of what has become of a provider that the transaction removes. */
DmUnenrollment *dm_unenroll_note_done(const DmTree *tree, const DmProvider *provider);

/* Puts the transaction's unenrolments into its store, and with those done go the replies. */
bool dm_unenroll_write(const DmTransaction *transaction, DmStore *store, GError **error);

/* Takes the transaction's unenrolments, which are on disk, into memory. */
void dm_unenroll_settle(DmTransaction *transaction);

/* Reads those of the store; false and CORRUPT. */
bool dm_unenroll_load(DmTree *tree, GError **error);
