/* SPDX-License-Identifier: MIT */

#include "syncml/answer-private.h"

/* The end tag of a Results, which needs room too. */
#define RESULTS_END_BYTES (sizeof("</Results>") - 1)

typedef struct {
    const DmAnswer *answer;
    const DmReply *reply;
    const char *msg_ref;
    DmWriter *writer;
    gsize limit;
    gsize begin;   /* where the writer was at first */
    bool is_alone; /* nothing else stood in the message then */
} Writing;

static void
write_status(const Writing *writing, const DmElement *element, const DmItem *item, DmStatus status)
{
    const char *target = item == NULL ? NULL : item->target_uri;

    dm_writer_status(writing->writer, writing->msg_ref,
                     element->cmd_id == NULL ? "" : element->cmd_id, element->name, &target,
                     target != NULL, NULL, status);
}

/* Whether all entries ended with the same status. */
static bool
ended_alike(const DmReply *reply, const DmAnswerEntry *entry)
{
    for (guint i = 1; i < entry->n; i++)
        if (dm_reply_get(reply, entry->first + i)->status !=
            dm_reply_get(reply, entry->first)->status)
            return false;
    return true;
}

/* How many Statuses the element gets. */
static guint
count_statuses(const Writing *writing, const DmElement *element, const DmAnswerEntry *entry)
{
    if (writing->answer->message->header.no_resp || element->no_resp)
        return 0;
    if (entry->n <= 1 || (element->verb != DM_VERB_GET && ended_alike(writing->reply, entry)))
        return 1;
    return entry->n;
}

/* Status `index` of `n`. */
static void
write_one(const Writing *writing, const DmElement *element, const DmAnswerEntry *entry, guint index,
          guint n)
{
    const DmItem *item = NULL;
    DmStatus status = entry->own;

    if (n > 1)
        item = dm_message_get_item(writing->answer->message, element, index);
    if (entry->n > 0)
        status = dm_reply_get(writing->reply, entry->first + index)->status;
    write_status(writing, element, item, status);
}

/* Whether nothing else stands in the message so far. */
static bool
is_alone(const Writing *writing)
{
    return writing->is_alone && dm_writer_get_size(writing->writer) == writing->begin;
}

static bool
is_over(const Writing *writing)
{
    return dm_writer_get_size(writing->writer) > writing->limit;
}

/* -- Results ---------------------------------------------------------------------------------- */

/* The item that the cursor stands at, or the next one there is; NULL: no more. */
static const DmResultItem *
find_item(const Writing *writing, const DmAnswerEntry *entry, DmAnswerCursor *cursor)
{
    for (; cursor->entry < entry->n; cursor->entry++, cursor->item = 0) {
        const DmResult *result = dm_reply_get(writing->reply, entry->first + cursor->entry);

        if (dm_status_is_good(result->status) && cursor->item < result->n_items)
            return dm_reply_get_items(writing->reply, entry->first + cursor->entry) + cursor->item;
    }
    return NULL;
}

static void
begin_results(const Writing *writing, const DmElement *element)
{
    dm_writer_begin_results(writing->writer, writing->msg_ref, element->cmd_id);
}

/* One Results with all the items from the cursor on that fit; whether there was one. */
static bool
write_items(const Writing *writing, const DmElement *element, const DmAnswerEntry *entry,
            DmAnswerCursor *cursor)
{
    const DmWriterMark start = dm_writer_get_mark(writing->writer);
    const DmResultItem *item;
    bool begun = false;

    while ((item = find_item(writing, entry, cursor)) != NULL) {
        const DmWriterMark mark = dm_writer_get_mark(writing->writer);

        if (!begun)
            begin_results(writing, element);
        dm_writer_add_results(writing->writer, item, 1);
        if (dm_writer_get_size(writing->writer) + RESULTS_END_BYTES > writing->limit) {
            dm_writer_go_back(writing->writer, begun ? mark : start);
            break;
        }
        begun = true;
        cursor->item++;
    }
    if (begun)
        dm_writer_end_results(writing->writer);
    return begun;
}

/* A Results with the next chunk of the item at the cursor. WHOLE: with its last. */
static DmAnswerProgress
write_chunk(const Writing *writing, const DmElement *element, const DmResultItem *item,
            DmAnswerCursor *cursor)
{
    const DmWriterMark mark = dm_writer_get_mark(writing->writer);
    gsize left = item->data_size - cursor->offset;
    gint64 total = cursor->offset == 0 ? (gint64)item->data_size : -1;
    gsize size, without;

    begin_results(writing, element);
    dm_writer_add_results_chunk(writing->writer, item, cursor->offset, 0, total, true);
    dm_writer_end_results(writing->writer);
    without = dm_writer_get_size(writing->writer);
    dm_writer_go_back(writing->writer, mark);
    size = without < writing->limit
               ? dm_writer_fit_text(item->data + cursor->offset, left, writing->limit - without)
               : 0;
    if (size == 0)
        return DM_ANSWER_PART;
    begin_results(writing, element);
    dm_writer_add_results_chunk(writing->writer, item, cursor->offset, size, total, size < left);
    dm_writer_end_results(writing->writer);
    cursor->offset += size;
    if (size < left)
        return DM_ANSWER_CHUNK;
    cursor->offset = 0;
    cursor->item++;
    return DM_ANSWER_WHOLE;
}

/* What the Get's items brought, if any did. */
static DmAnswerProgress
write_results(const Writing *writing, const DmElement *element, const DmAnswerEntry *entry,
              DmAnswerCursor *cursor)
{
    const bool alone = is_alone(writing);
    const DmResultItem *item = find_item(writing, entry, cursor);
    DmAnswerCursor start;
    DmWriterMark mark;

    if (item != NULL && cursor->offset > 0) {
        DmAnswerProgress progress = write_chunk(writing, element, item, cursor);

        if (progress != DM_ANSWER_WHOLE)
            return progress;
    }
    start = *cursor;
    mark = dm_writer_get_mark(writing->writer);
    write_items(writing, element, entry, cursor);
    item = find_item(writing, entry, cursor);
    if (item == NULL)
        return DM_ANSWER_WHOLE;
    if (!alone) {
        dm_writer_go_back(writing->writer, mark);
        *cursor = start;
        return DM_ANSWER_PART;
    }
    /* Chunks are for what a message of its own has no room for. */
    if (!is_alone(writing) || item->data_size == 0)
        return DM_ANSWER_PART;
    return write_chunk(writing, element, item, cursor);
}

/* -- elements --------------------------------------------------------------------------------- */

/* The element that the cursor stands at, from where it stands on. */
static DmAnswerProgress
write_element(const Writing *writing, DmAnswerCursor *cursor)
{
    const DmElement *element = dm_message_get(writing->answer->message, cursor->element);
    const DmAnswerEntry *entry = &writing->answer->entries[cursor->element];
    guint n;

    if (!dm_answer_is_due(element))
        return DM_ANSWER_WHOLE;
    n = count_statuses(writing, element, entry);
    for (; cursor->n_statuses < n; cursor->n_statuses++) {
        const DmWriterMark mark = dm_writer_get_mark(writing->writer);

        write_one(writing, element, entry, cursor->n_statuses, n);
        if (is_over(writing)) {
            dm_writer_go_back(writing->writer, mark);
            return DM_ANSWER_PART;
        }
    }
    if (element->verb != DM_VERB_GET || entry->n == 0)
        return DM_ANSWER_WHOLE;
    return write_results(writing, element, entry, cursor);
}

static void
go_on(DmAnswerCursor *cursor, gsize n_elements)
{
    *cursor = (DmAnswerCursor){.element = cursor->element + n_elements};
}

/* Whether the element at the cursor is an Atomic that was run, none of which is written. */
static bool
is_at_atomic(const Writing *writing, const DmAnswerCursor *cursor)
{
    return dm_message_get(writing->answer->message, cursor->element)->verb == DM_VERB_ATOMIC &&
           writing->answer->entries[cursor->element].own == DM_STATUS_OK && cursor->n_statuses == 0;
}

/* All of the Atomic, or nothing. */
static bool
write_atomic(const Writing *writing, DmAnswerCursor *cursor)
{
    const DmWriterMark mark = dm_writer_get_mark(writing->writer);
    const gsize end =
        cursor->element + 1 + dm_message_get(writing->answer->message, cursor->element)->span;
    DmAnswerCursor inside = *cursor;

    for (; inside.element < end; go_on(&inside, 1)) {
        if (write_element(writing, &inside) != DM_ANSWER_WHOLE) {
            dm_writer_go_back(writing->writer, mark);
            return false;
        }
    }
    *cursor = inside;
    return true;
}

DmAnswerProgress
dm_answer_write_part(const DmAnswer *answer, const DmReply *reply, const char *msg_ref, gsize limit,
                     bool alone, DmAnswerCursor *cursor, DmWriter *writer)
{
    const Writing writing = {answer, reply, msg_ref, writer, limit, dm_writer_get_size(writer),
                             alone};

    g_assert(answer->batch->len == 0 || dm_reply_get_size(reply) >= answer->batch->len);
    while (cursor->element < dm_message_get_size(answer->message)) {
        DmAnswerProgress progress;

        if (is_at_atomic(&writing, cursor)) {
            if (write_atomic(&writing, cursor))
                continue;
            /* Where a message cannot hold it, for the server has lowered what it takes: in parts.
             */
            if (!is_alone(&writing))
                return DM_ANSWER_PART;
        }
        progress = write_element(&writing, cursor);
        if (progress != DM_ANSWER_WHOLE)
            return progress;
        go_on(cursor, 1);
    }
    return DM_ANSWER_WHOLE;
}

void
dm_answer_skip_object(DmAnswerCursor *cursor)
{
    if (cursor->offset == 0)
        return;
    cursor->offset = 0;
    cursor->item++;
}

void
dm_answer_write(const DmAnswer *answer, const DmReply *reply, const char *msg_ref,
                unsigned header_status, DmWriter *writer)
{
    DmAnswerCursor cursor = {0};

    if (header_status != 0 && !answer->message->header.no_resp)
        dm_writer_status(writer, msg_ref, "0", "SyncHdr", NULL, 0, NULL, header_status);
    dm_answer_write_part(answer, reply, msg_ref, G_MAXSIZE, false, &cursor, writer);
}

/* -- limits ----------------------------------------------------------------------------------- */

gsize
dm_answer_measure(const DmMessage *message, gsize index, const char *msg_ref)
{
    const gsize end = index + 1 + dm_message_get(message, index)->span;
    g_autoptr(DmWriter) writer = dm_writer_new();
    Writing writing = {.msg_ref = msg_ref, .writer = writer};
    gsize before;

    /* CmdIDs of as many digits as there can be. */
    dm_writer_begin_body(writer, 100000);
    before = dm_writer_get_size(writer);
    for (gsize i = index; i < end; i++) {
        const DmElement *element = dm_message_get(message, i);

        if (!dm_answer_is_due(element) || element->no_resp)
            continue;
        if (element->n_items < 2)
            write_status(&writing, element, NULL, DM_STATUS_OK);
        for (guint j = 0; element->n_items > 1 && j < element->n_items; j++)
            write_status(&writing, element, dm_message_get_item(message, element, j), DM_STATUS_OK);
    }
    return dm_writer_get_size(writer) - before;
}

void
dm_answer_limit_objects(const DmAnswer *answer, DmReply *reply, gsize object_max)
{
    for (gsize i = 0; i < answer->batch->len; i++) {
        const DmResultItem *items = dm_reply_get_items(reply, i);
        guint n_items = dm_reply_get(reply, i)->n_items;
        bool fits = true;

        for (guint j = 0; j < n_items; j++)
            fits = fits && items[j].data_size <= object_max;
        if (!fits)
            dm_reply_set_status(reply, i, DM_STATUS_TOO_LARGE, true);
    }
}
