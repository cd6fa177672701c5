/* SPDX-License-Identifier: MIT */

#include <stdint.h>
#include <string.h>

#include "common/uri.h"
#include "common/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A LocURI that parses must come back the same from its escaped segments, and its segments must
 * make object path elements that lead back to them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GString) escaped = g_string_new(".");
    DmUri uri, again;

    if (dm_uri_parse(text, &uri) != DM_STATUS_OK)
        return 0;
    g_string_append(escaped, uri.scope == DM_SCOPE_USER ? "/User" : "/Device");
    for (guint i = 0; i < uri.n_segments; i++) {
        g_autoptr(GString) path = g_string_new(NULL);
        g_autofree char *back = NULL;

        g_string_append_c(escaped, '/');
        dm_uri_append_escaped(escaped, uri.segments[i]);
        dm_path_append_escaped(path, uri.segments[i]);
        back = dm_path_unescape(path->str, path->len);
        g_assert_cmpstr(back, ==, uri.segments[i]);
        g_assert_true(dm_text_is_valid(uri.segments[i], uri.sizes[i]));
    }
    if (escaped->len > DM_URI_MAX_BYTES || uri.n_segments == DM_URI_MAX_SEGMENTS)
        return 0;
    g_assert_cmpint(dm_uri_parse(escaped->str, &again), ==, DM_STATUS_OK);
    g_assert_cmpuint(again.n_segments, ==, uri.n_segments);
    for (guint i = 0; i < uri.n_segments; i++)
        g_assert_cmpstr(again.segments[i], ==, uri.segments[i]);
    return 0;
}
