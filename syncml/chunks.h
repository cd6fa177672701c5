/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "syncml/message.h"

/* Objects that a server sends in chunks (protocol.md section 3): the one Item of an Add, Replace or
 * Exec, with MoreData in one message after another, then without. At most DM_MESSAGE_MAX_OBJECT
 * bytes, one object at a time. */
typedef struct DmChunks DmChunks;

DmChunks *dm_chunks_new(void);
void dm_chunks_free(DmChunks *chunks);

/* Takes the chunks out of a message, before it is answered (dm_answer_new()). A chunk gets its
 * `problem`, and is not run: 213 while it is well, 416 where the Size that its first one tells is
 * over the cap, 413 where they are together, 424 where they are more than that Size. The last one
 * gets all the data, format and type of the first, and is run; with 424 instead where that is not
 * as much as Size says, and with the code that the chunks before it got, if not 213. A command
 * between the chunks ends the object, and is run itself.
 *
 * What has MoreData elsewhere, in an Atomic or Sequence or beside other Items, is left alone. */
void dm_chunks_take(DmChunks *chunks, DmMessage *message);

/* LocURIs of the objects that were dropped in the message taken last, for Alert 1225: char*, owned
 * by the chunks until the next message. */
const GPtrArray *dm_chunks_get_dropped(const DmChunks *chunks);

/* Whether more of an object is waited for. */
bool dm_chunks_is_open(const DmChunks *chunks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmChunks, dm_chunks_free)
