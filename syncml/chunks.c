/* SPDX-License-Identifier: MIT */

#include "syncml/chunks.h"

#include <string.h>

struct DmChunks {
    /* the object whose chunks come */
    DmVerb verb;         /* NONE: there is none */
    char *loc_uri;       /* as sent */
    char *format, *type; /* of its first chunk; NULL: none */
    gint64 size;         /* as told; -1 not */
    GString *data;       /* so far; NULL: not kept, for it is refused */
    DmStatus refusal;

    GPtrArray *dropped;
};

DmChunks *
dm_chunks_new(void)
{
    DmChunks *chunks = g_new0(DmChunks, 1);

    chunks->dropped = g_ptr_array_new_with_free_func(g_free);
    return chunks;
}

static void
drop_data(DmChunks *chunks)
{
    if (chunks->data)
        g_string_free(g_steal_pointer(&chunks->data), TRUE);
}

static void
close_object(DmChunks *chunks)
{
    drop_data(chunks);
    g_clear_pointer(&chunks->loc_uri, g_free);
    g_clear_pointer(&chunks->format, g_free);
    g_clear_pointer(&chunks->type, g_free);
    chunks->verb = DM_VERB_NONE;
}

void
dm_chunks_free(DmChunks *chunks)
{
    if (!chunks)
        return;
    close_object(chunks);
    g_ptr_array_unref(chunks->dropped);
    g_free(chunks);
}

bool
dm_chunks_is_open(const DmChunks *chunks)
{
    return chunks->verb != DM_VERB_NONE && chunks->refusal == DM_STATUS_OK;
}

const GPtrArray *
dm_chunks_get_dropped(const DmChunks *chunks)
{
    return chunks->dropped;
}

/* -- one element ---------------------------------------------------------------------------------
 */

static bool
can_be_chunked(const DmElement *element)
{
    return (element->verb == DM_VERB_ADD || element->verb == DM_VERB_REPLACE ||
            element->verb == DM_VERB_EXEC) &&
           element->cmd_id && element->n_items == 1;
}

/* Whether it goes on with the object that is open. */
static bool
is_next(const DmChunks *chunks, const DmElement *element, const DmItem *item)
{
    return element->verb == chunks->verb && item->target_uri &&
           strcmp(item->target_uri, chunks->loc_uri) == 0;
}

static void
open_object(DmChunks *chunks, const DmElement *element, const DmItem *item)
{
    chunks->verb = element->verb;
    chunks->loc_uri = g_strdup(item->target_uri);
    chunks->format = g_strdup(item->format);
    chunks->type = g_strdup(item->type);
    chunks->size = item->size;
    chunks->data = g_string_new(NULL);
    chunks->refusal = DM_STATUS_OK;
}

static void
refuse(DmChunks *chunks, DmStatus status)
{
    chunks->refusal = status;
    drop_data(chunks);
}

/* Adds the chunk's data, if all of it is still within bounds. */
static void
add_data(DmChunks *chunks, const DmItem *item)
{
    gsize size = item->data ? item->data_size : 0;

    if (chunks->refusal != DM_STATUS_OK)
        return;
    if (chunks->size > DM_MESSAGE_MAX_OBJECT)
        refuse(chunks, DM_STATUS_SIZE_TOO_BIG);
    else if (size > DM_MESSAGE_MAX_OBJECT - chunks->data->len)
        refuse(chunks, DM_STATUS_TOO_LARGE);
    else if (chunks->size >= 0 && chunks->data->len + size > (gsize)chunks->size)
        refuse(chunks, DM_STATUS_SIZE_MISMATCH);
    else if (size > 0)
        g_string_append_len(chunks->data, item->data, (gssize)size);
}

/* The message owns it from now on. */
static const char *
hand_over(DmMessage *message, char *text)
{
    if (!message->joined)
        message->joined = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(message->joined, text);
    return text;
}

/* The last chunk: its Item becomes the whole. */
static void
finish_object(DmChunks *chunks, DmMessage *message, DmElement *element, DmItem *item)
{
    if (chunks->refusal == DM_STATUS_OK && chunks->size >= 0 &&
        chunks->data->len != (gsize)chunks->size)
        refuse(chunks, DM_STATUS_SIZE_MISMATCH);
    element->problem = chunks->refusal;
    if (chunks->refusal == DM_STATUS_OK) {
        item->data_size = chunks->data->len;
        item->data = hand_over(message, g_string_free(g_steal_pointer(&chunks->data), FALSE));
        item->format =
            chunks->format ? hand_over(message, g_steal_pointer(&chunks->format)) : item->format;
        item->type = chunks->type ? hand_over(message, g_steal_pointer(&chunks->type)) : item->type;
    }
    close_object(chunks);
}

static void
take_chunk(DmChunks *chunks, DmMessage *message, DmElement *element, DmItem *item)
{
    add_data(chunks, item);
    if (!item->more_data)
        finish_object(chunks, message, element, item);
    else
        element->problem =
            chunks->refusal != DM_STATUS_OK ? chunks->refusal : DM_STATUS_CHUNK_ACCEPTED;
}

static void
take_element(DmChunks *chunks, DmMessage *message, DmElement *element)
{
    DmItem *item = NULL;

    if (can_be_chunked(element))
        item = &g_array_index(message->items, DmItem, element->first_item);
    if (chunks->verb != DM_VERB_NONE) {
        if (item && is_next(chunks, element, item)) {
            take_chunk(chunks, message, element, item);
            return;
        }
        if (dm_chunks_is_open(chunks))
            g_ptr_array_add(chunks->dropped, g_steal_pointer(&chunks->loc_uri));
        close_object(chunks);
    }
    if (item && item->more_data && item->target_uri) {
        open_object(chunks, element, item);
        take_chunk(chunks, message, element, item);
    }
}

void
dm_chunks_take(DmChunks *chunks, DmMessage *message)
{
    const gsize n = dm_message_get_size(message);

    g_ptr_array_set_size(chunks->dropped, 0);
    for (gsize i = 0; i < n; i++) {
        DmElement *element = &g_array_index(message->elements, DmElement, i);

        /* Alerts, Statuses and Results come between chunks as they like. */
        if (element->verb < DM_VERB_ALERT)
            take_element(chunks, message, element);
        i += element->span;
    }
}
