/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "common/error.h"
#include "tree/store-private.h"

static const char *const kinds[] = {
    [DM_STORE_ACCOUNT] = "account",
    [DM_STORE_SESSION] = "session",
    [DM_STORE_OUTCOME] = "outcome",
};

const char *
dm_store_kind_to_name(DmStoreKind kind)
{
    return kinds[kind];
}

bool
dm_store_kind_from_name(const char *name, DmStoreKind *ret_kind)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(name, kinds[i]) == 0) {
            *ret_kind = (DmStoreKind)i;
            return true;
        }
    }
    return false;
}

/* Whether rows of `node` stand under a provider of `scope`, or at the root. */
static bool
has_place(DmNodeId id, bool is_root, DmScope scope)
{
    const DmNode *node = dm_schema_get(id);

    if (is_root)
        return node->parent == DM_NODE_ROOT && !dm_node_is_interior(node);
    return id != DM_NODE_PROVIDER && dm_schema_is_below(id, DM_NODE_PROVIDER) &&
           (scope == DM_SCOPE_DEVICE || node->roots == DM_ROOTS_BOTH);
}

const char *
dm_store_check_value(DmNodeId id, bool is_root, DmScope scope, const DmValue *value)
{
    const DmNode *node = dm_schema_get(id);

    if (!has_place(id, is_root, scope) || node->format == DM_FORMAT_NULL)
        return "the node cannot be there";
    if (value == NULL)
        return dm_node_is_interior(node) ? NULL : "a leaf without a value";
    if (value->format != node->format)
        return "the value is of another format";
    if (node->format == DM_FORMAT_INT &&
        (value->u.integer < node->minimum || value->u.integer > node->maximum))
        return "the value is out of range";
    if (node->format == DM_FORMAT_CHR && value->u.chr != NULL) {
        gsize size = strlen(value->u.chr);

        if (size > node->cap)
            return "the value is too long";
        if (!dm_text_is_valid(value->u.chr, size))
            return "the text is invalid";
    }
    return NULL;
}

/* A provider as far as reading needs it, in the order of keys. */
typedef struct {
    gint64 key;
    DmScope scope;
} Owner;

typedef struct {
    DmStore *store;
    const DmStoreReader *reader;
    gpointer data;
    GArray *owners;
    guint owner; /* of the row at hand; rows come in the order of keys too */
    GError **error;
} Loader;

static bool
refuse(Loader *loader, const char *row, const char *why)
{
    g_set_error(loader->error, DM_ERROR, DM_ERROR_CORRUPT,
                "%s: %s: %s; the file is left alone: correct the row with sqlite3, restore the "
                "file from a backup, or move it away and enrol anew",
                loader->store->path, row, why);
    return false;
}

/* The text in `column`, borrowed until the next step; NULL if it is no text, invalid UTF-8, or
 * holds a NUL. */
static const char *
get_text(sqlite3_stmt *row, int column)
{
    const char *text;
    int size;

    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    text = (const char *)sqlite3_column_text(row, column);
    size = sqlite3_column_bytes(row, column);
    return text != NULL && g_utf8_validate_len(text, (gsize)size, NULL) ? text : NULL;
}

/* The owner of the row whose key is in the first column; NULL if there is none. */
static const Owner *
find_owner(Loader *loader, sqlite3_stmt *row)
{
    gint64 key = sqlite3_column_int64(row, 0);

    while (loader->owner < loader->owners->len) {
        const Owner *owner = &g_array_index(loader->owners, Owner, loader->owner);

        if (owner->key == key)
            return owner;
        if (owner->key > key)
            return NULL;
        loader->owner++;
    }
    return NULL;
}

static bool
take_provider(Loader *loader, sqlite3_stmt *row)
{
    Owner owner = {.key = sqlite3_column_int64(row, 0)};
    const char *scope = get_text(row, 1);
    gint64 uid = sqlite3_column_int64(row, 2);
    const char *id = get_text(row, 3);
    const char *wrong = NULL;

    owner.scope = g_strcmp0(scope, "user") == 0 ? DM_SCOPE_USER : DM_SCOPE_DEVICE;
    if (owner.key == 0) {
        g_array_append_val(loader->owners, owner);
        return true;
    }
    if (owner.scope == DM_SCOPE_DEVICE && (g_strcmp0(scope, "device") != 0 || uid != 0))
        wrong = "neither of the device nor of a user";
    else if (uid < 0 || uid > G_MAXUINT32 - 1)
        wrong = "not a uid";
    else if (owner.key < 0 || id == NULL || *id == '\0' || strlen(id) > DM_URI_MAX_BYTES ||
             !dm_text_is_valid(id, strlen(id)))
        wrong = "not a provider id";
    if (wrong != NULL) {
        g_autofree char *name = g_strdup_printf("provider %" G_GINT64_FORMAT, owner.key);

        return refuse(loader, name, wrong);
    }
    g_array_append_val(loader->owners, owner);
    loader->reader->on_provider(owner.key, owner.scope, (guint32)uid, id, loader->data);
    return true;
}

/* The row's third column as a value; its text is borrowed from SQLite until the next step. NULL in
 * `*ret_value` for an interior node; false if it is of a type that nothing here writes. */
static bool
get_value(sqlite3_stmt *row, const DmNode *node, DmValue *value, const DmValue **ret_value)
{
    union {
        const unsigned char *column;
        char *value; /* DmValue's member is not const; the reader's pointer to it is */
    } text;

    *ret_value = value;
    value->format = node->format;
    switch (sqlite3_column_type(row, 2)) {
    case SQLITE_NULL:
        *ret_value = NULL;
        return true;
    case SQLITE_INTEGER:
        if (node->format == DM_FORMAT_INT)
            value->u.integer = sqlite3_column_int64(row, 2);
        else
            value->u.boolean = sqlite3_column_int64(row, 2) == 1;
        return node->format == DM_FORMAT_INT ||
               (node->format == DM_FORMAT_BOOL && (sqlite3_column_int64(row, 2) & ~1LL) == 0);
    case SQLITE_TEXT:
        text.column = sqlite3_column_text(row, 2);
        value->u.chr = text.value;
        return node->format == DM_FORMAT_CHR && text.column != NULL &&
               strlen(value->u.chr) == (gsize)sqlite3_column_bytes(row, 2);
    default:
        return false;
    }
}

static bool
refuse_leaf(Loader *loader, sqlite3_stmt *row, DmNodeId node, const char *why)
{
    g_autofree char *name = g_strdup_printf(
        "leaf of provider %lld, node %lld (%s)", sqlite3_column_int64(row, 0),
        sqlite3_column_int64(row, 1),
        node != DM_NODE_NONE ? dm_schema_get(node)->path : "not in this version's table");

    return refuse(loader, name, why);
}

static bool
take_leaf(Loader *loader, sqlite3_stmt *row)
{
    gint64 id = sqlite3_column_int64(row, 1);
    const Owner *owner = find_owner(loader, row);
    DmNodeId node = DM_NODE_NONE;
    const DmValue *value = NULL;
    DmValue buffer;
    const char *wrong;

    if (id > 0 && id < loader->store->nodes->len)
        node = g_array_index(loader->store->nodes, guint16, id);
    if (owner == NULL)
        return refuse_leaf(loader, row, node, "there is no such provider");
    if (node == DM_NODE_NONE)
        return refuse_leaf(loader, row, node, "there is no such node");
    if (!get_value(row, dm_schema_get(node), &buffer, &value))
        return refuse_leaf(loader, row, node, "the value is of another format");
    wrong = dm_store_check_value(node, owner->key == 0, owner->scope, value);
    if (wrong != NULL)
        return refuse_leaf(loader, row, node, wrong);
    if (owner->key == 0)
        loader->reader->on_root(node, value, loader->data);
    else
        loader->reader->on_node(owner->key, node, value, loader->data);
    return true;
}

static bool
take_text(Loader *loader, sqlite3_stmt *row)
{
    const Owner *owner = find_owner(loader, row);
    const char *kind_name = get_text(row, 1), *name = get_text(row, 2), *value = get_text(row, 3);
    DmStoreKind kind;

    if (owner == NULL || owner->key == 0 || kind_name == NULL || name == NULL || value == NULL ||
        !dm_store_kind_from_name(kind_name, &kind)) {
        g_autofree char *row_name =
            g_strdup_printf("text of provider %lld", sqlite3_column_int64(row, 0));

        return refuse(loader, row_name, "no such provider or kind, or not text");
    }
    loader->reader->on_text(owner->key, kind, name, value, loader->data);
    return true;
}

static bool
load_rows(Loader *loader, const char *sql, bool (*take)(Loader *, sqlite3_stmt *))
{
    sqlite3_stmt *row = NULL;
    bool ok = true;
    int rc = sqlite3_prepare_v2(loader->store->db, sql, -1, &row, NULL);

    loader->owner = 0;
    if (rc == SQLITE_OK) {
        while (ok && (rc = sqlite3_step(row)) == SQLITE_ROW)
            ok = take(loader, row);
    }
    if (ok && rc != SQLITE_DONE)
        ok = dm_store_fail(loader->store, rc, DM_ERROR_CORRUPT, "reading it", loader->error);
    sqlite3_finalize(row);
    return ok;
}

/* How much of the file SQLite keeps in memory. */
static void
set_cache(DmStore *store, const char *sql)
{
    (void)sqlite3_exec(store->db, sql, NULL, NULL, NULL);
}

bool
dm_store_load(DmStore *store, const DmStoreReader *reader, gpointer data, GError **error)
{
    Loader loader = {.store = store, .reader = reader, .data = data, .error = error};
    bool ok;

    loader.owners = g_array_new(FALSE, FALSE, sizeof(Owner));
    /* Each page is asked for once: kept, they would only leave holes between what is made of them.
     */
    set_cache(store, "PRAGMA cache_size = -64");
    ok = load_rows(&loader, "SELECT key, scope, uid, id FROM provider ORDER BY key",
                   take_provider) &&
         load_rows(&loader, "SELECT provider, node, value FROM leaf ORDER BY provider, node",
                   take_leaf) &&
         load_rows(&loader,
                   "SELECT provider, kind, name, value FROM text ORDER BY provider, kind, name",
                   take_text);
    g_array_unref(loader.owners);
    (void)sqlite3_db_release_memory(store->db);
    set_cache(store, DM_STORE_CACHE);
    if (!ok)
        dm_store_set_read_only(store, "it could not be read");
    return ok;
}

GBytes *
dm_store_find_reply(DmStore *store, const char *session, guint64 *ret_message)
{
    sqlite3_stmt *statement = store->statements[DM_STATEMENT_FIND_REPLY];
    GBytes *reply = NULL;
    int rc;

    sqlite3_bind_text(statement, 1, session, -1, SQLITE_STATIC);
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        *ret_message = (guint64)sqlite3_column_int64(statement, 0);
        reply = g_bytes_new(sqlite3_column_blob(statement, 1),
                            (gsize)sqlite3_column_bytes(statement, 1));
    } else if (rc != SQLITE_DONE) {
        /* It cannot be told whether the message has run: nothing may run any more. */
        dm_store_set_read_only(store, sqlite3_errstr(rc));
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return reply;
}
