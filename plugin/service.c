/* SPDX-License-Identifier: MIT */

#include "plugin/service.h"

#include <dbus/dbus.h>
#include <stdbool.h>

#include "common/error.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/source.h"
#include "common/timer.h"
#include "dbus/connection.h"
#include "dbus/names.h"
#include "plugin/logs.h"
#include "plugin/objects.h"
#include "plugin/settings.h"
#include "plugin/socket.h"
#include "plugin/sync.h"
#include "plugin/warnings.h"
#include "tree/lost-contact.h"
#include "tree/push.h"
#include "tree/rules/first-sync.h"
#include "tree/rules/identity.h"
#include "tree/session.h"
#include "tree/store.h"
#include "tree/tree.h"
#include "tree/unenroll.h"

#define MACHINE_ID "/etc/machine-id"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* How long after a disk that failed what is due is tried again. */
#define TRY_AGAIN_US (60 * 60 * G_GINT64_CONSTANT(1000000))

/* Where the service manager puts the first socket that it hands over (sd_listen_fds(3)). */
#define LISTEN_FD 3

struct DmService {
    GMainContext *context;
    DmTree *tree;
    guint listener;
    DmPush *push;
    DmTimer *timer;           /* what is due in the tree */
    gint64 first_sync_due_us; /* boot time; -1: nothing */
    gint64 contact_due_us;    /* the same, of loss of contact */
    DmSync *sync;
    DmLogs *logs;
    DmObjects *objects;
    DmSocket *socket;    /* NULL: none is served */
    DmBus *bus;          /* NULL: without the bus */
    bool has_connection; /* objects and sync have the bus's */
    GSource *ready;      /* says so where no bus does; NULL: not waiting */
    void (*on_failed)(const char *message, void *data);
    void (*on_ready)(void *data);
    void *data;
    char *config; /* NULL: defaults */
};

/* -- telling the host; it may free the service meanwhile -----------------------------------------
 */

static void
tell_ready(DmService *service)
{
    void (*on_ready)(void *data) = service->on_ready;

    service->on_ready = NULL;
    if (on_ready != NULL)
        on_ready(service->data);
}

static void
tell_failed(DmService *service, const char *message)
{
    void (*on_failed)(const char *message, void *data) = service->on_failed;

    service->on_failed = NULL;
    if (on_failed != NULL)
        on_failed(message, service->data);
}

static gboolean
on_idle(gpointer data)
{
    DmService *service = data;

    g_clear_pointer(&service->ready, g_source_unref);
    tell_ready(service);
    return G_SOURCE_REMOVE;
}

/* -- the bus -------------------------------------------------------------------------------------
 */

/* Before the name is asked for: the call that had the bus start this process comes with it. */
static void
on_bus_connected(DmBus *bus, DBusConnection *connection, gpointer data)
{
    DmService *service = data;

    dm_objects_set_connection(service->objects, connection);
    dm_sync_set_connection(service->sync, connection);
    service->has_connection = true;
}

static void
on_bus_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    DmService *service = data;

    /* Another had the name meanwhile. */
    if (!service->has_connection)
        on_bus_connected(bus, connection, data);
    tell_ready(service);
}

static void
on_bus_lost(DmBus *bus, const char *reason, gpointer data)
{
    DmService *service = data;

    service->has_connection = false;
    dm_sync_set_connection(service->sync, NULL);
    dm_objects_set_connection(service->objects, NULL);
    if (dm_bus_is_name_taken(bus)) {
        tell_failed(service, reason);
        return;
    }
    dm_log_warning("The tree is not on the bus; trying again", "REASON", reason);
}

static const DmBusHandlers bus_handlers = {
    .on_ready = on_bus_ready,
    .on_lost = on_bus_lost,
    .on_connected = on_bus_connected,
};

/* -- what is due in the tree ---------------------------------------------------------------------
 */

/* The earlier of two times, either of which may be -1: never. */
static gint64
get_earlier(gint64 a_us, gint64 b_us)
{
    if (a_us < 0 || b_us < 0)
        return MAX(a_us, b_us);
    return MIN(a_us, b_us);
}

static void
set_timer(DmService *service)
{
    gint64 due_us = get_earlier(service->first_sync_due_us, service->contact_due_us);

    dm_timer_set(service->timer, get_earlier(due_us, dm_tree_get_unenroll_due_us(service->tree)));
}

static void
find_due(DmService *service)
{
    service->first_sync_due_us = dm_first_sync_get_due_us(service->tree);
    service->contact_due_us = dm_lost_contact_get_due_us(service->tree);
}

static bool
moves_due(const DmChange *change)
{
    return change->kind == DM_CHANGE_PROGRESS || change->kind == DM_CHANGE_SESSION ||
           change->node == DM_NODE_PROVIDER || dm_schema_is_below(change->node, DM_NODE_FIRST_SYNC);
}

static void
on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    DmService *service = data;
    bool any = false;

    for (gsize i = 0; i < n_changes && !any; i++)
        any = moves_due(&changes[i]);
    if (!any)
        return;
    find_due(service);
    set_timer(service);
}

/* Registers and revokes what commits made necessary. */
static void
run_push(DmService *service)
{
    g_autoptr(GError) error = NULL;

    if (!dm_push_run(service->push, &error))
        dm_log_warning("The state of a push channel could not be kept", "REASON", error->message);
}

/* Whether what was due could be kept; otherwise says so. */
static bool
is_kept(bool is_good, const char *what, GError **error)
{
    if (!is_good)
        dm_log_warning(what, "REASON", (*error)->message);
    g_clear_error(error);
    return is_good;
}

static void
on_due(gpointer data)
{
    DmService *service = data;
    gint64 now_us = dm_clock_boot_us(dm_clock_system());
    g_autoptr(GError) error = NULL;
    bool is_contact_kept, is_first_sync_kept;

    (void)is_kept(dm_tree_finish_unenrolls(service->tree, now_us, &error),
                  "A provider could not be cleaned up", &error);
    is_contact_kept = is_kept(dm_lost_contact_unenroll(service->tree, &error),
                              "A provider out of reach could not be unenrolled", &error);
    is_first_sync_kept = is_kept(dm_first_sync_expire(service->tree, &error),
                                 "The end of a first sync could not be kept", &error);
    find_due(service);
    if (!is_contact_kept)
        service->contact_due_us = now_us + TRY_AGAIN_US;
    if (!is_first_sync_kept)
        service->first_sync_due_us = now_us + TRY_AGAIN_US;
    run_push(service);
    dm_objects_check_health(service->objects);
    set_timer(service);
}

/* -- putting together ----------------------------------------------------------------------------
 */

static void
on_called(gpointer data)
{
    DmService *service = data;

    run_push(service);
    set_timer(service);
    dm_objects_check_health(service->objects);
}

/* A broker has come or gone. */
static void
on_attending(gpointer data)
{
    dm_sync_on_attending(((DmService *)data)->sync);
}

static void
on_logs(const char *request, const GArray *files, gpointer data)
{
    dm_logs_take(((DmService *)data)->logs, request, files);
}

/* S6: without a machine-id the leaf is unset, and everything else works. */
static char *
find_hw_dev_id(void)
{
    g_autoptr(GError) error = NULL;
    char *hw_dev_id = dm_identity_read_hw_dev_id(MACHINE_ID, &error);

    if (hw_dev_id == NULL)
        dm_log_warning("This machine has no identifier", "NODE",
                       dm_schema_get(DM_NODE_ROOT_HW_DEV_ID)->name, "REASON", error->message);
    return hw_dev_id;
}

/* Without it the schedule takes each start for a new boot. */
static char *
find_boot_id(void)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(BOOT_ID, &text, NULL, NULL))
        return NULL;
    return g_strdup(g_strstrip(text));
}

/* Time passes whether or not it can be written down: the sessions' own commits do it again. */
static void
note_time(DmTree *tree, DmSessionMoment moment)
{
    g_autoptr(GError) error = NULL;

    if (!dm_session_note_time(tree, moment, &error))
        dm_log_warning("The time is not kept for the poll schedule", "REASON", error->message);
}

static DmTree *
open_tree(const char *state_dir, const DmSettings *settings, GError **error)
{
    g_autofree char *hw_dev_id = NULL;
    g_autofree char *boot_id = NULL;
    DmTreeOptions options = {.allow_http = settings->allow_http,
                             .has_window = settings->has_window,
                             .window_min = settings->window_min};
    DmStore *store = dm_store_open(state_dir, error);

    if (store == NULL)
        return NULL;
    hw_dev_id = find_hw_dev_id();
    options.hw_dev_id = hw_dev_id;
    boot_id = find_boot_id();
    options.boot_id = boot_id;
    return dm_tree_new(store, &options, error);
}

static bool
open_socket(DmService *service, const DmPluginHost *host, bool is_private, GError **error)
{
    const DmSocketOptions options = {
        .path = host->socket_fd > 0 ? NULL : host->socket,
        .allow_own_uid = is_private,
        .product = "dmclient " DM_VERSION,
        .context = service->context,
        .on_called = on_called,
        .on_attending = on_attending,
        .on_logs = on_logs,
        .data = service,
    };

    if (host->socket_fd <= 0 && host->socket == NULL)
        return true;
    if (host->socket_fd > 0 && host->socket_fd != LISTEN_FD) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "socket_fd is %d, and only what the service manager hands over, %d, can be "
                    "served",
                    host->socket_fd, LISTEN_FD);
        return false;
    }
    service->socket = dm_socket_new(service->tree, &options, error);
    dm_sync_set_socket(service->sync, service->socket);
    dm_logs_set_socket(service->logs, service->socket);
    return service->socket != NULL;
}

static void
open_bus(DmService *service, const char *address)
{
    if (address == NULL || *address != '\0') {
        service->bus = dm_bus_new(address, DM_BUS_NAME, service->context, &bus_handlers, service);
        return;
    }
    service->ready = g_idle_source_new();
    g_source_set_callback(service->ready, on_idle, service, NULL);
    g_source_attach(service->ready, service->context);
}

static bool
is_private_instance(const char *state_dir)
{
    g_autofree char *path = g_canonicalize_filename(state_dir, NULL);

    return g_strcmp0(path, DM_DEFAULT_STATE_DIR) != 0;
}

static bool
load_settings(const char *path, DmSettings *settings, GError **error)
{
    if (!dm_settings_load(path, settings, error))
        return false;
    for (guint i = 0; i < settings->warnings->len; i++)
        dm_log_warning(g_ptr_array_index(settings->warnings, i));
    return true;
}

/* Somebody may have changed the configuration (Manager.Reload): all of it is taken, or nothing. */
static bool
on_reload(gpointer data, GError **error)
{
    DmService *service = data;
    g_auto(DmSettings) settings = {0};

    if (!load_settings(service->config, &settings, error))
        return false;
    dm_tree_set_options(service->tree, &(const DmTreeOptions){.allow_http = settings.allow_http,
                                                              .has_window = settings.has_window,
                                                              .window_min = settings.window_min});
    if (service->socket != NULL)
        dm_socket_request_reload(service->socket);
    return true;
}

/* The tree's face on the bus, and what stands behind its methods. */
static void
make_objects(DmService *service, const char *state_dir)
{
    g_autofree char *archives = g_build_filename(state_dir, "logs", NULL);
    DmObjectsOptions options = {.tree = service->tree,
                                .context = service->context,
                                .own_uid_is_root = is_private_instance(state_dir),
                                .hooks = {.reload = on_reload, .on_called = on_called},
                                .data = service};

    service->sync = dm_sync_new(service->tree, service->context);
    service->logs = dm_logs_new(service->tree, archives, service->context);
    options.sync = service->sync;
    options.logs = service->logs;
    service->objects = dm_objects_new(&options);
}

DmService *
dm_service_new(const DmPluginHost *host, GError **error)
{
    g_autoptr(DmService) service = g_new0(DmService, 1);
    g_auto(DmSettings) settings = {0};

    /* The host's signals are its own; libdbus would ignore SIGPIPE for the whole process, which it
     * does not need: it writes with MSG_NOSIGNAL. */
    dbus_connection_set_change_sigpipe(FALSE);
    service->context =
        g_main_context_ref(host->context != NULL ? host->context : g_main_context_default());
    service->on_failed = host->on_failed;
    service->on_ready = host->on_ready;
    service->data = host->data;
    if (!load_settings(host->config, &settings, error))
        return NULL;
    service->tree = open_tree(host->state_dir, &settings, error);
    if (service->tree == NULL)
        return NULL;
    note_time(service->tree, DM_SESSION_AT_START);
    (void)dm_tree_add_listener(service->tree, dm_warnings_on_changes, service->tree);
    service->push = dm_push_new(service->tree, dm_push_get_null_backend(), NULL);
    service->timer = dm_timer_new(service->context, on_due, service);
    service->listener = dm_tree_add_listener(service->tree, on_changes, service);
    service->config = g_strdup(host->config);
    make_objects(service, host->state_dir);
    if (!open_socket(service, host, is_private_instance(host->state_dir), error))
        return NULL;
    run_push(service);
    find_due(service);
    set_timer(service);
    open_bus(service, host->bus_address);
    return g_steal_pointer(&service);
}

void
dm_service_free(DmService *service)
{
    if (service == NULL)
        return;
    dm_source_drop(&service->ready);
    dm_bus_free(service->bus);
    dm_socket_free(service->socket);
    /* Who waits for a reply holds on to the objects. */
    dm_sync_free(service->sync);
    dm_logs_free(service->logs);
    dm_objects_free(service->objects);
    g_free(service->config);
    dm_push_free(service->push);
    dm_timer_free(service->timer);
    if (service->listener != 0)
        dm_tree_remove_listener(service->tree, service->listener);
    if (service->tree != NULL)
        note_time(service->tree, DM_SESSION_AT_STOP);
    dm_tree_free(service->tree);
    g_main_context_unref(service->context);
    g_free(service);
}
