/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "tree/session-private.h"

typedef struct {
    DmProvider *provider;
    DmStoreKind kind;
    char *name;
    char *value; /* NULL: unset */
} Edit;

/* A session of a provider that is over. */
typedef struct {
    DmProvider *provider;
    DmHistoryEntry *entry;
} Over;

struct DmSessionEdits {
    GArray *edits;
    GArray *overs;
    guint n_put; /* of those: committed */
};

static void
clear_edit(gpointer data)
{
    Edit *edit = data;

    g_free(edit->name);
    if (edit->value != NULL)
        explicit_bzero(edit->value, strlen(edit->value)); /* account data may be secret */
    g_free(edit->value);
}

static void
clear_over(gpointer data)
{
    dm_history_entry_free(((Over *)data)->entry);
}

DmSessionEdits *
dm_session_edits_new(void)
{
    DmSessionEdits *edits = g_new0(DmSessionEdits, 1);

    edits->edits = g_array_new(FALSE, FALSE, sizeof(Edit));
    g_array_set_clear_func(edits->edits, clear_edit);
    edits->overs = g_array_new(FALSE, FALSE, sizeof(Over));
    g_array_set_clear_func(edits->overs, clear_over);
    return edits;
}

void
dm_session_edits_free(DmSessionEdits *edits)
{
    if (edits == NULL)
        return;
    g_array_unref(edits->edits);
    g_array_unref(edits->overs);
    g_free(edits);
}

static GHashTable *
get_strings(const DmProvider *provider, DmStoreKind kind)
{
    switch (kind) {
    case DM_STORE_ACCOUNT:
        return provider->account;
    case DM_STORE_OUTCOME:
        return provider->outcomes;
    case DM_STORE_SESSION:
    default:
        return provider->session;
    }
}

void
dm_session_edits_set(DmSessionEdits *edits, DmProvider *provider, DmStoreKind kind,
                     const char *name, const char *value)
{
    Edit edit = {.provider = provider, .kind = kind};

    if (g_strcmp0(g_hash_table_lookup(get_strings(provider, kind), name), value) == 0)
        return;
    edit.name = g_strdup(name);
    edit.value = g_strdup(value);
    g_array_append_val(edits->edits, edit);
}

void
dm_session_edits_set_int(DmSessionEdits *edits, DmProvider *provider, DmStoreKind kind,
                         const char *name, gint64 number)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);

    dm_session_edits_set(edits, provider, kind, name, text);
}

bool
dm_session_edits_is_empty(const DmSessionEdits *edits)
{
    return edits->edits->len == 0 && edits->n_put == edits->overs->len;
}

void
dm_session_edits_take_over(DmSessionEdits *edits, DmProvider *provider, DmHistoryEntry *entry)
{
    const Over over = {.provider = provider, .entry = entry};

    g_array_append_val(edits->overs, over);
}

const DmHistoryEntry *
dm_session_edits_get_over(const DmSessionEdits *edits)
{
    return edits->overs->len > 0 ? g_array_index(edits->overs, Over, edits->overs->len - 1).entry
                                 : NULL;
}

GHashTable *
dm_session_edits_to_map(const DmSessionEdits *edits, const DmProvider *provider)
{
    GHashTable *map = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer name, value;

    g_hash_table_iter_init(&iter, provider->session);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_hash_table_insert(map, g_strdup(name), g_strdup(value));
    for (guint i = 0; i < edits->edits->len; i++) {
        const Edit *edit = &g_array_index(edits->edits, Edit, i);

        if (edit->provider != provider || edit->kind != DM_STORE_SESSION)
            continue;
        if (edit->value == NULL)
            g_hash_table_remove(map, edit->name);
        else
            g_hash_table_replace(map, g_strdup(edit->name), g_strdup(edit->value));
    }
    return map;
}

static bool
write_edits(DmStore *store, gpointer data, GError **error)
{
    const DmSessionEdits *edits = data;

    for (guint i = 0; i < edits->edits->len; i++) {
        const Edit *edit = &g_array_index(edits->edits, Edit, i);

        if (!dm_store_put_text(store, edit->provider->key, edit->kind, edit->name, edit->value,
                               error))
            return false;
    }
    for (guint i = edits->n_put; i < edits->overs->len; i++) {
        const Over *over = &g_array_index(edits->overs, Over, i);

        if (!dm_history_put(store, over->provider, over->entry, error))
            return false;
    }
    return true;
}

bool
dm_session_edits_commit(DmSessionEdits *edits, DmTree *tree, GError **error)
{
    if (dm_session_edits_is_empty(edits))
        return true;
    /* The listeners are told by the caller, when memory has it too. */
    if (!dm_tree_commit_text(tree, write_edits, edits, NULL, 0, error))
        return false;
    for (guint i = 0; i < edits->edits->len; i++) {
        Edit *edit = &g_array_index(edits->edits, Edit, i);
        GHashTable *strings = get_strings(edit->provider, edit->kind);

        if (edit->value == NULL)
            g_hash_table_remove(strings, edit->name);
        else
            g_hash_table_replace(strings, g_steal_pointer(&edit->name),
                                 g_steal_pointer(&edit->value));
    }
    g_array_set_size(edits->edits, 0);
    edits->n_put = edits->overs->len;
    return true;
}

const char *
dm_session_get_text(const DmProvider *provider, const char *name)
{
    const char *text = g_hash_table_lookup(provider->session, name);

    return text != NULL ? text : "";
}

gint64
dm_session_get_int(const DmProvider *provider, const char *name)
{
    return MAX(0, g_ascii_strtoll(dm_session_get_text(provider, name), NULL, 10));
}
