/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* A timer on the boot-time clock, which goes on in suspend; GLib's own stand still then. One
 * descriptor, made when it is first set; nothing wakes up while it is not set. */
typedef struct DmTimer DmTimer;

/* Calls `func` on `context` (borrowed for its life) when the time that was set has come, once; it
 * may set it again, not free it. */
DmTimer *dm_timer_new(GMainContext *context, void (*func)(gpointer data), gpointer data);
void dm_timer_free(DmTimer *timer);

/* Sets it to boot time `due_us`, at once if that is over; negative: not set. Where the kernel gives
 * no descriptor a timer of GLib's takes its place. */
void dm_timer_set(DmTimer *timer, gint64 due_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTimer, dm_timer_free)
