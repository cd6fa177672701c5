/* SPDX-License-Identifier: MIT */
#include "tree/replies.h"

#include <string.h>

/* What memory is given to it at most: 16 replies of 64 KiB. */
#define MAX_SESSIONS 16
#define MAX_BYTES 65536
#define MAX_NAME 256

typedef struct {
    char *session;
    guint64 message;
    GBytes *reply;
} Kept;

static void
kept_free(gpointer data)
{
    Kept *kept = data;

    g_free(kept->session);
    g_bytes_unref(kept->reply);
    g_free(kept);
}

void
dm_replies_init(DmTree *tree)
{
    tree->replies = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, kept_free);
    tree->reply_order = g_queue_new();
}

void
dm_replies_clear(DmTree *tree)
{
    g_queue_free(tree->reply_order);
    g_hash_table_unref(tree->replies);
}

DmReply *
dm_replies_new(gsize n, DmStatus status)
{
    DmReply *reply = dm_reply_new(n);

    for (gsize i = 0; i < n; i++)
        dm_reply_add(reply, status);
    return reply;
}

static bool
has_session(const DmContext *context)
{
    return context->session != NULL && *context->session != '\0';
}

/* The reply before, and its message's number; NULL: the session is new. */
static GBytes *
find_kept(DmTree *tree, const DmContext *context, guint64 *ret_message)
{
    const Kept *kept = g_hash_table_lookup(tree->replies, context->session);

    if (kept != NULL) {
        *ret_message = kept->message;
        return g_bytes_ref(kept->reply);
    }
    return tree->store == NULL ? NULL
                               : dm_store_find_reply(tree->store, context->session, ret_message);
}

DmReply *
dm_replies_find(DmTree *tree, const DmContext *context, gsize n)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(DmReply) reply = NULL;
    guint64 message = 0;

    if (!has_session(context))
        return NULL;
    bytes = find_kept(tree, context, &message);
    if (bytes == NULL || message < context->message)
        return NULL;
    if (message == context->message)
        reply = dm_reply_from_bytes(bytes);
    if (reply != NULL && dm_reply_get_size(reply) == n)
        return g_steal_pointer(&reply);
    return dm_replies_new(n, DM_STATUS_BAD_REQUEST);
}

static void
drop(DmTree *tree, const char *session)
{
    Kept *kept = g_hash_table_lookup(tree->replies, session);

    if (kept == NULL)
        return;
    (void)g_queue_remove(tree->reply_order, kept);
    (void)g_hash_table_remove(tree->replies, session);
}

void
dm_replies_keep(DmTree *tree, const DmContext *context, const DmReply *reply, bool is_stored)
{
    g_autoptr(GBytes) bytes = NULL;
    Kept *kept;

    if (!has_session(context))
        return;
    drop(tree, context->session);
    if (is_stored || strlen(context->session) > MAX_NAME)
        return;
    bytes = dm_reply_to_bytes(reply);
    if (g_bytes_get_size(bytes) > MAX_BYTES)
        return;
    if (tree->reply_order->length == MAX_SESSIONS)
        drop(tree, ((const Kept *)g_queue_peek_head(tree->reply_order))->session);
    kept = g_new(Kept, 1);
    *kept = (Kept){.session = g_strdup(context->session),
                   .message = context->message,
                   .reply = g_steal_pointer(&bytes)};
    g_queue_push_tail(tree->reply_order, kept);
    g_hash_table_insert(tree->replies, kept->session, kept);
}

#define TOKEN_TAIL 33 /* "-" and 32 digits */

void
dm_replies_forget(DmTree *tree, const char *id, const char *session)
{
    gsize size = strlen(id);
    GList *next;

    for (GList *link = tree->reply_order->head; link != NULL; link = next) {
        const Kept *kept = link->data;

        next = link->next;
        if (strcmp(kept->session, session) == 0 ||
            (strlen(kept->session) == size + TOKEN_TAIL && kept->session[size] == '-' &&
             memcmp(kept->session, id, size) == 0))
            drop(tree, kept->session);
    }
}
