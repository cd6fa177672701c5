/* SPDX-License-Identifier: MIT */

#include "broker/outcomes.h"

#include <string.h>

#include "common/error.h"
#include "common/log.h"
#include "common/value.h"

/* Calls under way at a time: enough to keep the socket busy, few enough to bound what is queued. */
#define WINDOW 32

struct DmOutcomes {
    DmChannel *channel;
    GQueue waiting; /* DBusMessage */
    guint n_under_way;
    guint n_failed;
    void (*on_flushed)(gpointer data); /* NULL: nobody waits */
    gpointer data;
};

DmOutcomes *
dm_outcomes_new(DmChannel *channel)
{
    DmOutcomes *outcomes = g_new0(DmOutcomes, 1);

    outcomes->channel = channel;
    return outcomes;
}

void
dm_outcomes_free(DmOutcomes *outcomes)
{
    DBusMessage *call;

    if (!outcomes)
        return;
    dm_channel_forget(outcomes->channel, outcomes);
    while ((call = g_queue_pop_head(&outcomes->waiting)))
        dbus_message_unref(call);
    g_free(outcomes);
}

static void on_reported(DBusMessage *answer, const GError *error, gpointer data);

static void
send_next(DmOutcomes *outcomes)
{
    while (outcomes->n_under_way < WINDOW && !g_queue_is_empty(&outcomes->waiting)) {
        g_autoptr(DBusMessage) call = g_queue_pop_head(&outcomes->waiting);

        outcomes->n_under_way++;
        dm_channel_call(outcomes->channel, call, on_reported, outcomes);
    }
}

static bool
is_idle(const DmOutcomes *outcomes)
{
    return outcomes->n_under_way == 0 && outcomes->waiting.length == 0;
}

static void
on_reported(DBusMessage *answer, const GError *error, gpointer data)
{
    DmOutcomes *outcomes = data;
    void (*on_flushed)(gpointer) = outcomes->on_flushed;

    outcomes->n_under_way--;
    /* One line for a whole series: a full disk fails them all. */
    if (error && outcomes->n_failed++ == 0)
        dm_log_warning("outcomes of commands could not be reported to the tree", "DM_ERROR",
                       error->message);
    send_next(outcomes);
    if (!on_flushed || !is_idle(outcomes))
        return;
    outcomes->on_flushed = NULL;
    on_flushed(outcomes->data);
}

void
dm_outcomes_add(DmOutcomes *outcomes, const char *provider, gint64 uid, const char *loc_uri,
                DmStatus status)
{
    g_autoptr(DBusMessage) call = NULL;
    const char *reason = dm_status_is_good(status) ? "" : dm_status_to_text(status);
    dbus_uint32_t code = status;
    dbus_int64_t user = uid;

    /* libdbus ends the process on text that is not UTF-8. */
    if (!dm_text_is_valid(loc_uri, strlen(loc_uri)))
        return;
    call = dm_tree_client_new_call("ReportOutcome");
    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64, &user,
                             DBUS_TYPE_STRING, &loc_uri, DBUS_TYPE_UINT32, &code, DBUS_TYPE_STRING,
                             &reason, DBUS_TYPE_INVALID);
    g_queue_push_tail(&outcomes->waiting, g_steal_pointer(&call));
    send_next(outcomes);
}

void
dm_outcomes_flush(DmOutcomes *outcomes, void (*func)(gpointer data), gpointer data)
{
    if (is_idle(outcomes)) {
        func(data);
        return;
    }
    outcomes->on_flushed = func;
    outcomes->data = data;
}
