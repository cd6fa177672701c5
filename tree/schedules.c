/* SPDX-License-Identifier: MIT */

/* What a message means to the schedules of poll sessions: P6, in the commit that it comes with. */

#include "tree/journal.h"
#include "tree/session-private.h"

/* Whether a change of `undo` may be one of its provider's schedule. */
static bool
touches_schedule(const DmUndo *undo)
{
    if (undo->provider == NULL || undo->provider->is_gone ||
        undo->provider->scope != DM_SCOPE_DEVICE)
        return false;
    return undo->kind == DM_UNDO_PROVIDER_ADDED ||
           (undo->kind == DM_UNDO_NODE && dm_schema_is_below(undo->node, DM_NODE_POLL));
}

void
dm_transaction_note_schedules(DmTransaction *transaction)
{
    /* What is appended meanwhile is of no interest here. */
    guint n = transaction->undos->len;

    for (guint i = 0; i < n; i++) {
        const DmUndo *undo = &g_array_index(transaction->undos, DmUndo, i);
        DmProvider *provider = undo->provider;
        GHashTable *session;

        if (!touches_schedule(undo))
            continue;
        session = dm_session_begin_chain(provider);
        if (session != NULL)
            dm_transaction_take_session(transaction, provider, session);
    }
}
