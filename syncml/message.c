/* SPDX-License-Identifier: MIT */

#include "syncml/message.h"

static void
clear_element(gpointer data)
{
    DmElement *element = data;

    g_clear_pointer(&element->target_refs, g_ptr_array_unref);
    g_clear_pointer(&element->source_refs, g_ptr_array_unref);
}

DmMessage *
dm_message_new(gsize text_size)
{
    DmMessage *message = g_new0(DmMessage, 1);

    message->header.max_msg_size = -1;
    message->header.max_obj_size = -1;
    message->elements = g_array_sized_new(FALSE, TRUE, sizeof(DmElement), 16);
    g_array_set_clear_func(message->elements, clear_element);
    message->items = g_array_sized_new(FALSE, TRUE, sizeof(DmItem), 16);
    message->text = g_malloc(text_size);
    return message;
}

void
dm_message_free(DmMessage *message)
{
    if (message == NULL)
        return;
    g_array_unref(message->elements);
    g_array_unref(message->items);
    g_clear_pointer(&message->joined, g_ptr_array_unref);
    g_free(message->text);
    g_free(message);
}

gsize
dm_message_get_size(const DmMessage *message)
{
    return message->elements->len;
}

const DmElement *
dm_message_get(const DmMessage *message, gsize index)
{
    g_assert(index < message->elements->len);
    return &g_array_index(message->elements, DmElement, index);
}

const DmItem *
dm_message_get_item(const DmMessage *message, const DmElement *element, guint index)
{
    g_assert(index < element->n_items);
    return &g_array_index(message->items, DmItem, element->first_item + index);
}
