/* SPDX-License-Identifier: MIT */

#include "broker/outbox.h"

#include "broker/package.h"

typedef struct {
    DmOutboxEntry entry;
    DmAnswerCursor cursor;
    guint n_alerts; /* of those for what was dropped, that are written */
    bool is_urgent;
} Waiting;

struct DmOutbox {
    GQueue waiting;
};

DmOutbox *
dm_outbox_new(void)
{
    DmOutbox *outbox = g_new0(DmOutbox, 1);

    g_queue_init(&outbox->waiting);
    return outbox;
}

static void
waiting_free(Waiting *waiting)
{
    dm_answer_free(waiting->entry.answer);
    dm_reply_free(waiting->entry.reply);
    dm_message_free(waiting->entry.message);
    g_clear_pointer(&waiting->entry.dropped, g_ptr_array_unref);
    g_free(waiting);
}

void
dm_outbox_free(DmOutbox *outbox)
{
    if (!outbox)
        return;
    g_queue_clear_full(&outbox->waiting, (GDestroyNotify)waiting_free);
    g_free(outbox);
}

void
dm_outbox_add(DmOutbox *outbox, const DmOutboxEntry *entry, bool is_urgent)
{
    Waiting *waiting = g_new0(Waiting, 1);

    waiting->entry = *entry;
    waiting->is_urgent = is_urgent;
    if (is_urgent)
        g_queue_push_head(&outbox->waiting, waiting);
    else
        g_queue_push_tail(&outbox->waiting, waiting);
}

bool
dm_outbox_is_empty(const DmOutbox *outbox)
{
    return outbox->waiting.length == 0;
}

/* The Alerts for objects that were dropped, as far as they fit; whether all are written. */
static bool
write_dropped(Waiting *waiting, gsize limit, DmWriter *writer)
{
    const GPtrArray *dropped = waiting->entry.dropped;

    for (; dropped && waiting->n_alerts < dropped->len; waiting->n_alerts++) {
        const DmItem item = {.target_uri = dropped->pdata[waiting->n_alerts], .size = -1};
        const DmWriterMark mark = dm_writer_get_mark(writer);

        dm_writer_alert(writer, DM_ALERT_NO_END_OF_DATA, &item);
        if (dm_writer_get_size(writer) > limit) {
            dm_writer_go_back(writer, mark);
            return false;
        }
    }
    return true;
}

DmAnswerProgress
dm_outbox_write(DmOutbox *outbox, gsize limit, DmWriter *writer)
{
    bool is_alone = true;
    Waiting *waiting;

    while ((waiting = g_queue_peek_head(&outbox->waiting))) {
        DmOutboxEntry *entry = &waiting->entry;
        const char *msg_id = entry->message->header.msg_id;
        DmAnswerProgress progress = dm_answer_write_part(entry->answer, entry->reply, msg_id, limit,
                                                         is_alone, &waiting->cursor, writer);

        if (progress == DM_ANSWER_WHOLE && !write_dropped(waiting, limit, writer))
            progress = DM_ANSWER_PART;
        if (progress != DM_ANSWER_WHOLE)
            return progress;
        is_alone = is_alone && waiting->is_urgent;
        waiting_free(g_queue_pop_head(&outbox->waiting));
    }
    return DM_ANSWER_WHOLE;
}

void
dm_outbox_skip_object(DmOutbox *outbox)
{
    for (GList *l = outbox->waiting.head; l; l = l->next) {
        Waiting *waiting = l->data;

        dm_answer_skip_object(&waiting->cursor);
    }
}
