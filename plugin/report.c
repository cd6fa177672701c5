/* SPDX-License-Identifier: MIT */

#include "plugin/report.h"

#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/uri.h"
#include "tree/history.h"
#include "tree/rules/first-sync.h"
#include "tree/session.h"

/* Hex digits of a digest that stand for a value. */
#define DIGEST_DIGITS 16
#define KEY_BYTES 32

static const char readme[] =
    "What dmclient knows of this device's management, for whoever helps with it.\n"
    "\n"
    "status.txt      the service and each provider: last session, errors, first sync\n"
    "tree.txt        each node that is set; of values that are not for everybody only a digest,\n"
    "                whose key is not kept: two equal digests in this file are equal values\n"
    "history/        the last sessions of each provider\n"
    "broker/         the broker's journal of sessions and its check of itself\n";

typedef struct {
    GString *text;
    guint8 key[KEY_BYTES];
} Report;

/* A line `name: value`, whatever the value holds. */
static void
add_line(GString *text, const char *name, const char *value)
{
    g_autofree char *shown = dm_log_escape(value);

    g_string_append_printf(text, "%s: %s\n", name, shown);
}

static void
add_time(GString *text, const char *name, gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    g_autofree char *shown =
        time_us > 0 && time != NULL ? g_date_time_format_iso8601(time) : g_strdup("-");

    g_string_append_printf(text, "%s: %s\n", name, shown);
}

static void
add_file(DmArchive *archive, const char *name, const GString *text)
{
    (void)dm_archive_add(archive, name, text->str, text->len);
}

/* -- the tree -----------------------------------------------------------------------------------
 */

static void
add_value(Report *report, const DmNode *row, const DmValue *value)
{
    char buffer[DM_VALUE_TEXT_MAX];
    const char *text = dm_value_to_text(value, buffer);
    g_autofree char *shown = NULL;

    if (row->read == DM_READ_PUBLIC) {
        shown = dm_log_escape(text);
    } else {
        shown =
            g_compute_hmac_for_string(G_CHECKSUM_SHA256, report->key, sizeof report->key, text, -1);
        shown[DIGEST_DIGITS] = '\0';
    }
    g_string_append_printf(report->text, " %s%s\n", row->read == DM_READ_PUBLIC ? "" : "digest ",
                           shown);
}

static void
add_uri(GString *text, const DmProvider *provider, DmNodeId node)
{
    DmScope scope = provider != NULL ? dm_provider_get_scope(provider) : DM_SCOPE_DEVICE;

    if (scope == DM_SCOPE_USER)
        g_string_append_printf(text, "[%u] ", dm_provider_get_uid(provider));
    dm_schema_append_loc_uri(text, scope, node,
                             provider != NULL ? dm_provider_get_id(provider) : NULL);
}

static void
add_provider(Report *report, const DmProvider *provider)
{
    for (DmNodeId node = DM_NODE_PROVIDER; node < dm_schema_get_end(DM_NODE_PROVIDER); node++) {
        DmValue value;

        if (!dm_provider_has(provider, node))
            continue;
        add_uri(report->text, provider, node);
        if (!dm_node_is_interior(dm_schema_get(node)) && dm_provider_get(provider, node, &value))
            add_value(report, dm_schema_get(node), &value);
        else
            g_string_append_c(report->text, '\n');
    }
}

static void
add_tree(DmArchive *archive, const DmTree *tree)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Report report = {.text = text};
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    /* Without random numbers there is no digest either. */
    if (getrandom(report.key, sizeof report.key, 0) != (ssize_t)sizeof report.key)
        return;
    for (DmNodeId node = 0; node < DM_NODE_N; node++) {
        DmValue value;

        if (dm_schema_get(node)->parent != DM_NODE_ROOT || !dm_tree_get_root(tree, node, &value))
            continue;
        add_uri(text, NULL, node);
        add_value(&report, dm_schema_get(node), &value);
    }
    for (gsize i = 0; i < n; i++)
        add_provider(&report, providers[i]);
    add_file(archive, "tree.txt", text);
    explicit_bzero(report.key, sizeof report.key);
}

/* -- status and history -------------------------------------------------------------------------
 */

static void
add_session(GString *text, const DmProvider *provider)
{
    const DmSessionInfo info = dm_session_get_info(provider);

    add_line(text, "State", dm_session_state_to_name(info.state));
    add_time(text, "Last attempt", info.last_attempt_us);
    add_time(text, "Last success", info.last_success_us);
    add_time(text, "Next scheduled", info.next_us);
    add_line(text, "Last error", info.last_error);
    add_line(text, "Last error message", info.last_error_message);
    add_line(text, "Origin", info.origin);
    add_line(text, "Server host", info.server_host);
    add_time(text, "Certificate expires", info.certificate_expires_us);
    add_time(text, "Unenrols by itself", info.unenroll_deadline_us);
}

static void
add_progress(GString *text, const DmProvider *provider)
{
    DmFirstSyncProgress progress;

    if (!dm_first_sync_get_progress(provider, &progress))
        return;
    add_line(text, "First sync", progress.phase);
    for (guint i = 0; i < DM_FIRST_SYNC_N_LISTS; i++) {
        const DmFirstSyncCategory *category = &progress.categories[i];

        if (category->total > 0)
            g_string_append_printf(text, "  %s: %u of %u done, %u failed\n", category->name,
                                   category->done, category->total, category->failed);
    }
    dm_first_sync_progress_clear(&progress);
}

static void
add_status(DmArchive *archive, const DmTree *tree)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    add_line(text, "Version", DM_VERSION);
    add_time(text, "Now", g_get_real_time());
    add_line(text, "Health", dm_tree_get_health(tree));
    for (gsize i = 0; i < n; i++) {
        g_string_append_c(text, '\n');
        if (dm_provider_get_scope(providers[i]) == DM_SCOPE_USER)
            g_string_append_printf(text, "User: %u\n", dm_provider_get_uid(providers[i]));
        add_line(text, "Provider", dm_provider_get_id(providers[i]));
        if (dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE)
            add_session(text, providers[i]);
        add_progress(text, providers[i]);
    }
    add_file(archive, "status.txt", text);
}

/* The address is not for everybody; its host is. */
static void
add_host(GString *text, const char *address)
{
    g_autoptr(GUri) uri = g_uri_parse(address, G_URI_FLAGS_NONE, NULL);

    if (uri != NULL && g_uri_get_host(uri) != NULL)
        add_line(text, "host", g_uri_get_host(uri));
}

static void
add_entry(GString *text, const DmHistoryEntry *entry)
{
    add_time(text, "start", entry->start_us);
    add_time(text, "end", entry->end_us);
    g_string_append_printf(text, "duration: %.3f s\n",
                           (double)MAX(entry->duration_us, 0) / G_USEC_PER_SEC);
    add_line(text, "id", entry->id);
    add_line(text, "origin", entry->origin);
    add_host(text, entry->address);
    add_line(text, "result", entry->result);
    add_line(text, "reason", entry->reason);
    g_string_append_printf(text,
                           "messages: %" G_GINT64_FORMAT " sent, %" G_GINT64_FORMAT " received\n"
                           "bytes: %" G_GINT64_FORMAT " sent, %" G_GINT64_FORMAT " received\n",
                           entry->messages_sent, entry->messages_received, entry->bytes_sent,
                           entry->bytes_received);
    for (gsize i = 0; i < entry->n_commands; i++)
        g_string_append_printf(text, "  %s %u: %u\n", entry->commands[i].verb,
                               entry->commands[i].status, entry->commands[i].count);
    g_string_append_c(text, '\n');
}

/* A name for the file: of letters, digits and `_`, and short. */
static char *
get_history_name(gsize number, const char *id)
{
    g_autoptr(GString) escaped = g_string_new(NULL);

    dm_path_append_escaped(escaped, id);
    g_string_truncate(escaped, MIN(escaped->len, 48));
    return g_strdup_printf("history/%04" G_GSIZE_FORMAT "-%s.txt", number, escaped->str);
}

static void
add_history(DmArchive *archive, DmTree *tree, const char *id, gsize number)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *name = get_history_name(number, id);
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GError) error = NULL;

    if (!dm_history_get(tree, id, DM_HISTORY_MAX, &entries, &error))
        add_line(text, "The history cannot be read", error->message);
    for (guint i = 0; entries != NULL && i < entries->len; i++)
        add_entry(text, g_ptr_array_index(entries, i));
    if (text->len > 0)
        add_file(archive, name, text);
}

void
dm_report_add(DmArchive *archive, DmTree *tree)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    (void)dm_archive_add(archive, "README.txt", readme, strlen(readme));
    add_status(archive, tree);
    add_tree(archive, tree);
    for (gsize i = 0; i < n; i++) {
        if (dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE)
            add_history(archive, tree, dm_provider_get_id(providers[i]), i);
    }
}
