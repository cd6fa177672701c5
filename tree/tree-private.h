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
    char *next_token;     /* of the session that begins next, in memory only; NULL: not made yet */
    bool is_new;          /* made by the transaction under way */
    bool is_gone;         /* removed by it */
    DmValue values[];     /* dm_schema_get_n_slots() of them */
};

struct DmTree {
    DmStore *store; /* NULL: in memory only */
    DmTreeOptions options;
    char *hw_dev_id;
    char *boot_id; /* where it is not known, one that no other tree has */
    bool has_boot_id;
    GPtrArray *providers; /* DmProvider, sorted as dm_tree_get_providers() says */
    DmValue root_update;  /* UpdateManagementServiceAddress; chr NULL: unset */
    GArray *listeners;
    guint next_listener;
    struct DmTransaction *transaction; /* tree/transaction.h; one, used again for each message */
    GHashTable *replies; /* session → tree/replies.c: last replies that are in no store */
    GQueue *reply_order; /* the same entries, oldest first */
    GPtrArray
        *unenrollments; /* DmUnenrollment, in the order in which they ended, pending ones last */
};

static inline bool
dm_provider_is_present(const DmProvider *provider, DmNodeId node)
{
    return (provider->present[node / 64] >> (node % 64)) & 1;
}

/* A provider with nothing set but itself (and in the device tree what each has, V10); not yet in
 * the tree. */
DmProvider *dm_provider_new(DmTree *tree, DmScope scope, guint32 uid, const char *id);
void dm_provider_free(DmProvider *provider);

/* Puts a provider in its place of the sorted list, and takes it out again, not freed. */
void dm_tree_insert_provider(DmTree *tree, DmProvider *provider);
void dm_tree_take_provider(DmTree *tree, DmProvider *provider);

/* Order of dm_tree_get_providers(): less than, equal to or greater than 0. */
int dm_provider_compare(const DmProvider *a, const DmProvider *b);

static inline void
dm_provider_mark(DmProvider *provider, DmNodeId node, bool is_present)
{
    guint64 bit = G_GUINT64_CONSTANT(1) << (node % 64);

    if (is_present)
        provider->present[node / 64] |= bit;
    else
        provider->present[node / 64] &= ~bit;
}

/* Commits text and node changes made outside a batch (session reports, outcomes): `write` puts them
 * into the open transaction; then `changes` go to the listeners. False: nothing happened. */
typedef bool (*DmTreeWrite)(DmStore *store, gpointer data, GError **error);
bool dm_tree_commit_text(DmTree *tree, DmTreeWrite write, gpointer data, const DmChange *changes,
                         gsize n_changes, GError **error);

/* Tells the listeners. */
void dm_tree_notify(DmTree *tree, const DmChange *changes, gsize n_changes);
