/* SPDX-License-Identifier: MIT */

/* A database file as anybody may have left it: it is read, or refused with a reason, and what is
 * read can be changed. */

#include <glib/gstdio.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/error.h"
#include "tree/session.h"
#include "tree/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    gint64 key; /* of the last provider */
    guint n_providers;
} Content;

static void
on_provider(gint64 key, DmScope scope, guint32 uid, const char *id, gpointer data)
{
    Content *content = data;

    g_assert_cmpint(key, >, content->key);
    g_assert_true(*id != '\0' && dm_text_is_valid(id, strlen(id)));
    content->key = key;
    content->n_providers++;
}

static void
on_node(gint64 key, DmNodeId node, const DmValue *value, gpointer data)
{
    g_assert_cmpint(node, <, DM_NODE_N);
    if (value == NULL)
        g_assert_true(dm_node_is_interior(dm_schema_get(node)));
    else
        g_assert_cmpint(value->format, ==, dm_schema_get(node)->format);
    if (value != NULL && value->format == DM_FORMAT_CHR)
        g_assert_true(dm_text_is_valid(value->u.chr, strlen(value->u.chr)));
}

static void
on_text(gint64 key, DmStoreKind kind, const char *name, const char *value, gpointer data)
{
    g_assert_true(g_utf8_validate(name, -1, NULL) && g_utf8_validate(value, -1, NULL));
}

static void
on_root(DmNodeId node, const DmValue *value, gpointer data)
{
    on_node(0, node, value, data);
}

static void
on_unenrollment(const DmStoreUnenrollment *unenrollment, gpointer data)
{
    g_assert_true(*unenrollment->provider != '\0');
    g_assert_cmpint(unenrollment->enrolment, >, 0);
}

static bool
on_history(const DmStoreHistory *row, gpointer data)
{
    const char *texts[] = {row->id,       row->origin, row->address,
                           row->commands, row->result, row->reason};
    guint *n = data;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_true(strlen(texts[i]) <= DM_STORE_HISTORY_MAX_COMMANDS &&
                      g_utf8_validate(texts[i], -1, NULL));
    g_assert_true(row->start_us >= 0 && row->end_us >= 0 && row->duration_us >= -1);
    return ++*n < DM_STORE_MAX_HISTORY;
}

/* What is under way and over, as the tree sees it: damaged rows are left out. */
static void
read_history(const char *dir)
{
    DmStore *store = dm_store_open(dir, NULL);
    g_autoptr(DmTree) tree = store != NULL ? dm_tree_new(store, NULL, NULL) : NULL;
    DmProvider *const *providers;
    gsize n = 0;

    if (tree == NULL)
        return;
    providers = dm_tree_get_providers(tree, &n);
    for (gsize i = 0; i < n && dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE; i++) {
        g_autoptr(GPtrArray) entries = NULL;

        (void)dm_session_get_current(providers[i]);
        if (dm_history_get(tree, dm_provider_get_id(providers[i]), G_MAXUINT, &entries, NULL))
            g_assert_cmpuint(entries->len, <=, DM_HISTORY_MAX);
    }
}

static void
change(DmStore *store, gint64 key)
{
    const DmStoreHistory history = {.id = "new-1",
                                    .origin = "api",
                                    .address = "",
                                    .commands = "",
                                    .result = "ok",
                                    .reason = ""};
    char text[] = "text";
    const DmValue value = {.format = DM_FORMAT_CHR, .u.chr = text};
    g_autoptr(GBytes) reply = g_bytes_new_static("reply", 5);
    const DmStoreUnenrollment unenrollment = {.enrolment = 1,
                                              .provider = "new",
                                              .session = "s",
                                              .by = "root",
                                              .reason = "",
                                              .thumbprint = ""};
    gint64 new_key;

    if (dm_store_begin(store, NULL) &&
        (key == 0 || dm_store_put_node(store, key, DM_NODE_UPN, &value, NULL)) &&
        (key == 0 || dm_store_put_history(store, key, &history, NULL)) &&
        dm_store_add_provider(store, DM_SCOPE_USER, 7, "new", &new_key, NULL) &&
        dm_store_put_text(store, new_key, DM_STORE_SESSION, "a", "b", NULL) &&
        dm_store_put_unenrollment(store, &unenrollment, NULL) &&
        dm_store_delete_replies(store, "new", "s", NULL) &&
        dm_store_delete_provider(store, new_key, NULL) &&
        dm_store_put_reply(store, "s", 1, reply, NULL))
        (void)dm_store_commit(store, NULL);
    dm_store_rollback(store);
}

static void
run(const char *dir)
{
    static const DmStoreReader reader = {on_provider, on_node, on_text, on_root};
    g_autoptr(GError) error = NULL;
    g_autoptr(DmStore) store = dm_store_open(dir, &error);
    Content content = {0};
    guint64 message = 0;
    guint n_history = 0;

    g_assert_true((store == NULL) == (error != NULL));
    if (store != NULL) {
        GBytes *reply = dm_store_find_reply(store, "s", &message);

        g_clear_pointer(&reply, g_bytes_unref);
        if (dm_store_load(store, &reader, &content, &error) &&
            dm_store_load_unenrollments(store, on_unenrollment, NULL, &error) &&
            dm_store_load_history(store, content.key, on_history, &n_history, &error))
            change(store, content.key);
    }
    g_assert_true(error == NULL || error->domain == DM_ERROR);
}

static void
remove_all(const char *dir_name)
{
    g_autoptr(GDir) dir = g_dir_open(dir_name, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(dir_name, name, NULL);

        g_remove(path);
    }
    g_rmdir(dir_name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *dir = g_dir_make_tmp("fuzz-store-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "dmclient.db", NULL);

    g_assert_true(g_file_set_contents_full(path, (const char *)data, (gssize)size,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    run(dir);
    read_history(dir);
    remove_all(dir);
    return 0;
}
