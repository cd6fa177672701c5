/* SPDX-License-Identifier: MIT */

#include "plugin/socket-calls.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "dbus/wire.h"
#include "tree/nonce.h"
#include "tree/push.h"
#include "tree/renewal.h"
#include "tree/session.h"
#include "tree/unenroll.h"

/* Most bytes of a session's id, and of the short word that says why a session is begun. */
#define MAX_SESSION 256
#define MAX_ORIGIN 32

/* Most bytes of the reason of an outcome, and of the texts of a report. */
#define MAX_REASON 4096

/* Entries of an account that the tree adds itself (DM_ACCOUNT_DEV_ID, the two thumbprints, the
 * nonce of each level). */
#define OWN_ACCOUNT_ENTRIES 5

/* Callers cannot include tree/, so the flag has a name on either side. */
G_STATIC_ASSERT((guint)DM_PROVISION_CHECK == DM_TREE_PROVISION_CHECK);

/* A uid_t of all ones is nobody. */
#define MAX_UID ((gint64)G_MAXUINT32 - 1)

/* -- answers -------------------------------------------------------------------------------------
 */

DBusMessage *
dm_socket_calls_refuse(DBusMessage *call, DmStatus status, const char *sentence)
{
    g_autofree char *text = g_utf8_make_valid(sentence, -1);

    return dbus_message_new_error(call, dm_status_to_dbus_error(status), text);
}

static DBusMessage *
bad_request(DBusMessage *call, const char *sentence)
{
    return dm_socket_calls_refuse(call, DM_STATUS_BAD_REQUEST, sentence);
}

static DmStatus
status_of(const GError *error)
{
    if (error->domain != DM_ERROR)
        return DM_STATUS_FAILED;
    if (error->code == DM_ERROR_NOT_FOUND)
        return DM_STATUS_NOT_FOUND;
    if (error->code == DM_ERROR_INVALID)
        return DM_STATUS_BAD_REQUEST;
    if (error->code == DM_ERROR_FULL)
        return DM_STATUS_DEVICE_FULL;
    if (error->code == DM_ERROR_STORAGE)
        return DM_STATUS_STORAGE;
    return DM_STATUS_FAILED;
}

static DBusMessage *
refuse_error(DBusMessage *call, const GError *error)
{
    return dm_socket_calls_refuse(call, status_of(error), error->message);
}

/* The tree bounds what a message's answers hold, well below DM_TREE_MAX_ANSWER. */
static DBusMessage *
answer_reply(DBusMessage *call, const DmReply *reply)
{
    DBusMessage *answer = dbus_message_new_method_return(call);
    DBusMessageIter iter;

    dbus_message_iter_init_append(answer, &iter);
    if (dm_wire_append_reply(&iter, reply))
        return answer;
    dbus_message_unref(answer);
    return dm_socket_calls_refuse(call, DM_STATUS_FAILED,
                                  "the answer holds text that is not valid UTF-8");
}

/* -- calls; the signature of the message has been checked ----------------------------------------
 */

static DBusMessage *
on_apply(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GArray) commands = NULL;
    g_autoptr(DmReply) reply = NULL;
    DmContext context = {0};
    DBusMessageIter iter;
    dbus_uint64_t message;
    dbus_int64_t uid;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &context.session);
    dm_wire_next_basic(&iter, &message);
    dm_wire_next_basic(&iter, &context.provider);
    dm_wire_next_basic(&iter, &uid);
    context.message = message;
    context.uid = uid;
    if (strlen(context.session) > MAX_SESSION)
        return bad_request(call, "the session's id is too long");
    if (strlen(context.provider) > DM_URI_MAX_BYTES)
        return bad_request(call, "the provider's id is too long");
    if (uid < -1 || uid > MAX_UID)
        return bad_request(call, "the uid is out of range");
    if (*context.provider == '\0')
        context.provider = NULL;
    commands = dm_wire_read_commands(&iter);
    if (commands == NULL)
        return bad_request(call, "the commands are malformed or too many");
    reply = dm_tree_apply(tree, &context, (const DmCommand *)(void *)commands->data, commands->len);
    return answer_reply(call, reply);
}

static DBusMessage *
on_provision(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GHashTable) account = NULL;
    g_autoptr(GArray) settings = NULL;
    g_autoptr(DmReply) reply = NULL;
    DBusMessageIter iter;
    const char *provider;
    dbus_uint32_t flags;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    account = dm_wire_read_strings(&iter);
    dbus_message_iter_next(&iter);
    settings = dm_wire_read_commands(&iter);
    dbus_message_iter_next(&iter);
    dm_wire_next_basic(&iter, &flags);
    if (strlen(provider) > DM_URI_MAX_BYTES)
        return bad_request(call, "the provider's id is too long");
    if (account == NULL ||
        g_hash_table_size(account) > DM_ACCOUNT_MAX_ENTRIES - OWN_ACCOUNT_ENTRIES)
        return bad_request(call, "the account has too many or too large entries");
    if (settings == NULL)
        return bad_request(call, "the settings are malformed or too many");
    if ((flags & ~(dbus_uint32_t)DM_PROVISION_CHECK) != 0)
        return bad_request(call, "there are flags that this version does not know");
    reply = dm_tree_provision(tree, provider, account, (const DmCommand *)(void *)settings->data,
                              settings->len, (DmProvisionFlags)flags);
    return answer_reply(call, reply);
}

static DBusMessage *
answer_session(DBusMessage *call, const DmSessionStart *start)
{
    const DmTreeSession session = {
        .session_id = start->session_id,
        .token = start->token,
        .addresses = start->addresses,
        .account = start->account,
        .version = start->version,
        .sign = start->sign,
        .keep_alive = start->keep_alive,
        .security_mode = start->security_mode,
        .cert0 = start->cert0,
        .cert1 = start->cert1,
        .must_check = start->must_check,
        .has_fallback = start->has_fallback,
    };
    DBusMessage *answer = dbus_message_new_method_return(call);
    DBusMessageIter iter;

    dbus_message_iter_init_append(answer, &iter);
    if (dm_wire_append_session(&iter, &session))
        return answer;
    dbus_message_unref(answer);
    return dm_socket_calls_refuse(call, DM_STATUS_FAILED,
                                  "the session's data hold text that is not valid UTF-8");
}

static DBusMessage *
on_begin_session(DmTree *tree, DBusMessage *call)
{
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *provider, *origin;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    dm_wire_next_basic(&iter, &origin);
    if (strlen(origin) > MAX_ORIGIN)
        return bad_request(call, "the origin is too long");
    if (!dm_session_begin(tree, provider, origin, &start, &error))
        return refuse_error(call, error);
    return answer_session(call, &start);
}

static bool
is_too_long(const char *text)
{
    return text != NULL && strlen(text) > MAX_REASON;
}

static gint64
get_bytes(const DmTreeReport *wire, guint64 bytes)
{
    return wire->has_totals ? (gint64)MIN(bytes, (guint64)G_MAXINT64) : -1;
}

static DBusMessage *
on_report_session(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GError) error = NULL;
    DmSessionState state = DM_SESSION_IDLE;
    DmHistoryCommand commands[DM_TREE_MAX_COUNTS];
    DmSessionReport report;
    DmTreeReport wire;
    DBusMessageIter iter;
    const char *provider;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    if (!dm_wire_read_report(&iter, &wire))
        return bad_request(call, "the report is malformed");
    if (is_too_long(wire.address) || is_too_long(wire.error) || is_too_long(wire.message))
        return bad_request(call, "a text of the report is too long");
    if (wire.state != NULL && !dm_session_state_from_name(wire.state, &state))
        return bad_request(call, "there is no such state of a session");
    report = (DmSessionReport){
        .state = wire.state != NULL ? (int)state : -1,
        .ended = wire.ended,
        .address = wire.address,
        .error = wire.error,
        .message = wire.message,
        .certificate_expires_us = wire.certificate_expires_us,
        .messages_sent = wire.has_totals ? (gint64)wire.totals.messages_sent : -1,
        .messages_received = wire.has_totals ? (gint64)wire.totals.messages_received : -1,
        .bytes_sent = get_bytes(&wire, wire.totals.bytes_sent),
        .bytes_received = get_bytes(&wire, wire.totals.bytes_received),
        .commands = commands,
        .n_commands = wire.has_totals ? wire.totals.n_commands : 0,
    };
    for (gsize i = 0; i < report.n_commands; i++)
        commands[i] = (DmHistoryCommand){wire.totals.commands[i].verb,
                                         wire.totals.commands[i].status, wire.totals.commands[i].n};
    if (!dm_session_report(tree, provider, &report, &error))
        return refuse_error(call, error);
    return dbus_message_new_method_return(call);
}

/* E3: whoever runs no session to tell the server of the end has ended the one that asked for it.
 * Where the disk fails it stays pending, and is tried again. */
static void
end_unenrolment(DmTree *tree, DBusMessage *call)
{
    DBusMessageIter iter;
    const char *provider;
    DmTreeReport wire;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    if (dm_wire_read_report(&iter, &wire) && wire.ended >= 0)
        (void)dm_tree_finish_unenroll(tree, provider, NULL);
}

static DBusMessage *
on_renew_certificate(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *provider, *thumbprint, *signature;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    dm_wire_next_basic(&iter, &thumbprint);
    dm_wire_next_basic(&iter, &signature);
    if (!dm_tree_renew_certificate(tree, provider, thumbprint, signature, &error))
        return refuse_error(call, error);
    return dbus_message_new_method_return(call);
}

static DBusMessage *
on_renew_nonce(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *provider, *level, *nonce;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    dm_wire_next_basic(&iter, &level);
    dm_wire_next_basic(&iter, &nonce);
    if (!dm_tree_renew_nonce(tree, provider, level, nonce, &error))
        return refuse_error(call, error);
    return dbus_message_new_method_return(call);
}

static DBusMessage *
on_finish_unenroll(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *provider;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    if (!dm_tree_finish_unenroll(tree, provider, &error))
        return refuse_error(call, error);
    return dbus_message_new_method_return(call);
}

static void
append_unenrollment(DBusMessageIter *array, const DmUnenrollment *one)
{
    dbus_int64_t requested = one->requested_us;
    dbus_int64_t done = one->done_us;
    DBusMessageIter entry;

    dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &one->provider);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_INT64, &requested);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_INT64, &done);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &one->by);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &one->reason);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &one->thumbprint);
    dbus_message_iter_close_container(array, &entry);
}

static DBusMessage *
on_get_unenrollments(DmTree *tree, DBusMessage *call)
{
    DBusMessage *answer = dbus_message_new_method_return(call);
    const DmUnenrollment *const *unenrollments;
    DBusMessageIter iter, array;
    gsize n;

    unenrollments = dm_tree_get_unenrollments(tree, &n);
    dbus_message_iter_init_append(answer, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sxxsss)", &array);
    for (gsize i = 0; i < n; i++)
        append_unenrollment(&array, unenrollments[i]);
    dbus_message_iter_close_container(&iter, &array);
    return answer;
}

static DBusMessage *
on_report_outcome(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *provider, *loc_uri, *reason;
    dbus_uint32_t status;
    dbus_int64_t uid;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    dm_wire_next_basic(&iter, &uid);
    dm_wire_next_basic(&iter, &loc_uri);
    dm_wire_next_basic(&iter, &status);
    dm_wire_next_basic(&iter, &reason);
    if (uid < -1 || uid > MAX_UID)
        return bad_request(call, "the uid is out of range");
    if (!dm_status_is_known(status))
        return bad_request(call, "there is no such status");
    if (is_too_long(reason))
        return bad_request(call, "the reason is too long");
    if (!dm_session_report_outcome(tree, provider, uid, loc_uri, (DmStatus)status, reason, &error))
        return refuse_error(call, error);
    return dbus_message_new_method_return(call);
}

static void
append_push(DBusMessageIter *array, const DmTree *tree, const DmProvider *provider)
{
    const char *id = dm_provider_get_id(provider);
    dbus_uint32_t status;
    DBusMessageIter entry;
    DmPushState state;

    if (!dm_push_get_state(provider, &state))
        return;
    status = (dbus_uint32_t)state.status;
    dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &id);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &state.pfn);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &state.channel_uri);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &status);
    dbus_message_iter_close_container(array, &entry);
}

static DBusMessage *
on_report_push(DmTree *tree, DBusMessage *call)
{
    g_autoptr(GError) error = NULL;
    const char *provider, *pfn, *channel_uri;
    DBusMessageIter iter;
    dbus_uint32_t status;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &provider);
    dm_wire_next_basic(&iter, &pfn);
    dm_wire_next_basic(&iter, &channel_uri);
    dm_wire_next_basic(&iter, &status);
    if (!dm_push_set_channel(tree, provider, pfn, channel_uri, status, &error))
        return refuse_error(call, error);
    return dbus_message_new_method_return(call);
}

static DBusMessage *
on_note_login(DmTree *tree, DBusMessage *call)
{
    DBusMessage *answer;
    g_auto(GStrv) providers = NULL;
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter, array;
    dbus_uint32_t uid;
    dbus_bool_t is_new;

    dbus_message_iter_init(call, &iter);
    dm_wire_next_basic(&iter, &uid);
    dm_wire_next_basic(&iter, &is_new);
    if (uid > MAX_UID)
        return bad_request(call, "the uid is out of range");
    if (!dm_session_note_login(tree, uid, is_new, &providers, &error))
        return refuse_error(call, error);
    answer = dbus_message_new_method_return(call);
    dbus_message_iter_init_append(answer, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "s", &array);
    for (gsize i = 0; providers[i] != NULL; i++)
        dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &providers[i]);
    dbus_message_iter_close_container(&iter, &array);
    return answer;
}

static void
append_due(DBusMessageIter *array, const DmTree *tree, const DmProvider *provider)
{
    const char *id = dm_provider_get_id(provider);
    const char *reason = "";
    dbus_int64_t due = dm_session_get_due(tree, provider, &reason);
    DBusMessageIter entry;

    dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &id);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_INT64, &due);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &reason);
    dbus_message_iter_close_container(array, &entry);
}

/* The answer that is an array with an entry for each provider of the device tree. */
static DBusMessage *
answer_providers(const DmTree *tree, DBusMessage *call, const char *signature,
                 void (*append)(DBusMessageIter *array, const DmTree *tree,
                                const DmProvider *provider))
{
    DBusMessage *answer = dbus_message_new_method_return(call);
    DBusMessageIter iter, array;
    DmProvider *const *providers;
    gsize n;

    providers = dm_tree_get_providers(tree, &n);
    dbus_message_iter_init_append(answer, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, signature, &array);
    for (gsize i = 0; i < n; i++) {
        if (dm_provider_get_scope(providers[i]) == DM_SCOPE_DEVICE)
            append(&array, tree, providers[i]);
    }
    dbus_message_iter_close_container(&iter, &array);
    return answer;
}

static DBusMessage *
on_get_due(DmTree *tree, DBusMessage *call)
{
    return answer_providers(tree, call, "(sxs)", append_due);
}

static DBusMessage *
on_get_push(DmTree *tree, DBusMessage *call)
{
    return answer_providers(tree, call, "(sssu)", append_push);
}

static void
append_strings(DBusMessageIter *entry, GStrv texts)
{
    DBusMessageIter strings;

    dbus_message_iter_open_container(entry, DBUS_TYPE_ARRAY, "s", &strings);
    for (gsize i = 0; texts[i] != NULL; i++)
        dbus_message_iter_append_basic(&strings, DBUS_TYPE_STRING, &texts[i]);
    dbus_message_iter_close_container(entry, &strings);
}

static void
append_provider(DBusMessageIter *array, const DmTree *tree, const DmProvider *provider)
{
    const char *id = dm_provider_get_id(provider);
    dbus_uint32_t n_addresses = dm_session_count_addresses(provider);
    g_auto(GStrv) thumbprints = dm_session_get_thumbprints(provider);
    DBusMessageIter entry;

    dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &id);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &n_addresses);
    append_strings(&entry, thumbprints);
    dbus_message_iter_close_container(array, &entry);
}

static DBusMessage *
on_get_providers(DmTree *tree, DBusMessage *call)
{
    return answer_providers(tree, call, "(suas)", append_provider);
}

static void
append_addresses(DBusMessageIter *array, const DmTree *tree, const DmProvider *provider)
{
    const char *id = dm_provider_get_id(provider);
    g_auto(GStrv) addresses = dm_session_get_addresses(provider);
    DBusMessageIter entry;

    dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &id);
    append_strings(&entry, addresses);
    dbus_message_iter_close_container(array, &entry);
}

static DBusMessage *
on_inspect(DmTree *tree, DBusMessage *call)
{
    DBusMessage *answer = answer_providers(tree, call, "(sas)", append_addresses);
    const char *health = dm_tree_get_health(tree);

    dbus_message_append_args(answer, DBUS_TYPE_STRING, &health, DBUS_TYPE_INVALID);
    return answer;
}

static const struct {
    const char *member;
    const char *signature;
    DBusMessage *(*func)(DmTree *tree, DBusMessage *call);
} calls[] = {
    {"Apply", "stsxa(yussbs)", on_apply},
    {"Provision", "sa{ss}a(yussbs)u", on_provision},
    {"BeginSession", "ss", on_begin_session},
    {"ReportSession", "sa{sv}", on_report_session},
    {"ReportOutcome", "sxsus", on_report_outcome},
    {"GetDue", "", on_get_due},
    {"GetProviders", "", on_get_providers},
    {"NoteLogin", "ub", on_note_login},
    {"GetPush", "", on_get_push},
    {"ReportPush", "sssu", on_report_push},
    {"Inspect", "", on_inspect},
    {"FinishUnenroll", "s", on_finish_unenroll},
    {"GetUnenrollments", "", on_get_unenrollments},
    {"RenewCertificate", "sss", on_renew_certificate},
    {"RenewNonce", "sss", on_renew_nonce},
};

DBusMessage *
dm_socket_calls_answer(DmTree *tree, DBusMessage *call, bool attends)
{
    const char *member = dbus_message_get_member(call);
    DBusMessage *answer;

    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        if (strcmp(member, calls[i].member) != 0)
            continue;
        if (!dbus_message_has_signature(call, calls[i].signature)) {
            g_autofree char *sentence =
                g_strdup_printf("%s takes \"%s\"", member, calls[i].signature);

            return bad_request(call, sentence);
        }
        answer = calls[i].func(tree, call);
        if (calls[i].func == on_report_session && !attends &&
            dbus_message_get_type(answer) != DBUS_MESSAGE_TYPE_ERROR)
            end_unenrolment(tree, call);
        return answer;
    }
    return dbus_message_new_error_printf(call, DBUS_ERROR_UNKNOWN_METHOD,
                                         DM_TREE_INTERFACE " has no method %s", member);
}
