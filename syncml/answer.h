/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/command.h"
#include "syncml/message.h"
#include "syncml/writer.h"

/* From a received message to the batch for the trees, and from the batch's reply to Statuses and
 * Results in the right order (protocol.md section 2). Shared by the broker and the command line.
 *
 * Some commands are answered here and never reach a tree:
 * - without CmdID: 400, with an empty CmdRef;
 * - a Data over the cap: 413 (the reader's `problem`);
 * - an Item with MoreData: what whoever joins chunks says (syncml/chunks.h, the element's
 * `problem`), otherwise 406;
 * - an element that is no command: 400.
 * Such an element inside an Atomic fails that Atomic before it begins, since it could not succeed:
 * 507 for the outermost Atomic around it, its own code for the element, 215 for all else inside
 * (M2). The same goes for a nested Atomic's Status: it was never run. Inside a Sequence it stands
 * alone (M3). An Atomic or Sequence that is itself without CmdID is not run: 400, and 215 inside.
 *
 * A command without any Item is one entry without LocURI, for the tree to refuse. */
typedef struct DmAnswer DmAnswer;

/* Prepares the answer to `message`, which must outlive it. */
DmAnswer *dm_answer_new(const DmMessage *message);

/* The same, where one message of the answer has room for `atomic_max` bytes: an Atomic whose
 * Statuses could be more is not run: 517, and 215 for all inside it (protocol.md section 3). */
DmAnswer *dm_answer_new_limited(const DmMessage *message, gsize atomic_max);

void dm_answer_free(DmAnswer *answer);

/* The batch: one entry for each item of each command, in document order; Alerts, Statuses, Results
 * and what is answered here are not in it, spans count what is. Borrowed from the answer and the
 * message. */
const DmCommand *dm_answer_get_batch(const DmAnswer *answer, gsize *ret_n);

/* A reply that refuses every entry of the batch with `status`, where none may run. */
DmReply *dm_answer_refuse(const DmAnswer *answer, DmStatus status);

/* Whether the message holds a command, carried out or refused; Alerts, Statuses and Results are
 * none. */
bool dm_answer_has_commands(const DmAnswer *answer);

/* How many entries of the batch, by `reply`, and elements that never came into it ended badly. */
gsize dm_answer_count_failures(const DmAnswer *answer, const DmReply *reply);

/* Calls `func` for each entry of the batch with its result in `reply`, and for each element that
 * never came into it with what that is answered, in document order. An element that is no command
 * has verb NONE; `loc_uri` may be NULL; both are borrowed. */
typedef void (*DmAnswerFunc)(DmVerb verb, const char *loc_uri, DmStatus status, gpointer data);
void dm_answer_visit(const DmAnswer *answer, const DmReply *reply, DmAnswerFunc func,
                     gpointer data);

/* Writes the Statuses, and after the Status of a Get its Results, for the whole batch's `reply`,
 * which has a result for each entry. Alerts get 200. `msg_ref` is the message's MsgID, "1" for a
 * fragment. With `header_status` not 0 the Status of the SyncHdr comes first.
 *
 * A Get of several Items gets a Status with TargetRef for each, then one Results with those that
 * succeeded. Another command of several Items gets one Status if all ended alike, otherwise one
 * with TargetRef for each Item (OMA DM 1.2.1: a Status without TargetRef is of the whole command).
 * NoResp of a command suppresses its Status, not a Get's Results; NoResp of the header suppresses
 * all Statuses. */
void dm_answer_write(const DmAnswer *answer, const DmReply *reply, const char *msg_ref,
                     unsigned header_status, DmWriter *writer);

/* Refuses with 413 what a Get brought, where an item of it has more than `object_max` bytes (the
 * server's MaxObjSize). */
void dm_answer_limit_objects(const DmAnswer *answer, DmReply *reply, gsize object_max);

/* -- in several messages ------------------------------------------------------------------------*/

/* How far an answer is written; all zero before its beginning. */
typedef struct {
    gsize element;
    guint n_statuses; /* of the element, that are written */
    guint entry;      /* of the Get, whose item comes next */
    guint item;       /* of that entry's */
    gsize offset;     /* of the item's data, where the next chunk begins */
} DmAnswerCursor;

typedef enum {
    DM_ANSWER_WHOLE, /* to its end */
    DM_ANSWER_PART,  /* what comes next does not fit */
    DM_ANSWER_CHUNK, /* the last Results is a chunk; the next goes on with the same object */
} DmAnswerProgress;

/* Writes what dm_answer_write() would, without the header's Status, from `cursor` on, as far as the
 * writer stays within `limit` bytes (protocol.md section 3). What is one, an Atomic's Statuses and
 * a Get's Results, stays together; but where it is `alone`, nothing else stands in the message, so
 * that Results are then taken apart by Items, and an Item whose data is larger by chunks of whole
 * characters, each the last of its message. PART with nothing written, where it is alone: not even
 * the least fits. */
DmAnswerProgress dm_answer_write_part(const DmAnswer *answer, const DmReply *reply,
                                      const char *msg_ref, gsize limit, bool alone,
                                      DmAnswerCursor *cursor, DmWriter *writer);

/* The object whose chunk was written last is not sent any further: the server does not take it. */
void dm_answer_skip_object(DmAnswerCursor *cursor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAnswer, dm_answer_free)
