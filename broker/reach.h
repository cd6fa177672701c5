/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/journal.h"
#include "broker/network.h"
#include "broker/transport.h"
#include "dbus/tree-call.h"

/* Finds the address that answers, at the start of a session (rules L3 to L5): says which one to
 * try, waits between tries on the boot-time clock, and gives up when none is left. Where the
 * network is not up it waits for that first, with a limit, which is no try and burns no retry. */
typedef struct DmReach DmReach;

/* A pause before the next try. Borrowed for the call. */
typedef struct {
    const char *address;
    bool is_for_network;    /* at most so long; otherwise L4's */
    guint retry, n_retries; /* which of them comes then */
    gint64 wait_ms;
    gint64 due_us;       /* wall clock, µs since the epoch */
    const GError *cause; /* what the last try came to */
} DmReachWait;

/* All borrowed for its life. */
typedef struct {
    const char *provider;
    const DmTreeSession *start;
    bool no_retry;      /* each address once, without a pause */
    DmJournal *journal; /* NULL: none */
    DmNetwork *network; /* NULL: is not waited for */
} DmReachOptions;

typedef struct {
    /* `address` is to be asked now; note_failure() if it does not answer. */
    void (*on_try)(const char *address, gpointer data);
    void (*on_wait)(const DmReachWait *wait, gpointer data);
    /* No address is left. The last call; may free the object. */
    void (*on_given_up)(const GError *error, gpointer data);
} DmReachHandlers;

/* Timers run on `context` (NULL: the default). Nobody is called before dm_reach_begin(). */
DmReach *dm_reach_new(const DmReachOptions *options, GMainContext *context,
                      const DmReachHandlers *handlers, gpointer data);

/* No handler is called any more. Not to be called in on_try and on_wait. NULL is fine. */
void dm_reach_free(DmReach *reach);

/* Has the first address tried. */
void dm_reach_begin(DmReach *reach);

/* The address at hand did not answer. `retry_after_ms`: how long the server wants to be left alone;
 * negative: it did not say. */
void dm_reach_note_failure(DmReach *reach, const GError *cause, gint64 retry_after_ms);

/* What the address at hand answered (or NULL, and `error`): whether that is an answer (L3). If not,
 * it is a failure as above. */
bool dm_reach_take(DmReach *reach, const DmTransportAnswer *answer, const GError *error);

/* Ends a pause, if there is one (L4: a new trigger). The network is waited for all the same. */
void dm_reach_hurry(DmReach *reach);

/* The address that was tried last: one of those of `start`; NULL: none yet. */
const char *dm_reach_get_address(const DmReach *reach);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmReach, dm_reach_free)
