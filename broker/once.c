/* SPDX-License-Identifier: MIT */

#include "broker/once.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/device.h"
#include "broker/exits.h"
#include "broker/keys.h"
#include "broker/lock.h"
#include "broker/routes.h"
#include "broker/transport.h"
#include "common/account.h"
#include "common/error.h"
#include "common/log.h"
#include "common/value.h"

typedef struct {
    const DmOnceOptions *options;
    GMainLoop *loop;
    DmChannel *channel;
    DmTreeSession start;
    bool has_begun;
    DmKeyPair keys;
    DmDevice *device;
    DmRoutes *routes;
    DmTransport *transport;
    DmSession *session;
    DmSessionRecord record;
    char *address;
    GError *error; /* the first that there is: how the run ended */
    bool is_over;
} Once;

/* -- telling the tree ----------------------------------------------------------------------------
 */

static void
report(Once *once, const DmTreeReport *what, DmTreeReplyFunc func)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DBusMessage) call = dm_tree_call_new_report(once->options->provider, what, &error);

    if (call)
        dm_channel_call(once->channel, call, func, once);
    else
        func(NULL, error, once);
}

static void
on_state_reported(DBusMessage *answer, const GError *error, gpointer data)
{
    if (error)
        dm_log_warning("the session's state could not be reported", "DM_CAUSE", error->message);
}

static void
report_state(Once *once, const char *state, const char *address)
{
    DmTreeReport what = DM_TREE_REPORT_INIT;

    what.state = state;
    what.address = address;
    if (once->keys.certificate)
        what.certificate_expires_us = once->keys.expires_us;
    report(once, &what, on_state_reported);
}

static void
on_end_reported(DBusMessage *answer, const GError *error, gpointer data)
{
    Once *once = data;

    if (error && !once->error)
        once->error = g_error_copy(error);
    else if (error)
        on_state_reported(answer, error, data);
    g_main_loop_quit(once->loop);
}

/* The session's record, as far as a log may have it (security.md section 3). */
static void
log_end(const Once *once)
{
    const DmSessionRecord *record = &once->record;
    g_autofree char *messages = g_strdup_printf("%u+%u", record->n_sent, record->n_received);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
                                             record->bytes_sent, record->bytes_received);
    g_autofree char *commands = g_strdup_printf("%u", record->n_commands);
    const char *result = dm_exits_from_error(once->error)->name;

    dm_log_debug("session ended", "DM_PROVIDER", once->options->provider, "DM_ORIGIN",
                 once->options->origin, "DM_RESULT", *result ? result : "ok", "DM_MESSAGES",
                 messages, "DM_BYTES", bytes, "DM_COMMANDS", commands);
}

static void
report_end(gpointer data)
{
    Once *once = data;
    DmTreeReport what = DM_TREE_REPORT_INIT;
    const char *message = once->error ? once->error->message : "";
    g_autofree char *shown = g_utf8_make_valid(message, -1);

    what.state = "idle";
    what.ended = once->error == NULL;
    what.address = once->address;
    what.error = dm_exits_from_error(once->error)->name;
    what.message = shown;
    log_end(once);
    report(once, &what, on_end_reported);
}

/* The run is over: what is under way is reported first, then the end itself; not where the tree
 * knows of no session, or has gone away itself. */
static void
finish(Once *once, const GError *error)
{
    if (once->is_over)
        return;
    once->is_over = true;
    if (error)
        once->error = g_error_copy(error);
    if (!once->has_begun || g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        g_main_loop_quit(once->loop);
    else if (once->routes)
        dm_routes_flush(once->routes, report_end, once);
    else
        report_end(once);
}

/* -- the session ---------------------------------------------------------------------------------
 */

static void
on_running(const DmSessionRecord *record, gpointer data)
{
    report_state(data, "running", record->address);
}

static void
on_ended(const DmSessionRecord *record, const GError *error, gpointer data)
{
    Once *once = data;

    once->record = *record;
    once->address = g_strdup(record->address);
    finish(once, error);
}

/* Whether any of the addresses is https: http is for loopback tests, and needs no certificate. */
static bool
needs_certificate(const DmTreeSession *start)
{
    for (gsize i = 0; start->addresses[i]; i++)
        if (g_ascii_strncasecmp(start->addresses[i], "https:", 6) == 0)
            return true;
    return false;
}

static bool
load_keys(Once *once, GError **error)
{
    const char *thumbprint = g_hash_table_lookup(once->start.account, DM_ACCOUNT_THUMBPRINT);

    if (!thumbprint && !needs_certificate(&once->start))
        return true;
    if (!thumbprint) {
        g_set_error(error, DM_ERROR, DM_ERROR_CERTIFICATE,
                    "the enrolment has no client certificate: provision it with --certificate and "
                    "--key");
        return false;
    }
    if (!dm_keys_load(once->options->key_directory, thumbprint, &once->keys, error))
        return false;
    /* The clock may be wrong, and the server judges: say it, and try. */
    if (once->keys.expires_us >= 0 && once->keys.expires_us < g_get_real_time())
        dm_log_warning("the client certificate has expired", "DM_PROVIDER",
                       once->options->provider);
    return true;
}

/* What the tree gave, judged before a server is spoken to. */
static bool
check_start(const DmTreeSession *start, GError **error)
{
    const char *dev_id = g_hash_table_lookup(start->account, DM_ACCOUNT_DEV_ID);

    if (!dev_id || !*dev_id) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED,
                    "the enrolment has no device id: provision it again");
        return false;
    }
    if (start->security_mode > 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED,
                    "the server demands application-layer security, mode %" G_GINT64_FORMAT
                    ", which this version does not have (S4)",
                    start->security_mode);
        return false;
    }
    if (start->sign)
        dm_log_warning("the server asks for signed requests, and this version does not sign (S2)",
                       NULL);
    return true;
}

static void
start_session(Once *once)
{
    const DmConfig *config = once->options->config;
    const char *dev_id = g_hash_table_lookup(once->start.account, DM_ACCOUNT_DEV_ID);
    const DmTransportOptions transport = {
        .ca_file = config->ca_file,
        .user_agent = config->user_agent,
        .connect_timeout_s = config->connect_timeout_s,
        .request_timeout_s = config->request_timeout_s,
        .allow_http = config->allow_http,
        .certificate = once->keys.certificate,
        .key = once->keys.key,
    };
    const DmSessionHandlers handlers = {.on_running = on_running, .on_ended = on_ended};
    DmSessionOptions session = {
        .provider = once->options->provider,
        .origin = once->options->origin,
        .start = &once->start,
        .config = config,
        .dev_id = dev_id,
    };

    once->device = dm_device_new(NULL, dev_id);
    once->routes = dm_routes_new(once->channel, once->device);
    once->transport = dm_transport_new(&transport, NULL);
    session.device = once->device;
    session.routes = once->routes;
    session.transport = once->transport;
    report_state(once, "connecting", NULL);
    once->session = dm_session_new(&session, NULL, &handlers, once);
}

static void
on_begun(DBusMessage *answer, const GError *error, gpointer data)
{
    Once *once = data;
    g_autoptr(GError) cause = NULL;

    if (once->is_over)
        return;
    if (error) {
        finish(once, error);
        return;
    }
    once->has_begun = true;
    if (!dm_tree_call_read_session(answer, &once->start, &cause)) {
        cause->code = DM_ERROR_FAILED; /* the tree's answer, not the server's */
        finish(once, cause);
    } else if (!check_start(&once->start, &cause) || !load_keys(once, &cause)) {
        finish(once, cause);
    } else {
        start_session(once);
    }
}

static void
begin(Once *once)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("BeginSession");
    const char *provider = once->options->provider;
    const char *origin = once->options->origin;

    dbus_message_append_args(call, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &origin,
                             DBUS_TYPE_INVALID);
    dm_channel_call(once->channel, call, on_begun, once);
}

/* -- life ----------------------------------------------------------------------------------------
 */

static gboolean
on_signal(gpointer data)
{
    g_autoptr(GError) error =
        g_error_new_literal(DM_ERROR, DM_ERROR_FAILED, "broken off by a signal");
    Once *once = data;

    /* A second one does not wait for the tree. */
    if (once->is_over) {
        g_main_loop_quit(once->loop);
        return G_SOURCE_CONTINUE;
    }
    g_clear_pointer(&once->transport, dm_transport_free);
    g_clear_pointer(&once->routes, dm_routes_free);
    if (once->session)
        once->record = *dm_session_get_record(once->session);
    once->address = g_strdup(once->record.address);
    g_clear_pointer(&once->session, dm_session_free);
    finish(once, error);
    return G_SOURCE_CONTINUE;
}

static void
clear(Once *once)
{
    dm_transport_free(once->transport);
    dm_routes_free(once->routes);
    dm_session_free(once->session);
    dm_channel_free(once->channel);
    dm_device_free(once->device);
    dm_key_pair_clear(&once->keys);
    dm_tree_session_clear(&once->start);
    g_free(once->address);
    g_clear_error(&once->error);
    g_main_loop_unref(once->loop);
}

bool
dm_once_run(const DmOnceOptions *options, DmOnceResult *ret_result, GError **error)
{
    Once once = {.options = options};
    guint on_int, on_term;
    int lock;
    bool good;

    if (!dm_text_is_valid(options->provider, strlen(options->provider))) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "the provider's name is not valid text");
        return false;
    }
    once.channel = dm_channel_new(options->socket, NULL, error);
    if (!once.channel)
        return false;
    lock = dm_lock_take(options->key_directory, options->provider, error);
    if (lock < 0) {
        dm_channel_free(once.channel);
        return false;
    }
    once.loop = g_main_loop_new(NULL, FALSE);
    on_int = g_unix_signal_add(SIGINT, on_signal, &once);
    on_term = g_unix_signal_add(SIGTERM, on_signal, &once);
    begin(&once);
    g_main_loop_run(once.loop);
    g_source_remove(on_int);
    g_source_remove(on_term);

    good = once.error == NULL;
    if (good) {
        ret_result->address = g_steal_pointer(&once.address);
        ret_result->record = once.record;
        ret_result->record.address = ret_result->address;
    } else {
        g_propagate_error(error, g_steal_pointer(&once.error));
    }
    clear(&once);
    close(lock);
    return good;
}
