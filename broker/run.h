/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/channel.h"
#include "broker/config.h"
#include "broker/journal.h"
#include "broker/session.h"

/* One session from beginning to end, on a main context: the tree is asked for what is needed, its
 * server is spoken to, the tree is told how it went. */
typedef struct DmRun DmRun;

typedef struct {
    const char *provider;      /* copied */
    const char *origin;        /* copied */
    gint64 uid;                /* of the user whose session it is; -1 none */
    const char *key_directory; /* copied */
    DmConfig *config;          /* a reference is taken */
    DmChannel *channel;        /* borrowed, and outlives it */
    DmJournal *journal;        /* borrowed likewise; NULL: none */
    DmNetwork *network;        /* borrowed likewise: waited for before each try; NULL: none */
    bool no_retry;             /* each address is tried once, without a pause (L4) */
    int lock;                  /* the provider's (dm_lock_take()), owned from now on; -1 none:
                                  only where it is broken off at once */
} DmRunOptions;

/* What came of it. */
typedef struct {
    bool has_begun;                /* the tree knows of it */
    const DmSessionRecord *record; /* borrowed */
} DmRunResult;

typedef struct {
    /* The tree has given the session its id. NULL: nobody wants to know. */
    void (*on_begun)(const char *token, gpointer data);
    /* Nothing more is done in it: its end is being reported. NULL likewise. */
    void (*on_ending)(gpointer data);
    /* No server has answered yet: there is a pause before the next try, or the network is waited
     * for. Then `wait` is NULL and the
     * pause is over. NULL: nobody wants to know. */
    void (*on_waiting)(const DmReachWait *wait, gpointer data);
    /* Once, the last call: it is over and reported. NULL error at a regular end, else DM_ERROR as
     * broker/exits.c lists. May free the run. */
    void (*on_ended)(const DmRunResult *result, const GError *error, gpointer data);
} DmRunHandlers;

/* Begins one; handlers are called from `context` (NULL: the default) only. */
DmRun *dm_run_new(const DmRunOptions *options, GMainContext *context, const DmRunHandlers *handlers,
                  gpointer data);

/* A new trigger of this session: ends a pause, if there is one (L4). */
void dm_run_hurry(DmRun *run);

/* The enrolment is to end: breaks it off if it has a pause, for no server is waited for then. */
void dm_run_end_pause(DmRun *run);

/* Ends it now, with a report that says why. What is over already is left to its end. */
void dm_run_break_off(DmRun *run, const GError *error);

/* Warns of how it ended. */
void dm_run_log_failure(const DmRun *run, const GError *error);

/* Whether only the tree is waited for: there is nothing left to break off. */
bool dm_run_is_over(const DmRun *run);

/* No handler is called any more, and nothing reported. NULL is fine. */
void dm_run_free(DmRun *run);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmRun, dm_run_free)
