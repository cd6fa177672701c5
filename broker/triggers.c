/* SPDX-License-Identifier: MIT */

#include "broker/triggers.h"

#include <string.h>

/* A session that is wanted. */
typedef struct {
    char *session; /* its id; "" none yet */
    char *origin;
    gint64 uid;
    guint64 order; /* of arrival */
} Wish;

typedef struct {
    char *provider;
    GQueue waiting; /* Wish */
    Wish *running;  /* taken and not ended */
    bool has_begun; /* the id in `running` is the session's */
    bool is_ending; /* nothing is merged with what runs any more */
    bool is_held;

    gint64 due_us;      /* boot time; -1 never */
    gint64 told_us;     /* the same as it was told */
    gint64 taken_us;    /* as it was told when a session was taken last */
    bool is_overdue;    /* it was when that was told */
    bool runs_overdue;  /* what runs is such a one */
    bool is_waiting;    /* what runs waits for its server, and does not count as running */
    gint64 patience_us; /* boot time before which no session by schedule is begun */
} Entry;

struct DmTriggers {
    const DmClock *clock;
    guint max_running;
    guint n_running;
    guint n_overdue; /* of those running */
    guint64 n_wishes;
    GHashTable *entries; /* provider → Entry */
};

static Wish *
wish_new(DmTriggers *triggers, const char *session, const char *origin, gint64 uid)
{
    Wish *wish = g_new(Wish, 1);

    *wish = (Wish){g_strdup(session), g_strdup(origin), uid, triggers->n_wishes++};
    return wish;
}

static void
wish_free(gpointer data)
{
    Wish *wish = data;

    if (!wish)
        return;
    g_free(wish->session);
    g_free(wish->origin);
    g_free(wish);
}

static bool
is_unenrolment(const Wish *wish)
{
    return strcmp(wish->origin, DM_TREE_ORIGIN_UNENROLL) == 0;
}

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    g_queue_clear_full(&entry->waiting, wish_free);
    wish_free(entry->running);
    g_free(entry->provider);
    g_free(entry);
}

DmTriggers *
dm_triggers_new(const DmClock *clock, guint max_running)
{
    DmTriggers *triggers = g_new0(DmTriggers, 1);

    triggers->clock = clock;
    triggers->max_running = max_running;
    triggers->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    return triggers;
}

void
dm_triggers_free(DmTriggers *triggers)
{
    if (!triggers)
        return;
    g_hash_table_unref(triggers->entries);
    g_free(triggers);
}

static Entry *
find(DmTriggers *triggers, const char *provider)
{
    return g_hash_table_lookup(triggers->entries, provider);
}

static Entry *
get(DmTriggers *triggers, const char *provider)
{
    Entry *entry = find(triggers, provider);

    if (entry)
        return entry;
    entry = g_new0(Entry, 1);
    entry->provider = g_strdup(provider);
    entry->due_us = entry->told_us = -1;
    g_hash_table_insert(triggers->entries, entry->provider, entry);
    return entry;
}

static bool
is_empty(const DmTriggers *triggers, const Entry *entry)
{
    return !entry->running && g_queue_is_empty((GQueue *)&entry->waiting) && entry->due_us < 0 &&
           !entry->is_held && entry->patience_us <= dm_clock_boot_us(triggers->clock);
}

/* An entry that says nothing is not kept. */
static void
drop_if_empty(DmTriggers *triggers, Entry *entry)
{
    if (is_empty(triggers, entry))
        g_hash_table_remove(triggers->entries, entry->provider);
}

/* -- requests ------------------------------------------------------------------------------------
 */

static bool
is_same_user(gint64 one, gint64 other)
{
    return one == other || one < 0 || other < 0;
}

/* Whether the session that runs is the one that is asked for. */
static bool
is_running(const Entry *entry, const Wish *wish)
{
    const Wish *running = entry->running;

    if (!running)
        return false;
    if (is_unenrolment(running) || is_unenrolment(wish))
        return is_unenrolment(running) && is_unenrolment(wish);
    if (entry->is_ending)
        return false;
    if (*wish->session == '\0')
        return wish->uid < 0 || wish->uid == running->uid;
    return entry->has_begun && strcmp(wish->session, running->session) == 0;
}

static bool
merge(Entry *entry, const Wish *wish)
{
    for (GList *each = entry->waiting.head; each; each = each->next) {
        Wish *other = each->data;

        if (is_unenrolment(other))
            return true;
        if (!is_same_user(wish->uid, other->uid))
            continue;
        other->uid = MAX(other->uid, wish->uid);
        if (*other->session == '\0') {
            g_free(other->session);
            other->session = g_strdup(wish->session);
        }
        return true;
    }
    return false;
}

bool
dm_triggers_request(DmTriggers *triggers, const DmTreeSyncRequest *request)
{
    Entry *entry = get(triggers, request->provider);
    Wish *wish = wish_new(triggers, request->session, request->origin, request->uid);
    bool is_merged = is_running(entry, wish);

    if (!is_merged && is_unenrolment(wish))
        g_queue_clear_full(&entry->waiting, wish_free);
    if (is_merged || merge(entry, wish)) {
        wish_free(wish);
        drop_if_empty(triggers, entry);
        return true;
    }
    if (entry->waiting.length == DM_TRIGGERS_MAX_WAITING) {
        wish_free(wish);
        return false;
    }
    g_queue_push_tail(&entry->waiting, wish);
    return true;
}

void
dm_triggers_note_begun(DmTriggers *triggers, const char *provider, const char *session)
{
    Entry *entry = find(triggers, provider);

    if (!entry || !entry->running)
        return;
    entry->has_begun = true;
    g_free(entry->running->session);
    entry->running->session = g_strdup(session);
    /* What came while the tree was asked may have been for this very session. */
    for (GList *each = entry->waiting.head; each;) {
        GList *next = each->next;

        if (is_running(entry, each->data)) {
            wish_free(each->data);
            g_queue_delete_link(&entry->waiting, each);
        }
        each = next;
    }
}

void
dm_triggers_note_ending(DmTriggers *triggers, const char *provider)
{
    Entry *entry = find(triggers, provider);

    if (entry)
        entry->is_ending = entry->running != NULL;
}

/* -- the schedule --------------------------------------------------------------------------------
 */

void
dm_triggers_set_due(DmTriggers *triggers, const char *provider, gint64 due_us)
{
    Entry *entry = get(triggers, provider);
    gint64 now_us = dm_clock_boot_us(triggers->clock);
    gint64 wait_us = due_us > 0 ? due_us - dm_clock_wall_us(triggers->clock) : 0;

    if (due_us != entry->told_us)
        entry->patience_us = 0;
    entry->told_us = due_us;
    entry->due_us = due_us > 0 ? MAX(0, now_us + MIN(wait_us, G_MAXINT64 / 2 - now_us)) : -1;
    entry->is_overdue = due_us > 0 && wait_us <= 0;
    drop_if_empty(triggers, entry);
}

void
dm_triggers_clear_dues(DmTriggers *triggers)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, triggers->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;

        entry->due_us = -1;
        if (is_empty(triggers, entry))
            g_hash_table_iter_remove(&iter);
    }
}

/* Boot time from which on the schedule begins a session; -1 never. */
static gint64
get_start_us(const Entry *entry)
{
    return entry->due_us < 0 ? -1 : MAX(entry->due_us, entry->patience_us);
}

gint64
dm_triggers_get_wake_us(const DmTriggers *triggers)
{
    gint64 now_us = dm_clock_boot_us(triggers->clock), wake_us = -1;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, triggers->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        gint64 start_us = get_start_us(value);

        if (start_us > now_us && (wake_us < 0 || start_us < wake_us))
            wake_us = start_us;
    }
    return wake_us;
}

/* -- taking --------------------------------------------------------------------------------------
 */

static bool
is_due(const DmTriggers *triggers, const Entry *entry, gint64 now_us)
{
    gint64 start_us = get_start_us(entry);

    return start_us >= 0 && start_us <= now_us && !(entry->is_overdue && triggers->n_overdue > 0);
}

bool
dm_triggers_is_due(DmTriggers *triggers, const char *provider)
{
    const Entry *entry = find(triggers, provider);
    gint64 start_us = entry ? get_start_us(entry) : -1;

    return start_us >= 0 && start_us <= dm_clock_boot_us(triggers->clock);
}

/* Whether the first is to run before the second, both of which may. */
static bool
is_before(const Entry *one, const Entry *other)
{
    const Wish *wish = g_queue_peek_head((GQueue *)&one->waiting);
    const Wish *other_wish = g_queue_peek_head((GQueue *)&other->waiting);

    if (wish && other_wish)
        return wish->order < other_wish->order;
    if (wish || other_wish)
        return wish != NULL;
    return one->due_us < other->due_us ||
           (one->due_us == other->due_us && strcmp(one->provider, other->provider) < 0);
}

static Entry *
find_next(DmTriggers *triggers)
{
    gint64 now_us = dm_clock_boot_us(triggers->clock);
    Entry *next = NULL;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, triggers->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;

        if (entry->running || entry->is_held)
            continue;
        if (g_queue_is_empty(&entry->waiting) && !is_due(triggers, entry, now_us))
            continue;
        if (!next || is_before(entry, next))
            next = entry;
    }
    return next;
}

bool
dm_triggers_take(DmTriggers *triggers, DmTreeSyncRequest *ret_request)
{
    Entry *entry = triggers->n_running < triggers->max_running ? find_next(triggers) : NULL;

    if (!entry)
        return false;
    entry->running = g_queue_pop_head(&entry->waiting);
    entry->runs_overdue = !entry->running && entry->is_overdue;
    if (!entry->running)
        entry->running = wish_new(triggers, "", DM_TREE_ORIGIN_SCHEDULE, -1);
    entry->has_begun = entry->is_ending = false;
    entry->taken_us = entry->told_us;
    triggers->n_running++;
    triggers->n_overdue += entry->runs_overdue;
    *ret_request = (DmTreeSyncRequest){
        .provider = entry->provider,
        .session = entry->running->session,
        .origin = entry->running->origin,
        .uid = entry->running->uid,
    };
    return true;
}

guint
dm_triggers_count_running(const DmTriggers *triggers)
{
    return triggers->n_running;
}

/* -- ends ----------------------------------------------------------------------------------------
 */

static bool
is_scheduled(const Wish *wish)
{
    return strcmp(wish->origin, DM_TREE_ORIGIN_SCHEDULE) == 0;
}

/* Puts a wish back, before all that came later. A session that is due is due still. */
static void
put_back(DmTriggers *triggers, Entry *entry, Wish *wish)
{
    const Wish *first = g_queue_peek_head(&entry->waiting);

    if (is_scheduled(wish) || (first && is_unenrolment(first)))
        wish_free(wish);
    else
        g_queue_push_head(&entry->waiting, wish);
}

static void
set_waiting(DmTriggers *triggers, Entry *entry, bool is_waiting)
{
    if (is_waiting == entry->is_waiting)
        return;
    entry->is_waiting = is_waiting;
    if (is_waiting) {
        triggers->n_running--;
        triggers->n_overdue -= entry->runs_overdue;
    } else {
        triggers->n_running++;
        triggers->n_overdue += entry->runs_overdue;
    }
}

void
dm_triggers_note_waiting(DmTriggers *triggers, const char *provider, bool is_waiting)
{
    Entry *entry = find(triggers, provider);

    if (entry && entry->running)
        set_waiting(triggers, entry, is_waiting);
}

static Wish *
stop_running(DmTriggers *triggers, Entry *entry)
{
    set_waiting(triggers, entry, false);
    triggers->n_running--;
    triggers->n_overdue -= entry->runs_overdue;
    entry->runs_overdue = false;
    return g_steal_pointer(&entry->running);
}

void
dm_triggers_note_ended(DmTriggers *triggers, const char *provider, bool is_wanted)
{
    Entry *entry = find(triggers, provider);
    Wish *wish;

    if (!entry || !entry->running)
        return;
    wish = stop_running(triggers, entry);
    if (is_wanted) {
        put_back(triggers, entry, wish);
        drop_if_empty(triggers, entry);
        return;
    }
    /* A session moves on what is due: where it has not, there is no hurry to run it again. */
    if (is_scheduled(wish) && entry->told_us == entry->taken_us)
        entry->patience_us = dm_clock_boot_us(triggers->clock) + DM_TRIGGERS_PAUSE_US;
    wish_free(wish);
    drop_if_empty(triggers, entry);
}

void
dm_triggers_hold(DmTriggers *triggers, const char *provider)
{
    Entry *entry = find(triggers, provider);

    if (!entry || !entry->running)
        return;
    entry->is_held = true;
    put_back(triggers, entry, stop_running(triggers, entry));
}

void
dm_triggers_release(DmTriggers *triggers, const char *provider)
{
    Entry *entry = find(triggers, provider);

    if (!entry)
        return;
    entry->is_held = false;
    drop_if_empty(triggers, entry);
}

void
dm_triggers_forget(DmTriggers *triggers, const char *provider)
{
    Entry *entry = find(triggers, provider);

    if (!entry)
        return;
    g_queue_clear_full(&entry->waiting, wish_free);
    entry->due_us = -1;
    drop_if_empty(triggers, entry);
}
