/* SPDX-License-Identifier: MIT */

#include "broker/tasks.h"

#include <string.h>

#include "broker/lock.h"
#include "broker/run.h"
#include "broker/triggers.h"
#include "common/error.h"
#include "common/log.h"
#include "common/timer.h"

struct DmTasks {
    DmTasksOptions options; /* but for what is kept below */
    char *key_directory;
    DmConfig *config;
    GMainContext *context;
    DmTasksHandlers handlers;
    gpointer data;

    DmTriggers *triggers;
    DmTimer *timer;    /* for the next session that is due */
    GHashTable *tasks; /* provider → Task */
    GHashTable *holds; /* provider → Hold */
    bool may_begin;
    bool is_stopping;
};

/* A session that was taken. */
typedef struct {
    DmTasks *tasks;
    char *provider, *origin;
    DmRun *run; /* NULL: it is over */
} Task;

/* A provider whose session another process runs. */
typedef struct {
    DmTasks *tasks;
    char *provider;
    DmLockWatch *watch;
} Hold;

static void pump(DmTasks *tasks);

/* -- sessions ------------------------------------------------------------------------------------
 */

static void
task_free(gpointer data)
{
    Task *task = data;

    dm_channel_forget(task->tasks->options.channel, task);
    dm_run_free(task->run);
    g_free(task->provider);
    g_free(task->origin);
    g_free(task);
}

static void
hold_free(gpointer data)
{
    Hold *hold = data;

    dm_lock_watch_free(hold->watch);
    g_free(hold->provider);
    g_free(hold);
}

static bool
is_unenrolment(const Task *task)
{
    return strcmp(task->origin, DM_TREE_ORIGIN_UNENROLL) == 0;
}

/* `is_wanted`: the tree could not be asked. */
static void
end_task(Task *task, bool is_wanted)
{
    DmTasks *tasks = task->tasks;

    dm_triggers_note_ended(tasks->triggers, task->provider, is_wanted);
    g_hash_table_remove(tasks->tasks, task->provider);
    if (!tasks->is_stopping)
        pump(tasks);
    else if (g_hash_table_size(tasks->tasks) == 0)
        tasks->handlers.on_stopped(tasks->data);
}

static void
on_unenrolled(DBusMessage *answer, const GError *error, gpointer data)
{
    Task *task = data;

    /* Where it is done already there is nobody to ask for. */
    if (error && error->code != DM_ERROR_NOT_FOUND)
        dm_log_warning("the end of an enrolment could not be told to the tree, which ends it by "
                       "itself",
                       "DM_PROVIDER", task->provider, "DM_CAUSE", error->message);
    end_task(task, false);
}

/* E2, E3: the last session is over, however it went. */
static void
finish_unenrolment(Task *task)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("FinishUnenroll");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &task->provider, DBUS_TYPE_INVALID);
    dm_channel_call(task->tasks->options.channel, call, on_unenrolled, task);
}

static void
on_run_begun(const char *token, gpointer data)
{
    Task *task = data;

    dm_triggers_note_begun(task->tasks->triggers, task->provider, token);
}

static void
on_run_waiting(const DmReachWait *wait, gpointer data)
{
    Task *task = data;

    dm_triggers_note_waiting(task->tasks->triggers, task->provider, wait != NULL);
    if (wait)
        pump(task->tasks);
}

static void
on_run_ending(gpointer data)
{
    Task *task = data;

    dm_triggers_note_ending(task->tasks->triggers, task->provider);
}

static void
on_run_ended(const DmRunResult *result, const GError *error, gpointer data)
{
    Task *task = data;
    const DmTreeSyncRequest last = {
        .provider = task->provider, .session = "", .origin = DM_TREE_ORIGIN_UNENROLL, .uid = -1};
    bool is_wanted = !result->has_begun && g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED);
    bool is_stopped = result->record->is_stopped;
    const DmTasksEnd end = {task->provider, task->origin, result->record, error};

    if (error)
        dm_run_log_failure(task->run, error);
    if (!is_wanted)
        task->tasks->handlers.on_ended(&end, task->tasks->data);
    g_clear_pointer(&task->run, dm_run_free);
    if (is_unenrolment(task) && !is_wanted) {
        finish_unenrolment(task);
        return;
    }
    /* E2: the server ended the enrolment, and is told of the end in a session of its own. */
    if (is_stopped && !is_unenrolment(task))
        (void)dm_triggers_request(task->tasks->triggers, &last);
    end_task(task, is_wanted);
}

static Task *
task_new(DmTasks *tasks, const DmTreeSyncRequest *request, int lock)
{
    static const DmRunHandlers handlers = {on_run_begun, on_run_ending, on_run_waiting,
                                           on_run_ended};
    Task *task = g_new0(Task, 1);
    DmRunOptions options = {
        .provider = request->provider,
        .origin = request->origin,
        .uid = request->uid,
        .key_directory = tasks->key_directory,
        .config = tasks->config,
        .channel = tasks->options.channel,
        .journal = tasks->options.journal,
        .network = tasks->options.network,
        .lock = lock,
    };

    task->tasks = tasks;
    task->provider = g_strdup(request->provider);
    task->origin = g_strdup(request->origin);
    g_hash_table_insert(tasks->tasks, task->provider, task);
    task->run = dm_run_new(&options, tasks->context, &handlers, task);
    return task;
}

static void
on_lock_free(gpointer data)
{
    Hold *hold = data;
    DmTasks *tasks = hold->tasks;

    dm_triggers_release(tasks->triggers, hold->provider);
    g_hash_table_remove(tasks->holds, hold->provider);
    pump(tasks);
}

/* Another process runs a session of this provider: its turn comes when that one is over. False and
 * an error if that cannot be noticed. */
static bool
hold(DmTasks *tasks, const char *provider, GError **error)
{
    Hold *hold = g_new0(Hold, 1);

    hold->tasks = tasks;
    hold->provider = g_strdup(provider);
    hold->watch = dm_lock_watch_new(tasks->key_directory, provider, tasks->context, on_lock_free,
                                    hold, error);
    if (!hold->watch) {
        hold_free(hold);
        return false;
    }
    dm_log_warning("another process runs a session of this provider: waiting for its end",
                   "DM_PROVIDER", provider);
    dm_journal_add(tasks->options.journal, provider, "busy: another process runs a session");
    g_hash_table_insert(tasks->holds, hold->provider, hold);
    dm_triggers_hold(tasks->triggers, provider);
    return true;
}

static void
start(DmTasks *tasks, const DmTreeSyncRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) cause = NULL;
    int lock = dm_lock_take(tasks->key_directory, request->provider, &error);

    if (lock >= 0) {
        (void)task_new(tasks, request, lock);
    } else if (error->code != DM_ERROR_BUSY) {
        /* Whoever asked for it hears why it cannot be. */
        dm_run_break_off(task_new(tasks, request, -1)->run, error);
    } else if (!hold(tasks, request->provider, &cause)) {
        dm_log_warning("another process runs a session of this provider, and its end cannot be "
                       "noticed: left to the next request",
                       "DM_PROVIDER", request->provider, "DM_CAUSE", cause->message);
        dm_triggers_note_ended(tasks->triggers, request->provider, false);
    }
}

/* Starts what may be started now, and sets the timer for what comes next. */
static void
pump(DmTasks *tasks)
{
    DmTreeSyncRequest request;
    bool runs = tasks->may_begin && !tasks->is_stopping;

    while (runs && dm_triggers_take(tasks->triggers, &request))
        start(tasks, &request);
    dm_timer_set(tasks->timer, runs ? dm_triggers_get_wake_us(tasks->triggers) : -1);
}

static void
nudge(const DmTasks *tasks, const char *provider, void (*func)(DmRun *run))
{
    const Task *task = g_hash_table_lookup(tasks->tasks, provider);

    if (task && task->run)
        func(task->run);
}

static void
on_due(gpointer data)
{
    DmTasks *tasks = data;
    GHashTableIter iter;
    gpointer provider;

    g_hash_table_iter_init(&iter, tasks->tasks);
    while (g_hash_table_iter_next(&iter, &provider, NULL))
        if (dm_triggers_is_due(tasks->triggers, provider))
            nudge(tasks, provider, dm_run_hurry);
    pump(tasks);
}

/* -- what is wanted ------------------------------------------------------------------------------
 */

void
dm_tasks_request(DmTasks *tasks, const DmTreeSyncRequest *request)
{
    if (!dm_triggers_request(tasks->triggers, request))
        dm_log_warning("too many sessions of a provider wait: one more is not taken", "DM_PROVIDER",
                       request->provider);
    nudge(tasks, request->provider,
          strcmp(request->origin, DM_TREE_ORIGIN_UNENROLL) == 0 ? dm_run_end_pause : dm_run_hurry);
    pump(tasks);
}

void
dm_tasks_set_dues(DmTasks *tasks, const GArray *dues)
{
    dm_triggers_clear_dues(tasks->triggers);
    for (guint i = 0; dues && i < dues->len; i++) {
        const DmTreeDue *due = &g_array_index(dues, DmTreeDue, i);

        dm_triggers_set_due(tasks->triggers, due->provider, due->due_us);
    }
    pump(tasks);
}

void
dm_tasks_set_due(DmTasks *tasks, const char *provider, gint64 due_us)
{
    dm_triggers_set_due(tasks->triggers, provider, due_us);
    pump(tasks);
}

void
dm_tasks_forget(DmTasks *tasks, const char *provider)
{
    dm_triggers_forget(tasks->triggers, provider);
    nudge(tasks, provider, dm_run_end_pause);
}

void
dm_tasks_allow(DmTasks *tasks, bool may_begin)
{
    tasks->may_begin = may_begin;
    pump(tasks);
}

guint
dm_tasks_count_running(const DmTasks *tasks)
{
    return dm_triggers_count_running(tasks->triggers);
}

/* -- life ----------------------------------------------------------------------------------------
 */

void
dm_tasks_set_config(DmTasks *tasks, DmConfig *config)
{
    dm_config_unref(tasks->config);
    tasks->config = dm_config_ref(config);
}

bool
dm_tasks_stop(DmTasks *tasks)
{
    g_autoptr(GError) error = g_error_new_literal(DM_ERROR, DM_ERROR_FAILED,
                                                  "broken off: dmclient-broker was told to stop");
    GHashTableIter iter;
    gpointer value;

    tasks->is_stopping = true;
    dm_timer_set(tasks->timer, -1);
    g_hash_table_remove_all(tasks->holds);
    g_hash_table_iter_init(&iter, tasks->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Task *task = value;

        if (task->run)
            dm_run_break_off(task->run, error);
    }
    return g_hash_table_size(tasks->tasks) == 0;
}

DmTasks *
dm_tasks_new(const DmTasksOptions *options, GMainContext *context, const DmTasksHandlers *handlers,
             gpointer data)
{
    DmTasks *tasks = g_new0(DmTasks, 1);

    tasks->options = *options;
    tasks->key_directory = g_strdup(options->key_directory);
    tasks->config = dm_config_ref(options->config);
    tasks->context = g_main_context_ref(context ? context : g_main_context_default());
    tasks->handlers = *handlers;
    tasks->data = data;
    tasks->triggers = dm_triggers_new(dm_clock_system(), options->max_running);
    tasks->timer = dm_timer_new(tasks->context, on_due, tasks);
    tasks->tasks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, task_free);
    tasks->holds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, hold_free);
    return tasks;
}

void
dm_tasks_free(DmTasks *tasks)
{
    if (!tasks)
        return;
    g_hash_table_unref(tasks->holds);
    g_hash_table_unref(tasks->tasks);
    dm_timer_free(tasks->timer);
    dm_triggers_free(tasks->triggers);
    dm_config_unref(tasks->config);
    g_main_context_unref(tasks->context);
    g_free(tasks->key_directory);
    g_free(tasks);
}
