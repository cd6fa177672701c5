/* SPDX-License-Identifier: MIT */

#include "broker/daemon.h"

#include <string.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/clock-watch.h"
#include "broker/exits.h"
#include "broker/journal.h"
#include "broker/lock.h"
#include "broker/logs.h"
#include "broker/monitor.h"
#include "broker/presence.h"
#include "broker/remains.h"
#include "broker/run.h"
#include "broker/triggers.h"
#include "common/error.h"
#include "common/log.h"
#include "common/timer.h"

/* How long the tree may take over the last reports. */
#define STOP_MS 10000

struct DmDaemon {
    char *socket, *key_directory, *config_path;
    bool config_must_exist;
    DmConfig *config;
    char *config_error; /* of the last reading; NULL: what was read is in force */
    GMainContext *context;
    DmDaemonHandlers handlers;
    gpointer data;
    int lock;

    DmChannel *channel;
    bool attends, has_attended;
    DmPresence *presence; /* NULL: without a bus */
    DmTriggers *triggers;
    DmTimer *timer;           /* for the next session that is due */
    DmClockWatch *wall_clock; /* NULL: cannot be watched */
    DmJournal *journal;
    DmMonitor *monitor;
    DmRemains *remains;
    DmLogs *logs;
    GHashTable *tasks; /* provider → Task */
    GHashTable *holds; /* provider → Hold */

    bool is_stopping;
    GSource *stop; /* tells of the end, or that it has taken too long */
};

/* A session that was taken. */
typedef struct {
    DmDaemon *daemon;
    char *provider, *origin;
    DmRun *run; /* NULL: it is over */
} Task;

/* A provider whose session another process runs. */
typedef struct {
    DmDaemon *daemon;
    char *provider;
    DmLockWatch *watch;
} Hold;

static void pump(DmDaemon *daemon);

/* -- the end -------------------------------------------------------------------------------------
 */

static gboolean
on_stop(gpointer data)
{
    DmDaemon *daemon = data;

    g_clear_pointer(&daemon->stop, g_source_unref);
    daemon->handlers.on_stopped(daemon->data);
    return G_SOURCE_REMOVE;
}

/* Tells of the end from the loop, after `wait_ms`. */
static void
stop_in(DmDaemon *daemon, guint wait_ms)
{
    if (daemon->stop) {
        g_source_destroy(daemon->stop);
        g_source_unref(daemon->stop);
    }
    daemon->stop = g_timeout_source_new(wait_ms);
    g_source_set_callback(daemon->stop, on_stop, daemon, NULL);
    g_source_attach(daemon->stop, daemon->context);
}

void
dm_daemon_stop(DmDaemon *daemon)
{
    g_autoptr(GError) error = g_error_new_literal(DM_ERROR, DM_ERROR_FAILED,
                                                  "broken off: dmclient-broker was told to stop");
    bool is_second = daemon->is_stopping;
    GHashTableIter iter;
    gpointer value;

    daemon->is_stopping = true;
    dm_timer_set(daemon->timer, -1);
    g_hash_table_remove_all(daemon->holds);
    g_hash_table_iter_init(&iter, daemon->tasks);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Task *task = value;

        if (task->run)
            dm_run_break_off(task->run, error);
    }
    stop_in(daemon, is_second || g_hash_table_size(daemon->tasks) == 0 ? 0 : STOP_MS);
}

/* -- sessions ------------------------------------------------------------------------------------
 */

static void
task_free(gpointer data)
{
    Task *task = data;

    dm_channel_forget(task->daemon->channel, task);
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
    DmDaemon *daemon = task->daemon;

    dm_triggers_note_ended(daemon->triggers, task->provider, is_wanted);
    g_hash_table_remove(daemon->tasks, task->provider);
    if (!daemon->is_stopping)
        pump(daemon);
    else if (g_hash_table_size(daemon->tasks) == 0)
        stop_in(daemon, 0);
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
    dm_channel_call(task->daemon->channel, call, on_unenrolled, task);
}

static void
on_run_begun(const char *token, gpointer data)
{
    Task *task = data;

    dm_triggers_note_begun(task->daemon->triggers, task->provider, token);
}

static void
on_run_waiting(const DmReachWait *wait, gpointer data)
{
    Task *task = data;

    dm_triggers_note_waiting(task->daemon->triggers, task->provider, wait != NULL);
    if (wait)
        pump(task->daemon);
}

static void
on_run_ending(gpointer data)
{
    Task *task = data;

    dm_triggers_note_ending(task->daemon->triggers, task->provider);
}

static void
on_run_ended(const DmRunResult *result, const GError *error, gpointer data)
{
    Task *task = data;
    const DmTreeSyncRequest last = {
        .provider = task->provider, .session = "", .origin = DM_TREE_ORIGIN_UNENROLL, .uid = -1};
    bool is_wanted = !result->has_begun && g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED);
    bool is_stopped = result->record->is_stopped;

    if (error)
        dm_run_log_failure(task->run, error);
    g_clear_pointer(&task->run, dm_run_free);
    if (is_unenrolment(task) && !is_wanted) {
        finish_unenrolment(task);
        return;
    }
    /* E2: the server ended the enrolment, and is told of the end in a session of its own. */
    if (is_stopped && !is_unenrolment(task))
        (void)dm_triggers_request(task->daemon->triggers, &last);
    end_task(task, is_wanted);
}

static Task *
task_new(DmDaemon *daemon, const DmTreeSyncRequest *request, int lock)
{
    static const DmRunHandlers handlers = {on_run_begun, on_run_ending, on_run_waiting,
                                           on_run_ended};
    Task *task = g_new0(Task, 1);
    DmRunOptions options = {
        .provider = request->provider,
        .origin = request->origin,
        .uid = request->uid,
        .key_directory = daemon->key_directory,
        .config = daemon->config,
        .channel = daemon->channel,
        .journal = daemon->journal,
        .lock = lock,
    };

    task->daemon = daemon;
    task->provider = g_strdup(request->provider);
    task->origin = g_strdup(request->origin);
    g_hash_table_insert(daemon->tasks, task->provider, task);
    task->run = dm_run_new(&options, daemon->context, &handlers, task);
    return task;
}

static void
on_lock_free(gpointer data)
{
    Hold *hold = data;
    DmDaemon *daemon = hold->daemon;

    dm_triggers_release(daemon->triggers, hold->provider);
    g_hash_table_remove(daemon->holds, hold->provider);
    pump(daemon);
}

/* Another process runs a session of this provider: its turn comes when that one is over. False and
 * an error if that cannot be noticed. */
static bool
hold(DmDaemon *daemon, const char *provider, GError **error)
{
    Hold *hold = g_new0(Hold, 1);

    hold->daemon = daemon;
    hold->provider = g_strdup(provider);
    hold->watch = dm_lock_watch_new(daemon->key_directory, provider, daemon->context, on_lock_free,
                                    hold, error);
    if (!hold->watch) {
        hold_free(hold);
        return false;
    }
    dm_log_warning("another process runs a session of this provider: waiting for its end",
                   "DM_PROVIDER", provider);
    dm_journal_add(daemon->journal, provider, "busy: another process runs a session");
    g_hash_table_insert(daemon->holds, hold->provider, hold);
    dm_triggers_hold(daemon->triggers, provider);
    return true;
}

static void
start(DmDaemon *daemon, const DmTreeSyncRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) cause = NULL;
    int lock = dm_lock_take(daemon->key_directory, request->provider, &error);

    if (lock >= 0) {
        (void)task_new(daemon, request, lock);
    } else if (error->code != DM_ERROR_BUSY) {
        /* Whoever asked for it hears why it cannot be. */
        dm_run_break_off(task_new(daemon, request, -1)->run, error);
    } else if (!hold(daemon, request->provider, &cause)) {
        dm_log_warning("another process runs a session of this provider, and its end cannot be "
                       "noticed: left to the next request",
                       "DM_PROVIDER", request->provider, "DM_CAUSE", cause->message);
        dm_triggers_note_ended(daemon->triggers, request->provider, false);
    }
}

/* Starts what may be started now, and sets the timer for what comes next. */
static void
pump(DmDaemon *daemon)
{
    DmTreeSyncRequest request;
    bool runs = daemon->attends && !daemon->is_stopping;

    while (runs && dm_triggers_take(daemon->triggers, &request))
        start(daemon, &request);
    dm_timer_set(daemon->timer, runs ? dm_triggers_get_wake_us(daemon->triggers) : -1);
}

static void
nudge(const DmDaemon *daemon, const char *provider, void (*func)(DmRun *run))
{
    const Task *task = g_hash_table_lookup(daemon->tasks, provider);

    if (task && task->run)
        func(task->run);
}

static void
on_due(gpointer data)
{
    DmDaemon *daemon = data;
    GHashTableIter iter;
    gpointer provider;

    g_hash_table_iter_init(&iter, daemon->tasks);
    while (g_hash_table_iter_next(&iter, &provider, NULL))
        if (dm_triggers_is_due(daemon->triggers, provider))
            nudge(daemon, provider, dm_run_hurry);
    pump(daemon);
}

/* -- what the tree says --------------------------------------------------------------------------
 */

static void
on_dues(DBusMessage *answer, const GError *error, gpointer data)
{
    DmDaemon *daemon = data;
    g_autoptr(GArray) dues = NULL;
    DBusMessageIter iter;

    if (answer && dbus_message_iter_init(answer, &iter))
        dues = dm_wire_read_dues(&iter);
    if (!dues) {
        dm_log_warning("the tree does not say what is due", "DM_CAUSE",
                       error ? error->message : "a malformed answer");
        return;
    }
    dm_triggers_clear_dues(daemon->triggers);
    for (guint i = 0; i < dues->len; i++) {
        const DmTreeDue *due = &g_array_index(dues, DmTreeDue, i);

        dm_triggers_set_due(daemon->triggers, due->provider, due->due_us);
    }
    pump(daemon);
}

/* Asks for all of the schedule: at first, and when the wall clock has been set, by which the tree
 * tells it. */
static void
ask_for_dues(gpointer data)
{
    DmDaemon *daemon = data;
    g_autoptr(DBusMessage) call = NULL;

    if (!daemon->attends)
        return;
    call = dm_tree_client_new_call("GetDue");
    dm_channel_call(daemon->channel, call, on_dues, daemon);
}

static void
on_sync_requested(DmDaemon *daemon, DBusMessage *signal)
{
    DmTreeSyncRequest request;

    if (!dm_wire_read_sync_request(signal, &request)) {
        dm_log_warning("the tree asked for a session in a form that is not known");
        return;
    }
    dm_journal_add(daemon->journal, request.provider, "session asked for: origin %s",
                   request.origin);
    if (!dm_triggers_request(daemon->triggers, &request))
        dm_log_warning("too many sessions of a provider wait: one more is not taken", "DM_PROVIDER",
                       request.provider);
    nudge(daemon, request.provider,
          strcmp(request.origin, DM_TREE_ORIGIN_UNENROLL) == 0 ? dm_run_end_pause : dm_run_hurry);
    pump(daemon);
}

static void
on_due_changed(DmDaemon *daemon, DBusMessage *signal)
{
    const char *provider, *reason;
    dbus_int64_t due_us;

    if (!dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64, &due_us,
                               DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID))
        return;
    dm_triggers_set_due(daemon->triggers, provider, due_us);
    pump(daemon);
}

static void
on_provider_gone(DmDaemon *daemon, DBusMessage *signal)
{
    const char *provider, *thumbprint, *by, *reason;

    if (!dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING,
                               &thumbprint, DBUS_TYPE_STRING, &by, DBUS_TYPE_STRING, &reason,
                               DBUS_TYPE_INVALID))
        return;
    dm_journal_add(daemon->journal, provider, "unenrolled by %s", by);
    dm_triggers_forget(daemon->triggers, provider);
    nudge(daemon, provider, dm_run_end_pause);
    dm_remains_note(daemon->remains, thumbprint, g_get_real_time());
}

static void
on_logs_requested(DmDaemon *daemon, DBusMessage *signal)
{
    const char *request;

    if (dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &request, DBUS_TYPE_INVALID))
        dm_logs_answer(daemon->logs, request);
}

static void
on_reload_requested(DmDaemon *daemon, DBusMessage *signal)
{
    dm_daemon_reload(daemon);
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
    static const struct {
        const char *member;
        void (*func)(DmDaemon *daemon, DBusMessage *signal);
    } signals[] = {
        {"SyncRequested", on_sync_requested},     {"Due", on_due_changed},
        {"Unenrolled", on_provider_gone},         {"LogsRequested", on_logs_requested},
        {"ReloadRequested", on_reload_requested},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
        if (dbus_message_has_member(signal, signals[i].member))
            signals[i].func(data, signal);
}

static void
on_attended(gpointer data)
{
    DmDaemon *daemon = data;
    bool is_first = !daemon->has_attended;

    daemon->attends = daemon->has_attended = true;
    dm_log_debug("attending at the tree", "DM_SOCKET", daemon->socket);
    ask_for_dues(daemon);
    dm_remains_look(daemon->remains);
    pump(daemon);
    if (is_first)
        daemon->handlers.on_ready(daemon->data);
}

static void
on_lost(const GError *reason, gpointer data)
{
    DmDaemon *daemon = data;

    daemon->attends = false;
    dm_triggers_clear_dues(daemon->triggers);
    pump(daemon);
    dm_log_warning("the tree cannot be reached; trying again", "DM_CAUSE", reason->message);
}

static void
on_host(gpointer data)
{
    DmDaemon *daemon = data;

    dm_channel_hurry(daemon->channel);
}

/* -- life ----------------------------------------------------------------------------------------
 */

static void
fill_check(DmSelfCheckOptions *check, gpointer data)
{
    const DmDaemon *daemon = data;

    check->is_daemon = true;
    check->socket = daemon->socket;
    check->channel = daemon->channel;
    check->uses_bus = daemon->presence != NULL;
    check->is_on_bus =
        daemon->presence && dm_presence_is_there(daemon->presence, &check->bus_reason);
    check->config = daemon->config;
    check->config_path = daemon->config_path;
    check->config_error = daemon->config_error;
    check->key_directory = daemon->key_directory;
}

void
dm_daemon_reload(DmDaemon *daemon)
{
    dm_config_reload(&daemon->config, daemon->config_path, daemon->config_must_exist,
                     &daemon->config_error);
}

DmDaemon *
dm_daemon_new(const DmDaemonOptions *options, GMainContext *context,
              const DmDaemonHandlers *handlers, gpointer data, GError **error)
{
    static const DmChannelHandlers channel = {
        .on_attended = on_attended, .on_lost = on_lost, .on_signal = on_signal};
    int lock = dm_lock_take_daemon(options->key_directory, error);
    DmDaemon *daemon;

    if (lock < 0)
        return NULL;
    daemon = g_new0(DmDaemon, 1);
    daemon->lock = lock;
    daemon->socket = g_strdup(options->socket);
    daemon->key_directory = g_strdup(options->key_directory);
    daemon->config_path = g_strdup(options->config_path);
    daemon->config_must_exist = options->config_must_exist;
    daemon->config = dm_config_ref(options->config);
    daemon->context = g_main_context_ref(context ? context : g_main_context_default());
    daemon->handlers = *handlers;
    daemon->data = data;
    daemon->tasks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, task_free);
    daemon->holds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, hold_free);
    daemon->triggers = dm_triggers_new(dm_clock_system(), DM_DAEMON_MAX_SESSIONS);
    daemon->timer = dm_timer_new(daemon->context, on_due, daemon);
    daemon->wall_clock = dm_clock_watch_new(daemon->context, ask_for_dues, daemon);
    daemon->journal = dm_journal_new();
    daemon->monitor = dm_monitor_new(options->key_directory, daemon->journal, daemon->context);
    daemon->channel = dm_channel_new_attending(options->socket, daemon->context, &channel, daemon);
    daemon->remains = dm_remains_new(daemon->channel, options->key_directory);
    daemon->logs =
        dm_logs_new(daemon->channel, daemon->journal, daemon->context, fill_check, daemon);
    if (options->uses_bus)
        daemon->presence = dm_presence_new(options->bus_address, daemon->context, on_host, daemon);
    return daemon;
}

void
dm_daemon_free(DmDaemon *daemon)
{
    if (!daemon)
        return;
    if (daemon->stop) {
        g_source_destroy(daemon->stop);
        g_source_unref(daemon->stop);
    }
    dm_presence_free(daemon->presence);
    g_hash_table_unref(daemon->holds);
    g_hash_table_unref(daemon->tasks);
    dm_logs_free(daemon->logs);
    dm_remains_free(daemon->remains);
    dm_channel_free(daemon->channel);
    dm_clock_watch_free(daemon->wall_clock);
    dm_timer_free(daemon->timer);
    dm_triggers_free(daemon->triggers);
    dm_monitor_free(daemon->monitor);
    dm_journal_free(daemon->journal);
    dm_config_unref(daemon->config);
    close(daemon->lock);
    g_main_context_unref(daemon->context);
    g_free(daemon->config_error);
    g_free(daemon->socket);
    g_free(daemon->key_directory);
    g_free(daemon->config_path);
    g_free(daemon);
}
