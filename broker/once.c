/* SPDX-License-Identifier: MIT */

#include "broker/once.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "broker/address.h"
#include "broker/channel.h"
#include "broker/lock.h"
#include "broker/run.h"
#include "common/error.h"
#include "common/log.h"
#include "common/value.h"

typedef struct {
    GMainLoop *loop;
    DmRun *run;
    DmOnceResult *result;
    GError *error; /* how the run ended */
} Once;

static gboolean
on_signal(gpointer data)
{
    Once *once = data;
    g_autoptr(GError) error =
        g_error_new_literal(DM_ERROR, DM_ERROR_FAILED, "broken off by a signal");

    /* A second one does not wait for the tree. */
    if (dm_run_is_over(once->run)) {
        g_main_loop_quit(once->loop);
        g_clear_error(&once->error);
        once->error = g_error_copy(error);
    }
    dm_run_break_off(once->run, error);
    return G_SOURCE_CONTINUE;
}

static void
on_ended(const DmRunResult *result, const GError *error, gpointer data)
{
    Once *once = data;

    g_clear_error(&once->error);
    if (error)
        once->error = g_error_copy(error);
    once->result->record = *result->record;
    once->result->address = g_strdup(result->record->address);
    once->result->record.address = once->result->address;
    g_main_loop_quit(once->loop);
}

/* Who looks at a terminal sees why nothing happens, and how long. */
static void
on_waiting(const DmReachWait *wait, gpointer data)
{
    g_autoptr(GDateTime) due = NULL;
    g_autoptr(GDateTime) local = NULL;
    g_autofree char *time = NULL;
    g_autofree char *cause = NULL;

    if (!wait)
        return;
    due = g_date_time_new_from_unix_utc(wait->due_us / G_USEC_PER_SEC);
    local = due ? g_date_time_to_local(due) : NULL;
    time = local ? g_date_time_format(local, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
    cause = dm_log_escape(wait->cause->message);
    fprintf(stderr,
            "%s: %s: next try at %s, in %" G_GINT64_FORMAT
            " s, retry %u of %u (--no-retry ends here)\n",
            g_get_prgname(), cause, time, (wait->wait_ms + 999) / 1000, wait->retry,
            wait->n_retries);
}

/* Runs the loop until the end. */
static void
run_loop(Once *once)
{
    guint on_int = g_unix_signal_add(SIGINT, on_signal, once);
    guint on_term = g_unix_signal_add(SIGTERM, on_signal, once);

    g_main_loop_run(once->loop);
    g_source_remove(on_int);
    g_source_remove(on_term);
}

bool
dm_once_run(const DmOnceOptions *options, DmOnceResult *ret_result, GError **error)
{
    static const DmRunHandlers handlers = {.on_waiting = on_waiting, .on_ended = on_ended};
    g_autoptr(DmChannel) channel = NULL;
    g_autoptr(GMainLoop) loop = NULL;
    DmRunOptions run = {
        .provider = options->provider,
        .origin = options->origin,
        .uid = options->uid,
        .key_directory = options->key_directory,
        .config = options->config,
        .no_retry = options->no_retry,
    };
    DmOnceResult result = {0};
    Once once = {.result = &result};

    if (!dm_text_is_valid(options->provider, strlen(options->provider))) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "the provider's name is not valid text");
        return false;
    }
    run.channel = channel = dm_channel_new(options->socket, NULL, error);
    if (!channel)
        return false;
    run.lock = dm_lock_take(options->key_directory, options->provider, error);
    if (run.lock < 0)
        return false;
    loop = g_main_loop_new(NULL, FALSE);
    once.loop = loop;
    once.run = dm_run_new(&run, NULL, &handlers, &once);
    run_loop(&once);
    dm_run_free(once.run);
    if (once.error) {
        g_free(result.address);
        g_propagate_error(error, once.error);
        return false;
    }
    *ret_result = result;
    return true;
}
