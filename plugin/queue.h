/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Calls that wait for their turn (G8). Users take turns, and within one user that user's
 * connections do: ten thousand calls of one delay another's by as much as a few of them take. */
typedef struct DmQueue DmQueue;

/* Most that wait: of one connection, of one user, of all. */
#define DM_QUEUE_MAX_OF_NAME 256
#define DM_QUEUE_MAX_OF_UID 4096
#define DM_QUEUE_MAX 16384

typedef struct {
    void (*serve)(gpointer job, gpointer data); /* takes the job over */
    void (*free_job)(gpointer job);             /* one that is never served */
    /* Whether answers can be taken on at all now: false as long as too much waits to be sent. It is
     * looked at again whenever the context wakes up, as it does when something was sent. */
    bool (*is_open)(gconstpointer data);
    gpointer data;
} DmQueueHandlers;

/* Serves on `context` (NULL: the default one), a little at a time, after all that has come in was
 * read: never before dm_queue_push() returns. */
DmQueue *dm_queue_new(GMainContext *context, const DmQueueHandlers *handlers);

/* Frees what waits. Not allowed while a job is served. NULL is fine. */
void dm_queue_free(DmQueue *queue);

/* Lets `job` of user `uid`'s connection `name` wait for its turn. False, and the job not taken, if
 * too many wait. */
bool dm_queue_push(DmQueue *queue, guint32 uid, const char *name, gpointer job);

/* Whether none waits but those of users that are closed. */
bool dm_queue_is_empty(const DmQueue *queue);

/* Has the jobs of user `uid` wait until that user is opened again. */
void dm_queue_set_closed(DmQueue *queue, guint32 uid, bool is_closed);

/* Whether a job of a user that is closed waits. */
bool dm_queue_has_closed(const DmQueue *queue);

/* Frees all that waits; users that were closed are closed no longer. */
void dm_queue_clear(DmQueue *queue);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmQueue, dm_queue_free)
