/* SPDX-License-Identifier: MIT */

/* The two dictionaries of the tree socket: what BeginSession answers, what ReportSession brings. */

#include <string.h>

#include "common/account.h"
#include "dbus/tree-call.h"

/* Most keys that a dictionary may have, entries of its list of strings, and bytes of a text in it.
 */
#define MAX_KEYS 64
#define MAX_STRINGS 256
#define MAX_TEXT 65536

/* An entry of a report's commands. */
#define COUNT "(suu)"
#define MAX_VERB 32

static bool
text_is_valid(const char *text)
{
    return text == NULL || dbus_validate_utf8(text, NULL);
}

static bool
append_basic(DBusMessageIter *dict, const char *key, int type, const void *value)
{
    const char signature[] = {(char)type, '\0'};
    DBusMessageIter entry, variant;

    return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
           dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
           dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant) &&
           dbus_message_iter_append_basic(&variant, type, value) &&
           dbus_message_iter_close_container(&entry, &variant) &&
           dbus_message_iter_close_container(dict, &entry);
}

static bool
append_text(DBusMessageIter *dict, const char *key, const char *text)
{
    if (text == NULL)
        text = "";
    return append_basic(dict, key, DBUS_TYPE_STRING, &text);
}

static bool
append_list(DBusMessageIter *dict, const char *key, const char *const *strings)
{
    DBusMessageIter entry, variant, array;
    bool good = dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
                dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
                dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "as", &variant) &&
                dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "s", &array);

    for (gsize i = 0; good && strings[i] != NULL; i++)
        good = dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &strings[i]);
    return good && dbus_message_iter_close_container(&variant, &array) &&
           dbus_message_iter_close_container(&entry, &variant) &&
           dbus_message_iter_close_container(dict, &entry);
}

static bool
append_map(DBusMessageIter *dict, const char *key, GHashTable *strings)
{
    DBusMessageIter entry, variant;

    return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
           dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
           dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a{ss}", &variant) &&
           dm_wire_append_strings(&variant, strings) &&
           dbus_message_iter_close_container(&entry, &variant) &&
           dbus_message_iter_close_container(dict, &entry);
}

/* Everything is checked before a container is opened (see tree-call-wire.c). */
static bool
session_is_valid(const DmTreeSession *session)
{
    GHashTableIter each;
    gpointer key, value;

    for (gsize i = 0; session->addresses[i] != NULL; i++) {
        if (!text_is_valid(session->addresses[i]))
            return false;
    }
    g_hash_table_iter_init(&each, session->account);
    while (g_hash_table_iter_next(&each, &key, &value)) {
        if (!text_is_valid(key) || !text_is_valid(value))
            return false;
    }
    return text_is_valid(session->session_id) && text_is_valid(session->token) &&
           text_is_valid(session->version) && text_is_valid(session->cert0) &&
           text_is_valid(session->cert1);
}

bool
dm_wire_append_session(DBusMessageIter *iter, const DmTreeSession *session)
{
    DBusMessageIter dict;
    dbus_bool_t sign = session->sign;
    dbus_bool_t keep_alive = session->keep_alive;
    dbus_bool_t must_check = session->must_check;
    dbus_bool_t has_fallback = session->has_fallback;

    return session_is_valid(session) &&
           dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
           append_text(&dict, "session-id", session->session_id) &&
           append_text(&dict, "token", session->token) &&
           append_list(&dict, "addresses", (const char *const *)session->addresses) &&
           append_map(&dict, "account", session->account) &&
           append_text(&dict, "version", session->version) &&
           append_basic(&dict, "sign", DBUS_TYPE_BOOLEAN, &sign) &&
           append_basic(&dict, "keep-alive", DBUS_TYPE_BOOLEAN, &keep_alive) &&
           append_basic(&dict, "security-mode", DBUS_TYPE_INT64, &session->security_mode) &&
           (!session->cert0 || append_text(&dict, "cert0", session->cert0)) &&
           (!session->cert1 || append_text(&dict, "cert1", session->cert1)) &&
           (!session->must_check ||
            append_basic(&dict, "must-check", DBUS_TYPE_BOOLEAN, &must_check)) &&
           (!session->has_fallback ||
            append_basic(&dict, "fallback", DBUS_TYPE_BOOLEAN, &has_fallback)) &&
           dbus_message_iter_close_container(iter, &dict);
}

static bool
append_counts(DBusMessageIter *dict, const DmTreeTotals *totals)
{
    const char *key = "commands";
    DBusMessageIter entry, variant, array;
    bool good = dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
                dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
                dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a" COUNT, &variant) &&
                dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, COUNT, &array);

    for (guint i = 0; good && i < totals->n_commands; i++) {
        const DmTreeCount *count = &totals->commands[i];
        DBusMessageIter fields;

        good = dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &fields) &&
               dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &count->verb) &&
               dbus_message_iter_append_basic(&fields, DBUS_TYPE_UINT32, &count->status) &&
               dbus_message_iter_append_basic(&fields, DBUS_TYPE_UINT32, &count->n) &&
               dbus_message_iter_close_container(&array, &fields);
    }
    return good && dbus_message_iter_close_container(&variant, &array) &&
           dbus_message_iter_close_container(&entry, &variant) &&
           dbus_message_iter_close_container(dict, &entry);
}

static bool
append_totals(DBusMessageIter *dict, const DmTreeTotals *totals)
{
    return append_basic(dict, "messages-sent", DBUS_TYPE_UINT32, &totals->messages_sent) &&
           append_basic(dict, "messages-received", DBUS_TYPE_UINT32, &totals->messages_received) &&
           append_basic(dict, "bytes-sent", DBUS_TYPE_UINT64, &totals->bytes_sent) &&
           append_basic(dict, "bytes-received", DBUS_TYPE_UINT64, &totals->bytes_received) &&
           append_counts(dict, totals);
}

static bool
report_is_valid(const DmTreeReport *report)
{
    if (!text_is_valid(report->state) || !text_is_valid(report->address) ||
        !text_is_valid(report->error) || !text_is_valid(report->message) ||
        report->totals.n_commands > DM_TREE_MAX_COUNTS)
        return false;
    for (guint i = 0; i < report->totals.n_commands; i++) {
        if (!text_is_valid(report->totals.commands[i].verb))
            return false;
    }
    return true;
}

bool
dm_wire_append_report(DBusMessageIter *iter, const DmTreeReport *report)
{
    DBusMessageIter dict;
    dbus_bool_t ended = report->ended > 0;

    return report_is_valid(report) &&
           dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
           (report->state == NULL || append_text(&dict, "state", report->state)) &&
           (report->ended < 0 || append_basic(&dict, "ended", DBUS_TYPE_BOOLEAN, &ended)) &&
           (report->address == NULL || append_text(&dict, "address", report->address)) &&
           (report->error == NULL || append_text(&dict, "error", report->error)) &&
           (report->message == NULL || append_text(&dict, "message", report->message)) &&
           (report->certificate_expires_us < 0 ||
            append_basic(&dict, "certificate-expires", DBUS_TYPE_INT64,
                         &report->certificate_expires_us)) &&
           (!report->has_totals || append_totals(&dict, &report->totals)) &&
           dbus_message_iter_close_container(iter, &dict);
}

/* Calls `field` for each entry with the variant's content; false if it does, for a key that comes
 * twice, or if this is no a{sv}. */
typedef bool (*FieldFunc)(const char *key, DBusMessageIter *value, gpointer data);

static bool
read_dict(DBusMessageIter *iter, FieldFunc field, gpointer data)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    DBusMessageIter dict;

    if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(iter) != DBUS_TYPE_DICT_ENTRY)
        return false;
    dbus_message_iter_recurse(iter, &dict);
    while (dbus_message_iter_get_arg_type(&dict) != DBUS_TYPE_INVALID) {
        DBusMessageIter entry, variant;
        const char *key;

        dbus_message_iter_recurse(&dict, &entry);
        if (dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_STRING)
            return false;
        dbus_message_iter_get_basic(&entry, &key);
        dbus_message_iter_next(&entry);
        if (dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_VARIANT)
            return false;
        dbus_message_iter_recurse(&entry, &variant);
        if (g_hash_table_size(seen) == MAX_KEYS || !g_hash_table_add(seen, (gpointer)key) ||
            !field(key, &variant, data))
            return false;
        dbus_message_iter_next(&dict);
    }
    return true;
}

static bool
read_basic(DBusMessageIter *value, int type, void *ret)
{
    if (dbus_message_iter_get_arg_type(value) != type)
        return false;
    dbus_message_iter_get_basic(value, ret);
    return true;
}

static bool
read_text(DBusMessageIter *value, const char **ret_text)
{
    const char *text;

    if (!read_basic(value, DBUS_TYPE_STRING, &text) || strlen(text) > MAX_TEXT)
        return false;
    *ret_text = text;
    return true;
}

static bool
read_own_text(DBusMessageIter *value, char **ret_text)
{
    const char *text;

    if (!read_text(value, &text))
        return false;
    *ret_text = g_strdup(text);
    return true;
}

static bool
read_certificate(DBusMessageIter *value, char **ret_text)
{
    const char *text;

    if (!read_text(value, &text) || strlen(text) > DM_TREE_MAX_CERTIFICATE)
        return false;
    *ret_text = g_strdup(text);
    return true;
}

static bool
read_bool(DBusMessageIter *value, bool *ret_boolean)
{
    dbus_bool_t boolean;

    if (!read_basic(value, DBUS_TYPE_BOOLEAN, &boolean))
        return false;
    *ret_boolean = boolean;
    return true;
}

static bool
read_list(DBusMessageIter *value, GStrv *ret_strings)
{
    g_autoptr(GStrvBuilder) strings = g_strv_builder_new();
    DBusMessageIter array;
    guint n = 0;

    if (dbus_message_iter_get_arg_type(value) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(value) != DBUS_TYPE_STRING)
        return false;
    dbus_message_iter_recurse(value, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        const char *text;

        if (n++ == MAX_STRINGS || !read_text(&array, &text))
            return false;
        g_strv_builder_add(strings, text);
        dbus_message_iter_next(&array);
    }
    *ret_strings = g_strv_builder_end(strings);
    return true;
}

/* A session, and how many of its fields have come. */
typedef struct {
    DmTreeSession session;
    guint n_fields;
} SessionReading;

#define N_SESSION_FIELDS 8

static bool
read_session_field(const char *key, DBusMessageIter *value, gpointer data)
{
    SessionReading *reading = data;
    DmTreeSession *session = &reading->session;

    if (strcmp(key, "fallback") == 0)
        return read_bool(value, &session->has_fallback);
    if (strcmp(key, "must-check") == 0)
        return read_bool(value, &session->must_check);
    if (strcmp(key, "cert0") == 0)
        return read_certificate(value, &session->cert0);
    if (strcmp(key, "cert1") == 0)
        return read_certificate(value, &session->cert1);
    reading->n_fields++;
    if (strcmp(key, "session-id") == 0)
        return read_own_text(value, &session->session_id);
    if (strcmp(key, "token") == 0)
        return read_own_text(value, &session->token);
    if (strcmp(key, "addresses") == 0)
        return read_list(value, &session->addresses);
    if (strcmp(key, "account") == 0)
        return (session->account = dm_wire_read_strings(value)) != NULL;
    if (strcmp(key, "version") == 0)
        return read_own_text(value, &session->version);
    if (strcmp(key, "sign") == 0)
        return read_bool(value, &session->sign);
    if (strcmp(key, "keep-alive") == 0)
        return read_bool(value, &session->keep_alive);
    if (strcmp(key, "security-mode") == 0)
        return read_basic(value, DBUS_TYPE_INT64, &session->security_mode);
    reading->n_fields--;
    return true;
}

bool
dm_wire_read_session(DBusMessageIter *iter, DmTreeSession *ret_session)
{
    SessionReading reading = {0};

    if (!read_dict(iter, read_session_field, &reading) || reading.n_fields != N_SESSION_FIELDS) {
        dm_tree_session_clear(&reading.session);
        return false;
    }
    *ret_session = reading.session;
    return true;
}

void
dm_tree_session_clear(DmTreeSession *session)
{
    g_clear_pointer(&session->session_id, g_free);
    g_clear_pointer(&session->token, g_free);
    g_clear_pointer(&session->cert0, g_free);
    g_clear_pointer(&session->cert1, g_free);
    g_clear_pointer(&session->addresses, g_strfreev);
    g_clear_pointer(&session->account, g_hash_table_unref);
    g_clear_pointer(&session->version, g_free);
}

static bool
read_counts(DBusMessageIter *value, DmTreeTotals *totals)
{
    char *signature = dbus_message_iter_get_signature(value);
    bool good = g_strcmp0(signature, "a" COUNT) == 0;
    DBusMessageIter array;

    dbus_free(signature);
    if (!good)
        return false;
    dbus_message_iter_recurse(value, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DmTreeCount *count = &totals->commands[totals->n_commands];
        DBusMessageIter fields;

        if (totals->n_commands == DM_TREE_MAX_COUNTS)
            return false;
        dbus_message_iter_recurse(&array, &fields);
        dbus_message_iter_get_basic(&fields, &count->verb);
        dbus_message_iter_next(&fields);
        dbus_message_iter_get_basic(&fields, &count->status);
        dbus_message_iter_next(&fields);
        dbus_message_iter_get_basic(&fields, &count->n);
        if (strlen(count->verb) > MAX_VERB)
            return false;
        totals->n_commands++;
        dbus_message_iter_next(&array);
    }
    return true;
}

/* False where a total is none; `*ret_is_total`: whether the key is one of theirs. */
static bool
read_total(const char *key, DBusMessageIter *value, DmTreeReport *report, bool *ret_is_total)
{
    DmTreeTotals *totals = &report->totals;

    *ret_is_total = true;
    if (strcmp(key, "messages-sent") == 0)
        return read_basic(value, DBUS_TYPE_UINT32, &totals->messages_sent);
    if (strcmp(key, "messages-received") == 0)
        return read_basic(value, DBUS_TYPE_UINT32, &totals->messages_received);
    if (strcmp(key, "bytes-sent") == 0)
        return read_basic(value, DBUS_TYPE_UINT64, &totals->bytes_sent);
    if (strcmp(key, "bytes-received") == 0)
        return read_basic(value, DBUS_TYPE_UINT64, &totals->bytes_received);
    if (strcmp(key, "commands") == 0)
        return read_counts(value, totals);
    *ret_is_total = false;
    return true;
}

static bool
read_report_field(const char *key, DBusMessageIter *value, gpointer data)
{
    DmTreeReport *report = data;
    bool is_total;

    if (!read_total(key, value, report, &is_total))
        return false;
    report->has_totals = report->has_totals || is_total;
    if (strcmp(key, "state") == 0)
        return read_text(value, &report->state);
    if (strcmp(key, "ended") == 0) {
        bool ended;

        if (!read_bool(value, &ended))
            return false;
        report->ended = ended;
        return true;
    }
    if (strcmp(key, "address") == 0)
        return read_text(value, &report->address);
    if (strcmp(key, "error") == 0)
        return read_text(value, &report->error);
    if (strcmp(key, "message") == 0)
        return read_text(value, &report->message);
    if (strcmp(key, "certificate-expires") == 0)
        return read_basic(value, DBUS_TYPE_INT64, &report->certificate_expires_us) &&
               report->certificate_expires_us >= 0;
    return true;
}

bool
dm_wire_read_report(DBusMessageIter *iter, DmTreeReport *ret_report)
{
    DmTreeReport report = DM_TREE_REPORT_INIT;

    if (!read_dict(iter, read_report_field, &report))
        return false;
    *ret_report = report;
    return true;
}
