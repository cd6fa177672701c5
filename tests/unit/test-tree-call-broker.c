/* SPDX-License-Identifier: MIT */

#include <glib.h>
#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"

/* -- files ---------------------------------------------------------------------------------------
 */

static GArray *
pass_files(DBusMessage *call)
{
    DBusMessageIter iter;

    dbus_message_iter_init(call, &iter);
    dbus_message_iter_next(&iter);
    return dm_wire_read_files(&iter);
}

static void
test_files(void)
{
    const DmTreeFile files[] = {{"session-journal.txt", "a\0b", 3}, {"check.json", "", 0}};
    g_autoptr(GError) error = NULL;
    g_autoptr(DBusMessage) call =
        dm_tree_call_new_hand_logs("r1", files, G_N_ELEMENTS(files), &error);
    g_autoptr(GArray) got = NULL;
    const DmTreeFile *file;

    g_assert_no_error(error);
    g_assert_true(dbus_message_has_signature(call, "sa(say)"));
    g_assert_true(dbus_message_has_member(call, "HandLogs"));
    got = pass_files(call);
    g_assert_nonnull(got);
    g_assert_cmpuint(got->len, ==, 2);
    file = &g_array_index(got, DmTreeFile, 0);
    g_assert_cmpstr(file->name, ==, "session-journal.txt");
    g_assert_cmpuint(file->size, ==, 3);
    g_assert_true(memcmp(file->data, "a\0b", 3) == 0);
    g_assert_cmpuint(g_array_index(got, DmTreeFile, 1).size, ==, 0);
}

static void
test_files_refused(void)
{
    static const char *const names[] = {"", ".", ".hidden", "../up", "a/b", "A", "a_b", "a b"};
    g_autofree char *large = g_malloc0(DM_TREE_MAX_FILE + 1);
    const DmTreeFile too_large = {"a", large, DM_TREE_MAX_FILE + 1};
    DmTreeFile many[DM_TREE_MAX_FILES + 1];
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const DmTreeFile file = {names[i], "", 0};

        g_assert_null(dm_tree_call_new_hand_logs("r", &file, 1, &error));
        g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
        g_clear_error(&error);
    }
    g_assert_null(dm_tree_call_new_hand_logs("\xff", NULL, 0, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(dm_tree_call_new_hand_logs("r", &too_large, 1, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);
    g_clear_error(&error);
    for (gsize i = 0; i < G_N_ELEMENTS(many); i++)
        many[i] = (DmTreeFile){"a", "", 0};
    g_assert_null(dm_tree_call_new_hand_logs("r", many, G_N_ELEMENTS(many), &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);
}

/* What the other side refuses of a peer that holds to nothing. */
static bool
is_file_taken(const char *name, guint n, gsize size)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autofree char *data = g_malloc0(size + 1);
    g_autoptr(GArray) got = NULL;
    DBusMessageIter iter, array, fields, bytes;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(say)", &array);
    for (guint i = 0; i < n; i++) {
        dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &fields);
        dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &name);
        dbus_message_iter_open_container(&fields, DBUS_TYPE_ARRAY, "y", &bytes);
        dbus_message_iter_append_fixed_array(&bytes, DBUS_TYPE_BYTE, &data, (int)size);
        dbus_message_iter_close_container(&fields, &bytes);
        dbus_message_iter_close_container(&array, &fields);
    }
    dbus_message_iter_close_container(&iter, &array);
    dbus_message_iter_init(call, &iter);
    got = dm_wire_read_files(&iter);
    return got != NULL;
}

static void
test_files_of_a_stranger(void)
{
    g_assert_true(is_file_taken("a", DM_TREE_MAX_FILES, 10));
    g_assert_false(is_file_taken("a", DM_TREE_MAX_FILES + 1, 10));
    g_assert_false(is_file_taken("a", 1, DM_TREE_MAX_FILE + 1));
    g_assert_false(is_file_taken("../a", 1, 1));
    g_assert_true(is_file_taken("a", 0, 0));
}

/* -- providers and dues --------------------------------------------------------------------------
 */

static DBusMessage *
make_providers(guint n_thumbprints)
{
    DBusMessage *call = dm_tree_client_new_call("Test");
    const char *id = "A", *thumbprint = "00ff";
    dbus_uint32_t n = 2;
    DBusMessageIter iter, array, fields, strings;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(suas)", &array);
    dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &fields);
    dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &id);
    dbus_message_iter_append_basic(&fields, DBUS_TYPE_UINT32, &n);
    dbus_message_iter_open_container(&fields, DBUS_TYPE_ARRAY, "s", &strings);
    for (guint i = 0; i < n_thumbprints; i++)
        dbus_message_iter_append_basic(&strings, DBUS_TYPE_STRING, &thumbprint);
    dbus_message_iter_close_container(&fields, &strings);
    dbus_message_iter_close_container(&array, &fields);
    dbus_message_iter_close_container(&iter, &array);
    return call;
}

static void
test_inspection(void)
{
    for (guint n = 0; n <= DM_TREE_MAX_ADDRESSES + 1; n += DM_TREE_MAX_ADDRESSES + 1) {
        g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
        const char *id = "A", *address = "https://a/", *sent = "ok", *health = NULL;
        g_autoptr(GPtrArray) got = NULL;
        DBusMessageIter iter, array, fields, strings;

        dbus_message_iter_init_append(call, &iter);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sas)", &array);
        dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &fields);
        dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &id);
        dbus_message_iter_open_container(&fields, DBUS_TYPE_ARRAY, "s", &strings);
        for (guint i = 0; i < n; i++)
            dbus_message_iter_append_basic(&strings, DBUS_TYPE_STRING, &address);
        dbus_message_iter_close_container(&fields, &strings);
        dbus_message_iter_close_container(&array, &fields);
        dbus_message_iter_close_container(&iter, &array);
        g_assert_null(dm_wire_read_inspection(call, &health)); /* no health */
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &sent);
        got = dm_wire_read_inspection(call, &health);
        g_assert_true((got != NULL) == (n <= DM_TREE_MAX_ADDRESSES));
        if (got != NULL)
            g_assert_cmpstr(health, ==, "ok");
    }
}

static GPtrArray *
pass_providers(DBusMessage *message)
{
    DBusMessageIter iter;

    dbus_message_iter_init(message, &iter);
    return dm_wire_read_providers(&iter);
}

static void
test_providers(void)
{
    g_autoptr(DBusMessage) good = make_providers(2);
    g_autoptr(DBusMessage) endless = make_providers(100);
    g_autoptr(DBusMessage) other = dm_tree_client_new_call("Test");
    g_autoptr(GPtrArray) providers = pass_providers(good);
    const DmTreeProvider *provider;

    g_assert_cmpuint(providers->len, ==, 1);
    provider = providers->pdata[0];
    g_assert_cmpstr(provider->id, ==, "A");
    g_assert_cmpuint(provider->n_addresses, ==, 2);
    g_assert_cmpuint(g_strv_length(provider->thumbprints), ==, 2);
    g_assert_null(pass_providers(endless));
    g_assert_null(pass_providers(other));
}

static void
test_dues(void)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
    g_autoptr(DBusMessage) other = make_providers(1);
    g_autoptr(GArray) dues = NULL;
    const char *id = "A", *reason = "first";
    dbus_int64_t due_us = 42;
    DBusMessageIter iter, array, fields;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(sxs)", &array);
    dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &fields);
    dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &id);
    dbus_message_iter_append_basic(&fields, DBUS_TYPE_INT64, &due_us);
    dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &reason);
    dbus_message_iter_close_container(&array, &fields);
    dbus_message_iter_close_container(&iter, &array);
    dbus_message_iter_init(call, &iter);
    dues = dm_wire_read_dues(&iter);
    g_assert_cmpuint(dues->len, ==, 1);
    g_assert_cmpstr(g_array_index(dues, DmTreeDue, 0).provider, ==, "A");
    g_assert_cmpint(g_array_index(dues, DmTreeDue, 0).due_us, ==, 42);
    dbus_message_iter_init(other, &iter);
    g_assert_null(dm_wire_read_dues(&iter));
}

/* -- SyncRequested -------------------------------------------------------------------------------
 */

static bool
is_request_taken(dbus_int64_t uid, DmTreeSyncRequest *ret_request)
{
    g_autoptr(DBusMessage) signal =
        dbus_message_new_signal(DM_TREE_PATH, DM_TREE_INTERFACE, "SyncRequested");
    const char *provider = "A", *session = "A-1", *origin = "user";

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &provider, DBUS_TYPE_STRING, &session,
                             DBUS_TYPE_STRING, &origin, DBUS_TYPE_INT64, &uid, DBUS_TYPE_INVALID);
    if (!dm_wire_read_sync_request(signal, ret_request))
        return false;
    g_assert_cmpstr(ret_request->provider, ==, "A");
    g_assert_cmpstr(ret_request->session, ==, "A-1");
    g_assert_cmpstr(ret_request->origin, ==, "user");
    return true;
}

static void
test_sync_request(void)
{
    g_autoptr(DBusMessage) other =
        dbus_message_new_signal(DM_TREE_PATH, DM_TREE_INTERFACE, "SyncRequested");
    DmTreeSyncRequest request = {.uid = 7};

    g_assert_false(is_request_taken(-2, &request));
    g_assert_false(is_request_taken((dbus_int64_t)G_MAXUINT32, &request));
    g_assert_false(dm_wire_read_sync_request(other, &request));
    g_assert_cmpint(request.uid, ==, 7);
    g_assert_true(is_request_taken(-1, &request));
    g_assert_true(is_request_taken(1000, &request));
    g_assert_cmpint(request.uid, ==, 1000);
}

static void
test_session_certificate_cap(void)
{
    static const struct {
        gsize size;
        bool is_read;
    } cases[] = {{DM_TREE_MAX_CERTIFICATE, true}, {DM_TREE_MAX_CERTIFICATE + 1, false}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *addresses[] = {NULL};
        g_autoptr(GHashTable) account = dm_account_new();
        g_autofree char *text = g_strnfill(cases[i].size, 'A');
        const DmTreeSession session = {
            .addresses = (GStrv)(gpointer)addresses, .account = account, .cert0 = text};
        g_autoptr(DBusMessage) call = dm_tree_client_new_call("Test");
        g_auto(DmTreeSession) got = {0};
        DBusMessageIter iter;

        dbus_message_iter_init_append(call, &iter);
        g_assert_true(dm_wire_append_session(&iter, &session));
        dbus_message_iter_init(call, &iter);
        g_assert_true(dm_wire_read_session(&iter, &got) == cases[i].is_read);
        g_assert_false(got.must_check);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tree-call-broker/files-round-trip", test_files);
    g_test_add_func("/tree-call-broker/files-over-a-cap-are-not-sent", test_files_refused);
    g_test_add_func("/tree-call-broker/files-over-a-cap-are-not-taken", test_files_of_a_stranger);
    g_test_add_func("/tree-call-broker/providers", test_providers);
    g_test_add_func("/tree-call-broker/dues", test_dues);
    g_test_add_func("/tree-call-broker/sync-request", test_sync_request);
    g_test_add_func("/tree-call-broker/certificate-over-the-cap-is-not-taken",
                    test_session_certificate_cap);
    g_test_add_func("/tree-call-broker/inspection", test_inspection);
    return g_test_run();
}
