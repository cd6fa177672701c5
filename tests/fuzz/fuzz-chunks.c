/* SPDX-License-Identifier: MIT */

/* A server's messages, one after another: the first byte says how large the answers may be, a NUL
 * stands between messages. Objects in chunks keep their caps, and the answer comes to its end. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/value.h"
#include "syncml/answer.h"
#include "syncml/chunks.h"
#include "syncml/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_MESSAGES 16

static void
check_message(const DmMessage *message)
{
    for (guint i = 0; message->joined != NULL && i < message->joined->len; i++) {
        const char *text = message->joined->pdata[i];

        g_assert_cmpuint(strlen(text), <=, DM_MESSAGE_MAX_OBJECT);
        g_assert_true(dm_text_is_valid(text, strlen(text)));
    }
    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);

        for (guint j = 0; j < element->n_items; j++) {
            const DmItem *item = dm_message_get_item(message, element, j);

            g_assert_true(item->data == NULL || strlen(item->data) == item->data_size);
        }
    }
}

/* A Get's item brings its own LocURI, many times over. */
static DmReply *
make_reply(const DmAnswer *answer)
{
    DmReply *reply = dm_reply_new(1);
    gsize n;
    const DmCommand *batch = dm_answer_get_batch(answer, &n);

    g_assert_true(dm_batch_is_valid(batch, n));
    for (gsize i = 0; i < n; i++) {
        dm_reply_add(reply, i % 3 == 2 ? DM_STATUS_NOT_FOUND : DM_STATUS_OK);
        if (i % 3 != 2 && batch[i].loc_uri != NULL && strlen(batch[i].loc_uri) < 64) {
            g_autoptr(GString) value = g_string_new(NULL);

            while (value->len < 700)
                g_string_append_printf(value, "%s&", batch[i].loc_uri);
            dm_reply_add_item(reply, batch[i].loc_uri, DM_FORMAT_CHR, value->str, value->len);
        }
    }
    return reply;
}

static void
check_parts(const DmMessage *message, gsize limit)
{
    g_autoptr(DmAnswer) answer = dm_answer_new_limited(message, limit);
    g_autoptr(DmReply) reply = make_reply(answer);
    DmAnswerCursor cursor = {0};
    DmAnswerProgress progress;

    do {
        const DmAnswerCursor before = cursor;
        g_autoptr(DmWriter) writer = dm_writer_new();
        g_autoptr(GBytes) bytes = NULL;

        dm_writer_begin_body(writer, 1);
        progress = dm_answer_write_part(answer, reply, "1", limit, true, &cursor, writer);
        g_assert_true(dm_writer_get_size(writer) <= limit);
        bytes = dm_writer_end(writer, true);
        g_assert_true(dm_text_is_valid(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
        if (progress != DM_ANSWER_WHOLE && memcmp(&before, &cursor, sizeof(cursor)) == 0)
            break; /* not even the least fits */
    } while (progress != DM_ANSWER_WHOLE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DmChunks) chunks = dm_chunks_new();
    const char *text = (const char *)data + 1;
    const char *end = (const char *)data + size;
    gsize limit;

    if (size == 0)
        return 0;
    limit = 64 + (gsize)data[0] * 16;
    for (guint i = 0; i < MAX_MESSAGES && text < end; i++) {
        const char *stop = memchr(text, '\0', (gsize)(end - text));
        gsize length = (gsize)((stop ? stop : end) - text);
        g_autoptr(DmMessage) message = dm_reader_parse(text, length, DM_READ_FRAGMENT, NULL);

        if (message != NULL) {
            dm_chunks_take(chunks, message);
            check_message(message);
            check_parts(message, limit);
        }
        text += length + 1;
    }
    return 0;
}
