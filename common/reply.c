/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "common/command.h"

/* whether it stops the session; results: status and its items: LocURI, format, whether there is
 * Data, Data */
#define RESULTS_TYPE "a(ua(sybs))"
#define REPLY_TYPE "(b" RESULTS_TYPE ")"

struct DmReply {
    GArray *results;    /* DmResult */
    GArray *items;      /* DmResultItem */
    GStringChunk *text; /* NULL until the first item */
    bool is_stopped;
};

DmReply *
dm_reply_new(gsize n_results_hint)
{
    DmReply *reply = g_new0(DmReply, 1);

    reply->results = g_array_sized_new(FALSE, FALSE, sizeof(DmResult), (guint)n_results_hint);
    reply->items = g_array_new(FALSE, FALSE, sizeof(DmResultItem));
    return reply;
}

void
dm_reply_free(DmReply *reply)
{
    if (reply == NULL)
        return;
    g_array_unref(reply->results);
    g_array_unref(reply->items);
    g_clear_pointer(&reply->text, g_string_chunk_free);
    g_free(reply);
}

void
dm_reply_add(DmReply *reply, DmStatus status)
{
    DmResult result = {.status = status, .first_item = reply->items->len};

    g_array_append_val(reply->results, result);
}

void
dm_reply_set_status(DmReply *reply, gsize index, DmStatus status, bool drop_items)
{
    DmResult *result;

    g_assert(index < reply->results->len);
    result = &g_array_index(reply->results, DmResult, index);
    result->status = status;
    if (drop_items)
        result->n_items = 0;
}

void
dm_reply_add_item(DmReply *reply, const char *loc_uri, DmFormat format, const char *data,
                  gsize data_size)
{
    DmResultItem item = {.format = format, .data_size = data == NULL ? 0 : data_size};
    DmResult *last;

    g_assert(reply->results->len > 0);
    if (reply->text == NULL)
        reply->text = g_string_chunk_new(1024);
    item.loc_uri = g_string_chunk_insert(reply->text, loc_uri);
    if (data != NULL)
        item.data = g_string_chunk_insert_len(reply->text, data, (gssize)data_size);
    g_array_append_val(reply->items, item);
    last = &g_array_index(reply->results, DmResult, reply->results->len - 1);
    last->n_items++;
}

void
dm_reply_set_stop(DmReply *reply)
{
    reply->is_stopped = true;
}

bool
dm_reply_is_stopped(const DmReply *reply)
{
    return reply->is_stopped;
}

gsize
dm_reply_get_size(const DmReply *reply)
{
    return reply->results->len;
}

const DmResult *
dm_reply_get(const DmReply *reply, gsize index)
{
    g_assert(index < reply->results->len);
    return &g_array_index(reply->results, DmResult, index);
}

const DmResultItem *
dm_reply_get_items(const DmReply *reply, gsize index)
{
    const DmResult *result = dm_reply_get(reply, index);

    if (result->n_items == 0)
        return NULL;
    return &g_array_index(reply->items, DmResultItem, result->first_item);
}

GBytes *
dm_reply_to_bytes(const DmReply *reply)
{
    GVariantBuilder results;
    g_autoptr(GVariant) variant = NULL;

    g_variant_builder_init(&results, G_VARIANT_TYPE(RESULTS_TYPE));
    for (guint i = 0; i < reply->results->len; i++) {
        const DmResult *result = dm_reply_get(reply, i);
        const DmResultItem *items = dm_reply_get_items(reply, i);
        GVariantBuilder list;

        g_variant_builder_init(&list, G_VARIANT_TYPE("a(sybs)"));
        for (guint k = 0; k < result->n_items; k++)
            g_variant_builder_add(&list, "(sybs)", items[k].loc_uri, (guchar)items[k].format,
                                  items[k].data != NULL,
                                  items[k].data == NULL ? "" : items[k].data);
        g_variant_builder_add(&results, "(ua(sybs))", (guint32)result->status, &list);
    }
    variant = g_variant_ref_sink(
        g_variant_new("(b" RESULTS_TYPE ")", (gboolean)reply->is_stopped, &results));
    return g_variant_get_data_as_bytes(variant);
}

static bool
read_items(DmReply *reply, GVariantIter *items)
{
    const char *loc_uri, *data;
    gboolean has_data;
    guchar format;

    while (g_variant_iter_next(items, "(&syb&s)", &loc_uri, &format, &has_data, &data)) {
        if (format > DM_FORMAT_TIME)
            return false;
        dm_reply_add_item(reply, loc_uri, (DmFormat)format, has_data ? data : NULL, strlen(data));
    }
    return true;
}

DmReply *
dm_reply_from_bytes(GBytes *bytes)
{
    g_autoptr(GVariant) variant =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(REPLY_TYPE), bytes, FALSE));
    g_autoptr(GVariant) list = NULL;
    g_autoptr(DmReply) reply = NULL;
    gboolean is_stopped = FALSE;
    GVariantIter results;
    GVariantIter *items;
    guint32 status;

    if (!g_variant_is_normal_form(variant))
        return NULL;
    g_variant_get(variant, "(b@" RESULTS_TYPE ")", &is_stopped, &list);
    if (g_variant_n_children(list) > DM_BATCH_MAX)
        return NULL;
    reply = dm_reply_new(g_variant_n_children(list));
    reply->is_stopped = is_stopped;
    g_variant_iter_init(&results, list);
    while (g_variant_iter_next(&results, "(ua(sybs))", &status, &items)) {
        bool good = dm_status_is_known(status);

        if (good) {
            dm_reply_add(reply, (DmStatus)status);
            good = read_items(reply, items);
        }
        g_variant_iter_free(items);
        if (!good)
            return NULL;
    }
    return g_steal_pointer(&reply);
}
