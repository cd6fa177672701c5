/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/status.h"
#include "tree/schema.h"
#include "tree/tree.h"

/* The hook of the semantic rules: one entry for each DmRuleId of the node table, one file a topic.
 */

/* What a rule may look at, and through what it changes nodes: the transaction under way. */
typedef struct DmTransaction DmTransaction;

typedef struct {
    DmTransaction *transaction;
    const DmContext *context;
    DmProvider *provider; /* NULL for a row of the root */
    DmNodeId node;        /* the row */
    DmVerb verb;          /* ADD, REPLACE or DELETE */
} DmRuleCall;

typedef struct {
    /* Judges one command as it runs, after the generic checks and before the change (V8): `value`
     * is what would be stored, NULL for Delete. OK lets it pass. NULL: no opinion. */
    DmStatus (*check)(const DmRuleCall *call, const DmValue *value);

    /* Does what a change that was made entails, directly after it and as part of it (L1: an empty
     * list unsets; L6). `value` as for `check`, borrowed. NULL: nothing. */
    void (*follow)(const DmRuleCall *call, const DmValue *value);

    /* Judges the row's topic once for each provider when the message or Atomic commits, if one of
     * its rows was written (P2, S4): may correct values by dm_transaction_set(). A status other
     * than OK undoes the last command that wrote a row of the topic, and becomes its status. NULL:
     * none. */
    DmStatus (*commit)(DmTransaction *transaction, DmProvider *provider);
} DmRule;

/* The rule of `id`, const; rules without hooks have none set. */
const DmRule *dm_rule_get(DmRuleId id);

/* Sets a leaf of `provider` (whose parent is present), or with NULL unsets it, as part of the
 * transaction, without any check: for rules that correct or decide. */
void dm_transaction_set(DmTransaction *transaction, DmProvider *provider, DmNodeId node,
                        const DmValue *value);
