/* SPDX-License-Identifier: MIT */
#pragma once

#include "syncml/answer.h"

/* What syncml/answer.c decides and syncml/answer-write.c writes (private to syncml/). */

/* One for each element of the message. */
typedef struct {
    guint first; /* its entries in the batch */
    guint n;
    DmStatus own; /* not run: what is answered instead; OK: its entries' results are */
} DmAnswerEntry;

struct DmAnswer {
    const DmMessage *message;
    DmAnswerEntry *entries;
    GArray *batch; /* DmCommand */
};

/* Whether the element asks for an answer at all. */
bool dm_answer_is_due(const DmElement *element);

/* Most bytes that the Statuses of the element and of all inside it can have, however they end. */
gsize dm_answer_measure(const DmMessage *message, gsize index, const char *msg_ref);
