/* SPDX-License-Identifier: MIT */

/* Bytes of a server: whatever is read can be answered, and is written again without a change. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/value.h"
#include "syncml/answer.h"
#include "syncml/reader.h"
#include "syncml/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const DmMessage *message)
{
    g_autoptr(GBytes) once = dm_writer_write_message(message), twice = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(DmMessage) again = NULL;

    /* Escaped, the text may be over the cap of a message. */
    if (g_bytes_get_size(once) > DM_MESSAGE_MAX_BYTES)
        return;
    again = dm_reader_parse(g_bytes_get_data(once, NULL), g_bytes_get_size(once), DM_READ_FRAGMENT,
                            &error);
    g_assert_no_error(error);
    twice = dm_writer_write_message(again);
    g_assert_true(g_bytes_equal(once, twice));
}

static void
check_answer(const DmMessage *message)
{
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = dm_reply_new(1);
    g_autoptr(DmWriter) writer = dm_writer_new();
    g_autoptr(GBytes) bytes = NULL;
    gsize n;
    const DmCommand *batch = dm_answer_get_batch(answer, &n);

    g_assert_true(dm_batch_is_valid(batch, n));
    for (gsize i = 0; i < n; i++) {
        g_assert_true(batch[i].data == NULL || dm_text_is_valid(batch[i].data, batch[i].data_size));
        g_assert_true(batch[i].loc_uri == NULL ||
                      dm_text_is_valid(batch[i].loc_uri, strlen(batch[i].loc_uri)));
        dm_reply_add(reply, i % 3 == 0 ? DM_STATUS_NOT_FOUND : DM_STATUS_OK);
        if (i % 3 != 0)
            dm_reply_add_item(reply, "./a", DM_FORMAT_NODE, "", 0);
    }
    dm_writer_begin_body(writer, 1);
    dm_answer_write(answer, reply, "1", 200, writer);
    bytes = dm_writer_end(writer, true);
    g_assert_true(dm_text_is_valid(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int mode = DM_READ_MESSAGE; mode <= DM_READ_FRAGMENT; mode++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DmMessage) message =
            dm_reader_parse((const char *)data, size, (DmReadMode)mode, &error);

        g_assert_true((message == NULL) == (error != NULL));
        if (message == NULL)
            continue;
        check_round_trip(message);
        check_answer(message);
    }
    return 0;
}
