/* SPDX-License-Identifier: MIT */

#include "broker/daemon.h"

#include <unistd.h>

#include "broker/channel.h"
#include "broker/clock-watch.h"
#include "broker/journal.h"
#include "broker/lock.h"
#include "broker/logind.h"
#include "broker/logins.h"
#include "broker/logs.h"
#include "broker/monitor.h"
#include "broker/network.h"
#include "broker/presence.h"
#include "broker/push-bus.h"
#include "broker/pushes.h"
#include "broker/remains.h"
#include "broker/tasks.h"
#include "common/error.h"
#include "common/log.h"
#include "common/source.h"

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
    DmLogind *logind;
    bool is_asleep; /* or about to be */
    DmLogins *logins;
    DmNetwork *network;
    DmPushes *push;
    DmPushBus *push_bus;        /* its back end; NULL: the null one */
    DBusConnection *connection; /* to the bus; NULL: none now */
    DmTasks *tasks;
    DmClockWatch *wall_clock; /* NULL: cannot be watched */
    DmJournal *journal;
    DmMonitor *monitor;
    DmRemains *remains;
    DmLogs *logs;

    bool is_stopping;
    GSource *stop; /* tells of the end, or that it has taken too long */
};

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
    dm_source_drop(&daemon->stop);
    daemon->stop = g_timeout_source_new(wait_ms);
    g_source_set_callback(daemon->stop, on_stop, daemon, NULL);
    g_source_attach(daemon->stop, daemon->context);
}

void
dm_daemon_stop(DmDaemon *daemon)
{
    bool is_second = daemon->is_stopping;

    daemon->is_stopping = true;
    stop_in(daemon, dm_tasks_stop(daemon->tasks) || is_second ? 0 : STOP_MS);
}

static void
on_tasks_stopped(gpointer data)
{
    stop_in(data, 0);
}

static void
on_task_ended(const DmTasksEnd *end, gpointer data)
{
    const DmDaemon *daemon = data;

    dm_pushes_note_session(daemon->push, end->provider, end->origin, end->record->n_received > 0);
}

/* Sessions begin while the tree can be asked and the machine is awake: what is due in suspend is
 * due after it, once (P7). */
static void
allow_sessions(DmDaemon *daemon)
{
    dm_tasks_allow(daemon->tasks, daemon->attends && !daemon->is_asleep);
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
    dm_tasks_set_dues(daemon->tasks, dues);
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
    dm_tasks_request(daemon->tasks, &request);
}

static void
on_due_changed(DmDaemon *daemon, DBusMessage *signal)
{
    const char *provider, *reason;
    dbus_int64_t due_us;

    if (!dbus_message_get_args(signal, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64, &due_us,
                               DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID))
        return;
    dm_tasks_set_due(daemon->tasks, provider, due_us);
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
    dm_tasks_forget(daemon->tasks, provider);
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
on_push_changed(DmDaemon *daemon, DBusMessage *signal)
{
    dm_pushes_look(daemon->push);
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
        {"ReloadRequested", on_reload_requested}, {"PushChanged", on_push_changed},
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
    dm_logins_tell(daemon->logins);
    dm_pushes_look(daemon->push);
    allow_sessions(daemon);
    if (is_first)
        daemon->handlers.on_ready(daemon->data);
}

static void
on_lost(const GError *reason, gpointer data)
{
    DmDaemon *daemon = data;

    daemon->attends = false;
    allow_sessions(daemon);
    dm_tasks_set_dues(daemon->tasks, NULL);
    dm_log_warning("the tree cannot be reached; trying again", "DM_CAUSE", reason->message);
}

/* -- what the bus says ---------------------------------------------------------------------------
 */

static void
on_host(gpointer data)
{
    DmDaemon *daemon = data;

    dm_channel_hurry(daemon->channel);
}

static void
on_bus(DBusConnection *connection, gpointer data)
{
    DmDaemon *daemon = data;

    if (connection)
        dbus_connection_ref(connection);
    if (daemon->connection)
        dbus_connection_unref(daemon->connection);
    daemon->connection = connection;
    dm_logind_set_connection(daemon->logind, connection);
    if (daemon->push_bus)
        dm_push_bus_set_connection(daemon->push_bus, connection);
    dm_network_set_connection(daemon->network, connection);
}

static void
on_login(guint32 uid, bool is_new, gpointer data)
{
    DmDaemon *daemon = data;

    dm_logins_note(daemon->logins, uid, is_new);
}

/* A login or a push. */
static void
on_wanted(const DmTreeSyncRequest *request, gpointer data)
{
    DmDaemon *daemon = data;

    dm_journal_add(daemon->journal, request->provider, "session asked for: origin %s",
                   request->origin);
    dm_tasks_request(daemon->tasks, request);
}

static void
on_sleep(bool is_asleep, gpointer data)
{
    DmDaemon *daemon = data;

    daemon->is_asleep = is_asleep;
    allow_sessions(daemon);
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

/* The back end that the configuration names. */
static void
choose_push(DmDaemon *daemon)
{
    const char *name = daemon->config->push_service;

    if (g_strcmp0(name, daemon->push_bus ? dm_push_bus_get_name(daemon->push_bus) : NULL) == 0)
        return;
    daemon->push_bus = name ? dm_push_bus_new(name, daemon->push) : NULL;
    dm_pushes_set_backend(daemon->push, name ? dm_push_bus_get_functions() : NULL,
                          daemon->push_bus);
    if (daemon->push_bus && daemon->connection)
        dm_push_bus_set_connection(daemon->push_bus, daemon->connection);
    if (daemon->attends)
        dm_pushes_look(daemon->push);
}

static void
apply_config(DmDaemon *daemon)
{
    choose_push(daemon);
    dm_tasks_set_config(daemon->tasks, daemon->config);
    dm_network_set_max_wait_s(daemon->network, daemon->config->network_wait_s);
}

void
dm_daemon_reload(DmDaemon *daemon)
{
    dm_config_reload(&daemon->config, daemon->config_path, daemon->config_must_exist,
                     &daemon->config_error);
    if (!daemon->config_error)
        apply_config(daemon);
}

/* What runs sessions and brings them about; the channel is there. */
static void
make_parts(DmDaemon *daemon)
{
    static const DmTasksHandlers tasks = {on_task_ended, on_tasks_stopped};
    static const DmLogindHandlers logind = {on_login, on_sleep};
    const DmTasksOptions options = {
        .key_directory = daemon->key_directory,
        .config = daemon->config,
        .channel = daemon->channel,
        .journal = daemon->journal = dm_journal_new(),
        .network = daemon->network = dm_network_new(daemon->context),
        .max_running = DM_DAEMON_MAX_SESSIONS,
    };
    const DmPushesOptions push = {.channel = daemon->channel,
                                  .pause_us = DM_PUSHES_PAUSE_US,
                                  .on_wanted = on_wanted,
                                  .data = daemon};

    daemon->monitor = dm_monitor_new(daemon->key_directory, daemon->journal, daemon->context);
    daemon->push = dm_pushes_new(&push, daemon->context);
    daemon->tasks = dm_tasks_new(&options, daemon->context, &tasks, daemon);
    daemon->wall_clock = dm_clock_watch_new(daemon->context, ask_for_dues, daemon);
    daemon->remains = dm_remains_new(daemon->channel, daemon->key_directory);
    daemon->logs =
        dm_logs_new(daemon->channel, daemon->journal, daemon->context, fill_check, daemon);
    daemon->logins = dm_logins_new(daemon->channel, on_wanted, daemon);
    daemon->logind = dm_logind_new(&logind, daemon);
}

DmDaemon *
dm_daemon_new(const DmDaemonOptions *options, GMainContext *context,
              const DmDaemonHandlers *handlers, gpointer data, GError **error)
{
    static const DmChannelHandlers channel = {
        .on_attended = on_attended, .on_lost = on_lost, .on_signal = on_signal};
    static const DmPresenceHandlers presence = {on_host, on_bus};
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
    daemon->channel = dm_channel_new_attending(options->socket, daemon->context, &channel, daemon);
    make_parts(daemon);
    apply_config(daemon);
    if (options->uses_bus)
        daemon->presence =
            dm_presence_new(options->bus_address, daemon->context, &presence, daemon);
    return daemon;
}

void
dm_daemon_free(DmDaemon *daemon)
{
    if (!daemon)
        return;
    dm_source_drop(&daemon->stop);
    dm_logind_free(daemon->logind);
    dm_logins_free(daemon->logins);
    dm_pushes_free(daemon->push);
    dm_tasks_free(daemon->tasks);
    dm_network_free(daemon->network);
    if (daemon->connection)
        dbus_connection_unref(daemon->connection);
    dm_presence_free(daemon->presence);
    dm_logs_free(daemon->logs);
    dm_remains_free(daemon->remains);
    dm_channel_free(daemon->channel);
    dm_clock_watch_free(daemon->wall_clock);
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
