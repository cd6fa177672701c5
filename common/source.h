/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Ends a source that is one's own and lets it go; NULL, none, is fine. Allowed in its function. */
static inline void
dm_source_drop(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}
