/* SPDX-License-Identifier: MIT */

#include "broker/run.h"

#include <string.h>
#include <unistd.h>

#include "broker/device.h"
#include "broker/exits.h"
#include "broker/keys.h"
#include "broker/routes.h"
#include "broker/security.h"
#include "broker/transport.h"
#include "common/account.h"
#include "common/error.h"
#include "common/log.h"
#include "common/source.h"

struct DmRun {
    char *provider, *origin, *key_directory;
    gint64 uid;
    DmConfig *config;
    DmChannel *channel;
    DmJournal *journal;
    DmNetwork *network;
    int lock;
    bool no_retry;
    bool is_waiting; /* for the next try */
    GMainContext *context;
    DmRunHandlers handlers;
    gpointer data;

    bool is_beginning; /* the tree has been asked for what is needed */
    bool has_begun;
    bool is_over;
    DmTreeSession start;
    DmKeyPair keys;
    DmDevice *device;
    DmRoutes *routes;
    DmTransport *transport;
    DmSecurity *security;
    DmSession *session;
    DmSessionRecord record; /* its address is one of `start` */
    GError *error;          /* the first that there is: how the run ended */
    GSource *end;           /* tells of the end */
};

/* -- telling the tree ----------------------------------------------------------------------------
 */

static void
report(DmRun *run, const DmTreeReport *what, DmTreeReplyFunc func)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DBusMessage) call = dm_tree_call_new_report(run->provider, what, &error);

    if (call)
        dm_channel_call(run->channel, call, func, run);
    else
        func(NULL, error, run);
}

static void
on_state_reported(DBusMessage *answer, const GError *error, gpointer data)
{
    if (error)
        dm_log_warning("the session's state could not be reported", "DM_CAUSE", error->message);
}

static void
report_state(DmRun *run, const char *state, const char *address)
{
    DmTreeReport what = DM_TREE_REPORT_INIT;

    what.state = state;
    what.address = address;
    if (run->keys.certificate)
        what.certificate_expires_us = run->keys.expires_us;
    report(run, &what, on_state_reported);
}

static gboolean
on_idle(gpointer data)
{
    DmRun *run = data;
    const DmRunResult result = {.has_begun = run->has_begun, .record = &run->record};

    g_clear_pointer(&run->end, g_source_unref);
    /* Whoever hears of the end may begin the next one at once. */
    if (run->lock >= 0)
        close(run->lock);
    run->lock = -1;
    run->handlers.on_ended(&result, run->error, run->data);
    return G_SOURCE_REMOVE;
}

/* Tells of the end from the loop: nobody is called while he calls. */
static void
tell_end(DmRun *run)
{
    const char *result = dm_exits_from_error(run->error)->name;

    dm_journal_add(run->journal, run->provider, "session ended: %s%s%s", *result ? result : "ok",
                   run->error ? ": " : "", run->error ? run->error->message : "");
    run->end = g_idle_source_new();
    g_source_set_callback(run->end, on_idle, run, NULL);
    g_source_attach(run->end, run->context);
}

static void
on_end_reported(DBusMessage *answer, const GError *error, gpointer data)
{
    DmRun *run = data;

    if (error && !run->error)
        run->error = g_error_copy(error);
    else if (error)
        on_state_reported(answer, error, data);
    tell_end(run);
}

/* The session's record, as far as a log may have it (security.md section 3). */
static void
log_end(const DmRun *run)
{
    const DmSessionRecord *record = &run->record;
    g_autofree char *messages = g_strdup_printf("%u+%u", record->n_sent, record->n_received);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
                                             record->bytes_sent, record->bytes_received);
    g_autofree char *commands = g_strdup_printf("%u", record->n_commands);
    const char *result = dm_exits_from_error(run->error)->name;

    dm_log_debug("session ended", "DM_PROVIDER", run->provider, "DM_ORIGIN", run->origin,
                 "DM_RESULT", *result ? result : "ok", "DM_MESSAGES", messages, "DM_BYTES", bytes,
                 "DM_COMMANDS", commands);
}

static void
set_totals(const DmSessionRecord *record, DmTreeReport *what)
{
    what->has_totals = true;
    what->totals.messages_sent = record->n_sent;
    what->totals.messages_received = record->n_received;
    what->totals.bytes_sent = record->bytes_sent;
    what->totals.bytes_received = record->bytes_received;
    what->totals.n_commands = record->tally.n_counts;
    memcpy(what->totals.commands, record->tally.counts,
           record->tally.n_counts * sizeof(record->tally.counts[0]));
}

static void
report_end(gpointer data)
{
    DmRun *run = data;
    DmTreeReport what = DM_TREE_REPORT_INIT;
    const char *message = run->error ? run->error->message : "";
    g_autofree char *shown = g_utf8_make_valid(message, -1);

    what.state = "idle";
    what.ended = run->error == NULL;
    what.address = run->record.address;
    what.error = dm_exits_from_error(run->error)->name;
    what.message = shown;
    set_totals(&run->record, &what);
    log_end(run);
    report(run, &what, on_end_reported);
}

/* The run is over: what is under way is reported first, then the end itself; not where the tree
 * knows of no session, or has gone away itself. */
static void
finish(DmRun *run, const GError *error)
{
    if (run->is_over)
        return;
    run->is_over = true;
    if (error)
        run->error = g_error_copy(error);
    if (run->handlers.on_ending)
        run->handlers.on_ending(run->data);
    if (run->is_beginning)
        return; /* on_begun() comes */
    if (!run->has_begun || g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        tell_end(run);
    else if (run->routes)
        dm_routes_flush(run->routes, report_end, run);
    else
        report_end(run);
}

/* -- the session ---------------------------------------------------------------------------------
 */

static void
on_connecting(const DmSessionRecord *record, gpointer data)
{
    DmRun *run = data;

    if (!run->is_waiting)
        return; /* that it connects is known */
    run->is_waiting = false;
    report_state(run, "connecting", NULL);
    if (run->handlers.on_waiting)
        run->handlers.on_waiting(NULL, run->data);
}

static void
on_waiting(const DmReachWait *wait, gpointer data)
{
    DmRun *run = data;

    run->is_waiting = true;
    report_state(run, wait->is_for_network ? "waiting" : "backing-off", NULL);
    if (run->handlers.on_waiting)
        run->handlers.on_waiting(wait, run->data);
}

static void
on_running(const DmSessionRecord *record, gpointer data)
{
    report_state(data, "running", record->address);
}

static void
on_nonce_kept(DBusMessage *answer, const GError *error, gpointer data)
{
    if (error)
        dm_log_warning("the nonce for the next session could not be kept", "DM_CAUSE",
                       error->message);
}

static void
on_nonce(const char *level, const char *nonce, gpointer data)
{
    DmRun *run = data;
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("RenewNonce");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &run->provider, DBUS_TYPE_STRING, &level,
                             DBUS_TYPE_STRING, &nonce, DBUS_TYPE_INVALID);
    dm_channel_call(run->channel, call, on_nonce_kept, run);
}

static void
on_ended(const DmSessionRecord *record, const GError *error, gpointer data)
{
    DmRun *run = data;

    run->record = *record;
    finish(run, error);
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
load_keys(DmRun *run, GError **error)
{
    const char *thumbprint = g_hash_table_lookup(run->start.account, DM_ACCOUNT_THUMBPRINT);

    if (!thumbprint && !needs_certificate(&run->start))
        return true;
    if (!thumbprint) {
        g_set_error(error, DM_ERROR, DM_ERROR_CERTIFICATE,
                    "the enrolment has no client certificate: provision it with --certificate and "
                    "--key");
        return false;
    }
    if (!dm_keys_load(run->key_directory, thumbprint, &run->keys, error))
        return false;
    /* The clock may be wrong, and the server judges: say it, and try. */
    if (run->keys.expires_us >= 0 && run->keys.expires_us < g_get_real_time())
        dm_log_warning("the client certificate has expired", "DM_PROVIDER", run->provider);
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
    return true;
}

static DmTransport *
make_transport(const DmRun *run, GError **error)
{
    const DmConfig *config = run->config;
    const DmTransportOptions options = {
        .tls = {.ca_file = config->ca_file,
                .crl_file = config->tls_crl_file,
                .pins = config->pins,
                .revocation = config->revocation,
                .key = run->keys.private_key,
                .chain = run->keys.certificate},
        .user_agent = config->user_agent,
        .proxy = config->proxy,
        .connect_timeout_s = config->connect_timeout_s,
        .request_timeout_s = config->request_timeout_s,
        .stall_timeout_s = config->stall_timeout_s,
        .wrapping = dm_security_is_on(run->security) ? DM_SECURITY_MAX_WRAPPING : 0,
        .allow_http = config->allow_http,
        .listed = (const char *const *)run->start.addresses,
    };

    return dm_transport_new(&options, run->context, error);
}

static void
start_session(DmRun *run)
{
    const DmConfig *config = run->config;
    const char *dev_id = g_hash_table_lookup(run->start.account, DM_ACCOUNT_DEV_ID);
    /* E2: the last session is best effort, once. */
    bool is_last = strcmp(run->origin, DM_TREE_ORIGIN_UNENROLL) == 0;
    const DmSessionHandlers handlers = {on_connecting, on_waiting, on_running, on_nonce, on_ended};
    DmSessionOptions session = {
        .provider = run->provider,
        .origin = run->origin,
        .uid = run->uid,
        .start = &run->start,
        .config = config,
        .dev_id = dev_id,
        .journal = run->journal,
        .no_retry = run->no_retry || is_last,
        .network = is_last ? NULL : run->network,
    };
    g_autoptr(GError) error = NULL;

    run->transport = make_transport(run, &error);
    if (!run->transport) {
        finish(run, error);
        return;
    }
    run->device = dm_device_new(NULL, dev_id);
    run->routes = dm_routes_new(run->channel, run->device, config->routes, run->context);
    session.device = run->device;
    session.routes = run->routes;
    session.transport = run->transport;
    session.security = run->security;
    report_state(run, "connecting", NULL);
    run->session = dm_session_new(&session, run->context, &handlers, run);
}

static void
note_begin(DmRun *run)
{
    dm_journal_add(run->journal, run->provider, "session begun: origin %s, %s user, %u addresses",
                   run->origin, run->uid < 0 ? "no" : "with a",
                   g_strv_length(run->start.addresses));
}

static void
on_begun(DBusMessage *answer, const GError *error, gpointer data)
{
    DmRun *run = data;
    g_autoptr(GError) cause = NULL;

    run->is_beginning = false;
    run->has_begun = error == NULL;
    if (run->is_over) { /* broken off meanwhile */
        if (run->has_begun)
            report_end(run);
        else
            tell_end(run);
        return;
    }
    if (error) {
        finish(run, error);
        return;
    }
    if (!dm_tree_call_read_session(answer, &run->start, &cause)) {
        cause->code = DM_ERROR_FAILED; /* the tree's answer, not the server's */
        finish(run, cause);
        return;
    }
    if (run->handlers.on_begun)
        run->handlers.on_begun(run->start.token, run->data);
    if (!check_start(&run->start, &cause) || !load_keys(run, &cause) ||
        !(run->security =
              dm_security_new(&run->start, run->config, run->keys.private_key, &cause))) {
        finish(run, cause);
    } else {
        note_begin(run);
        start_session(run);
    }
}

static void
begin(DmRun *run)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("BeginSession");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &run->provider, DBUS_TYPE_STRING, &run->origin,
                             DBUS_TYPE_INVALID);
    run->is_beginning = true;
    dm_channel_call(run->channel, call, on_begun, run);
}

/* -- life ----------------------------------------------------------------------------------------
 */

DmRun *
dm_run_new(const DmRunOptions *options, GMainContext *context, const DmRunHandlers *handlers,
           gpointer data)
{
    DmRun *run = g_new0(DmRun, 1);

    run->provider = g_strdup(options->provider);
    run->origin = g_strdup(options->origin);
    run->key_directory = g_strdup(options->key_directory);
    run->uid = options->uid;
    run->config = dm_config_ref(options->config);
    run->channel = options->channel;
    run->journal = options->journal;
    run->network = options->network;
    run->lock = options->lock;
    run->no_retry = options->no_retry;
    run->context = g_main_context_ref(context ? context : g_main_context_default());
    run->handlers = *handlers;
    run->data = data;
    begin(run);
    return run;
}

void
dm_run_hurry(DmRun *run)
{
    if (run->session)
        dm_session_hurry(run->session);
}

void
dm_run_break_off(DmRun *run, const GError *error)
{
    if (run->is_over)
        return;
    g_clear_pointer(&run->transport, dm_transport_free);
    g_clear_pointer(&run->routes, dm_routes_free);
    if (run->session)
        run->record = *dm_session_get_record(run->session);
    g_clear_pointer(&run->session, dm_session_free);
    finish(run, error);
}

void
dm_run_end_pause(DmRun *run)
{
    g_autoptr(GError) error = g_error_new_literal(
        DM_ERROR, DM_ERROR_FAILED, "broken off while it waited: the enrolment is to end");

    if (run->is_waiting)
        dm_run_break_off(run, error);
}

void
dm_run_log_failure(const DmRun *run, const GError *error)
{
    g_autofree char *cause = dm_journal_redact(error->message);

    dm_log_warning("a session failed", "DM_PROVIDER", run->provider, "DM_ORIGIN", run->origin,
                   "DM_RESULT", dm_exits_from_error(error)->name, "DM_CAUSE", cause);
}

bool
dm_run_is_over(const DmRun *run)
{
    return run->is_over;
}

void
dm_run_free(DmRun *run)
{
    if (!run)
        return;
    dm_source_drop(&run->end);
    dm_transport_free(run->transport);
    dm_routes_free(run->routes);
    dm_session_free(run->session);
    dm_security_free(run->security);
    dm_channel_forget(run->channel, run);
    dm_device_free(run->device);
    dm_key_pair_clear(&run->keys);
    dm_tree_session_clear(&run->start);
    if (run->lock >= 0)
        close(run->lock);
    dm_config_unref(run->config);
    g_clear_error(&run->error);
    g_main_context_unref(run->context);
    g_free(run->provider);
    g_free(run->origin);
    g_free(run->key_directory);
    g_free(run);
}
