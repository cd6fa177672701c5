/* SPDX-License-Identifier: MIT */

#include "broker/once.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>

#include "broker/channel.h"
#include "broker/lock.h"
#include "broker/run.h"
#include "common/error.h"
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
    static const DmRunHandlers handlers = {.on_ended = on_ended};
    g_autoptr(DmChannel) channel = NULL;
    g_autoptr(GMainLoop) loop = NULL;
    DmRunOptions run = {
        .provider = options->provider,
        .origin = options->origin,
        .uid = options->uid,
        .key_directory = options->key_directory,
        .config = options->config,
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
    once.loop = loop = g_main_loop_new(NULL, FALSE);
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
