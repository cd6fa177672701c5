/* SPDX-License-Identifier: MIT */

/* The lists of FirstSyncStatus as a server may send them (F1, F6). */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tree/rules/first-sync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether a LocURI that was written out is longer than one may be: escapes, or the scope. */
static bool
is_too_long(const char *canonical)
{
    guint n_segments = 0;

    for (const char *c = canonical; *c != '\0'; c++)
        n_segments += *c == '/';
    return strlen(canonical) > DM_URI_MAX_BYTES || n_segments > DM_URI_MAX_SEGMENTS;
}

static void
check_item(const char *item)
{
    g_autofree char *canonical = dm_first_sync_canonical(item);
    g_autofree char *again = NULL;
    gsize size = strlen(item);

    g_assert_cmpuint(size, >, 0);
    g_assert_null(strstr(item, "\xef\x80\x80"));
    g_assert_null(strchr(" \t\r\n\"", item[0]));
    g_assert_null(strchr(" \t\r\n\"", item[size - 1]));
    if (canonical == NULL)
        return;
    g_assert_true(g_str_has_prefix(canonical, "./Device") || g_str_has_prefix(canonical, "./User"));
    again = dm_first_sync_canonical(canonical);
    g_assert_true(again != NULL ? strcmp(again, canonical) == 0 : is_too_long(canonical));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) items = dm_first_sync_split(text, false);
    g_auto(GStrv) without_count = dm_first_sync_split(text, true);

    for (char **item = items; *item != NULL; item++)
        check_item(*item);
    for (char **item = without_count; *item != NULL; item++)
        check_item(*item);
    g_assert_cmpuint(g_strv_length(without_count), <=, g_strv_length(items));
    return 0;
}
