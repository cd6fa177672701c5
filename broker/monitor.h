/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/journal.h"

/* Who watches sessions live (dmclientctl monitor): a socket in the broker's own directory, which
 * only root and the broker's user can enter; the peer's uid is looked at all the same. A watcher
 * sends "watch\n", or "raw\n" to have whole messages recorded besides, and gets lines, a JSON
 * object each:
 *
 *   {"event":"watching","version":…}              first
 *   {"event":"raw","path":…,"until":…}            after "raw": where messages go, and until when
 *   {"event":"error","text":…}                    after "raw": why they do not
 *   {"event":"note"|"sent"|"received"|"command","time":…,"provider":…,"text":…,
 *    "message":N,"bytes":N                        of messages
 *    "verb":…,"locuri":…,"status":N}              of commands
 *
 * Redacted as the journal is. Whoever does not read is cut off. */
typedef struct DmMonitor DmMonitor;

#define DM_MONITOR_MAX_WATCHERS 8
#define DM_MONITOR_MAX_PENDING (1024 * 1024) /* bytes that wait for one */

/* Listens at DM_MONITOR_SOCKET in `directory`; where that fails, which is logged, nobody can watch.
 * The journal is borrowed, and outlives it. */
DmMonitor *dm_monitor_new(const char *directory, DmJournal *journal, GMainContext *context);

/* Cuts all watchers, and removes the socket. NULL is fine. */
void dm_monitor_free(DmMonitor *monitor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMonitor, dm_monitor_free)
