/* SPDX-License-Identifier: MIT */

#include "tree/session-private.h"

static bool
get_bool(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) && value.u.boolean;
}

bool
dm_session_note_login(DmTree *tree, guint32 uid, bool is_new, GStrv *ret_providers, GError **error)
{
    g_autofree char *name = g_strdup_printf(DM_SESSION_LOGIN "%u", uid);
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();
    g_autoptr(GStrvBuilder) providers = g_strv_builder_new();

    for (guint i = 0; i < tree->providers->len; i++) {
        DmProvider *provider = g_ptr_array_index(tree->providers, i);
        bool is_first;

        if (provider->scope != DM_SCOPE_DEVICE)
            continue;
        is_first = *dm_session_get_text(provider, name) == '\0';
        if ((is_new && get_bool(provider, DM_NODE_POLL_POLL_ON_LOGIN)) ||
            (is_first && get_bool(provider, DM_NODE_POLL_ALL_USERS_POLL_ON_FIRST_LOGIN)))
            g_strv_builder_add(providers, provider->id);
        dm_session_edits_set(edits, provider, DM_STORE_SESSION, name, "1");
    }
    if (!dm_session_edits_commit(edits, tree, error))
        return false;
    *ret_providers = g_strv_builder_end(providers);
    return true;
}
