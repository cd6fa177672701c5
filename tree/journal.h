/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/transaction.h"

/* The inside of a transaction, for tree/transaction.c, tree/commit.c, tree/schedules.c,
 * tree/unenroll.c and tree/first-sync-run.c alone. */

typedef enum {
    DM_UNDO_NODE,             /* a leaf set or unset, an interior node added or removed */
    DM_UNDO_OUTCOMES,         /* other outcomes of a first sync (F6), or none any more (F5) */
    DM_UNDO_SESSION,          /* other durable state of sessions, such as a new chain (P6) */
    DM_UNDO_PROVIDER_ADDED,   /* nodes of it come after */
    DM_UNDO_PROVIDER_REMOVED, /* as a whole: no entries for its nodes */
    DM_UNDO_NOTHING,          /* an entry that was undone alone */
} DmUndoKind;

typedef struct {
    DmUndoKind kind;
    guint command;
    DmProvider *provider; /* NULL: a leaf of the root */
    DmNodeId node;
    bool was_present;
    union {
        DmValue value; /* a leaf that was present */
        GHashTable *outcomes;
        GHashTable *session;
    } old;
} DmUndo;

/* A command wrote a row whose topic is judged at commit. */
typedef struct {
    DmProvider *provider;
    DmRuleId rule;
    guint command;
} DmWrite;

struct DmTransaction {
    DmTree *tree;
    const DmContext *context; /* NULL: none under way */
    guint command;
    GArray *undos;        /* DmUndo */
    GArray *writes;       /* DmWrite, commands rising */
    GArray *nets;         /* guint: entries of `undos`, in the order of the tree */
    GArray *topics;       /* DmWrite: those judged already, while judging */
    GString *text;        /* scratch */
    DmProvider *last;     /* the one found last */
    GPtrArray *unenrolls; /* DmUnenrollment: asked for (E2), and, once collected, done (E3) */
};

/* The place of a leaf's value. */
static inline DmValue *
dm_journal_value(DmTree *tree, DmProvider *provider, DmNodeId node)
{
    return provider == NULL ? &tree->root_update : &provider->values[dm_schema_get(node)->slot];
}

/* Whether an interior node is present, or a leaf set. */
static inline bool
dm_journal_is_present(const DmTree *tree, const DmProvider *provider, DmNodeId node)
{
    return provider == NULL ? tree->root_update.u.chr != NULL
                            : dm_provider_is_present(provider, node);
}
