/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/command.h"
#include "common/status.h"

/* A SyncML message as parsed, or a fragment of one. All text belongs to the message, is valid UTF-8
 * and NUL-terminated. NULL means that the element was not there; "" that it was empty. */

/* Caps on what is received (protocol.md sections 3 and 6). */
#define DM_MESSAGE_MAX_BYTES 524288
#define DM_MESSAGE_MAX_DEPTH 32
#define DM_MESSAGE_MAX_ATTRIBUTES 16
#define DM_MESSAGE_MAX_TAG_BYTES 2048
#define DM_MESSAGE_MAX_ELEMENTS 20000
#define DM_MESSAGE_MAX_DATA 65536
#define DM_MESSAGE_MAX_OBJECT 262144 /* that came in chunks */
#define DM_MESSAGE_MAX_ID 256        /* CmdID, MsgID, …: they come back in every Status */

typedef struct {
    const char *target_uri;
    const char *target_name;
    const char *source_uri;
    const char *source_name;
    const char *format; /* Meta */
    const char *type;
    const char *mark;
    gint64 size; /* Meta/Size, -1 not given */
    bool more_data;
    const char *data; /* markup in it as its bytes; there even if over DM_MESSAGE_MAX_DATA */
    gsize data_size;
} DmItem;

/* Chal of a Status, Cred of a header. */
typedef struct {
    bool present;
    const char *type;       /* "syncml:auth-md5" */
    const char *format;     /* "b64" */
    const char *next_nonce; /* Chal only, as sent */
    const char *data;       /* Cred only */
} DmAuthElement;

/* An element below SyncBody, Atomic or Sequence, in document order; Final is no entry. */
typedef struct {
    const char *name;   /* as sent: "Replace", or of something that is no command */
    DmVerb verb;        /* NONE: not a command, 400 */
    guint span;         /* Atomic, Sequence: entries after this one that are inside it */
    const char *cmd_id; /* NULL: missing, or empty; answered 400 */
    bool no_resp;
    const char *data; /* Data of the element itself: Status, Alert */
    const char *correlator;
    const char *msg_ref; /* Status, Results */
    const char *cmd_ref;
    const char *cmd;
    GPtrArray *target_refs; /* const char*; NULL: none */
    GPtrArray *source_refs;
    DmAuthElement chal;
    guint first_item, n_items;
    DmStatus problem; /* OK, or what it is answered without being run: TOO_LARGE (the reader: a Data
                         over the cap, no chunk), what syncml/chunks.h says of a chunk */
} DmElement;

typedef struct {
    bool present; /* false: a fragment */
    const char *ver_dtd;
    const char *ver_proto;
    const char *session_id;
    const char *msg_id;
    const char *target_uri;
    const char *target_name;
    const char *source_uri;
    const char *source_name;
    const char *resp_uri;
    bool no_resp;
    DmAuthElement cred;
    gint64 max_msg_size; /* Meta; -1 not given */
    gint64 max_obj_size;
} DmHeader;

typedef struct {
    DmHeader header;
    GArray *elements; /* DmElement */
    GArray *items;    /* DmItem, all elements' in order */
    bool final;
    char *text;        /* all strings, in one block */
    GPtrArray *joined; /* char*: data that came in chunks; NULL: none */
} DmMessage;

/* An empty message with room for `text_size` bytes of text in `text`. */
DmMessage *dm_message_new(gsize text_size);
void dm_message_free(DmMessage *message);

gsize dm_message_get_size(const DmMessage *message);
const DmElement *dm_message_get(const DmMessage *message, gsize index);
/* Item `index` of `element`, which has it. */
const DmItem *dm_message_get_item(const DmMessage *message, const DmElement *element, guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMessage, dm_message_free)
