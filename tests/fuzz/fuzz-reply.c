/* SPDX-License-Identifier: MIT */

#include <stdint.h>

#include "common/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as a damaged store may hold them. What is taken must be whole. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(DmReply) reply = dm_reply_from_bytes(bytes);
    g_autoptr(GBytes) again = NULL;
    g_autoptr(DmReply) back = NULL;

    if (reply == NULL)
        return 0;
    again = dm_reply_to_bytes(reply);
    back = dm_reply_from_bytes(again);
    g_assert_nonnull(back);
    g_assert_true(dm_reply_is_stopped(back) == dm_reply_is_stopped(reply));
    g_assert_cmpuint(dm_reply_get_size(back), ==, dm_reply_get_size(reply));
    return 0;
}
