/* SPDX-License-Identifier: MIT */

#include "tree/lost-contact.h"

#include "tree/session-private.h"
#include "tree/unenroll.h"

#define SECOND_US G_GINT64_CONSTANT(1000000)
#define DAY_US (24 * 60 * 60 * SECOND_US)

gint64
dm_lost_contact_get_due_us(const DmTree *tree)
{
    gint64 boot_us = dm_clock_boot_us(tree->options.clock);
    gint64 wall_us = dm_clock_wall_us(tree->options.clock);
    gint64 due_us = -1;

    for (guint i = 0; i < tree->providers->len; i++) {
        const DmProvider *provider = g_ptr_array_index(tree->providers, i);
        gint64 deadline_us, wait_us;

        if (provider->scope != DM_SCOPE_DEVICE)
            break;
        deadline_us = dm_session_get_unenroll_deadline(provider);
        if (deadline_us == 0)
            continue;
        wait_us = CLAMP(deadline_us - wall_us, SECOND_US, DAY_US);
        if (due_us < 0 || boot_us + wait_us < due_us)
            due_us = boot_us + wait_us;
    }
    return due_us;
}

bool
dm_lost_contact_unenroll(DmTree *tree, GError **error)
{
    g_autoptr(GPtrArray) lost = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) first = NULL;

    /* First who, then the changes, which move the providers. */
    for (guint i = 0; i < tree->providers->len; i++) {
        const DmProvider *provider = g_ptr_array_index(tree->providers, i);

        if (dm_session_is_contact_lost(provider))
            g_ptr_array_add(lost, g_strdup(provider->id));
    }
    for (guint i = 0; i < lost->len; i++)
        (void)dm_tree_unenroll(tree, g_ptr_array_index(lost, i), "lost-contact",
                               "no session with the server has ended well for too many days",
                               first == NULL ? &first : NULL);
    if (first == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}
