/* SPDX-License-Identifier: MIT */

#include "tree/session.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "tree/rules/addresses.h"
#include "tree/rules/first-sync.h"
#include "tree/session-private.h"
#include "tree/transaction.h"
#include "tree/unenroll-private.h"

#define MAX_WORD 64
#define MAX_MESSAGE 1024
#define MAX_REASON 512

/* OMA DM: a SessionID is at most four characters. */
#define MAX_SESSION_ID_DECIMAL 9999
#define MAX_SESSION_ID_HEX 0xffff

static const char *const state_names[] = {
    [DM_SESSION_IDLE] = "idle",
    [DM_SESSION_WAITING] = "waiting",
    [DM_SESSION_CONNECTING] = "connecting",
    [DM_SESSION_RUNNING] = "running",
    [DM_SESSION_BACKING_OFF] = "backing-off",
};

const char *
dm_session_state_to_name(DmSessionState state)
{
    return state_names[state];
}

bool
dm_session_state_from_name(const char *name, DmSessionState *ret_state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(state_names); i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *ret_state = (DmSessionState)i;
            return true;
        }
    }
    return false;
}

/* -- what nodes say -----------------------------------------------------------------------------
 */

static const char *
get_chr(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) && value.u.chr != NULL ? value.u.chr : "";
}

static gint64
get_int(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) ? value.u.integer : 0;
}

static bool
get_bool(const DmProvider *provider, DmNodeId node)
{
    DmValue value;

    return dm_provider_get(provider, node, &value) && value.u.boolean;
}

/* L2: if it is set, the list is the only source. */
static const char *
get_address_text(const DmProvider *provider)
{
    const char *list = get_chr(provider, DM_NODE_MANAGEMENT_SERVER_ADDRESS_LIST);

    return *list != '\0' ? list : get_chr(provider, DM_NODE_MANAGEMENT_SERVICE_ADDRESS);
}

/* "n.m" or "n" as 10 n + m (S1). */
static int
parse_version(const char *text)
{
    const char *dot = strchr(text, '.');

    if (!g_ascii_isdigit(*text))
        return 10;
    return 10 * g_ascii_digit_value(*text) +
           (dot != NULL && g_ascii_isdigit(dot[1]) ? g_ascii_digit_value(dot[1]) : 0);
}

static int
get_version(const DmProvider *provider)
{
    return MIN(parse_version(get_chr(provider, DM_NODE_SYNC_APPLICATION_VERSION)),
               parse_version(get_chr(provider, DM_NODE_MAX_SYNC_APPLICATION_VERSION)));
}

DmSessionInfo
dm_session_get_info(const DmProvider *provider)
{
    const char *reason;

    return (DmSessionInfo){
        .state = (DmSessionState)provider->session_state,
        .last_attempt_us = dm_session_get_int(provider, DM_SESSION_ATTEMPT),
        .last_success_us = dm_session_get_int(provider, DM_SESSION_SUCCESS),
        .next_us = dm_session_get_due(provider->tree, provider, &reason),
        .certificate_expires_us = dm_session_get_int(provider, DM_SESSION_EXPIRES),
        .unenroll_deadline_us = dm_session_get_unenroll_deadline(provider),
        .last_error = dm_session_get_text(provider, DM_SESSION_ERROR),
        .last_error_message = dm_session_get_text(provider, DM_SESSION_MESSAGE),
        .origin = dm_session_get_text(provider, DM_SESSION_ORIGIN),
        .server_host = dm_session_get_text(provider, DM_SESSION_HOST),
    };
}

GStrv
dm_session_get_addresses(const DmProvider *provider)
{
    return dm_addresses_split(get_address_text(provider));
}

guint
dm_session_count_addresses(const DmProvider *provider)
{
    g_auto(GStrv) listed = dm_session_get_addresses(provider);

    return g_strv_length(listed);
}

GStrv
dm_session_get_thumbprints(const DmProvider *provider)
{
    static const char *const entries[] = {DM_ACCOUNT_THUMBPRINT, DM_ACCOUNT_OLD_THUMBPRINT};
    g_autoptr(GStrvBuilder) thumbprints = g_strv_builder_new();

    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
        const char *thumbprint = g_hash_table_lookup(provider->account, entries[i]);

        if (thumbprint != NULL)
            g_strv_builder_add(thumbprints, thumbprint);
    }
    return g_strv_builder_end(thumbprints);
}

/* -- shared -------------------------------------------------------------------------------------
 */

DmProvider *
dm_session_find_provider(DmTree *tree, const char *provider_id, GError **error)
{
    DmProvider *found = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, provider_id);
    g_autoptr(GString) ids = NULL;

    if (found != NULL)
        return found;
    ids = g_string_new(NULL);
    for (guint i = 0; i < tree->providers->len; i++) {
        const DmProvider *provider = g_ptr_array_index(tree->providers, i);

        if (provider->scope == DM_SCOPE_DEVICE)
            g_string_append_printf(ids, "%s“%s”", ids->len == 0 ? "" : ", ", provider->id);
    }
    g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "no provider “%s”; there %s%s", provider_id,
                ids->len == 0 ? "is none: provision one first" : "is ", ids->str);
    return NULL;
}

char *
dm_session_clean(const char *text, gsize max)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, max + 1));
    GString *cleaned = g_string_new(NULL);

    for (char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        gsize size = (gsize)(g_utf8_next_char(c) - c);
        bool is_shown = !g_unichar_iscntrl(character) && dm_text_is_valid(c, size);

        if (cleaned->len + size > max)
            break;
        g_string_append_len(cleaned, is_shown ? c : " ", is_shown ? (gssize)size : 1);
    }
    return g_string_free(cleaned, FALSE);
}

static void
set_text(DmSessionEdits *edits, DmProvider *provider, const char *name, const char *value)
{
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, name,
                         value != NULL && *value != '\0' ? value : NULL);
}

static void
notify(DmProvider *provider, DmChangeKind kind, const DmHistoryEntry *ended)
{
    DmChange change = {
        .kind = kind,
        .scope = provider->scope,
        .uid = provider->uid,
        .provider = provider->id,
        .node = kind == DM_CHANGE_PROGRESS ? DM_NODE_FIRST_SYNC : DM_NODE_PROVIDER,
        .ended = ended,
    };

    dm_tree_notify(provider->tree, &change, 1);
}

/* -- begin --------------------------------------------------------------------------------------
 */

void
dm_session_start_clear(DmSessionStart *start)
{
    g_clear_pointer(&start->session_id, g_free);
    g_clear_pointer(&start->token, g_free);
    g_clear_pointer(&start->addresses, g_strfreev);
    g_clear_pointer(&start->account, g_hash_table_unref);
    g_clear_pointer(&start->version, g_free);
    g_clear_pointer(&start->cert0, g_free);
    g_clear_pointer(&start->cert1, g_free);
}

/* What tells one list from another: its entries in their order. */
static char *
digest_list(GStrv listed)
{
    g_autofree char *joined = g_strjoinv("\n", listed);

    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, joined, -1);
}

/* L5: the last address that worked, if no entry of this list ever did; NULL: it is one of them, or
 * none is needed, or none is known. */
static const char *
find_fallback(const DmProvider *provider, GStrv listed, const char *digest)
{
    const char *worked = dm_session_get_text(provider, DM_SESSION_ADDRESS);

    if (*worked == '\0' || listed[0] == NULL ||
        strcmp(dm_session_get_text(provider, DM_SESSION_ADDRESS_LIST), digest) == 0 ||
        g_strv_contains((const char *const *)listed, worked))
        return NULL;
    return worked;
}

/* The candidates in order: from the one that worked last, if the list is still the one it was of;
 * after the last entry the first follows (L2, L3); then the fallback (L5). */
static void
order_addresses(const DmProvider *provider, GStrv listed, const char *digest, DmSessionStart *start)
{
    const char *worked = dm_session_get_text(provider, DM_SESSION_ADDRESS);
    const char *fallback = find_fallback(provider, listed, digest);
    guint n = g_strv_length(listed), first = 0;

    start->addresses = g_new0(char *, n + 2);
    if (strcmp(dm_session_get_text(provider, DM_SESSION_ADDRESS_LIST), digest) == 0)
        for (guint i = 0; i < n; i++)
            if (strcmp(listed[i], worked) == 0)
                first = i;
    for (guint i = 0; i < n; i++)
        start->addresses[i] = g_strdup(listed[(first + i) % n]);
    start->addresses[n] = g_strdup(fallback);
    start->has_fallback = fallback != NULL;
}

/* S1. The counter that is kept goes on; what is sent of it begins anew where four characters end.
 */
static char *
format_session_id(gint64 counter, int version)
{
    if (version < 20)
        return g_strdup_printf("%d", (int)((counter - 1) % MAX_SESSION_ID_DECIMAL) + 1);
    return g_strdup_printf("%X", (guint)((counter - 1) % MAX_SESSION_ID_HEX) + 1);
}

static GHashTable *
copy_account(GHashTable *account)
{
    GHashTable *copy = dm_account_new();
    GHashTableIter iter;
    gpointer name, value;

    g_hash_table_iter_init(&iter, account);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_hash_table_insert(copy, g_strdup(name), g_strdup(value));
    return copy;
}

/* A provider that was not provisioned has no DevId yet: EntDMID, else HWDevID, from the first
 * session on (protocol.md 7). */
static void
edit_dev_id(DmSessionEdits *edits, DmProvider *provider)
{
    const char *dev_id = get_chr(provider, DM_NODE_ENT_DMID);

    if (g_hash_table_contains(provider->account, DM_ACCOUNT_DEV_ID))
        return;
    if (*dev_id == '\0')
        dev_id = get_chr(provider, DM_NODE_HW_DEV_ID);
    if (*dev_id != '\0')
        dm_session_edits_set(edits, provider, DM_STORE_ACCOUNT, DM_ACCOUNT_DEV_ID, dev_id);
}

/* The run's first session starts its clock (F4), in the device tree and in the users'. */
static void
edit_first_sync(DmSessionEdits *edits, const DmProvider *provider)
{
    const GPtrArray *providers = provider->tree->providers;

    for (guint i = 0; i < providers->len; i++) {
        DmProvider *one = g_ptr_array_index(providers, i);

        if (strcmp(one->id, provider->id) == 0)
            dm_first_sync_edit_begin(edits, one);
    }
}

static void
edit_begin(DmSessionEdits *edits, DmProvider *provider, const char *origin,
           const DmSessionStart *start, gint64 counter)
{
    guint n = g_strv_length(start->addresses);
    gint64 now_us = dm_clock_wall_us(provider->tree->options.clock);
    g_autofree char *clean_origin = dm_session_clean(origin, MAX_WORD);

    dm_session_edit_lost(edits, provider, "another session began before its end was reported");
    dm_session_edit_begun(edits, provider, start->token);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_COUNTER, counter);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_ATTEMPT, now_us);
    set_text(edits, provider, DM_SESSION_ORIGIN, clean_origin);
    set_text(edits, provider, DM_SESSION_FALLBACK,
             start->has_fallback ? start->addresses[n - 1] : NULL);
    dm_session_edit_clock(edits, provider, false);
    dm_session_edit_chain(edits, provider);
    if (strcmp(origin, DM_SESSION_ORIGIN_SCHEDULE) == 0)
        dm_session_count_poll(edits, provider);
    edit_dev_id(edits, provider);
    edit_first_sync(edits, provider);
}

/* NULL: not set. */
static char *
copy_chr(const DmProvider *provider, DmNodeId node)
{
    const char *text = get_chr(provider, node);

    return *text != '\0' ? g_strdup(text) : NULL;
}

static void
fill_start(const DmProvider *provider, gint64 counter, DmSessionStart *start)
{
    int version = get_version(provider);

    start->session_id = format_session_id(counter, version);
    start->version = g_strdup_printf("%d.%d", version / 10, version % 10);
    start->account = copy_account(provider->account);
    start->sign = get_bool(provider, DM_NODE_REQUIRE_MESSAGE_SIGNING);
    start->keep_alive = get_bool(provider, DM_NODE_ENABLE_OMA_DM_KEEP_ALIVE_MESSAGE);
    start->security_mode = get_int(provider, DM_NODE_SECURITY_SECURITY_MODE);
    start->cert0 = copy_chr(provider, DM_NODE_SECURITY_CERT0);
    start->cert1 = copy_chr(provider, DM_NODE_SECURITY_CERT1);
    start->must_check = !get_bool(provider, DM_NODE_SECURITY_USE_CERT_IF_REVOCATION_CHECK_OFFLINE);
}

/* E2: of a provider that is to be unenrolled only the session that tells its server. */
static bool
may_begin(const DmTree *tree, const DmProvider *provider, const char *origin, GError **error)
{
    if (dm_unenroll_find_pending(tree, provider->id) == NULL ||
        strcmp(origin, DM_SESSION_ORIGIN_UNENROLL) == 0)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "provider “%s” is being unenrolled: the only session left to it is the one that "
                "tells its server",
                provider->id);
    return false;
}

bool
dm_session_begin(DmTree *tree, const char *provider_id, const char *origin,
                 DmSessionStart *ret_start, GError **error)
{
    DmProvider *provider = dm_session_find_provider(tree, provider_id, error);
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();
    g_auto(DmSessionStart) start = {0};
    g_auto(GStrv) listed = NULL;
    g_autofree char *digest = NULL;
    gint64 counter;

    if (provider == NULL || !may_begin(tree, provider, origin, error))
        return false;
    listed = dm_addresses_split(get_address_text(provider));
    digest = digest_list(listed);
    order_addresses(provider, listed, digest, &start);
    if (start.addresses[0] == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "provider “%s” has no server address: set its %s", provider->id,
                    dm_schema_get(DM_NODE_MANAGEMENT_SERVICE_ADDRESS)->name);
        return false;
    }
    start.token = g_strdup(dm_session_ensure_token(provider, error));
    if (start.token == NULL)
        return false;
    counter = dm_session_get_int(provider, DM_SESSION_COUNTER);
    counter = counter < G_MAXINT64 ? counter + 1 : 1;
    set_text(edits, provider, DM_SESSION_BEGIN_LIST, digest);
    edit_begin(edits, provider, origin, &start, counter);
    if (!dm_session_edits_commit(edits, tree, error))
        return false;
    g_clear_pointer(&provider->next_token, g_free);
    fill_start(provider, counter, &start);
    provider->session_state = DM_SESSION_CONNECTING;
    *ret_start = start;
    start = (DmSessionStart){0};
    notify(provider, DM_CHANGE_SESSION, dm_session_edits_get_over(edits));
    if (dm_provider_has(provider, DM_NODE_FIRST_SYNC))
        notify(provider, DM_CHANGE_PROGRESS, NULL);
    return true;
}

/* -- report -------------------------------------------------------------------------------------
 */

/* L3: remembers the address that worked, unless it was none of the list (L5). */
static void
edit_address(DmSessionEdits *edits, DmProvider *provider, const char *address)
{
    if (address == NULL || strlen(address) > DM_ADDRESS_MAX_BYTES ||
        strcmp(address, dm_session_get_text(provider, DM_SESSION_FALLBACK)) == 0)
        return;
    set_text(edits, provider, DM_SESSION_ADDRESS, address);
    set_text(edits, provider, DM_SESSION_ADDRESS_LIST,
             dm_session_get_text(provider, DM_SESSION_BEGIN_LIST));
}

/* S5: a session that began with the new certificate has worked: the old one can go. */
static void
edit_renewed(DmSessionEdits *edits, DmProvider *provider)
{
    if (g_hash_table_contains(provider->account, DM_ACCOUNT_OLD_THUMBPRINT) &&
        dm_session_get_int(provider, DM_SESSION_COUNTER) >
            dm_session_get_int(provider, DM_SESSION_RENEWED))
        dm_session_edits_set(edits, provider, DM_STORE_ACCOUNT, DM_ACCOUNT_OLD_THUMBPRINT, NULL);
}

static void
edit_end(DmSessionEdits *edits, DmProvider *provider, const DmSessionReport *report)
{
    gint64 now_us = dm_clock_wall_us(provider->tree->options.clock);

    dm_session_edit_over(edits, provider, report);
    dm_session_edit_clock(edits, provider, report->ended == 1);
    dm_session_merge_poll(edits, provider);
    if (report->ended != 1)
        return;
    edit_renewed(edits, provider);
    dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_SUCCESS, now_us);
    if (report->error == NULL)
        set_text(edits, provider, DM_SESSION_ERROR, NULL);
    if (report->message == NULL)
        set_text(edits, provider, DM_SESSION_MESSAGE, NULL);
    edit_address(edits, provider, report->address);
}

static bool
check_commands(const DmSessionReport *report, GError **error)
{
    if (dm_history_check_commands(report->commands, report->n_commands))
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                "a session's report has at most %d commands, each with a verb of SyncML and a "
                "status code",
                DM_HISTORY_MAX_COMMANDS);
    return false;
}

bool
dm_session_report(DmTree *tree, const char *provider_id, const DmSessionReport *report,
                  GError **error)
{
    DmProvider *provider = dm_session_find_provider(tree, provider_id, error);
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();
    g_autofree char *name =
        report->error != NULL ? dm_session_clean(report->error, MAX_WORD) : NULL;
    g_autofree char *message =
        report->message != NULL ? dm_session_clean(report->message, MAX_MESSAGE) : NULL;
    g_autofree char *host = report->address != NULL ? dm_address_get_host(report->address) : NULL;
    int state = report->state;
    bool changed;

    if (provider == NULL || !check_commands(report, error))
        return false;
    if (name != NULL)
        set_text(edits, provider, DM_SESSION_ERROR, name);
    if (message != NULL)
        set_text(edits, provider, DM_SESSION_MESSAGE, message);
    if (host != NULL)
        set_text(edits, provider, DM_SESSION_HOST, host);
    if (report->certificate_expires_us >= 0)
        dm_session_edits_set_int(edits, provider, DM_STORE_SESSION, DM_SESSION_EXPIRES,
                                 report->certificate_expires_us);
    if (report->ended >= 0) {
        edit_end(edits, provider, report);
        state = state >= 0 ? state : DM_SESSION_IDLE;
    }
    changed = !dm_session_edits_is_empty(edits);
    if (!dm_session_edits_commit(edits, tree, error))
        return false;
    if (state >= 0 && state < (int)G_N_ELEMENTS(state_names) && state != provider->session_state) {
        provider->session_state = state;
        changed = true;
    }
    if (changed)
        notify(provider, DM_CHANGE_SESSION, dm_session_edits_get_over(edits));
    return true;
}

/* -- outcomes -----------------------------------------------------------------------------------
 */

bool
dm_session_report_outcome(DmTree *tree, const char *provider_id, gint64 uid, const char *loc_uri,
                          DmStatus status, const char *reason, GError **error)
{
    DmProvider *owners[2] = {dm_session_find_provider(tree, provider_id, error), NULL};
    static const DmContext root = {.uid = -1};
    g_autofree char *canonical = dm_first_sync_canonical(loc_uri);
    g_autofree char *words = dm_session_clean(reason != NULL ? reason : "", MAX_REASON);
    g_autofree char *text = g_strdup_printf("%u %s", (guint)status, words);

    if (owners[0] == NULL)
        return false;
    if (canonical == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "the outcome's LocURI is none");
        return false;
    }
    if (uid >= 0 && uid < G_MAXUINT32)
        owners[1] = dm_tree_find_provider(tree, DM_SCOPE_USER, (guint32)uid, provider_id);
    dm_transaction_begin(tree->transaction, &root);
    for (gsize i = 0; i < G_N_ELEMENTS(owners) && owners[i] != NULL; i++)
        dm_transaction_note_outcome(tree->transaction, owners[i], canonical, text);
    dm_transaction_decide_first_syncs(tree->transaction);
    return dm_transaction_finish(tree->transaction, error);
}
