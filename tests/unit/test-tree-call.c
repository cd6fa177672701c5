/* SPDX-License-Identifier: MIT */

#include <glib.h>
#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "common/status.h"
#include "dbus/tree-call.h"
#include "tests/unit/wire-fixture.h"

/* -- helpers -------------------------------------------------------------------------------------
 */

/* Commands as they come out of the wire; NULL if refused. Borrow from `*ret_message`. */
static GArray *
pass_commands(const DmCommand *commands, gsize n, DBusMessage **ret_message)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    DBusMessageIter iter;

    dbus_message_iter_init_append(call, &iter);
    g_assert_true(dm_wire_append_commands(&iter, commands, n));
    *ret_message = send_through_wire(call);
    dbus_message_iter_init(*ret_message, &iter);
    return dm_wire_read_commands(&iter);
}

static void
test_commands(void)
{
    const DmCommand commands[] = {SAMPLE_COMMANDS};
    g_autoptr(DBusMessage) message = NULL;
    g_autoptr(GArray) got = pass_commands(commands, G_N_ELEMENTS(commands), &message);

    g_assert_nonnull(got);
    g_assert_cmpuint(got->len, ==, G_N_ELEMENTS(commands));
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const DmCommand *a = &commands[i];
        const DmCommand *b = &g_array_index(got, DmCommand, i);

        g_assert_cmpint(b->verb, ==, a->verb);
        g_assert_cmpuint(b->span, ==, a->span);
        g_assert_cmpstr(b->loc_uri, ==, a->loc_uri);
        g_assert_cmpstr(b->format, ==, a->format);
        g_assert_cmpstr(b->data, ==, a->data); /* no Data and empty Data are two things (V2) */
        g_assert_cmpuint(b->data_size, ==, a->data_size);
    }
}

static void
test_commands_spans(void)
{
    const DmCommand outside[] = {command(DM_VERB_ATOMIC, 1, NULL, NULL, NULL)};
    const DmCommand on_get[] = {command(DM_VERB_GET, 1, "./a", NULL, NULL),
                                command(DM_VERB_GET, 0, "./b", NULL, NULL)};
    DmCommand deep[DM_BATCH_MAX_DEPTH + 2];
    g_autoptr(DBusMessage) a = NULL, b = NULL, c = NULL, d = NULL;
    g_autoptr(GArray) fits = NULL;

    g_assert_null(pass_commands(outside, 1, &a));
    g_assert_null(pass_commands(on_get, 2, &b));
    for (guint i = 0; i < G_N_ELEMENTS(deep); i++)
        deep[i] = command(DM_VERB_SEQUENCE, (guint)G_N_ELEMENTS(deep) - 1 - i, NULL, NULL, NULL);
    g_assert_null(pass_commands(deep, G_N_ELEMENTS(deep), &c));
    fits = pass_commands(deep + 1, DM_BATCH_MAX_DEPTH + 1, &d);
    g_assert_nonnull(fits);
}

static void
test_commands_number(void)
{
    g_autofree DmCommand *many = g_new(DmCommand, DM_BATCH_MAX + 1);
    g_autoptr(DBusMessage) a = NULL, b = NULL, call = NULL;
    g_autoptr(GArray) fits = NULL;
    g_autoptr(GError) error = NULL;
    const DmContext context = {.uid = -1};

    for (guint i = 0; i <= DM_BATCH_MAX; i++)
        many[i] = command(DM_VERB_GET, 0, "./a", NULL, NULL);
    fits = pass_commands(many, DM_BATCH_MAX, &a);
    g_assert_nonnull(fits);
    g_assert_null(pass_commands(many, DM_BATCH_MAX + 1, &b));
    call = dm_tree_call_new_apply(&context, many, DM_BATCH_MAX + 1, &error);
    g_assert_null(call);
    g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);
}

/* A command whose fields are any, as a hostile peer would send it. */
static bool
is_taken(guint8 verb, dbus_bool_t has_data, const char *data)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(DBusMessage) message = NULL;
    g_autoptr(GArray) got = NULL;
    DBusMessageIter iter, array, entry;
    const char *text = "./a";
    dbus_uint32_t span = 0;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(yussbs)", &array);
    dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_BYTE, &verb);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_UINT32, &span);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &text);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &text);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_BOOLEAN, &has_data);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &data);
    dbus_message_iter_close_container(&array, &entry);
    dbus_message_iter_close_container(&iter, &array);
    message = send_through_wire(call);
    dbus_message_iter_init(message, &iter);
    got = dm_wire_read_commands(&iter);
    return got != NULL;
}

static void
test_commands_fields(void)
{
    g_assert_true(is_taken(DM_VERB_GET, FALSE, ""));
    g_assert_true(is_taken(DM_VERB_RESULTS, TRUE, "x"));
    g_assert_false(is_taken(DM_VERB_RESULTS + 1, FALSE, ""));
    g_assert_false(is_taken(255, FALSE, ""));
    g_assert_false(is_taken(DM_VERB_GET, FALSE, "said to be none"));
}

static void
test_commands_text(void)
{
    const DmCommand bad_uri = command(DM_VERB_GET, 0, "./\xff", NULL, NULL);
    const DmCommand bad_format = command(DM_VERB_GET, 0, "./a", "\xc3", NULL);
    const DmCommand bad_data = command(DM_VERB_REPLACE, 0, "./a", NULL, "\xed\xa0\x80");
    const DmCommand nul = {DM_VERB_REPLACE, 0, "./a", NULL, "a\0b", 3};
    const DmCommand *const all[] = {&bad_uri, &bad_format, &bad_data, &nul};
    const DmContext context = {.uid = -1};

    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(dm_tree_call_new_apply(&context, all[i], 1, &error));
        g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    }
}

static void
test_call_size(void)
{
    g_autofree char *data = g_strnfill(DM_TREE_MAX_CALL, 'x');
    const DmCommand large = command(DM_VERB_REPLACE, 0, "./a", NULL, data);
    const DmContext context = {.uid = -1};
    g_autoptr(DBusMessage) call = NULL;
    g_autoptr(GError) error = NULL;
    char *bytes;
    int size;

    g_assert_null(dm_tree_call_new_apply(&context, &large, 1, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);

    /* What is just taken is a message that the server takes too. */
    data[DM_TREE_MAX_CALL - 8192] = '\0';
    call = dm_tree_call_new_apply(
        &context, &(DmCommand){DM_VERB_REPLACE, 0, "./a", NULL, data, strlen(data)}, 1, NULL);
    g_assert_nonnull(call);
    dbus_message_set_serial(call, 1);
    g_assert_true(dbus_message_marshal(call, &bytes, &size));
    g_assert_cmpint(size, <=, DM_TREE_MAX_CALL);
    dbus_free(bytes);
}

static void
test_reply(void)
{
    g_autoptr(DmReply) reply = dm_reply_new(0);
    g_autoptr(DmReply) got = NULL;
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(DBusMessage) message = NULL;
    DBusMessageIter iter;
    const DmResultItem *items;

    dm_reply_add(reply, DM_STATUS_NOT_FOUND);
    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add_item(reply, "./a", DM_FORMAT_INT, "60", 2);
    dm_reply_add_item(reply, "./b", DM_FORMAT_NODE, "", 0);
    dm_reply_add_item(reply, "./c", DM_FORMAT_NULL, NULL, 0);
    dbus_message_iter_init_append(call, &iter);
    g_assert_true(dm_wire_append_reply(&iter, reply));
    message = send_through_wire(call);
    got = dm_tree_call_read_reply(message, NULL);

    g_assert_nonnull(got);
    g_assert_false(dm_reply_is_stopped(got));
    g_assert_cmpuint(dm_reply_get_size(got), ==, 2);
    g_assert_cmpint(dm_reply_get(got, 0)->status, ==, DM_STATUS_NOT_FOUND);
    g_assert_cmpuint(dm_reply_get(got, 0)->n_items, ==, 0);
    g_assert_cmpint(dm_reply_get(got, 1)->status, ==, DM_STATUS_OK);
    g_assert_cmpuint(dm_reply_get(got, 1)->n_items, ==, 3);
    items = dm_reply_get_items(got, 1);
    g_assert_cmpstr(items[0].loc_uri, ==, "./a");
    g_assert_cmpint(items[0].format, ==, DM_FORMAT_INT);
    g_assert_cmpstr(items[0].data, ==, "60");
    g_assert_cmpuint(items[0].data_size, ==, 2);
    g_assert_cmpstr(items[1].data, ==, "");
    g_assert_cmpint(items[2].format, ==, DM_FORMAT_NULL);
    g_assert_null(items[2].data);
}

/* An answer with one result of `status` and one item of `format`. */
static bool
is_reply_taken(dbus_uint32_t status, guint8 format)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(DmReply) got = NULL;
    g_autoptr(GError) error = NULL;

    append_answer(call, status, format, TRUE, "./a", TRUE);
    got = dm_tree_call_read_reply(call, &error);
    g_assert_true(got == NULL || dm_reply_is_stopped(got));
    g_assert_true((got == NULL) == g_error_matches(error, DM_ERROR, DM_ERROR_INVALID));
    return got != NULL;
}

static void
test_reply_malformed(void)
{
    g_autoptr(DBusMessage) empty = dm_tree_client_new_call("Test");
    g_autoptr(GError) error = NULL;

    g_assert_true(is_reply_taken(200, DM_FORMAT_CHR));
    g_assert_false(is_reply_taken(299, DM_FORMAT_CHR));
    g_assert_false(is_reply_taken(0, DM_FORMAT_CHR));
    g_assert_false(is_reply_taken(200, DM_FORMAT_TIME + 1));
    g_assert_null(dm_tree_call_read_reply(empty, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
}

static GHashTable *
pass_strings(GHashTable *strings)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(DBusMessage) message = NULL;
    DBusMessageIter iter;

    dbus_message_iter_init_append(call, &iter);
    g_assert_true(dm_wire_append_strings(&iter, strings));
    message = send_through_wire(call);
    dbus_message_iter_init(message, &iter);
    return dm_wire_read_strings(&iter);
}

static void
test_account(void)
{
    g_autoptr(GHashTable) account = dm_account_new();
    g_autoptr(GHashTable) got = NULL;

    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_NAME), g_strdup("Contoso"));
    g_hash_table_insert(account, g_strdup("APPSRV/AAUTHSECRET"),
                        g_strnfill(DM_ACCOUNT_MAX_VALUE, 's'));
    got = pass_strings(account);
    g_assert_nonnull(got);
    g_assert_cmpuint(g_hash_table_size(got), ==, 2);
    g_assert_cmpstr(g_hash_table_lookup(got, DM_ACCOUNT_NAME), ==, "Contoso");
    g_assert_cmpuint(strlen(g_hash_table_lookup(got, "APPSRV/AAUTHSECRET")), ==,
                     DM_ACCOUNT_MAX_VALUE);
}

static void
test_account_caps(void)
{
    g_autoptr(GHashTable) many = dm_account_new();
    g_autoptr(GHashTable) long_key = dm_account_new();
    g_autoptr(GHashTable) long_value = dm_account_new();
    g_autoptr(GHashTable) no_key = dm_account_new();
    g_autoptr(GHashTable) got = NULL;

    for (guint i = 0; i < DM_ACCOUNT_MAX_ENTRIES; i++)
        g_hash_table_insert(many, g_strdup_printf("K%u", i), g_strdup(""));
    got = pass_strings(many);
    g_assert_nonnull(got);
    g_hash_table_insert(many, g_strdup("one more"), g_strdup(""));
    g_assert_null(pass_strings(many));
    g_hash_table_insert(long_key, g_strnfill(DM_ACCOUNT_MAX_KEY + 1, 'k'), g_strdup(""));
    g_assert_null(pass_strings(long_key));
    g_hash_table_insert(long_value, g_strdup("k"), g_strnfill(DM_ACCOUNT_MAX_VALUE + 1, 'v'));
    g_assert_null(pass_strings(long_value));
    g_hash_table_insert(no_key, g_strdup(""), g_strdup("v"));
    g_assert_null(pass_strings(no_key));
}

static void
test_session(void)
{
    const char *addresses[] = {"https://a.example/", "https://b.example/", NULL};
    g_autoptr(GHashTable) account = dm_account_new();
    const DmTreeSession session = {
        .session_id = (char *)(gpointer) "1F",
        .token = (char *)(gpointer) "A/31",
        .addresses = (GStrv)(gpointer)addresses,
        .account = account,
        .version = (char *)(gpointer) "2.0",
        .sign = true,
        .security_mode = 3,
        .cert1 = (char *)(gpointer) "MIIB",
        .must_check = true,
        .has_fallback = true,
    };
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(DBusMessage) message = NULL;
    g_auto(DmTreeSession) got = {0};
    DBusMessageIter iter;

    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_DEV_ID), g_strdup("dev"));
    dbus_message_iter_init_append(call, &iter);
    g_assert_true(dm_wire_append_session(&iter, &session));
    message = send_through_wire(call);
    g_assert_true(dm_tree_call_read_session(message, &got, NULL));
    g_assert_cmpstr(got.session_id, ==, "1F");
    g_assert_cmpstr(got.token, ==, "A/31");
    g_assert_cmpuint(g_strv_length(got.addresses), ==, 2);
    g_assert_cmpstr(got.addresses[1], ==, "https://b.example/");
    g_assert_cmpstr(g_hash_table_lookup(got.account, DM_ACCOUNT_DEV_ID), ==, "dev");
    g_assert_cmpstr(got.version, ==, "2.0");
    g_assert_true(got.sign);
    g_assert_false(got.keep_alive);
    g_assert_cmpint(got.security_mode, ==, 3);
    g_assert_null(got.cert0);
    g_assert_cmpstr(got.cert1, ==, "MIIB");
    g_assert_true(got.must_check);
    g_assert_true(got.has_fallback);
}

static void
append_variant(DBusMessageIter *dict, const char *key, int type, const void *value)
{
    const char signature[] = {(char)type, '\0'};
    DBusMessageIter entry, variant;

    dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
    dbus_message_iter_append_basic(&variant, type, value);
    dbus_message_iter_close_container(&entry, &variant);
    dbus_message_iter_close_container(dict, &entry);
}

/* A session of which all but the token is missing. */
static void
test_session_incomplete(void)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(GError) error = NULL;
    DmTreeSession untouched = {.security_mode = 42};
    DBusMessageIter iter, dict;
    const char *text = "A/31";

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    append_variant(&dict, "token", DBUS_TYPE_STRING, &text);
    dbus_message_iter_close_container(&iter, &dict);
    g_assert_false(dm_tree_call_read_session(call, &untouched, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_cmpint(untouched.security_mode, ==, 42);
    g_assert_null(untouched.token);
}

static bool
pass_report(DBusMessage *call, DmTreeReport *ret_report)
{
    DBusMessageIter iter;

    dbus_message_iter_init(call, &iter);
    dbus_message_iter_next(&iter);
    return dm_wire_read_report(&iter, ret_report);
}

static void
test_report(void)
{
    const DmTreeReport failed = {.state = "idle",
                                 .ended = 0,
                                 .address = "https://a.example/",
                                 .error = "tls",
                                 .message = "the certificate has expired",
                                 .certificate_expires_us = 1700000000000000};
    const DmTreeReport nothing = DM_TREE_REPORT_INIT;
    g_autoptr(DBusMessage) a = dm_tree_call_new_report("A", &failed, NULL);
    g_autoptr(DBusMessage) b = dm_tree_call_new_report("A", &nothing, NULL);
    DmTreeReport got;

    g_assert_true(dbus_message_has_signature(a, "sa{sv}"));
    g_assert_true(pass_report(a, &got));
    g_assert_cmpstr(got.state, ==, "idle");
    g_assert_cmpint(got.ended, ==, 0);
    g_assert_cmpstr(got.address, ==, "https://a.example/");
    g_assert_cmpstr(got.error, ==, "tls");
    g_assert_cmpstr(got.message, ==, "the certificate has expired");
    g_assert_cmpint(got.certificate_expires_us, ==, 1700000000000000);

    g_assert_true(pass_report(b, &got));
    g_assert_null(got.state);
    g_assert_cmpint(got.ended, ==, -1);
    g_assert_null(got.error);
    g_assert_cmpint(got.certificate_expires_us, ==, -1);
}

static void
test_report_totals(void)
{
    DmTreeReport report = {.state = "idle",
                           .ended = 1,
                           .certificate_expires_us = -1,
                           .has_totals = true,
                           .totals = {.messages_sent = 3,
                                      .messages_received = 2,
                                      .bytes_sent = G_GUINT64_CONSTANT(5000000000),
                                      .bytes_received = 7,
                                      .commands = {{"Replace", 200, 4}, {"Get", 404, 1}},
                                      .n_commands = 2}};
    g_autoptr(DBusMessage) two = dm_tree_call_new_report("A", &report, NULL);
    g_autoptr(DBusMessage) most = NULL;
    DmTreeReport got;

    g_assert_true(pass_report(two, &got));
    g_assert_true(got.has_totals);
    g_assert_cmpuint(got.totals.messages_sent, ==, 3);
    g_assert_cmpuint(got.totals.messages_received, ==, 2);
    g_assert_cmpuint(got.totals.bytes_sent, ==, G_GUINT64_CONSTANT(5000000000));
    g_assert_cmpuint(got.totals.bytes_received, ==, 7);
    g_assert_cmpuint(got.totals.n_commands, ==, 2);
    g_assert_cmpstr(got.totals.commands[0].verb, ==, "Replace");
    g_assert_cmpuint(got.totals.commands[0].n, ==, 4);
    g_assert_cmpstr(got.totals.commands[1].verb, ==, "Get");
    g_assert_cmpuint(got.totals.commands[1].status, ==, 404);

    for (guint i = 0; i < DM_TREE_MAX_COUNTS; i++)
        report.totals.commands[i] = (DmTreeCount){"Add", i, 1};
    report.totals.n_commands = DM_TREE_MAX_COUNTS;
    most = dm_tree_call_new_report("A", &report, NULL);
    g_assert_true(pass_report(most, &got));
    g_assert_cmpuint(got.totals.n_commands, ==, DM_TREE_MAX_COUNTS);
    report.totals.commands[3].verb = "\xff";
    g_assert_null(dm_tree_call_new_report("A", &report, NULL));
}

/* Whether a report with `n` counts of `verb` is taken. */
static bool
is_count_taken(guint n, const char *verb)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    DBusMessageIter iter, dict, entry, variant, array, fields;
    const char *key = "commands";
    dbus_uint32_t number = 200;
    DmTreeReport got;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a(suu)", &variant);
    dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, "(suu)", &array);
    for (guint i = 0; i < n; i++) {
        dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &fields);
        dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &verb);
        dbus_message_iter_append_basic(&fields, DBUS_TYPE_UINT32, &number);
        dbus_message_iter_append_basic(&fields, DBUS_TYPE_UINT32, &number);
        dbus_message_iter_close_container(&array, &fields);
    }
    dbus_message_iter_close_container(&variant, &array);
    dbus_message_iter_close_container(&entry, &variant);
    dbus_message_iter_close_container(&dict, &entry);
    dbus_message_iter_close_container(&iter, &dict);
    dbus_message_iter_init(call, &iter);
    return dm_wire_read_report(&iter, &got);
}

static bool
is_report_taken(const char *key, int type, const void *value, guint times)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    DBusMessageIter iter, dict;
    DmTreeReport got;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    for (guint i = 0; i < times; i++)
        append_variant(&dict, key, type, value);
    dbus_message_iter_close_container(&iter, &dict);
    dbus_message_iter_init(call, &iter);
    return dm_wire_read_report(&iter, &got);
}

static void
test_report_malformed(void)
{
    const char *text = "idle";
    dbus_uint32_t number = 1;
    dbus_int64_t negative = -1;

    g_assert_true(is_report_taken("state", DBUS_TYPE_STRING, &text, 1));
    g_assert_true(is_report_taken("of a later version", DBUS_TYPE_UINT32, &number, 1));
    g_assert_false(is_report_taken("state", DBUS_TYPE_STRING, &text, 2));
    g_assert_false(is_report_taken("state", DBUS_TYPE_UINT32, &number, 1));
    g_assert_false(is_report_taken("ended", DBUS_TYPE_STRING, &text, 1));
    g_assert_false(is_report_taken("certificate-expires", DBUS_TYPE_INT64, &negative, 1));
    g_assert_true(is_report_taken("messages-sent", DBUS_TYPE_UINT32, &number, 1));
    g_assert_false(is_report_taken("messages-sent", DBUS_TYPE_INT64, &negative, 1));
    g_assert_false(is_report_taken("bytes-sent", DBUS_TYPE_UINT32, &number, 1));
    g_assert_false(is_report_taken("commands", DBUS_TYPE_STRING, &text, 1));
    g_assert_true(is_count_taken(DM_TREE_MAX_COUNTS, "Add"));
    g_assert_false(is_count_taken(DM_TREE_MAX_COUNTS + 1, "Add"));
    g_assert_false(is_count_taken(1, "a verb that is longer than any there is"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/commands-round-trip", test_commands);
    g_test_add_func("/wire/commands-bad-spans-refused", test_commands_spans);
    g_test_add_func("/wire/commands-more-than-the-cap-refused", test_commands_number);
    g_test_add_func("/wire/commands-bad-fields-refused", test_commands_fields);
    g_test_add_func("/wire/commands-invalid-text-never-reaches-libdbus", test_commands_text);
    g_test_add_func("/wire/call-over-the-cap-refused-before-sending", test_call_size);
    g_test_add_func("/wire/reply-round-trip", test_reply);
    g_test_add_func("/wire/reply-malformed-refused", test_reply_malformed);
    g_test_add_func("/wire/account-round-trip", test_account);
    g_test_add_func("/wire/account-caps", test_account_caps);
    g_test_add_func("/wire/session-round-trip", test_session);
    g_test_add_func("/wire/session-incomplete-refused", test_session_incomplete);
    g_test_add_func("/wire/report-round-trip", test_report);
    g_test_add_func("/wire/report-with-totals", test_report_totals);
    g_test_add_func("/wire/report-malformed-refused", test_report_malformed);
    return g_test_run();
}
