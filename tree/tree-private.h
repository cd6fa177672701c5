/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* What the files of tree/ share; nobody else includes it. */

struct DmProvider {
    DmTree *tree;
    char *id;
    DmScope scope;
    guint32 uid;
    gint64 key;           /* in the store; 0 while new */
    guint64 present[2];   /* a bit for each DmNodeId: interior node present, or leaf set */
    GHashTable *account;  /* char* → char*, as common/account.h */
    GHashTable *session;  /* char* → char*, durable state of tree/session.c */
    GHashTable *outcomes; /* canonical LocURI → "code reason" (F6) */
    int session_state;    /* DmSessionState, in memory only */
    DmValue values[];     /* dm_schema_get_n_slots() of them */
};

struct DmTree {
    DmStore *store; /* NULL: in memory only */
    DmTreeOptions options;
    char *hw_dev_id;
    GPtrArray *providers; /* DmProvider, sorted as dm_tree_get_providers() says */
    DmValue root_update;  /* UpdateManagementServiceAddress; chr NULL: unset */
    GArray *listeners;
    guint next_listener;
    struct DmJournal *journal; /* the transaction under way; NULL: none */
    GHashTable *replies;       /* session → last reply of sessions that changed nothing durable */
    GQueue *reply_order;
};

static inline bool
dm_provider_is_present(const DmProvider *provider, DmNodeId node)
{
    return (provider->present[node / 64] >> (node % 64)) & 1;
}

/* Commits text and node changes made outside a batch (session reports, outcomes): `write` puts them
 * into the open transaction; then `changes` go to the listeners. False: nothing happened. */
typedef bool (*DmTreeWrite)(DmStore *store, gpointer data, GError **error);
bool dm_tree_commit_text(DmTree *tree, DmTreeWrite write, gpointer data, const DmChange *changes,
                         gsize n_changes, GError **error);

/* Tells the listeners. */
void dm_tree_notify(DmTree *tree, const DmChange *changes, gsize n_changes);
