/* SPDX-License-Identifier: MIT */

#include "plugin/warnings.h"

#include "common/log.h"
#include "tree/session.h"

static bool
is_of_poll(const DmChange *change)
{
    if (change->provider == NULL || change->scope != DM_SCOPE_DEVICE)
        return false;
    return (change->kind == DM_CHANGE_VALUE || change->kind == DM_CHANGE_ADDED) &&
           dm_schema_is_below(change->node, DM_NODE_POLL);
}

static void
warn(const DmTree *tree, const char *id)
{
    const DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, id);
    g_auto(GStrv) warnings = provider != NULL ? dm_session_get_poll_warnings(provider) : NULL;

    for (gsize i = 0; warnings != NULL && warnings[i] != NULL; i++)
        dm_log_warning("The server's poll schedule is unusual", "DM_PROVIDER", id, "REASON",
                       warnings[i]);
}

void
dm_warnings_on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    const char *warned = NULL;

    /* The changes of a provider come together. */
    for (gsize i = 0; i < n_changes; i++) {
        if (!is_of_poll(&changes[i]) || g_strcmp0(warned, changes[i].provider) == 0)
            continue;
        warned = changes[i].provider;
        warn(data, warned);
    }
}
