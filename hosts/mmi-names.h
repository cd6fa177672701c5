/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Names of nodes as OSConfig's model has them. Includes nothing of ours: the generator of the model
 * uses it too. */

/* Room for any of them, with its NUL. */
#define DM_MMI_NAME_MAX 64

static inline bool
dm_mmi_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool
dm_mmi_is_name_char(char c)
{
    return dm_mmi_is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether `at`, behind the first letter of a name, begins a word: HW|Dev|ID. */
static inline bool
dm_mmi_begins_word(const char *at)
{
    if (!dm_mmi_is_upper(at[0]))
        return false;
    return !dm_mmi_is_upper(at[-1]) || (at[1] >= 'a' && at[1] <= 'z');
}

/* Writes a node's name in camelCase, abbreviations as words: HWDevID is hwDevId, {ProviderID}
 * providerId. A name that does not fit is cut, which a test of the model would find. */
static inline void
dm_mmi_name(const char *node, char buffer[DM_MMI_NAME_MAX])
{
    size_t n = 0;

    if (*node == '{')
        node++;
    for (const char *at = node; dm_mmi_is_name_char(*at) && n < DM_MMI_NAME_MAX - 1; at++) {
        bool is_capital = dm_mmi_is_upper(*at) && at != node && dm_mmi_begins_word(at);

        buffer[n++] = (char)(dm_mmi_is_upper(*at) && !is_capital ? *at - 'A' + 'a' : *at);
    }
    buffer[n] = '\0';
}
