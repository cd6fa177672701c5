/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "syncml/tags.h"

/* What means something in a SyncML message, and where (private to syncml/reader.c). */

/* What the innermost open element is. */
typedef enum {
    STATE_SKIP,     /* an element that means nothing where it is, or markup in Data */
    STATE_TEXT,     /* an element whose text is wanted */
    STATE_DOCUMENT, /* nothing is open yet */
    STATE_FRAGMENT, /* the element around a fragment */
    STATE_SYNCML,
    STATE_HEADER,
    STATE_HEADER_TARGET,
    STATE_HEADER_SOURCE,
    STATE_HEADER_META,
    STATE_CRED,
    STATE_CRED_META,
    STATE_BODY,
    STATE_CONTAINER, /* Atomic, Sequence */
    STATE_COMMAND,   /* any other element below SyncBody, Atomic or Sequence */
    STATE_COMMAND_META,
    STATE_CHAL,
    STATE_CHAL_META,
    STATE_ITEM,
    STATE_ITEM_TARGET,
    STATE_ITEM_SOURCE,
    STATE_ITEM_META,
    STATE_N,
} State;

/* What becomes of an element, or of its text. */
typedef enum {
    KIND_NONE,
    KIND_TEXT, /* const char*, as it is */
    KIND_TRIM, /* const char*, white space around it dropped */
    KIND_ID,   /* const char*, as it is, at most DM_MESSAGE_MAX_ID */
    KIND_INT,  /* gint64; what is none is left out */
    KIND_REF,  /* one more const char* on a GPtrArray */
    KIND_DATA, /* of an item */
    KIND_FLAG, /* bool: it is there */
    KIND_ITEM, /* a new item */
} Kind;

/* What the states are part of: where the offsets of their rules count from. */
typedef enum {
    PLACE_HEADER,
    PLACE_ELEMENT,
    PLACE_ITEM,
    PLACE_COMMAND_META,
    PLACE_N,
} Place;

/* What a child of a state begins, and where it goes. */
typedef struct {
    guint8 state;
    guint8 kind;
    guint16 offset;
} Rule;

/* Meta of a command: for its items without their own. */
typedef struct {
    const char *format, *type;
    gint64 size; /* -1 not given */
} CommandMeta;

/* What is not here is passed over, or below SyncBody, Atomic and Sequence is a command. */
extern const Rule dm_reader_rules[STATE_N][DM_TAG_N];

/* The Place of each state that has rules. */
extern const guint8 dm_reader_places[STATE_N];
