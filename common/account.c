/* SPDX-License-Identifier: MIT */

#include "common/account.h"

#include <string.h>

static void
free_secret(gpointer data)
{
    char *text = data;

    if (text != NULL)
        explicit_bzero(text, strlen(text));
    g_free(text);
}

GHashTable *
dm_account_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_secret);
}

gint64
dm_account_get_int(GHashTable *account, const char *key, gint64 minimum, gint64 maximum,
                   gint64 fallback)
{
    const char *text = g_hash_table_lookup(account, key);
    gint64 number;

    if (text == NULL || !g_ascii_string_to_signed(text, 10, minimum, maximum, &number, NULL))
        return fallback;
    return number;
}
