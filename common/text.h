/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Text that strangers wrote, as it may be shown to people (security.md section 3). */

typedef enum {
    DM_TEXT_ONE_LINE, /* line breaks and tabs become blanks */
    DM_TEXT_LINES,    /* line feeds stay */
} DmTextShape;

/* `text`, valid UTF-8, without what people cannot see and programs obey: C0 and C1 controls,
 * direction marks and overrides, zero-width and tag characters. NULL: it is clean as it is, as
 * nearly all is; otherwise for g_free(). */
char *dm_text_clean(const char *text, DmTextShape shape);

/* Whether it is base64 in one piece, padded, and not empty: GLib's decoder takes anything. */
bool dm_text_is_base64(const char *text);
