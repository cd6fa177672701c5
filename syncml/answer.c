/* SPDX-License-Identifier: MIT */

#include "syncml/answer.h"

#include "syncml/answer-private.h"

static bool
is_container(const DmElement *element)
{
    return element->verb == DM_VERB_ATOMIC || element->verb == DM_VERB_SEQUENCE;
}

bool
dm_answer_is_due(const DmElement *element)
{
    return element->verb != DM_VERB_STATUS && element->verb != DM_VERB_RESULTS;
}

static bool
has_chunk(const DmMessage *message, const DmElement *element)
{
    for (guint i = 0; i < element->n_items; i++)
        if (dm_message_get_item(message, element, i)->more_data)
            return true;
    return false;
}

/* What is wrong with the element by itself; OK if nothing is. */
static DmStatus
judge(const DmMessage *message, const DmElement *element)
{
    if (!dm_answer_is_due(element))
        return DM_STATUS_OK;
    if (element->verb == DM_VERB_NONE || element->cmd_id == NULL)
        return DM_STATUS_BAD_REQUEST;
    if (element->problem != DM_STATUS_OK)
        return element->problem;
    if (has_chunk(message, element))
        return DM_STATUS_NOT_SUPPORTED;
    return DM_STATUS_OK;
}

/* Whether something inside the element cannot be run. */
static bool
is_spoilt(const DmAnswer *answer, gsize index)
{
    const gsize end = index + 1 + dm_message_get(answer->message, index)->span;

    for (gsize i = index + 1; i < end; i++)
        if (answer->entries[i].own != DM_STATUS_OK)
            return true;
    return false;
}

/* Marks all inside the element as not run, but for what has a code of its own. */
static void
skip_inside(DmAnswer *answer, gsize index)
{
    const gsize end = index + 1 + dm_message_get(answer->message, index)->span;

    for (gsize i = index + 1; i < end; i++)
        if (answer->entries[i].own == DM_STATUS_OK)
            answer->entries[i].own = DM_STATUS_NOT_EXECUTED;
}

/* Decides what is answered here. What a container skips is not gone into again, so no element is
 * looked at more often than Atomics stand around it (DM_BATCH_MAX_DEPTH). */
static void
judge_all(DmAnswer *answer, gsize atomic_max)
{
    const DmMessage *message = answer->message;
    const gsize n = dm_message_get_size(message);

    for (gsize i = 0; i < n; i++)
        answer->entries[i].own = judge(message, dm_message_get(message, i));
    for (gsize i = 0; i < n; i++) {
        const DmElement *element = dm_message_get(message, i);
        DmAnswerEntry *entry = &answer->entries[i];

        if (!is_container(element))
            continue;
        if (entry->own == DM_STATUS_OK && element->verb == DM_VERB_ATOMIC && is_spoilt(answer, i))
            entry->own = DM_STATUS_ATOMIC_FAILED;
        else if (entry->own == DM_STATUS_OK && element->verb == DM_VERB_ATOMIC &&
                 atomic_max < G_MAXSIZE &&
                 dm_answer_measure(message, i, message->header.msg_id) > atomic_max)
            entry->own = DM_STATUS_RESPONSE_TOO_LARGE;
        if (entry->own != DM_STATUS_OK) {
            skip_inside(answer, i);
            i += element->span;
        }
    }
}

static void
add_entries(DmAnswer *answer, const DmElement *element, DmAnswerEntry *entry)
{
    for (guint i = 0; i < element->n_items; i++) {
        const DmItem *item = dm_message_get_item(answer->message, element, i);
        DmCommand command = {
            .verb = element->verb,
            .loc_uri = item->target_uri,
            .format = item->format,
            .data = item->data,
            .data_size = item->data_size,
        };

        g_array_append_val(answer->batch, command);
    }
    if (element->n_items == 0) {
        DmCommand command = {.verb = element->verb};

        g_array_append_val(answer->batch, command);
    }
    entry->n = answer->batch->len - entry->first;
}

static void
build_batch(DmAnswer *answer)
{
    const DmMessage *message = answer->message;
    const gsize n = dm_message_get_size(message);
    struct {
        gsize end;   /* in the message */
        guint entry; /* in the batch */
    } open[DM_BATCH_MAX_DEPTH];
    guint n_open = 0;

    for (gsize i = 0; i < n; i++) {
        const DmElement *element = dm_message_get(message, i);
        DmAnswerEntry *entry = &answer->entries[i];

        entry->first = answer->batch->len;
        if (entry->own == DM_STATUS_OK && element->verb < DM_VERB_ALERT)
            add_entries(answer, element, entry);
        if (is_container(element) && entry->n > 0 && element->span > 0) {
            g_assert(n_open < DM_BATCH_MAX_DEPTH);
            open[n_open].end = i + 1 + element->span;
            open[n_open++].entry = entry->first;
        }
        while (n_open > 0 && open[n_open - 1].end == i + 1) {
            DmCommand *container;

            n_open--;
            container = &g_array_index(answer->batch, DmCommand, open[n_open].entry);
            container->span = answer->batch->len - open[n_open].entry - 1;
        }
    }
}

DmAnswer *
dm_answer_new(const DmMessage *message)
{
    return dm_answer_new_limited(message, G_MAXSIZE);
}

DmAnswer *
dm_answer_new_limited(const DmMessage *message, gsize atomic_max)
{
    const gsize n = dm_message_get_size(message);
    DmAnswer *answer = g_new0(DmAnswer, 1);

    answer->message = message;
    answer->entries = g_new0(DmAnswerEntry, n);
    answer->batch =
        g_array_sized_new(FALSE, FALSE, sizeof(DmCommand), MAX(message->items->len, (guint)n));
    judge_all(answer, atomic_max);
    build_batch(answer);
    return answer;
}

void
dm_answer_free(DmAnswer *answer)
{
    if (answer == NULL)
        return;
    g_free(answer->entries);
    g_array_unref(answer->batch);
    g_free(answer);
}

const DmCommand *
dm_answer_get_batch(const DmAnswer *answer, gsize *ret_n)
{
    *ret_n = answer->batch->len;
    return (const DmCommand *)(gpointer)answer->batch->data;
}

DmReply *
dm_answer_refuse(const DmAnswer *answer, DmStatus status)
{
    gsize n_commands = 0;
    DmReply *reply;

    dm_answer_get_batch(answer, &n_commands);
    reply = dm_reply_new(n_commands);
    for (gsize i = 0; i < n_commands; i++)
        dm_reply_add(reply, status);
    return reply;
}

bool
dm_answer_has_commands(const DmAnswer *answer)
{
    for (gsize i = 0; i < dm_message_get_size(answer->message); i++) {
        const DmElement *element = dm_message_get(answer->message, i);

        if (dm_answer_is_due(element) && element->verb != DM_VERB_ALERT)
            return true;
    }
    return false;
}

gsize
dm_answer_count_failures(const DmAnswer *answer, const DmReply *reply)
{
    gsize n_failures = 0;

    for (gsize i = 0; i < answer->batch->len; i++)
        if (!dm_status_is_good(dm_reply_get(reply, i)->status))
            n_failures++;
    for (gsize i = 0; i < dm_message_get_size(answer->message); i++)
        if (!dm_status_is_good(answer->entries[i].own))
            n_failures++;
    return n_failures;
}

void
dm_answer_visit(const DmAnswer *answer, const DmReply *reply, DmAnswerFunc func, gpointer data)
{
    for (gsize i = 0; i < dm_message_get_size(answer->message); i++) {
        const DmElement *element = dm_message_get(answer->message, i);
        const DmAnswerEntry *entry = &answer->entries[i];

        if (!dm_answer_is_due(element) || element->verb == DM_VERB_ALERT)
            continue;
        for (guint j = entry->first; j < entry->first + entry->n; j++)
            func(element->verb, g_array_index(answer->batch, DmCommand, j).loc_uri,
                 dm_reply_get(reply, j)->status, data);
        if (entry->n == 0)
            func(element->verb,
                 element->n_items > 0 ? dm_message_get_item(answer->message, element, 0)->target_uri
                                      : NULL,
                 entry->own, data);
    }
}
