/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/transaction.h"

/* What a command names, and whether its session may name it: the first checks of rules section 2
 * (URI, scope of the session, row and provider, verb, parent). */

/* Large (it holds the parsed LocURI): kept on the stack, never copied. */
typedef struct {
    DmUri uri;
    DmVerb verb;
    DmNodeId node;
    const DmNode *row;
    guint32 uid;             /* of a user tree */
    DmProvider *provider;    /* NULL for rows not below one, and for Add of one */
    const char *provider_id; /* Add of a provider: what to call it */
} DmTarget;

/* Finds what `command` names for `context`. OK, BAD_REQUEST, URI_TOO_LONG, NOT_SUPPORTED (a query
 * that is not answered, A3), NOT_ALLOWED (A1, V3, V5, V9), NOT_FOUND, PERMISSION_DENIED (V9). The
 * provider is there, and the parent too unless the verb is Add; the node itself is not looked at.
 * Unless OK, only `node` of the target may be read: NONE, or the row that was found. */
DmStatus dm_target_find(DmTransaction *transaction, const DmCommand *command, DmTarget *ret_target);

/* Whether servers only read the row, because the client or local root fills it (V9). */
bool dm_target_is_client_filled(DmNodeId node);

/* Whether the provider called `id` is the session's own, or the session is local root's (V9). */
bool dm_target_may_use(const DmTransaction *transaction, const char *id);
