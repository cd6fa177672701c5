/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "syncml/message.h"

typedef enum {
    DM_READ_MESSAGE,  /* a whole SyncML element only: what a server sends */
    DM_READ_FRAGMENT, /* also a SyncBody, or bare commands one after another: files */
} DmReadMode;

/* Parses `size` bytes as protocol.md section 6 says: what it must take, what it must refuse, caps
 * checked before libxml2 sees them where it is not linear. NULL and DM_ERROR INVALID or TOO_LARGE,
 * the message naming line and cause. */
DmMessage *dm_reader_parse(const char *bytes, gsize size, DmReadMode mode, GError **error);
