/* SPDX-License-Identifier: MIT */

#include "tree/rules/first-sync.h"

#include <string.h>

#include "tree/tree-private.h"

#define DELIMITER "\xef\x80\x80" /* U+F000 */
#define PREFIX "Expected"

/* In the order of the table, so in the order of `….Progress`. */
static const struct {
    DmNodeId node;
    bool has_count;
} lists[DM_FIRST_SYNC_N_LISTS] = {
    {DM_NODE_FIRST_SYNC_EXPECTED_POLICIES, false},
    {DM_NODE_FIRST_SYNC_EXPECTED_NETWORK_PROFILES, false},
    {DM_NODE_FIRST_SYNC_EXPECTED_MSI_APP_PACKAGES, true},
    {DM_NODE_FIRST_SYNC_EXPECTED_MODERN_APP_PACKAGES, true},
    {DM_NODE_FIRST_SYNC_EXPECTED_PFX_CERTS, false},
    {DM_NODE_FIRST_SYNC_EXPECTED_SCEP_CERTS, false},
};

/* -- lists --------------------------------------------------------------------------------------
 */

static bool
is_around(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '"';
}

/* Drops blanks and quotation marks at both ends of `*text`, and says how much is left. */
static gsize
trim(const char **text, gsize size)
{
    while (size > 0 && is_around(**text)) {
        (*text)++;
        size--;
    }
    while (size > 0 && is_around((*text)[size - 1]))
        size--;
    return size;
}

/* The size without a final `;` and digits. */
static gsize
cut_count(const char *text, gsize size)
{
    gsize end = size;

    while (end > 0 && g_ascii_isdigit(text[end - 1]))
        end--;
    return end > 0 && end < size && text[end - 1] == ';' ? end - 1 : size;
}

GStrv
dm_first_sync_split(const char *text, bool strip_count)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new();

    while (text != NULL) {
        const char *end = strstr(text, DELIMITER);
        const char *item = text;
        gsize size = trim(&item, end != NULL ? (gsize)(end - text) : strlen(text));

        if (strip_count)
            size = trim(&item, cut_count(item, size));
        if (size > 0)
            g_ptr_array_add(items, g_strndup(item, size));
        text = end != NULL ? end + strlen(DELIMITER) : NULL;
    }
    g_ptr_array_add(items, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&items), FALSE);
}

/* The items of list `index`; NULL if it is empty or unset. */
static GStrv
get_items(const DmProvider *provider, gsize index)
{
    DmValue value;

    if (!dm_provider_get(provider, lists[index].node, &value) || value.u.chr == NULL ||
        *value.u.chr == '\0')
        return NULL;
    return dm_first_sync_split(value.u.chr, lists[index].has_count);
}

/* -- LocURIs ------------------------------------------------------------------------------------
 */

/* Static names of any case (A2); elsewhere than at the start "Vendor" is a name like others. */
static const char *
normalise(const DmUri *uri, guint index)
{
    if (index == 0 && dm_uri_segment_is(uri, 0, "Vendor"))
        return "Vendor";
    if (index == 1 && dm_uri_segment_is(uri, 0, "Vendor") && dm_uri_segment_is(uri, 1, "MSFT"))
        return "MSFT";
    return uri->segments[index];
}

char *
dm_first_sync_canonical(const char *loc_uri)
{
    DmUri uri;
    GString *canonical;

    if (dm_uri_parse(loc_uri, &uri) != DM_STATUS_OK)
        return NULL;
    canonical = g_string_new(uri.scope == DM_SCOPE_USER ? "./User" : "./Device");
    for (guint i = 0; i < uri.n_segments; i++) {
        g_string_append_c(canonical, '/');
        dm_uri_append_escaped(canonical, normalise(&uri, i));
    }
    return g_string_free(canonical, FALSE);
}

GHashTable *
dm_first_sync_index(const DmProvider *provider)
{
    g_autoptr(GHashTable) index = NULL;

    for (gsize i = 0; i < DM_FIRST_SYNC_N_LISTS; i++) {
        g_auto(GStrv) items = get_items(provider, i);

        for (char **item = items; item != NULL && *item != NULL; item++) {
            char *canonical = dm_first_sync_canonical(*item);

            if (canonical == NULL)
                continue;
            if (index == NULL)
                index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
            g_hash_table_add(index, canonical);
        }
    }
    return g_steal_pointer(&index);
}

GStrv
dm_first_sync_find_expected(GHashTable *index, const char *canonical)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    g_autofree char *above = g_strdup(canonical);
    char *slash;

    /* The LocURI itself, then each one above it. */
    do {
        if (g_hash_table_contains(index, above))
            g_ptr_array_add(found, g_strdup(above));
        slash = strrchr(above, '/');
        if (slash != NULL)
            *slash = '\0';
    } while (slash != NULL);
    g_ptr_array_add(found, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&found), FALSE);
}

/* -- progress -----------------------------------------------------------------------------------
 */

static gint64
get_int(const DmProvider *provider, DmNodeId node, gint64 fallback)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) ? value.u.integer : fallback;
}

static bool
get_bool(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) && value.u.boolean;
}

typedef enum {
    PENDING,
    PROVISIONED,
    FAILED,
} ItemState;

/* What the last outcome of an item, "code reason", makes of it; NULL: there was none (F6). */
static ItemState
judge(const char *outcome)
{
    guint64 code = outcome != NULL ? g_ascii_strtoull(outcome, NULL, 10) : 0;

    if (outcome == NULL || code == DM_STATUS_ACCEPTED)
        return PENDING;
    return code < G_MAXUINT && dm_status_is_known((guint)code) && dm_status_is_good((DmStatus)code)
               ? PROVISIONED
               : FAILED;
}

bool
dm_first_sync_is_failed(const char *outcome)
{
    return judge(outcome) == FAILED;
}

static void
count_item(const DmProvider *provider, const char *item, DmFirstSyncCategory *category,
           GPtrArray *failed)
{
    g_autofree char *canonical = dm_first_sync_canonical(item);
    const char *outcome =
        canonical != NULL ? g_hash_table_lookup(provider->outcomes, canonical) : NULL;
    ItemState state = judge(outcome);

    category->total++;
    category->done += state == PROVISIONED;
    category->failed += state == FAILED;
    if (state == FAILED)
        g_ptr_array_add(failed, g_strdup_printf("%s: %s", item, outcome));
}

static bool
count_lists(const DmProvider *provider, DmFirstSyncProgress *progress)
{
    g_autoptr(GPtrArray) failed = g_ptr_array_new();
    bool is_any = false;

    for (gsize i = 0; i < DM_FIRST_SYNC_N_LISTS; i++) {
        g_auto(GStrv) items = get_items(provider, i);
        DmFirstSyncCategory *category = &progress->categories[i];

        category->name = dm_schema_get(lists[i].node)->name + strlen(PREFIX);
        for (char **item = items; item != NULL && *item != NULL; item++)
            count_item(provider, *item, category, failed);
        is_any |= category->total != 0;
    }
    g_ptr_array_add(failed, NULL);
    progress->failed_items = (GStrv)g_ptr_array_free(g_steal_pointer(&failed), FALSE);
    return is_any;
}

/* The server may force the message either way: first the success value, then IsSyncDone (F4). */
static const char *
get_phase(const DmProvider *provider, bool has_begun)
{
    switch (get_int(provider, DM_NODE_FIRST_SYNC_WAS_DEVICE_SUCCESSFULLY_PROVISIONED, 2)) {
    case 0:
        return "failed";
    case 1:
        return "succeeded";
    default:
        if (get_bool(provider, DM_NODE_FIRST_SYNC_IS_SYNC_DONE))
            return "succeeded";
        return has_begun ? "running" : "none";
    }
}

/* The wall clock's time in `left_us`, the same however often it is asked for: both clocks are read
 * at their own moments, so their difference is taken in whole seconds. */
static gint64
to_wall_us(const DmTree *tree, gint64 left_us)
{
    gint64 boot_us = dm_clock_boot_us(tree->options.clock);
    gint64 ahead_us = dm_clock_wall_us(tree->options.clock) - boot_us;
    gint64 due_us = boot_us + left_us;

    return due_us + (ahead_us + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC * G_USEC_PER_SEC;
}

void
dm_first_sync_progress_clear(DmFirstSyncProgress *progress)
{
    g_clear_pointer(&progress->failed_items, g_strfreev);
}

bool
dm_first_sync_get_progress(const DmProvider *provider, DmFirstSyncProgress *ret_progress)
{
    gint64 left_us;
    bool has_started = dm_first_sync_get_left(provider, &left_us);
    bool has_begun;

    if (!dm_provider_has(provider, DM_NODE_FIRST_SYNC))
        return false;
    *ret_progress = (DmFirstSyncProgress){0};
    has_begun = count_lists(provider, ret_progress) || has_started ||
                get_bool(provider, DM_NODE_FIRST_SYNC_SERVER_HAS_FINISHED_PROVISIONING);
    ret_progress->phase = get_phase(provider, has_begun);
    if (has_started && strcmp(ret_progress->phase, "running") == 0)
        ret_progress->deadline_us = to_wall_us(provider->tree, left_us);
    return true;
}
