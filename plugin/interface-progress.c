/* SPDX-License-Identifier: MIT */
#include "dbus/names.h"
#include "plugin/interface.h"

/* ….Progress beside ….FirstSyncStatus: how far the first sync is (F6). */

static bool
is_on(const DmObject *object)
{
    return object->node == DM_NODE_FIRST_SYNC;
}

static void
load(const DmTree *tree, const DmObject *object, DmState *state)
{
    bool is_there = dm_first_sync_get_progress(object->provider, &state->progress);

    /* The object exists because the node does. */
    g_assert(is_there);
}

static void
clear(DmState *state)
{
    dm_first_sync_progress_clear(&state->progress);
}

static void
append_categories(DmBody *body, const DmProperty *property, const void *data)
{
    const DmState *state = data;
    DmBodyArray array = dm_body_begin_array(body, true);

    for (guint i = 0; i < DM_FIRST_SYNC_N_LISTS; i++) {
        const DmFirstSyncCategory *category = &state->progress.categories[i];

        dm_body_begin_struct(body);
        dm_body_append_valid(body, category->name);
        dm_body_append_uint32(body, category->total);
        dm_body_append_uint32(body, category->done);
        dm_body_append_uint32(body, category->failed);
    }
    dm_body_end_array(body, array);
}

static void
append_failed(DmBody *body, const DmProperty *property, const void *data)
{
    const DmState *state = data;
    DmBodyArray array = dm_body_begin_array(body, false);

    for (GStrv item = state->progress.failed_items; item != NULL && *item != NULL; item++)
        dm_body_append_text(body, *item);
    dm_body_end_array(body, array);
}

static const DmProperty properties[] = {
    {"Phase", "s", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, progress.phase),
     dm_property_append_text,
     "`none` (no session of this run yet), `running`, `succeeded` or `failed`."},
    {"Categories", "a(suuu)", DM_READ_PUBLIC, DM_EMITS_VALUE, 0, append_categories,
     "For each list of what the server expects: its name without the `Expected` in front, and how "
     "many items it has, are done, have failed."},
    {"Deadline", "t", DM_READ_PUBLIC, DM_EMITS_VALUE,
     G_STRUCT_OFFSET(DmState, progress.deadline_us), dm_property_append_time,
     "When a run that has not succeeded fails, in µs since the epoch; 0: the time does not run."},
    {"FailedItems", "as", DM_READ_DETAILS, DM_EMITS_INVALIDATES, 0, append_failed,
     "What failed: LocURI, status and reason of each."},
    {NULL},
};

const DmInterface dm_interface_progress = {
    .name = DM_BUS_INTERFACE_PROGRESS,
    .is_on = is_on,
    .properties = properties,
    .load = load,
    .clear = clear,
    .is_own = true,
    .doc = "How far the first sync is.",
};
