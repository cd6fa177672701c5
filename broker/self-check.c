/* SPDX-License-Identifier: MIT */

#include "broker/self-check.h"

#include "broker/address.h"
#include "broker/key-check.h"
#include "broker/lock.h"
#include "broker/probe.h"
#include "common/source.h"
#include "dbus/tree-call.h"

/* How late a session may be that is due. */
#define LATE_US (10 * 60 * G_GINT64_CONSTANT(1000000))

#define NEXT_AGENT                                                                                 \
    "Run 'systemctl start dmclient-agent.socket dmclient-agent'; 'journalctl -u dmclient-agent' "  \
    "says what it met."
#define NEXT_BROKER                                                                                \
    "Run 'systemctl start dmclient-broker'; 'journalctl -u dmclient-broker' says what it met."

struct DmSelfCheck {
    const DmConfig *config;
    DmChannel *channel;
    void (*on_progress)(const char *what);
    GMainContext *context;
    void (*done)(const DmFindings *findings, gpointer data);
    gpointer data;

    char *key_directory;
    bool has_keys; /* the directory can be looked into */
    guint limit_ms;
    DmFindings *findings;
    GPtrArray *pairs;    /* DmKeyPair, one a provider */
    GHashTable *by_name; /* provider → its DmKeyPair */
    GPtrArray *probes;   /* DmProbe */
    GSource *limit;
    GSource *end; /* NULL: not over yet */
};

static void
progress(const DmSelfCheck *check, const char *what)
{
    if (check->on_progress)
        check->on_progress(what);
}

/* -- the end -------------------------------------------------------------------------------------
 */

static gboolean
on_end(gpointer data)
{
    DmSelfCheck *check = data;

    g_source_unref(g_steal_pointer(&check->end));
    check->done(check->findings, check->data);
    return G_SOURCE_REMOVE;
}

static void
end(DmSelfCheck *check)
{
    if (check->end)
        return;
    g_source_destroy(check->limit);
    check->end = g_idle_source_new();
    g_source_set_callback(check->end, on_end, check, NULL);
    g_source_attach(check->end, check->context);
}

static gboolean
on_limit(gpointer data)
{
    DmSelfCheck *check = data;

    if (check->probes->len == 0)
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "socket", NULL, NEXT_AGENT,
                        "the tree did not answer within %u s", check->limit_ms / 1000);
    for (guint i = 0; i < check->probes->len; i++) {
        DmProbe *probe = check->probes->pdata[i];

        if (!dm_probe_is_done(probe))
            dm_findings_add(
                check->findings, DM_LEVEL_WARNING, "connect", dm_probe_get_provider(probe),
                "Look whether a firewall or a proxy is in between.",
                "%s did not answer within %u s", dm_probe_get_host(probe), check->limit_ms / 1000);
    }
    end(check);
    return G_SOURCE_REMOVE;
}

/* -- what is seen at once ------------------------------------------------------------------------
 */

static void
check_config(DmSelfCheck *check, const DmSelfCheckOptions *options)
{
    const GPtrArray *warnings = options->config->warnings;

    if (options->config_error)
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "config", NULL,
                        "Correct the file, then 'systemctl reload dmclient-broker'.", "%s",
                        options->config_error);
    else
        dm_findings_add(check->findings, DM_LEVEL_OK, "config", NULL, NULL,
                        g_file_test(options->config_path, G_FILE_TEST_EXISTS)
                            ? "%s is in force"
                            : "there is no %s: the defaults are in force",
                        options->config_path);
    for (guint i = 0; i < warnings->len; i++)
        dm_findings_add(check->findings, DM_LEVEL_WARNING, "config", NULL,
                        "Correct its spelling, or remove it.", "%s",
                        (const char *)warnings->pdata[i]);
}

static void
check_processes(DmSelfCheck *check, const DmSelfCheckOptions *options)
{
    if (options->is_daemon || (check->has_keys && dm_lock_has_daemon(options->key_directory)))
        dm_findings_add(check->findings, DM_LEVEL_OK, "daemon", NULL, NULL, "dmclient-broker runs");
    else if (check->has_keys)
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "daemon", NULL, NEXT_BROKER,
                        "dmclient-broker does not run: no session begins by itself");
    if (!options->uses_bus)
        dm_findings_add(check->findings, DM_LEVEL_OK, "bus", NULL, NULL,
                        "the system bus is not used (--no-bus)");
    else if (options->is_on_bus)
        dm_findings_add(check->findings, DM_LEVEL_OK, "bus", NULL, NULL,
                        "the system bus can be reached");
    else
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "bus", NULL,
                        "Run 'systemctl status dbus'; is the bus policy of dmclient installed?",
                        "the system bus cannot be used: %s",
                        options->bus_reason ? options->bus_reason : "not reached yet");
}

/* -- providers -----------------------------------------------------------------------------------
 */

static DmKeyPair *
add_pair(DmSelfCheck *check, const char *provider)
{
    DmKeyPair *pair = g_hash_table_lookup(check->by_name, provider);

    if (!pair) {
        pair = g_new0(DmKeyPair, 1);
        g_ptr_array_add(check->pairs, pair);
        g_hash_table_insert(check->by_name, g_strdup(provider), pair);
    }
    return pair;
}

static void
check_certificates(DmSelfCheck *check, const GPtrArray *providers)
{
    for (guint i = 0; i < providers->len; i++) {
        const DmTreeProvider *provider = providers->pdata[i];

        /* The first is the one in use. */
        dm_key_check_pair(check->key_directory, provider->id, provider->thumbprints[0],
                          check->findings, add_pair(check, provider->id));
    }
}

static void
check_due(DmSelfCheck *check, const DmTreeDue *due)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(due->due_us / G_USEC_PER_SEC);
    g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : NULL;

    if (due->due_us == 0 || !text)
        dm_findings_add(
            check->findings, DM_LEVEL_WARNING, "schedule", due->provider,
            "Ask the organisation whether that is meant; 'dmclientctl sync' begins one.",
            "no session is due by the schedule");
    else if (due->due_us + LATE_US < g_get_real_time())
        dm_findings_add(check->findings, DM_LEVEL_WARNING, "schedule", due->provider, NEXT_BROKER,
                        "a session has been due since %s (%s)", text, due->reason);
    else
        dm_findings_add(check->findings, DM_LEVEL_OK, "schedule", due->provider, NULL,
                        "the next session is due at %s (%s)", text, due->reason);
}

static void
on_probed(gpointer data)
{
    DmSelfCheck *check = data;

    for (guint i = 0; i < check->probes->len; i++)
        if (!dm_probe_is_done(check->probes->pdata[i]))
            return;
    end(check);
}

static void
probe_addresses(DmSelfCheck *check, const DmTreeAddresses *provider)
{
    const DmKeyPair *keys = add_pair(check, provider->id);
    guint n = g_strv_length(provider->addresses);

    if (n == 0)
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "addresses", provider->id,
                        "Provision it again, or set one with 'dmclientctl replace'.",
                        "there is no server address");
    else
        dm_findings_add(check->findings, DM_LEVEL_OK, "addresses", provider->id, NULL,
                        "server addresses: %u", n);
    for (guint i = 0; i < n && check->probes->len < DM_SELF_CHECK_MAX_PROBES; i++) {
        const char *address = provider->addresses[i];
        g_autofree char *host = dm_address_describe(address);
        g_autofree char *what = g_strdup_printf("asking %s", host);

        progress(check, what);
        g_ptr_array_add(check->probes,
                        dm_probe_new(provider->id, address, check->config, keys, check->findings,
                                     check->context, on_probed, check));
    }
}

/* -- the tree ------------------------------------------------------------------------------------
 */

static void
check_health(DmSelfCheck *check, const char *health)
{
    if (g_str_equal(health, "ok"))
        dm_findings_add(check->findings, DM_LEVEL_OK, "store", NULL, NULL,
                        "the tree answers, and its store is well");
    else if (g_str_equal(health, "degraded"))
        dm_findings_add(check->findings, DM_LEVEL_WARNING, "store", NULL,
                        "Make room on the file system of " DM_DEFAULT_STATE_DIR ".",
                        "the last write of the store found no room on the disk");
    else
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "store", NULL,
                        "Look at the disk ('journalctl -k'), then 'systemctl restart "
                        "dmclient-agent'.",
                        "the store is %s: the disk failed, and nothing is written", health);
}

/* Says why an answer of the tree is of no use. */
static void
add_tree_failure(DmSelfCheck *check, const GError *error)
{
    dm_findings_add(check->findings, DM_LEVEL_ERROR, "socket", NULL, NEXT_AGENT, "%s",
                    error ? error->message : "the tree answers in a form that is not known");
    end(check);
}

static void
on_inspected(DBusMessage *answer, const GError *error, gpointer data)
{
    DmSelfCheck *check = data;
    g_autoptr(GPtrArray) providers = NULL;
    const char *health = NULL;

    if (answer)
        providers = dm_wire_read_inspection(answer, &health);
    if (!providers) {
        add_tree_failure(check, error);
        return;
    }
    check_health(check, health);
    if (providers->len == 0)
        dm_findings_add(check->findings, DM_LEVEL_OK, "providers", NULL, NULL,
                        "this device is not enrolled");
    for (guint i = 0; i < providers->len; i++)
        probe_addresses(check, providers->pdata[i]);
    if (check->probes->len == 0)
        end(check);
}

static void
call(DmSelfCheck *check, const char *method, DmTreeReplyFunc func)
{
    g_autoptr(DBusMessage) message = dm_tree_client_new_call(method);

    dm_channel_call(check->channel, message, func, check);
}

static void
on_dues(DBusMessage *answer, const GError *error, gpointer data)
{
    DmSelfCheck *check = data;
    g_autoptr(GArray) dues = NULL;
    DBusMessageIter iter;

    if (answer && dbus_message_iter_init(answer, &iter))
        dues = dm_wire_read_dues(&iter);
    if (!dues) {
        add_tree_failure(check, error);
        return;
    }
    for (guint i = 0; i < dues->len; i++)
        check_due(check, &g_array_index(dues, DmTreeDue, i));
    call(check, "Inspect", on_inspected);
}

static void
on_providers(DBusMessage *answer, const GError *error, gpointer data)
{
    DmSelfCheck *check = data;
    g_autoptr(GPtrArray) providers = NULL;
    DBusMessageIter iter;

    if (answer && dbus_message_iter_init(answer, &iter))
        providers = dm_wire_read_providers(&iter);
    if (!providers) {
        add_tree_failure(check, error);
        return;
    }
    dm_findings_add(check->findings, DM_LEVEL_OK, "socket", NULL, NULL,
                    "the tree's socket is served");
    if (check->has_keys)
        check_certificates(check, providers);
    call(check, "GetDue", on_dues);
}

/* -- life ----------------------------------------------------------------------------------------
 */

static void
pair_free(gpointer data)
{
    dm_key_pair_clear(data);
    g_free(data);
}

static void
probe_free(gpointer data)
{
    dm_probe_free(data);
}

DmSelfCheck *
dm_self_check_new(const DmSelfCheckOptions *options, GMainContext *context,
                  void (*done)(const DmFindings *findings, gpointer data), gpointer data)
{
    DmSelfCheck *check = g_new0(DmSelfCheck, 1);

    check->config = options->config;
    check->channel = options->channel;
    check->on_progress = options->on_progress;
    check->context = g_main_context_ref(context ? context : g_main_context_default());
    check->done = done;
    check->data = data;
    check->key_directory = g_strdup(options->key_directory);
    check->limit_ms = options->limit_ms;
    check->findings = dm_findings_new();
    check->pairs = g_ptr_array_new_with_free_func(pair_free);
    check->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    check->probes = g_ptr_array_new_with_free_func(probe_free);
    check->limit = g_timeout_source_new(options->limit_ms);
    g_source_set_callback(check->limit, on_limit, check, NULL);
    g_source_attach(check->limit, check->context);
    check_config(check, options);
    check->has_keys = dm_key_check_directory(options->key_directory, check->findings);
    check_processes(check, options);
    if (options->channel) {
        progress(check, "asking the tree");
        call(check, "GetProviders", on_providers);
    } else {
        dm_findings_add(check->findings, DM_LEVEL_ERROR, "socket", NULL, NEXT_AGENT, "%s: %s",
                        options->socket,
                        options->channel_reason ? options->channel_reason : "not reached yet");
        end(check);
    }
    return check;
}

void
dm_self_check_free(DmSelfCheck *check)
{
    if (!check)
        return;
    if (check->channel)
        dm_channel_forget(check->channel, check);
    g_ptr_array_unref(check->probes);
    dm_source_drop(&check->limit);
    dm_source_drop(&check->end);
    g_hash_table_unref(check->by_name);
    g_ptr_array_unref(check->pairs);
    dm_findings_free(check->findings);
    g_main_context_unref(check->context);
    g_free(check->key_directory);
    g_free(check);
}
