/* SPDX-License-Identifier: MIT */

#include "broker/logs.h"

#include <string.h>

#include "common/log.h"

/* Requests that may wait. */
#define MAX_WAITING 8

struct DmLogs {
    DmChannel *channel;
    const DmJournal *journal;
    GMainContext *context;
    DmLogsFill fill;
    gpointer data;
    GQueue requests;    /* char*; the first is being answered */
    DmConfig *config;   /* of the check under way, as it was when that began */
    DmSelfCheck *check; /* NULL: none is under way */
};

DmLogs *
dm_logs_new(DmChannel *channel, const DmJournal *journal, GMainContext *context, DmLogsFill fill,
            gpointer data)
{
    DmLogs *logs = g_new0(DmLogs, 1);

    logs->channel = channel;
    logs->journal = journal;
    logs->context = context;
    logs->fill = fill;
    logs->data = data;
    return logs;
}

static void
clear_check(DmLogs *logs)
{
    g_clear_pointer(&logs->check, dm_self_check_free);
    g_clear_pointer(&logs->config, dm_config_unref);
}

void
dm_logs_free(DmLogs *logs)
{
    if (!logs)
        return;
    clear_check(logs);
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
on_checked(const DmFindings *findings, gpointer data)
{
    DmLogs *logs = data;
    g_autofree char *journal = dm_journal_to_text(logs->journal);
    g_autofree char *json = dm_findings_to_json(findings, true);
    const DmTreeFile files[] = {{"session-journal.txt", journal, strlen(journal)},
                                {"check.json", json, strlen(json)}};
    g_autoptr(DBusMessage) call = NULL;
    g_autoptr(GError) error = NULL;

    clear_check(logs);
    call = dm_tree_call_new_hand_logs(g_queue_peek_head(&logs->requests), files,
                                      G_N_ELEMENTS(files), &error);
    if (call)
        dm_channel_call(logs->channel, call, on_handed, logs);
    else
        finish(logs, error);
}

static void
answer_next(DmLogs *logs)
{
    DmSelfCheckOptions options = {.limit_ms = DM_LOGS_CHECK_MS};

    if (g_queue_is_empty(&logs->requests))
        return;
    logs->fill(&options, logs->data);
    logs->config = dm_config_ref(options.config);
    logs->check = dm_self_check_new(&options, logs->context, on_checked, logs);
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
