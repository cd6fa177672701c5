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
dm_session_edit_chain(DmSessionEdits *edits, DmProvider *provider)
{
    g_autofree char *settings = describe(provider);

    if (strcmp(dm_session_get_text(provider, DM_SESSION_CHAIN), settings) == 0)
        return;
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN, settings);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_START,
                             dm_session_get_times(provider).steady_us);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_DONE, 0);
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_LAST, NULL);
}

GHashTable *
dm_session_begin_chain(DmProvider *provider)
{
    g_autoptr(DmSessionEdits) edits = NULL;

    /* Without a Poll and a record there is nothing that has changed. */
    if (is_same_chain(provider) || (!provider->is_new && !dm_provider_has(provider, DM_NODE_POLL) &&
                                    *dm_session_get_text(provider, DM_SESSION_CHAIN) == '\0'))
        return NULL;
    edits = dm_session_edits_new();
    dm_session_edit_chain(edits, provider);
    dm_session_edit_clock(edits, provider, false);
    if (provider->is_new)
        dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_ENROLLED,
                                 dm_session_get_times(provider).wall_us);
    return dm_session_edits_to_map(edits, provider);
}

/* -- the schedule -------------------------------------------------------------------------------
 */

/* What the schedule of a provider depends on. */
typedef struct {
    DmPollSettings settings;
    DmSessionTimes times;
    DmPollState state;
} Schedule;

static void
get_schedule(const DmProvider *provider, Schedule *schedule)
{
    const DmTree *tree = provider->tree;

    schedule->times = dm_session_get_times(provider);
    schedule->state = (DmPollState){
        .settings = get_settings(provider, &schedule->settings) ? &schedule->settings : NULL,
        .now_us = schedule->times.steady_us,
        .wall_us = schedule->times.steady_us + schedule->times.lead_us,
        .seed = tree->hw_dev_id != NULL ? tree->hw_dev_id : "",
        .has_window = tree->options.has_window,
        .window_min = tree->options.window_min,
    };
    /* Without a record of the chain, which only a damaged store lacks, one session is due at once,
     * and begins it. */
    if (!is_same_chain(provider))
        return;
    schedule->state.start_us = dm_session_get_int(provider, DM_SESSION_CHAIN_START);
    schedule->state.n_done = (guint64)dm_session_get_int(provider, DM_SESSION_CHAIN_DONE);
    schedule->state.last_us = dm_session_get_int(provider, DM_SESSION_CHAIN_LAST);
}

gint64
dm_session_get_due(const DmTree *tree, const DmProvider *provider, const char **ret_reason)
{
    Schedule schedule;
    DmPollDue due;

    *ret_reason = "";
    if (provider->scope == DM_SCOPE_USER)
        return 0;
    get_schedule(provider, &schedule);
    due = dm_poll_next(&schedule.state);
    *ret_reason = due.reason;
    /* Never 0, which says never. */
    return due.due_us > G_MAXINT64 / 2 ? due.due_us : MAX(1, due.due_us + schedule.times.lead_us);
}

static void
count(DmSessionEdits *edits, DmProvider *provider, const DmPollState *state)
{
    gint64 n_done = (gint64)state->n_done;

    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_DONE,
                             n_done < G_MAXINT64 ? n_done + 1 : n_done);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_CHAIN_LAST,
                             dm_poll_place(state));
}

void
dm_session_count_poll(DmSessionEdits *edits, DmProvider *provider)
{
    Schedule schedule;

    if (!is_same_chain(provider))
        return; /* the chain begins with this session */
    get_schedule(provider, &schedule);
    count(edits, provider, &schedule.state);
}

void
dm_session_merge_poll(DmSessionEdits *edits, DmProvider *provider)
{
    Schedule schedule;

    if (!is_same_chain(provider))
        return;
    get_schedule(provider, &schedule);
    if (dm_poll_next(&schedule.state).due_us <= schedule.state.now_us)
        count(edits, provider, &schedule.state);
}

/* When the session of each provider is due; 0 for users'. */
static GArray *
list_due(const DmTree *tree)
{
    GArray *due = g_array_sized_new(FALSE, FALSE, sizeof(gint64), tree->providers->len);

    for (guint i = 0; i < tree->providers->len; i++) {
        const char *reason;
        gint64 due_us = dm_session_get_due(tree, g_ptr_array_index(tree->providers, i), &reason);

        g_array_append_val(due, due_us);
    }
    return due;
}

void
dm_tree_set_options(DmTree *tree, const DmTreeOptions *options)
{
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(DmChange));
    g_autoptr(GArray) before = list_due(tree);
    g_autoptr(GArray) after = NULL;

    tree->options.allow_http = options->allow_http;
    tree->options.has_window = options->has_window;
    tree->options.window_min = options->window_min;
    after = list_due(tree);
    for (guint i = 0; i < tree->providers->len; i++) {
        const DmProvider *provider = g_ptr_array_index(tree->providers, i);
        const DmChange change = {.kind = DM_CHANGE_SESSION,
                                 .scope = provider->scope,
                                 .provider = provider->id,
                                 .node = DM_NODE_PROVIDER};

        if (g_array_index(before, gint64, i) != g_array_index(after, gint64, i))
            g_array_append_val(changes, change);
    }
    dm_tree_notify(tree, (const DmChange *)(const void *)changes->data, changes->len);
}

GStrv
dm_session_get_poll_warnings(const DmProvider *provider)
{
    DmPollSettings settings;

    return provider->scope == DM_SCOPE_DEVICE && get_settings(provider, &settings)
               ? dm_poll_get_warnings(&settings)
               : g_new0(char *, 1);
}
