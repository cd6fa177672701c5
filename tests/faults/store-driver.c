/* SPDX-License-Identifier: MIT */

/* Drives a store from outside, for test_store.py: each commit takes everything in it from one
 * generation to the next, so that a torn one shows. Says on standard output what happened, one line
 * each, written as it happens:
 *
 *     generation N    what the store holds (check: also that all of it is of that generation)
 *     committed N
 *     failed CODE     full or storage; with "read-only" after it where that is so
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "tree/store.h"

#define SESSION "driver"
#define PROVIDER "P"
#define EXTRA "extra" /* there in odd generations only */

enum { EXIT_TORN = 1, EXIT_OPEN = 2, EXIT_COMMIT = 3, EXIT_USAGE = 64 };

/* What was read. */
typedef struct {
    gint64 key, extra_key;
    gint64 generation; /* -1: nothing yet */
    guint n_leaves, n_texts;
    bool is_torn;
} Content;

static void G_GNUC_PRINTF(1, 2) say(const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        exit(EXIT_USAGE);
}

static bool
is_used(DmNodeId id)
{
    const DmNode *node = dm_schema_get(id);

    return node->slot >= 0 && node->format == DM_FORMAT_CHR &&
           dm_schema_is_below(id, DM_NODE_PROVIDER);
}

static char *
make_text(DmNodeId id, gint64 generation)
{
    /* Several pages to a generation. */
    gsize size = id == DM_NODE_PAGE_BODY_TEXT ? 8000 : 50;

    return g_strdup_printf("%-*" G_GINT64_FORMAT, (int)size, generation);
}

/* -- reading ------------------------------------------------------------------------------------
 */

static void
take(Content *content, gint64 generation)
{
    if (content->generation < 0)
        content->generation = generation;
    content->is_torn |= content->generation != generation;
}

static void
on_provider(gint64 key, DmScope scope, guint32 uid, const char *id, gpointer data)
{
    Content *content = data;

    *(strcmp(id, EXTRA) == 0 ? &content->extra_key : &content->key) = key;
}

static void
on_node(gint64 key, DmNodeId node, const DmValue *value, gpointer data)
{
    Content *content = data;
    g_autofree char *expected = NULL;

    take(content, g_ascii_strtoll(value->u.chr, NULL, 10));
    expected = make_text(node, content->generation);
    content->is_torn |= strcmp(value->u.chr, expected) != 0;
    content->n_leaves++;
}

static void
on_text(gint64 key, DmStoreKind kind, const char *name, const char *value, gpointer data)
{
    Content *content = data;

    take(content, g_ascii_strtoll(value, NULL, 10));
    content->n_texts++;
}

static void
on_root(DmNodeId node, const DmValue *value, gpointer data)
{
    Content *content = data;

    content->is_torn = true;
}

static guint
count_leaves(void)
{
    guint n = 0;

    for (DmNodeId id = 0; id < DM_NODE_N; id++)
        n += is_used(id);
    return n;
}

/* Reads everything; what is there is all of one generation, or nothing. */
static Content
load(DmStore *store)
{
    static const DmStoreReader reader = {on_provider, on_node, on_text, on_root};
    Content content = {.generation = -1};
    g_autoptr(GBytes) reply = NULL;
    g_autoptr(GError) error = NULL;
    guint64 message = 0;

    if (!dm_store_load(store, &reader, &content, &error)) {
        say("unreadable %s\n", error->message);
        exit(EXIT_OPEN);
    }
    reply = dm_store_find_reply(store, SESSION, &message);
    if (reply != NULL)
        take(&content, (gint64)message);
    if (content.key != 0)
        content.is_torn |= reply == NULL || content.n_texts != 1 ||
                           content.n_leaves != count_leaves() + (content.extra_key != 0) ||
                           (content.generation % 2 == 1) != (content.extra_key != 0);
    else
        content.is_torn |= content.generation != -1;
    if (content.is_torn) {
        say("torn at %" G_GINT64_FORMAT "\n", content.generation);
        exit(EXIT_TORN);
    }
    return content;
}

/* -- writing ------------------------------------------------------------------------------------
 */

static bool
put(DmStore *store, gint64 key, DmNodeId id, gint64 generation, GError **error)
{
    g_autofree char *text = make_text(id, generation);
    const DmValue value = {.format = DM_FORMAT_CHR, .u.chr = text};

    return dm_store_put_node(store, key, id, &value, error);
}

static bool
change(DmStore *store, Content *content, gint64 next, GError **error)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, next);
    g_autoptr(GBytes) reply = g_bytes_new(text, strlen(text));

    if (content->key == 0 &&
        !dm_store_add_provider(store, DM_SCOPE_DEVICE, 0, PROVIDER, &content->key, error))
        return false;
    if (content->extra_key != 0) {
        if (!dm_store_delete_provider(store, content->extra_key, error))
            return false;
    } else if (next % 2 == 1 && (!dm_store_add_provider(store, DM_SCOPE_DEVICE, 0, EXTRA,
                                                        &content->extra_key, error) ||
                                 !put(store, content->extra_key, DM_NODE_UPN, next, error))) {
        return false;
    }
    for (DmNodeId id = 0; id < DM_NODE_N; id++)
        if (is_used(id) && !put(store, content->key, id, next, error))
            return false;
    return dm_store_put_text(store, content->key, DM_STORE_SESSION, "generation", text, error) &&
           dm_store_put_reply(store, SESSION, (guint64)next, reply, error);
}

static bool
commit(DmStore *store, GError **error)
{
    Content content = load(store);

    if (!dm_store_begin(store, error))
        return false;
    if (!change(store, &content, content.generation + 1, error)) {
        dm_store_rollback(store);
        return false;
    }
    if (!dm_store_commit(store, error))
        return false;
    say("committed %" G_GINT64_FORMAT "\n", content.generation + 1);
    return true;
}

/* One more generation; what went wrong is said, and what the store holds after it. */
static bool
run_commit(DmStore *store)
{
    g_autoptr(GError) error = NULL;

    if (commit(store, &error))
        return true;
    say("failed %s%s\n", g_error_matches(error, DM_ERROR, DM_ERROR_FULL) ? "full" : "storage",
        dm_store_is_read_only(store) ? " read-only" : "");
    (void)fprintf(stderr, "%s\n", error->message);
    return false;
}

/* -- commands -----------------------------------------------------------------------------------
 */

static int
usage(void)
{
    (void)fputs("usage: store-driver DIRECTORY check | commit N | retry | crash N | fill\n"
                "  check    says the generation that is there, and whether it is whole\n"
                "  commit   commits N generations, until one fails\n"
                "  retry    commits two generations, the second also if the first failed\n"
                "  crash    as commit, then ends without closing\n"
                "  fill     commits larger and larger providers until the disk is full\n",
                stderr);
    return EXIT_USAGE;
}

static int
do_commits(DmStore *store, int n)
{
    for (int i = 0; i < n; i++)
        if (!run_commit(store))
            return EXIT_COMMIT;
    return EXIT_SUCCESS;
}

static int
do_retry(DmStore *store)
{
    bool first = run_commit(store);
    bool second = run_commit(store);

    say("generation %" G_GINT64_FORMAT "\n", load(store).generation);
    return first && second ? EXIT_SUCCESS : EXIT_COMMIT;
}

/* Fills the file system with replies, which a generation does not count. */
static int
do_fill(DmStore *store)
{
    g_autofree char *block = g_strnfill(16384, 'x');
    g_autoptr(GBytes) reply = g_bytes_new_static(block, 16384);

    for (int i = 0; i < 1000; i++) {
        g_autofree char *session = g_strdup_printf("fill-%d", i);
        g_autoptr(GError) error = NULL;

        if (dm_store_begin(store, &error) && dm_store_put_reply(store, session, 1, reply, &error) &&
            dm_store_commit(store, &error))
            continue;
        dm_store_rollback(store);
        say("failed %s%s\n", g_error_matches(error, DM_ERROR, DM_ERROR_FULL) ? "full" : "storage",
            dm_store_is_read_only(store) ? " read-only" : "");
        say("generation %" G_GINT64_FORMAT "\n", load(store).generation);
        return EXIT_COMMIT;
    }
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmStore) store = NULL;
    const char *command = argc > 2 ? argv[2] : "";
    int n = argc > 3 ? (int)g_ascii_strtoll(argv[3], NULL, 10) : 0;

    if (argc < 3)
        return usage();
    store = dm_store_open(argv[1], &error);
    if (store == NULL) {
        (void)fprintf(stderr, "%s\n", error->message);
        return EXIT_OPEN;
    }
    if (strcmp(command, "check") == 0) {
        say("generation %" G_GINT64_FORMAT "\n", load(store).generation);
        return EXIT_SUCCESS;
    }
    if (strcmp(command, "commit") == 0)
        return do_commits(store, n);
    if (strcmp(command, "retry") == 0)
        return do_retry(store);
    if (strcmp(command, "fill") == 0)
        return do_fill(store);
    if (strcmp(command, "crash") == 0)
        _exit(do_commits(store, n));
    return usage();
}
