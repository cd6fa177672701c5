/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "syncml/answer.h"

/* What a session still has to say: the answers to the server's messages, which may be larger than
 * one message that the server takes (protocol.md section 3). */
typedef struct DmOutbox DmOutbox;

DmOutbox *dm_outbox_new(void);
void dm_outbox_free(DmOutbox *outbox);

/* An answer, all of which becomes the outbox's. */
typedef struct {
    DmMessage *message;
    DmAnswer *answer;
    DmReply *reply;
    GPtrArray *dropped; /* char*: LocURIs for Alert 1225, after it; NULL: none */
} DmOutboxEntry;

/* Adds one; with `is_urgent` before what waits, as what says nothing but that the server asks for
 * the rest. */
void dm_outbox_add(DmOutbox *outbox, const DmOutboxEntry *entry, bool is_urgent);

bool dm_outbox_is_empty(const DmOutbox *outbox);

/* Writes as much as the writer, in the midst of a message, can take up to `limit` bytes. WHOLE: the
 * outbox is empty. PART and CHUNK as dm_answer_write_part(). */
DmAnswerProgress dm_outbox_write(DmOutbox *outbox, gsize limit, DmWriter *writer);

/* The server does not take the object whose chunk was written last. */
void dm_outbox_skip_object(DmOutbox *outbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmOutbox, dm_outbox_free)
