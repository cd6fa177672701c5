/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "tree/session-private.h"

static const struct {
    DmNodeId interval, count;
} sets[DM_POLL_SETS] = {
    {DM_NODE_POLL_INTERVAL_FOR_FIRST_SET_OF_RETRIES, DM_NODE_POLL_NUMBER_OF_FIRST_RETRIES},
    {DM_NODE_POLL_INTERVAL_FOR_SECOND_SET_OF_RETRIES, DM_NODE_POLL_NUMBER_OF_SECOND_RETRIES},
    {DM_NODE_POLL_INTERVAL_FOR_REMAINING_SCHEDULED_RETRIES,
     DM_NODE_POLL_NUMBER_OF_REMAINING_SCHEDULED_RETRIES},
};

static gint64
get_number(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) ? value.u.integer : 0;
}

/* The six numbers, defaults where they are unset (P5); false: there is no Poll. */
static bool
get_settings(const DmProvider *provider, DmPollSettings *settings)
{
    if (!dm_provider_has(provider, DM_NODE_POLL))
        return false;
    for (int i = 0; i < DM_POLL_SETS; i++) {
        settings->interval_min[i] = get_number(provider, sets[i].interval);
        settings->count[i] = get_number(provider, sets[i].count);
    }
    return true;
}

/* The settings as text, to see whether they are still those of the chain (P6). */
static char *
describe(const DmProvider *provider)
{
    g_autoptr(GString) text = g_string_new(NULL);
    DmPollSettings settings;

    if (!get_settings(provider, &settings))
        return g_strdup("none");
    for (int i = 0; i < DM_POLL_SETS; i++)
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, i == 0 ? "" : " ",
                               settings.interval_min[i], settings.count[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool
is_same_chain(const DmProvider *provider)
{
    g_autofree char *settings = describe(provider);

    return strcmp(dm_session_get_text(provider, DM_SESSION_CHAIN), settings) == 0;
}

void
dm_session_edit_chain(DmSessionEdits *edits, DmProvider *provider, gint64 now_us)
{
    g_autofree char *settings = describe(provider);

    if (strcmp(dm_session_get_text(provider, DM_SESSION_CHAIN), settings) == 0)
        return;
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN, settings);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_START, now_us);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_DONE, 0);
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_LAST, NULL);
}

void
dm_session_count_poll(DmSessionEdits *edits, DmProvider *provider, gint64 now_us)
{
    gint64 n_done = dm_session_get_int(provider, DM_SESSION_CHAIN_DONE);

    if (!is_same_chain(provider))
        return; /* it was one of a chain that is over */
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_DONE,
                             n_done < G_MAXINT64 ? n_done + 1 : n_done);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_LAST, now_us);
}

/* A stored time that can be reckoned with. */
static gint64
get_time_us(const DmProvider *provider, const char *name)
{
    return MIN(dm_session_get_int(provider, name), G_MAXINT64 / 4);
}

gint64
dm_session_get_due(const DmTree *tree, const DmProvider *provider, const char **ret_reason)
{
    g_autoptr(GTimeZone) time_zone = g_time_zone_new_local();
    gint64 now_us = dm_clock_wall_us(tree->options.clock);
    gint64 start_us, last_us = 0;
    guint64 n_done = 0;
    DmPollSettings settings;
    DmPollDue due;

    if (provider->scope == DM_SCOPE_USER) {
        *ret_reason = "daily";
        return 0;
    }
    if (is_same_chain(provider)) {
        start_us = get_time_us(provider, DM_SESSION_CHAIN_START);
        last_us = get_time_us(provider, DM_SESSION_CHAIN_LAST);
        n_done = (guint64)dm_session_get_int(provider, DM_SESSION_CHAIN_DONE);
    } else {
        /* dm_session_note_schedules() has not been there yet. The last session is a time that does
         * not move with the clock; without one, now is as good as any. */
        start_us = get_time_us(provider, DM_SESSION_ATTEMPT);
        start_us = start_us != 0 ? start_us : now_us;
    }
    due = dm_poll_next(get_settings(provider, &settings) ? &settings : NULL, start_us, n_done,
                       last_us, now_us,
                       dm_poll_window(tree->hw_dev_id != NULL ? tree->hw_dev_id : ""), time_zone);
    *ret_reason = due.reason;
    return due.due_us;
}

bool
dm_session_note_schedules(DmTree *tree, GError **error)
{
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(DmChange));
    gint64 now_us = dm_clock_wall_us(tree->options.clock);

    for (guint i = 0; i < tree->providers->len; i++) {
        DmProvider *provider = g_ptr_array_index(tree->providers, i);
        DmChange change = {.kind = DM_CHANGE_SESSION,
                           .scope = provider->scope,
                           .provider = provider->id,
                           .node = DM_NODE_PROVIDER};

        if (provider->scope != DM_SCOPE_DEVICE || is_same_chain(provider))
            continue;
        dm_session_edit_chain(edits, provider, now_us);
        g_array_append_val(changes, change);
    }
    if (!dm_session_edits_commit(edits, tree, error))
        return false;
    dm_tree_notify(tree, (const DmChange *)(const void *)changes->data, changes->len);
    return true;
}
