/* SPDX-License-Identifier: MIT */

#include "broker/logs.h"

#include <string.h>

#include "common/log.h"

/* Requests that may wait. */
#define MAX_WAITING 8

struct DmLogs {
    DmChannel *channel;
    const DmJournal *journal;
    DmLogsFill fill;
    gpointer data;
    GQueue requests; /* char*; the first is being answered */
};

DmLogs *
dm_logs_new(DmChannel *channel, const DmJournal *journal, DmLogsFill fill, gpointer data)
{
    DmLogs *logs = g_new0(DmLogs, 1);

    logs->channel = channel;
    logs->journal = journal;
    logs->fill = fill;
    logs->data = data;
    return logs;
}

void
dm_logs_free(DmLogs *logs)
{
    if (!logs)
        return;
    dm_channel_forget(logs->channel, logs);
    g_queue_clear_full(&logs->requests, g_free);
    g_free(logs);
}

static void answer_next(DmLogs *logs);

static void
finish(DmLogs *logs, const GError *error)
{
    if (error)
        dm_log_warning("the logs could not be handed over", "DM_CAUSE", error->message);
    g_free(g_queue_pop_head(&logs->requests));
    answer_next(logs);
}

static void
on_handed(DBusMessage *answer, const GError *error, gpointer data)
{
    finish(data, error);
}

static void
hand(DmLogs *logs, const GPtrArray *providers)
{
    DmSelfCheck check = {.providers = providers};
    g_autofree char *journal = dm_journal_to_text(logs->journal);
    g_autofree char *json = NULL;
    g_autoptr(DBusMessage) call = NULL;
    g_autoptr(GError) error = NULL;

    logs->fill(&check, logs->data);
    json = dm_self_check_to_json(&check);
    {
        const DmTreeFile files[] = {{"session-journal.txt", journal, strlen(journal)},
                                    {"check.json", json, strlen(json)}};

        call = dm_tree_call_new_hand_logs(g_queue_peek_head(&logs->requests), files,
                                          G_N_ELEMENTS(files), &error);
    }
    if (call)
        dm_channel_call(logs->channel, call, on_handed, logs);
    else
        finish(logs, error);
}

static void
on_providers(DBusMessage *answer, const GError *error, gpointer data)
{
    g_autoptr(GPtrArray) providers = NULL;
    DBusMessageIter iter;

    if (answer && dbus_message_iter_init(answer, &iter))
        providers = dm_wire_read_providers(&iter);
    hand(data, providers);
}

static void
answer_next(DmLogs *logs)
{
    g_autoptr(DBusMessage) call = NULL;

    if (g_queue_is_empty(&logs->requests))
        return;
    call = dm_tree_client_new_call("GetProviders");
    dm_channel_call(logs->channel, call, on_providers, logs);
}

void
dm_logs_answer(DmLogs *logs, const char *request)
{
    if (logs->requests.length == MAX_WAITING)
        return; /* whoever asked has a limit of its own */
    g_queue_push_tail(&logs->requests, g_strdup(request));
    if (logs->requests.length == 1)
        answer_next(logs);
}
