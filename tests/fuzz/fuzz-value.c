/* SPDX-License-Identifier: MIT */

#include <stdint.h>
#include <string.h>

#include "common/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: the row's format and what the sender called it; the rest: Data. What parses must
 * parse from its own text to the same value. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DmFormat rows[] = {DM_FORMAT_CHR, DM_FORMAT_INT, DM_FORMAT_BOOL};
    g_autofree char *text = NULL;
    g_auto(DmValue) value = dm_value_empty(DM_FORMAT_NULL);
    g_auto(DmValue) again = dm_value_empty(DM_FORMAT_NULL);
    char buffer[DM_VALUE_TEXT_MAX];
    const char *printed;
    DmFormat row;

    if (size == 0)
        return 0;
    row = rows[data[0] % 3];
    text = g_malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (dm_value_parse(row, dm_format_to_name((DmFormat)(data[0] / 3 % 10)), text, size - 1,
                       &value) != DM_STATUS_OK)
        return 0;
    printed = dm_value_to_text(&value, buffer);
    g_assert_cmpint(dm_value_parse(row, NULL, printed, strlen(printed), &again), ==, DM_STATUS_OK);
    g_assert_true(dm_value_equal(&value, &again));
    return 0;
}
