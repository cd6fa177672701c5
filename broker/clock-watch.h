/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Notices that somebody set the wall clock, or that it jumped in suspend, without polling: what is
 * due by it has to be asked anew. */
typedef struct DmClockWatch DmClockWatch;

/* Calls `func` on `context` (NULL: the default) each time. NULL where the kernel does not tell. */
DmClockWatch *dm_clock_watch_new(GMainContext *context, void (*func)(gpointer data), gpointer data);

/* NULL is fine. */
void dm_clock_watch_free(DmClockWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmClockWatch, dm_clock_watch_free)
