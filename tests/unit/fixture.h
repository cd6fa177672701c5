/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>

/* What fixtures of several tests share. */

/* How long a test waits for an event that must come. */
#define DEADLINE_S 30

static inline gboolean
fixture_on_deadline(gpointer data)
{
    g_error("waited %d s in vain for %s", DEADLINE_S, (const char *)data);
    return G_SOURCE_REMOVE;
}

/* Runs the main context until `condition`. */
#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        guint deadline_ = g_timeout_add_seconds(DEADLINE_S, fixture_on_deadline,                   \
                                                (gpointer)(guintptr) #condition);                  \
        while (!(condition))                                                                       \
            g_main_context_iteration(NULL, TRUE);                                                  \
        g_source_remove(deadline_);                                                                \
    } while (0)

/* Removes a file, or a directory with all that is in it. */
static inline void
fixture_remove(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        fixture_remove(child);
    }
    (void)g_remove(path);
}
