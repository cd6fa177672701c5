/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/command.h"
#include "syncml/message.h"
#include "syncml/writer.h"

/* From a received message to the batch for the trees, and from the batch's reply to Statuses and
 * Results in the right order (protocol.md section 2). Shared by the broker and the command line. */
typedef struct DmAnswer DmAnswer;

/* Prepares the answer to `message`, which must outlive it. */
DmAnswer *dm_answer_new(const DmMessage *message);
void dm_answer_free(DmAnswer *answer);

/* The batch: one entry for each item of each command, in document order; Alerts, Statuses, Results
 * and elements that are no command are not in it. Borrowed from the answer and the message. */
const DmCommand *dm_answer_get_batch(const DmAnswer *answer, gsize *ret_n);

/* Whether the message holds a command (one that gets a Status and is not an Alert). */
bool dm_answer_has_commands(const DmAnswer *answer);

/* Writes the Statuses, and after the Status of a Get its Results, for the whole batch's `reply`;
 * Alerts get 200, elements that are no command 400, NoResp nothing. With `header_status` not 0 the
 * Status of the SyncHdr comes first. `msg_ref` is the message's MsgID, "1" for a fragment. */
void dm_answer_write(const DmAnswer *answer, const DmReply *reply, const char *msg_ref,
                     unsigned header_status, DmWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAnswer, dm_answer_free)
