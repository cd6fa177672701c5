/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/status.h"
#include "common/value.h"

/* Commands of OMA DM and their results, as they pass from the parser over the socket to the tree
 * and back: one batch for each SyncML message. Known to every layer, owned by none. */

typedef enum {
    DM_VERB_NONE, /* not a command */
    DM_VERB_ADD,
    DM_VERB_GET,
    DM_VERB_REPLACE,
    DM_VERB_DELETE,
    DM_VERB_EXEC,
    DM_VERB_ATOMIC,
    DM_VERB_SEQUENCE,
    DM_VERB_COPY, /* from here on known by name only: 501 (V5) */
    DM_VERB_SEARCH,
    DM_VERB_MAP,
    DM_VERB_PUT,
    DM_VERB_SYNC,
    DM_VERB_ALERT, /* from here on handled by the session, never by a tree */
    DM_VERB_STATUS,
    DM_VERB_RESULTS,
} DmVerb;

/* The element's name, "Add"; "" for NONE. Const. */
const char *dm_verb_to_name(DmVerb verb);

/* The verb whose element is `name` (exact); NONE if there is none. */
DmVerb dm_verb_from_name(const char *name);

/* One verb on one item. A batch is a flat array in document order: an Atomic or Sequence is
 * followed by its `span` descendants. A command with several Items stands there once for each.
 * Strings are borrowed from whoever made the batch. */
typedef struct {
    DmVerb verb;
    guint span;          /* entries after this one that are inside it; 0 but for Atomic, Sequence */
    const char *loc_uri; /* as sent; NULL: none given */
    const char *format;  /* Meta/Format; NULL: none given */
    const char *data;    /* NUL-terminated; NULL: no Data element */
    gsize data_size;     /* bytes without the NUL */
} DmCommand;

/* Most entries that a batch may have, and how deep Atomic and Sequence may stand in each other; a
 * parser or socket refuses more. */
#define DM_BATCH_MAX 20000
#define DM_BATCH_MAX_DEPTH 16

/* Whether every span stays inside its parent, only Atomic and Sequence have one, and the depth is
 * within DM_BATCH_MAX_DEPTH: what a hostile batch may break. */
bool dm_batch_is_valid(const DmCommand *commands, gsize n_commands);

/* On whose behalf a batch runs (V9). */
typedef struct {
    const char *session;  /* id of the session for exactly-once; "" or NULL: none */
    guint64 message;      /* the message's number in it, rising */
    const char *provider; /* the server session's provider; NULL: local root */
    gint64 uid;           /* the session's user context; -1: none, `./User` is 405 (A1) */
} DmContext;

/* One node of a Get's answer. `data` NULL: no Data element. */
typedef struct {
    const char *loc_uri; /* without `?…` (A3) */
    DmFormat format;
    const char *data;
    gsize data_size;
} DmResultItem;

/* How one entry of the batch ended. */
typedef struct {
    DmStatus status;
    guint first_item; /* into the reply's items */
    guint n_items;
} DmResult;

/* The answer to a batch: one result for each entry, in the same order. Owns its text. */
typedef struct DmReply DmReply;

DmReply *dm_reply_new(gsize n_results_hint);
void dm_reply_free(DmReply *reply);

/* Appends a result; items added afterwards belong to it. */
void dm_reply_add(DmReply *reply, DmStatus status);

/* Changes the status of result `index`, which exists (roll-back, judgement at commit); with
 * `drop_items` its items are not shown any more. */
void dm_reply_set_status(DmReply *reply, gsize index, DmStatus status, bool drop_items);

/* Adds an item to the last result; text is copied; `data` NULL means no Data. */
void dm_reply_add_item(DmReply *reply, const char *loc_uri, DmFormat format, const char *data,
                       gsize data_size);

/* Marks that the session is over with this batch: its statuses are not sent, and nothing more of it
 * is run or answered (E2). What comes after the mark in the batch has NOT_EXECUTED. */
void dm_reply_set_stop(DmReply *reply);
bool dm_reply_is_stopped(const DmReply *reply);

gsize dm_reply_get_size(const DmReply *reply);

/* Result `index`, borrowed until the next change of the reply. */
const DmResult *dm_reply_get(const DmReply *reply, gsize index);

/* The items of result `index`: `n_items` of them, borrowed likewise; NULL if none. */
const DmResultItem *dm_reply_get_items(const DmReply *reply, gsize index);

/* The reply as bytes for the store, and back; NULL if the bytes are not such a reply (a damaged
 * file is input like any other). */
GBytes *dm_reply_to_bytes(const DmReply *reply);
DmReply *dm_reply_from_bytes(GBytes *bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmReply, dm_reply_free)
