/* SPDX-License-Identifier: MIT */
#include "desktop/first-sync.h"

#include "dbus/names.h"
#include "desktop/leaves.h"

/* Flags of the leaf that says which ways out people have whom the page holds; 0: it holds nobody.
 */
#define BLOCK_RESET 1
#define BLOCK_RETRY 2
#define BLOCK_CONTINUE 4

static GVariant *
find_progress(const DmModel *model, const char *part, const char *property, const char *type)
{
    g_autofree char *path = dm_leaf_get_interior_path(part, DM_NAME_FIRST_SYNC);

    return dm_model_find(model, path, DM_BUS_INTERFACE_PROGRESS, property, type);
}

static bool
is_sync_done(const DmModel *model, const char *part)
{
    return dm_leaf_get_bool(model, part, DM_NAME_FIRST_SYNC_IS_SYNC_DONE);
}

static DmFirstSyncState
read_state(const DmModel *model, const char *part)
{
    GVariant *phase = find_progress(model, part, "Phase", "s");
    const char *name = phase != NULL ? g_variant_get_string(phase, NULL) : "";

    if (g_str_equal(name, "failed"))
        return DM_FIRST_SYNC_FAILED;
    if (g_str_equal(name, "succeeded") || is_sync_done(model, part))
        return DM_FIRST_SYNC_DONE;
    return DM_FIRST_SYNC_RUNNING;
}

/* A failure of one part is that of all; they are done when each is. */
static DmFirstSyncState
merge(DmFirstSyncState all, DmFirstSyncState part)
{
    if (all == DM_FIRST_SYNC_NONE || part == DM_FIRST_SYNC_FAILED)
        return part;
    return all == DM_FIRST_SYNC_DONE ? part : all;
}

static void
read_ways_out(const DmModel *model, const char *provider, DmFirstSync *sync)
{
    int ways_out = dm_leaf_get_int(model, provider, DM_NAME_FIRST_SYNC_BLOCK_IN_STATUS_PAGE);
    bool is_failed = sync->state == DM_FIRST_SYNC_FAILED;

    sync->is_held = ways_out != 0 && sync->state != DM_FIRST_SYNC_DONE;
    sync->can_retry = is_failed && (ways_out == 0 || (ways_out & BLOCK_RETRY) != 0);
    sync->can_continue = ways_out == 0 || (is_failed && (ways_out & BLOCK_CONTINUE) != 0);
    sync->wants_reset = is_failed && (ways_out & BLOCK_RESET) != 0;
    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++)
        if (sync->parts[i].provider != NULL &&
            dm_leaf_get_bool(model, sync->parts[i].provider,
                             DM_NAME_FIRST_SYNC_ALLOW_COLLECT_LOGS_BUTTON))
            sync->can_collect = true;
}

DmFirstSync
dm_first_sync_read(const DmModel *model, const char *provider)
{
    static const DmNodeName skips[DM_FIRST_SYNC_N_PARTS] = {
        [DM_FIRST_SYNC_DEVICE] = DM_NAME_FIRST_SYNC_SKIP_DEVICE_STATUS_PAGE,
        [DM_FIRST_SYNC_USER] = DM_NAME_FIRST_SYNC_SKIP_USER_STATUS_PAGE,
    };
    const char *providers[DM_FIRST_SYNC_N_PARTS] = {
        [DM_FIRST_SYNC_DEVICE] = provider,
        [DM_FIRST_SYNC_USER] = dm_model_find_user_part(model, provider),
    };
    DmFirstSync sync = {.state = DM_FIRST_SYNC_NONE};

    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++) {
        if (providers[i] == NULL ||
            !dm_leaf_has_interior(model, providers[i], DM_NAME_FIRST_SYNC) ||
            dm_leaf_get_bool(model, provider, skips[i]))
            continue;
        sync.parts[i].provider = providers[i];
        sync.parts[i].state = read_state(model, providers[i]);
        sync.state = merge(sync.state, sync.parts[i].state);
    }
    sync.is_done =
        is_sync_done(model, provider) && read_state(model, provider) != DM_FIRST_SYNC_FAILED;
    if (sync.state != DM_FIRST_SYNC_NONE)
        read_ways_out(model, provider, &sync);
    return sync;
}

GVariant *
dm_first_sync_get_categories(const DmModel *model, const char *part)
{
    return find_progress(model, part, "Categories", "a(suuu)");
}

gint64
dm_first_sync_get_deadline(const DmModel *model, const char *part)
{
    g_autofree char *path = dm_leaf_get_interior_path(part, DM_NAME_FIRST_SYNC);

    return dm_model_get_time(model, path, DM_BUS_INTERFACE_PROGRESS, "Deadline");
}

const char *
dm_first_sync_get_text(const DmModel *model, const char *part)
{
    return dm_leaf_get_string(model, part, DM_NAME_FIRST_SYNC_CUSTOM_ERROR_TEXT);
}

GVariant *
dm_first_sync_get_failed(const DmModel *model, const char *part)
{
    return find_progress(model, part, "FailedItems", "as");
}
