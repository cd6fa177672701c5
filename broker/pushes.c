/* SPDX-License-Identifier: MIT */

#include "broker/pushes.h"

#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/timer.h"

struct DmPushes {
    DmPushesOptions options;
    const DmPushesBackend *functions; /* NULL: the null back end */
    gpointer backend;
    GHashTable *registered; /* provider → Registration: those the back end was asked for */
    bool is_asking;         /* the tree, for what is to be registered */
    bool is_dirty;          /* that may have changed since it was asked */
    bool has_retained;      /* this back end knows what there is to be */
    DmTimer *timer;         /* for pushes that wait */
};

typedef struct {
    char *provider;
    char *pfn;
    bool is_reported; /* the next two are the back end's */
    char *channel_uri;
    DmPushStatus status;
    bool has_failed;   /* the last push led to no session */
    bool is_waiting;   /* a push came too early */
    gint64 session_us; /* boot time at which a session was asked for last; -1 never */
} Registration;

static void
registration_free(gpointer data)
{
    Registration *one = data;

    g_free(one->provider);
    g_free(one->pfn);
    g_free(one->channel_uri);
    g_free(one);
}

/* The registration of that PFN; NULL: it is not, or not any more. */
static Registration *
find(const DmPushes *push, const char *provider, const char *pfn)
{
    Registration *one = g_hash_table_lookup(push->registered, provider);

    return one && strcmp(one->pfn, pfn) == 0 ? one : NULL;
}

/* -- telling the tree ----------------------------------------------------------------------------
 */

static void
on_told(DBusMessage *answer, const GError *error, gpointer data)
{
    /* A tree that went away is told when it is back: dm_pushes_look() finds the difference. */
    if (error && error->code != DM_ERROR_DISCONNECTED)
        dm_log_warning("the state of a push channel could not be kept", "DM_CAUSE", error->message);
}

static void
tell(DmPushes *push, const char *provider, const char *pfn, const char *channel_uri,
     DmPushStatus status)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("ReportPush");
    dbus_uint32_t number = status;

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &pfn,
                             DBUS_TYPE_STRING, &channel_uri, DBUS_TYPE_UINT32, &number,
                             DBUS_TYPE_INVALID);
    dm_channel_call(push->options.channel, call, on_told, push);
}

static DmPushStatus
get_status(const Registration *one)
{
    return one->has_failed ? DM_PUSH_NO_SESSION : one->status;
}

static void
tell_state(DmPushes *push, const Registration *one)
{
    tell(push, one->provider, one->pfn, one->channel_uri, get_status(one));
}

void
dm_pushes_report(DmPushes *push, const char *provider, const char *pfn, const char *channel_uri,
                 DmPushStatus status)
{
    Registration *one = find(push, provider, pfn);

    if (!one)
        return;
    one->is_reported = true;
    g_free(one->channel_uri);
    one->channel_uri = g_strdup(channel_uri);
    one->status = status;
    one->has_failed = false;
    tell_state(push, one);
}

void
dm_pushes_report_revoked(DmPushes *push, const char *provider, bool is_revoked)
{
    if (!is_revoked && !g_hash_table_contains(push->registered, provider))
        tell(push, provider, "", "", DM_PUSH_NOT_REVOKED);
}

/* -- what is to be registered --------------------------------------------------------------------
 */

static void
give_back(DmPushes *push, Registration *one)
{
    g_hash_table_steal(push->registered, one->provider);
    push->functions->revoke(push->backend, one->provider, one->pfn, one->channel_uri);
    registration_free(one);
}

static void
enrol(DmPushes *push, const DmTreePush *wanted)
{
    Registration *one = g_new0(Registration, 1);

    one->provider = g_strdup(wanted->provider);
    one->pfn = g_strdup(wanted->pfn);
    /* That of an earlier run may be the same still. */
    one->channel_uri = g_strdup(wanted->channel_uri);
    one->status = (DmPushStatus)wanted->status;
    one->session_us = -1;
    g_hash_table_insert(push->registered, one->provider, one);
    if (push->has_retained)
        push->functions->enrol(push->backend, one->provider, one->pfn);
}

void
dm_pushes_enrol_all(DmPushes *push)
{
    g_autofree DmPushRegistration *all = NULL;
    GHashTableIter iter;
    gpointer value;
    gsize n = 0;

    if (!push->functions || !push->has_retained)
        return;
    all = g_new0(DmPushRegistration, g_hash_table_size(push->registered) + 1);
    g_hash_table_iter_init(&iter, push->registered);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Registration *one = value;

        all[n++] = (DmPushRegistration){one->provider, one->pfn};
    }
    push->functions->retain(push->backend, all, n);
    for (gsize i = 0; i < n; i++)
        push->functions->enrol(push->backend, all[i].provider, all[i].pfn);
}

/* What is wanted of the provider; NULL: nothing. */
static const DmTreePush *
find_wanted(const GArray *wanted, const char *provider)
{
    for (guint i = 0; i < wanted->len; i++)
        if (strcmp(g_array_index(wanted, DmTreePush, i).provider, provider) == 0)
            return &g_array_index(wanted, DmTreePush, i);
    return NULL;
}

static void
revoke_others(DmPushes *push, const GArray *wanted)
{
    g_autoptr(GList) all = g_hash_table_get_values(push->registered);

    for (GList *each = all; each; each = each->next) {
        Registration *one = each->data;
        const DmTreePush *other = find_wanted(wanted, one->provider);

        if (!other || strcmp(other->pfn, one->pfn) != 0)
            give_back(push, one);
    }
}

static void
register_wanted(DmPushes *push, const GArray *wanted)
{
    for (guint i = 0; i < wanted->len; i++) {
        const DmTreePush *each = &g_array_index(wanted, DmTreePush, i);
        const Registration *one = find(push, each->provider, each->pfn);

        if (*each->pfn == '\0')
            continue;
        if (!one)
            enrol(push, each);
        else if (one->is_reported && (strcmp(one->channel_uri, each->channel_uri) != 0 ||
                                      get_status(one) != each->status))
            tell_state(push, one);
    }
}

static void
on_pushes(DBusMessage *answer, const GError *error, gpointer data)
{
    DmPushes *push = data;
    g_autoptr(GArray) wanted = NULL;
    DBusMessageIter iter;

    push->is_asking = false;
    if (answer && dbus_message_iter_init(answer, &iter))
        wanted = dm_wire_read_pushes(&iter);
    if (!wanted) {
        dm_log_warning("the tree does not say which push channels are wanted", "DM_CAUSE",
                       error ? error->message : "a malformed answer");
        return;
    }
    if (!push->functions)
        return;
    revoke_others(push, wanted);
    register_wanted(push, wanted);
    if (!push->has_retained) {
        push->has_retained = true;
        dm_pushes_enrol_all(push);
    }
    if (push->is_dirty)
        dm_pushes_look(push);
}

void
dm_pushes_look(DmPushes *push)
{
    g_autoptr(DBusMessage) call = NULL;

    push->is_dirty = push->is_asking;
    if (!push->functions || push->is_asking)
        return;
    push->is_asking = true;
    call = dm_tree_client_new_call("GetPush");
    dm_channel_call(push->options.channel, call, on_pushes, push);
}

/* -- pushes --------------------------------------------------------------------------------------
 */

static void
set_timer(DmPushes *push)
{
    gint64 due_us = -1;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, push->registered);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Registration *one = value;
        gint64 next_us = one->session_us + push->options.pause_us;

        if (one->is_waiting && (due_us < 0 || next_us < due_us))
            due_us = next_us;
    }
    dm_timer_set(push->timer, due_us);
}

/* Asks for a session, unless it is too early after the last. */
static void
ask_for_session(DmPushes *push, Registration *one)
{
    gint64 now_us = dm_clock_boot_us(dm_clock_system());
    const DmTreeSyncRequest request = {
        .provider = one->provider, .session = "", .origin = DM_TREE_ORIGIN_PUSH, .uid = -1};

    one->is_waiting = one->session_us >= 0 && now_us < one->session_us + push->options.pause_us;
    if (one->is_waiting)
        return;
    one->session_us = now_us;
    push->options.on_wanted(&request, push->options.data);
}

static void
on_due(gpointer data)
{
    DmPushes *push = data;
    g_autoptr(GList) all = g_hash_table_get_values(push->registered);

    for (GList *each = all; each; each = each->next) {
        Registration *one = each->data;

        if (one->is_waiting)
            ask_for_session(push, one);
    }
    set_timer(push);
}

void
dm_pushes_wake(DmPushes *push, const char *provider, const char *pfn)
{
    Registration *one = find(push, provider, pfn);

    if (!one) {
        dm_log_warning("a push for a channel that nobody has is ignored", "DM_PROVIDER", provider);
        return;
    }
    ask_for_session(push, one);
    set_timer(push);
}

void
dm_pushes_note_session(DmPushes *push, const char *provider, const char *origin, bool has_answered)
{
    Registration *one = g_hash_table_lookup(push->registered, provider);
    bool is_push = strcmp(origin, DM_TREE_ORIGIN_PUSH) == 0;

    if (!one || one->has_failed == !has_answered || (!has_answered && !is_push))
        return;
    one->has_failed = !has_answered;
    tell_state(push, one);
}

/* -- life ----------------------------------------------------------------------------------------
 */

/* Gives all channels back, and is done with the back end. */
static void
leave_backend(DmPushes *push)
{
    g_autoptr(GList) all = g_hash_table_get_values(push->registered);

    for (GList *each = all; each; each = each->next) {
        const Registration *one = each->data;

        tell(push, one->provider, one->pfn, "", DM_PUSH_NO_CHANNEL);
        give_back(push, each->data);
    }
    push->functions->free(push->backend);
}

void
dm_pushes_set_backend(DmPushes *push, const DmPushesBackend *functions, gpointer backend)
{
    if (push->functions)
        leave_backend(push);
    push->functions = functions;
    push->backend = backend;
    push->has_retained = false;
    set_timer(push);
}

DmPushes *
dm_pushes_new(const DmPushesOptions *options, GMainContext *context)
{
    DmPushes *push = g_new0(DmPushes, 1);

    push->options = *options;
    push->registered = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, registration_free);
    push->timer = dm_timer_new(context, on_due, push);
    return push;
}

void
dm_pushes_free(DmPushes *push)
{
    if (!push)
        return;
    dm_channel_forget(push->options.channel, push);
    if (push->functions)
        push->functions->free(push->backend);
    g_hash_table_unref(push->registered);
    dm_timer_free(push->timer);
    g_free(push);
}
