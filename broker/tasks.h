/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/channel.h"
#include "broker/config.h"
#include "broker/journal.h"
#include "broker/network.h"
#include "broker/session.h"
#include "dbus/tree-call.h"

/* The sessions of a broker that stays: runs what is asked for or due (broker/triggers.h), each with
 * its provider's lock, and ends an enrolment after its last session (E2, E3). */
typedef struct DmTasks DmTasks;

typedef struct {
    const char *key_directory; /* copied */
    DmConfig *config;          /* a reference is taken */
    DmChannel *channel;        /* borrowed, and outlives it, as do the next two */
    DmJournal *journal;
    DmNetwork *network;
    guint max_running; /* sessions side by side */
} DmTasksOptions;

/* A session that has ended, before the next may begin. */
typedef struct {
    const char *provider, *origin;
    const DmSessionRecord *record;
    const GError *error; /* NULL: regularly */
} DmTasksEnd;

typedef struct {
    void (*on_ended)(const DmTasksEnd *end, gpointer data);
    /* After dm_tasks_stop(): nothing runs any more. Not to free it in. */
    void (*on_stopped)(gpointer data);
} DmTasksHandlers;

/* Begins nothing before dm_tasks_allow(). */
DmTasks *dm_tasks_new(const DmTasksOptions *options, GMainContext *context,
                      const DmTasksHandlers *handlers, gpointer data);

/* Ends what runs at once, without a report. NULL is fine. */
void dm_tasks_free(DmTasks *tasks);

/* Whether sessions may begin now. */
void dm_tasks_allow(DmTasks *tasks, bool may_begin);

/* For sessions that begin from now on; a reference is taken. */
void dm_tasks_set_config(DmTasks *tasks, DmConfig *config);

/* A session is wanted; one that waits for its server tries at once (L4). */
void dm_tasks_request(DmTasks *tasks, const DmTreeSyncRequest *request);

/* All that is due, as the tree tells it: DmTreeDues; NULL: nothing is. And one of them alone. */
void dm_tasks_set_dues(DmTasks *tasks, const GArray *dues);
void dm_tasks_set_due(DmTasks *tasks, const char *provider, gint64 due_us);

/* The provider is gone. */
void dm_tasks_forget(DmTasks *tasks, const char *provider);

/* Sessions that run. */
guint dm_tasks_count_running(const DmTasks *tasks);

/* Breaks all sessions off, with a report; on_stopped comes, never before this returns false. True:
 * nothing was running. */
bool dm_tasks_stop(DmTasks *tasks);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTasks, dm_tasks_free)
