/* SPDX-License-Identifier: MIT */
#pragma once

#include "broker/journal.h"
#include "broker/tally.h"
#include "syncml/answer.h"

/* Counts what a message's commands came to in `tally`, and writes it into the journal (NULL: none
 * is kept) by verb, node and status: never Data. */
void dm_notes_add(const DmAnswer *answer, const DmReply *reply, DmTally *tally, DmJournal *journal,
                  const char *provider);
