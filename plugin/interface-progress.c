/* SPDX-License-Identifier: MIT */
#include "dbus/names.h"
#include "dbus/values.h"
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
append_categories(DBusMessageIter *iter, const DmProperty *property, const void *data)
{
    const DmState *state = data;
    DBusMessageIter variant, array, item;

    dm_values_open(iter, DBUS_TYPE_VARIANT, "a(suuu)", &variant);
    dm_values_open(&variant, DBUS_TYPE_ARRAY, "(suuu)", &array);
    for (guint i = 0; i < DM_FIRST_SYNC_N_LISTS; i++) {
        const DmFirstSyncCategory *category = &state->progress.categories[i];

        dm_values_open(&array, DBUS_TYPE_STRUCT, NULL, &item);
        dm_values_append_text(&item, category->name);
        dm_values_append_number(&item, category->total);
        dm_values_append_number(&item, category->done);
        dm_values_append_number(&item, category->failed);
        dm_values_close(&array, &item);
    }
    dm_values_close(&variant, &array);
    dm_values_close(iter, &variant);
}

static void
append_failed(DBusMessageIter *iter, const DmProperty *property, const void *data)
{
    const DmState *state = data;
    DBusMessageIter variant, array;

    dm_values_open(iter, DBUS_TYPE_VARIANT, "as", &variant);
    dm_values_open(&variant, DBUS_TYPE_ARRAY, "s", &array);
    for (GStrv item = state->progress.failed_items; item != NULL && *item != NULL; item++)
        dm_values_append_text(&array, *item);
    dm_values_close(&variant, &array);
    dm_values_close(iter, &variant);
}

static const DmProperty properties[] = {
    {"Phase", "s", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, progress.phase),
     dm_property_append_text},
    {"Categories", "a(suuu)", DM_READ_PUBLIC, DM_EMITS_VALUE, 0, append_categories},
    {"Deadline", "t", DM_READ_PUBLIC, DM_EMITS_VALUE,
     G_STRUCT_OFFSET(DmState, progress.deadline_us), dm_property_append_time},
    {"FailedItems", "as", DM_READ_DETAILS, DM_EMITS_INVALIDATES, 0, append_failed},
    {NULL},
};

const DmInterface dm_interface_progress = {
    .name = DM_BUS_INTERFACE_PROGRESS,
    .is_on = is_on,
    .properties = properties,
    .load = load,
    .clear = clear,
    .is_own = true,
};
