/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/command.h"

/* The element names of SyncML that are read here (private to syncml/). */
typedef enum {
    DM_TAG_NONE, /* any other */
    DM_TAG_SYNCML,
    DM_TAG_SYNC_HDR,
    DM_TAG_SYNC_BODY,
    DM_TAG_VER_DTD,
    DM_TAG_VER_PROTO,
    DM_TAG_SESSION_ID,
    DM_TAG_MSG_ID,
    DM_TAG_TARGET,
    DM_TAG_SOURCE,
    DM_TAG_LOC_URI,
    DM_TAG_LOC_NAME,
    DM_TAG_RESP_URI,
    DM_TAG_NO_RESP,
    DM_TAG_CRED,
    DM_TAG_META,
    DM_TAG_MET_INF,
    DM_TAG_FORMAT,
    DM_TAG_TYPE,
    DM_TAG_MARK,
    DM_TAG_SIZE,
    DM_TAG_NEXT_NONCE,
    DM_TAG_MAX_MSG_SIZE,
    DM_TAG_MAX_OBJ_SIZE,
    DM_TAG_DATA,
    DM_TAG_STATUS,
    DM_TAG_ALERT,
    DM_TAG_RESULTS,
    DM_TAG_ITEM,
    DM_TAG_CMD_ID,
    DM_TAG_MSG_REF,
    DM_TAG_CMD_REF,
    DM_TAG_CMD,
    DM_TAG_TARGET_REF,
    DM_TAG_SOURCE_REF,
    DM_TAG_CHAL,
    DM_TAG_FINAL,
    DM_TAG_ATOMIC,
    DM_TAG_SEQUENCE,
    DM_TAG_ADD,
    DM_TAG_GET,
    DM_TAG_REPLACE,
    DM_TAG_DELETE,
    DM_TAG_EXEC,
    DM_TAG_COPY,
    DM_TAG_SEARCH,
    DM_TAG_MAP,
    DM_TAG_PUT,
    DM_TAG_SYNC,
    DM_TAG_MORE_DATA,
    DM_TAG_CORRELATOR,
    DM_TAG_N,
} DmTag;

typedef struct {
    const char *name;
    guint8 size;
    guint8 tag;  /* DmTag */
    guint8 verb; /* DmVerb of elements that are commands; NONE otherwise */
} DmTagInfo;

/* The entry of the element called `name` (exact), const; one whose tag is NONE if it is none of
 * these. One multiplication and one comparison. */
const DmTagInfo *dm_tag_find(const char *name);
