/* SPDX-License-Identifier: MIT */
#include "plugin/queue.h"

#include "common/source.h"

/* How long jobs are served before the context gets to read what has come meanwhile, and how long
 * reading may go on while jobs wait. */
#define SLICE_US 2000
#define PATIENCE_US 100000

/* One user, or one connection of a user: whose turn it is goes round. A connection has jobs, a user
 * has connections. */
typedef struct {
    char *name;     /* of a connection */
    guint32 uid;    /* of a user */
    GQueue waiting; /* jobs, or connections: Party, the next in turn first */
    guint n_jobs;   /* all below */
    GList link;     /* in the one above */
} Party;

/* Two sources: one after whatever can be read, so that all who call are known before the turn goes
 * on; and one that does not wait for the end of reading when that takes too long. */
typedef struct {
    GSource base;
    DmQueue *queue;
    gint64 patience_us;
} TurnSource;

struct DmQueue {
    DmQueueHandlers handlers;
    GHashTable *users;  /* uid → Party */
    GHashTable *names;  /* name → Party */
    GHashTable *closed; /* set of uids that get no turn */
    GQueue turn;        /* Party of users that get one, the next first */
    guint n_jobs;
    gint64 served_us; /* monotonic time of the last slice, or since when a job waits */
    GSource *after, *late;
};

static Party *
party_new(void)
{
    Party *party = g_new0(Party, 1);

    party->link.data = party;
    return party;
}

static void
party_free(gpointer data)
{
    Party *party = data;

    g_free(party->name);
    g_free(party);
}

/* -- taking turns -------------------------------------------------------------------------------
 */

/* The next job: of the user whose turn it is, of that user's connection whose turn it is. */
static gpointer
pop(DmQueue *queue)
{
    Party *user = queue->turn.head->data;
    Party *name = user->waiting.head->data;
    gpointer job = g_queue_pop_head(&name->waiting);

    queue->n_jobs--;
    user->n_jobs--;
    g_queue_unlink(&user->waiting, &name->link);
    if (--name->n_jobs > 0)
        g_queue_push_tail_link(&user->waiting, &name->link);
    else
        g_hash_table_remove(queue->names, name->name);
    g_queue_unlink(&queue->turn, &user->link);
    if (user->n_jobs > 0)
        g_queue_push_tail_link(&queue->turn, &user->link);
    else
        g_hash_table_remove(queue->users, GUINT_TO_POINTER(user->uid));
    return job;
}

static bool
is_ready(const DmQueue *queue)
{
    return queue->turn.length > 0 && queue->handlers.is_open(queue->handlers.data);
}

static gboolean
on_check(GSource *source)
{
    const TurnSource *self = (TurnSource *)source;

    return is_ready(self->queue) &&
           (self->patience_us == 0 ||
            g_get_monotonic_time() - self->queue->served_us >= self->patience_us);
}

static gboolean
on_prepare(GSource *source, int *timeout_ms)
{
    *timeout_ms = -1;
    return on_check(source);
}

static gboolean
on_turn(GSource *source, GSourceFunc callback, gpointer data)
{
    DmQueue *queue = ((TurnSource *)source)->queue;
    gint64 end_us = g_get_monotonic_time() + SLICE_US;

    /* GLib remembers that a source was ready: what made it so may be gone by now. */
    while (is_ready(queue)) {
        queue->handlers.serve(pop(queue), queue->handlers.data);
        if (g_get_monotonic_time() >= end_us)
            break;
    }
    queue->served_us = g_get_monotonic_time();
    return G_SOURCE_CONTINUE;
}

/* Const but for GLib, whose function wants them without. */
static GSourceFuncs turn_funcs = {.prepare = on_prepare, .check = on_check, .dispatch = on_turn};

/* -- life ---------------------------------------------------------------------------------------
 */

static GSource *
add_source(DmQueue *queue, GMainContext *context, gint64 patience_us)
{
    GSource *source = g_source_new(&turn_funcs, sizeof(TurnSource));

    ((TurnSource *)source)->queue = queue;
    ((TurnSource *)source)->patience_us = patience_us;
    g_source_set_static_name(source, "calls in turn");
    g_source_set_priority(source, patience_us > 0 ? G_PRIORITY_DEFAULT : G_PRIORITY_DEFAULT + 1);
    g_source_attach(source, context);
    return source;
}

DmQueue *
dm_queue_new(GMainContext *context, const DmQueueHandlers *handlers)
{
    DmQueue *queue = g_new0(DmQueue, 1);

    queue->handlers = *handlers;
    queue->users = g_hash_table_new_full(NULL, NULL, NULL, party_free);
    queue->names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, party_free);
    queue->closed = g_hash_table_new(NULL, NULL);
    queue->after = add_source(queue, context, 0);
    queue->late = add_source(queue, context, PATIENCE_US);
    return queue;
}

void
dm_queue_free(DmQueue *queue)
{
    if (queue == NULL)
        return;
    dm_queue_clear(queue);
    dm_source_drop(&queue->after);
    dm_source_drop(&queue->late);
    g_hash_table_unref(queue->names);
    g_hash_table_unref(queue->users);
    g_hash_table_unref(queue->closed);
    g_free(queue);
}

void
dm_queue_clear(DmQueue *queue)
{
    g_autoptr(GList) closed = g_hash_table_get_keys(queue->closed);

    for (GList *l = closed; l != NULL; l = l->next)
        dm_queue_set_closed(queue, GPOINTER_TO_UINT(l->data), false);
    while (queue->n_jobs > 0)
        queue->handlers.free_job(pop(queue));
}

bool
dm_queue_is_empty(const DmQueue *queue)
{
    return queue->turn.length == 0;
}

bool
dm_queue_has_closed(const DmQueue *queue)
{
    return queue->turn.length < g_hash_table_size(queue->users);
}

static bool
is_closed(const DmQueue *queue, guint32 uid)
{
    return g_hash_table_contains(queue->closed, GUINT_TO_POINTER(uid));
}

/* Gives a user that has jobs turns from now on. */
static void
enter(DmQueue *queue, Party *user)
{
    if (queue->turn.length == 0)
        queue->served_us = g_get_monotonic_time();
    g_queue_push_tail_link(&queue->turn, &user->link);
}

void
dm_queue_set_closed(DmQueue *queue, guint32 uid, bool closed)
{
    Party *user = g_hash_table_lookup(queue->users, GUINT_TO_POINTER(uid));

    if (closed == is_closed(queue, uid))
        return;
    if (closed)
        g_hash_table_add(queue->closed, GUINT_TO_POINTER(uid));
    else
        g_hash_table_remove(queue->closed, GUINT_TO_POINTER(uid));
    if (user != NULL && closed)
        g_queue_unlink(&queue->turn, &user->link);
    else if (user != NULL)
        enter(queue, user);
}

static Party *
add_user(DmQueue *queue, guint32 uid)
{
    Party *user = party_new();

    user->uid = uid;
    g_hash_table_insert(queue->users, GUINT_TO_POINTER(uid), user);
    if (!is_closed(queue, uid))
        enter(queue, user);
    return user;
}

static Party *
add_name(DmQueue *queue, Party *user, const char *text)
{
    Party *name = party_new();

    name->name = g_strdup(text);
    g_hash_table_insert(queue->names, name->name, name);
    g_queue_push_tail_link(&user->waiting, &name->link);
    return name;
}

bool
dm_queue_push(DmQueue *queue, guint32 uid, const char *name, gpointer job)
{
    Party *user = g_hash_table_lookup(queue->users, GUINT_TO_POINTER(uid));
    Party *party = g_hash_table_lookup(queue->names, name);

    if (queue->n_jobs >= DM_QUEUE_MAX || (user != NULL && user->n_jobs >= DM_QUEUE_MAX_OF_UID) ||
        (party != NULL && party->n_jobs >= DM_QUEUE_MAX_OF_NAME))
        return false;
    if (user == NULL)
        user = add_user(queue, uid);
    if (party == NULL)
        party = add_name(queue, user, name);
    g_queue_push_tail(&party->waiting, job);
    party->n_jobs++;
    user->n_jobs++;
    queue->n_jobs++;
    return true;
}
