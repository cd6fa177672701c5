/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include "cli/words.h"
#include "common/i18n.h"
#include "dbus/names.h"

void
dm_progress_clear(DmProgress *progress)
{
    g_clear_pointer(&progress->phase, g_free);
    g_clear_pointer(&progress->error_text, g_free);
    g_clear_pointer(&progress->categories, g_variant_unref);
    g_clear_pointer(&progress->failed_items, g_variant_unref);
}

static void
clear(gpointer data)
{
    dm_progress_clear(data);
}

bool
dm_progress_read(const DmSnapshot *snapshot, const DmSnapshotProvider *provider, gint64 uid,
                 const char *path, DmProgress *ret_progress)
{
    const char *interface = DM_BUS_INTERFACE_PROGRESS;
    g_autofree char *settings =
        g_strconcat(DM_BUS_INTERFACE ".", dm_node_name(DM_NAME_FIRST_SYNC), NULL);
    DmProgress progress = {.provider = provider, .uid = uid};
    GVariantIter iter;
    guint total;
    guint done;
    guint failed;

    progress.phase = dm_snapshot_get_string(snapshot, path, interface, "Phase");
    if (progress.phase == NULL)
        return false;
    progress.categories = dm_snapshot_get(snapshot, path, interface, "Categories", "a(suuu)");
    progress.deadline_us = dm_snapshot_get_time(snapshot, path, interface, "Deadline");
    progress.failed_items = dm_snapshot_get(snapshot, path, interface, "FailedItems", "as");
    progress.error_text = dm_snapshot_get_string(
        snapshot, path, settings, dm_node_name(DM_NAME_FIRST_SYNC_CUSTOM_ERROR_TEXT));
    if (progress.categories != NULL) {
        g_variant_iter_init(&iter, progress.categories);
        while (g_variant_iter_next(&iter, "(&suuu)", NULL, &total, &done, &failed)) {
            progress.total += total;
            progress.done += done;
            progress.failed += failed;
        }
    }
    *ret_progress = progress;
    return true;
}

GArray *
dm_progress_collect(const DmSnapshot *snapshot)
{
    GArray *found = g_array_new(FALSE, TRUE, sizeof(DmProgress));
    DmProgress progress;

    g_array_set_clear_func(found, clear);
    for (guint i = 0; i < snapshot->providers->len; i++) {
        const DmSnapshotProvider *provider = snapshot->providers->pdata[i];
        g_autofree char *path = dm_snapshot_get_path(provider, DM_NAME_FIRST_SYNC);

        if (dm_progress_read(snapshot, provider, -1, path, &progress))
            g_array_append_val(found, progress);
        for (guint j = 0; j < provider->users->len; j++) {
            const DmSnapshotUser *user = &g_array_index(provider->users, DmSnapshotUser, j);

            if (dm_progress_read(snapshot, provider, user->uid, user->path, &progress))
                g_array_append_val(found, progress);
        }
    }
    return found;
}

bool
dm_progress_is_running(const DmProgress *progress)
{
    return g_str_equal(progress->phase, "running");
}

bool
dm_progress_has_succeeded(const DmProgress *progress)
{
    return g_str_equal(progress->phase, "succeeded");
}

bool
dm_progress_has_failed(const DmProgress *progress)
{
    return g_str_equal(progress->phase, "failed");
}

char *
dm_progress_to_text(const DmProgress *progress)
{
    GString *text = g_string_new(dm_words_translate(progress->phase));

    if (progress->total > 0)
        /* Translators: goes on after the phase of a first sync: "running, 1 of 5 done". */
        g_string_append_printf(text, _(", %'u of %'u done"), progress->done, progress->total);
    if (progress->failed > 0)
        /* Translators: goes on after ", 1 of 5 done". */
        g_string_append_printf(text, _(", %'u failed"), progress->failed);
    return g_string_free(text, FALSE);
}

DmStyle
dm_progress_get_style(const DmProgress *progress)
{
    if (dm_progress_has_succeeded(progress))
        return DM_STYLE_GOOD;
    return dm_progress_has_failed(progress) ? DM_STYLE_BAD : DM_STYLE_PLAIN;
}

void
dm_progress_add_json(const DmProgress *progress, JsonBuilder *builder)
{
    GVariantIter iter;
    const char *name;
    guint total;
    guint done;
    guint failed;

    dm_json_add_string(builder, "phase", progress->phase);
    dm_json_add_time(builder, "deadline", progress->deadline_us);
    json_builder_set_member_name(builder, "categories");
    json_builder_begin_array(builder);
    if (progress->categories != NULL) {
        g_variant_iter_init(&iter, progress->categories);
        while (g_variant_iter_next(&iter, "(&suuu)", &name, &total, &done, &failed)) {
            json_builder_begin_object(builder);
            dm_json_add_string(builder, "name", name);
            dm_json_add_int(builder, "total", total);
            dm_json_add_int(builder, "done", done);
            dm_json_add_int(builder, "failed", failed);
            json_builder_end_object(builder);
        }
    }
    json_builder_end_array(builder);
}
