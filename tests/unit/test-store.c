/* SPDX-License-Identifier: MIT */

#include <sys/stat.h>

#include "tests/unit/store-fixture.h"

/* -- content ------------------------------------------------------------------------------------
 */

static void
test_round_trip(Fixture *fixture, gconstpointer data)
{
    DmStore *store = open_store(fixture);
    gint64 device, user;
    const char *content = "1 provider device 0 MS DM Server\n"
                          "2 provider user 4294967294 M\xc3\xb6\n"
                          "0 UpdateManagementServiceAddress https://a;https://b\n"
                          "1 UPN \n"
                          "1 RequireMessageSigning true\n"
                          "1 NumberOfDaysAfterLostContactToUnenroll 36500\n"
                          "1 AADSendDeviceToken false\n"
                          "1 Poll -\n"
                          "1 NumberOfFirstRetries 2147483647\n"
                          "1 BodyText two\nlines \xe2\x82\xac\n"
                          "2 FirstSyncStatus -\n"
                          "2 ExpectedPolicies ./a\xef\x80\x80./b\n"
                          "1 text 0 NAME=Server\n"
                          "1 text 2 ./Device/A=404 not found\n"
                          "1 text 1 counter=7\n";

    begin(store);
    device = add_provider(store, DM_SCOPE_DEVICE, 77, "MS DM Server");
    user = add_provider(store, DM_SCOPE_USER, 4294967294, "M\xc3\xb6");
    put_chr(store, device, DM_NODE_PAGE_BODY_TEXT, "two\nlines \xe2\x82\xac");
    put_int(store, device, DM_NODE_POLL_NUMBER_OF_FIRST_RETRIES, 2147483647);
    g_assert_true(dm_store_put_node(store, device, DM_NODE_POLL, NULL, NULL));
    put_bool(store, device, DM_NODE_REQUIRE_MESSAGE_SIGNING, true);
    put_bool(store, device, DM_NODE_AAD_SEND_DEVICE_TOKEN, false);
    put_int(store, device, DM_NODE_NUMBER_OF_DAYS_AFTER_LOST_CONTACT_TO_UNENROLL, 36500);
    put_chr(store, device, DM_NODE_UPN, "");
    g_assert_true(dm_store_put_node(store, user, DM_NODE_FIRST_SYNC, NULL, NULL));
    put_chr(store, user, DM_NODE_FIRST_SYNC_EXPECTED_POLICIES, "./a\xef\x80\x80./b");
    put_chr(store, 0, DM_NODE_ROOT_UPDATE_MANAGEMENT_SERVICE_ADDRESS, "https://a;https://b");
    put_text(store, device, DM_STORE_ACCOUNT, "NAME", "Server");
    put_text(store, device, DM_STORE_SESSION, "counter", "7");
    put_text(store, device, DM_STORE_OUTCOME, "./Device/A", "404 not found");
    commit(store);
    assert_content(store, content);
    dm_store_free(store);
    store = open_store(fixture);
    assert_content(store, content);
    dm_store_free(store);
}

static void
test_change_and_delete(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmStore) store = open_store(fixture);
    gint64 one, two;

    begin(store);
    one = add_provider(store, DM_SCOPE_DEVICE, 0, "One");
    two = add_provider(store, DM_SCOPE_DEVICE, 0, "Two");
    put_chr(store, one, DM_NODE_UPN, "before");
    put_chr(store, one, DM_NODE_ENT_DMID, "id");
    put_chr(store, two, DM_NODE_UPN, "two");
    put_text(store, one, DM_STORE_SESSION, "a", "1");
    put_text(store, one, DM_STORE_SESSION, "b", "2");
    put_text(store, one, DM_STORE_OUTCOME, "./A", "200 ");
    put_text(store, two, DM_STORE_SESSION, "a", "3");
    commit(store);

    begin(store);
    put_chr(store, one, DM_NODE_UPN, "after");
    g_assert_true(dm_store_delete_node(store, one, DM_NODE_ENT_DMID, NULL));
    put_text(store, one, DM_STORE_SESSION, "a", NULL);
    put_text(store, one, DM_STORE_SESSION, "b", "4");
    put_text(store, one, DM_STORE_OUTCOME, NULL, NULL);
    commit(store);
    assert_content(store, "1 provider device 0 One\n2 provider device 0 Two\n"
                          "1 UPN after\n2 UPN two\n1 text 1 b=4\n2 text 1 a=3\n");

    begin(store);
    g_assert_true(dm_store_delete_provider(store, one, NULL));
    commit(store);
    assert_content(store, "2 provider device 0 Two\n2 UPN two\n2 text 1 a=3\n");
}

static void
test_key_is_used_once(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmStore) store = open_store(fixture);
    gint64 before;

    begin(store);
    before = add_provider(store, DM_SCOPE_DEVICE, 0, "One");
    commit(store);
    begin(store);
    g_assert_true(dm_store_delete_provider(store, before, NULL));
    g_assert_cmpint(add_provider(store, DM_SCOPE_DEVICE, 0, "One"), >, before);
    commit(store);
}

static void
test_rollback(Fixture *fixture, gconstpointer data)
{
    DmStore *store;

    make_one(fixture);
    store = open_store(fixture);
    begin(store);
    put_chr(store, 1, DM_NODE_UPN, "changed");
    add_provider(store, DM_SCOPE_DEVICE, 0, "Two");
    dm_store_rollback(store);
    assert_content(store, "1 provider device 0 One\n1 UPN a@b\n");
    /* Closing in the middle of a transaction is a roll-back too. */
    begin(store);
    put_chr(store, 1, DM_NODE_UPN, "changed");
    dm_store_free(store);
    store = open_store(fixture);
    assert_content(store, "1 provider device 0 One\n1 UPN a@b\n");
    dm_store_free(store);
}

/* Nothing is written that could not be read back; the rest of the transaction stays possible. */
static void
test_refuses_what_it_would_not_read(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmStore) store = open_store(fixture);
    g_autoptr(GError) error = NULL;
    g_autofree char *long_text = g_strnfill(1025, 'x');
    const DmValue too_long = {.format = DM_FORMAT_CHR, .u.chr = long_text};
    const DmValue number = dm_value_new_int(9);
    gint64 key;

    begin(store);
    key = add_provider(store, DM_SCOPE_DEVICE, 0, "One");
    g_assert_false(dm_store_put_node(store, key, DM_NODE_UPN, &too_long, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_STORAGE);
    g_assert_false(dm_store_put_node(store, key, DM_NODE_UPN, &number, NULL));
    g_assert_false(dm_store_put_node(store, key, DM_NODE_PUSH_STATUS, &number, NULL));
    g_assert_false(dm_store_put_node(store, key, DM_NODE_UPN, NULL, NULL));
    g_assert_false(dm_store_put_node(store, 0, DM_NODE_UPN, &too_long, NULL));
    g_assert_false(dm_store_put_text(store, key, DM_STORE_SESSION, "a", "\xff", NULL));
    commit(store);
    assert_content(store, "1 provider device 0 One\n");
    g_assert_false(dm_store_is_read_only(store));
}

/* -- replies ------------------------------------------------------------------------------------
 */

/* `expected` NULL: the session is not known. */
static void
assert_reply(DmStore *store, const char *session, guint64 message, const char *expected)
{
    guint64 found = 0;
    g_autoptr(GBytes) bytes = dm_store_find_reply(store, session, &found);

    g_assert_true((bytes == NULL) == (expected == NULL));
    if (expected == NULL)
        return;
    g_assert_cmpuint(found, ==, message);
    assert_same(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), expected, strlen(expected));
}

static void
test_replies(Fixture *fixture, gconstpointer data)
{
    DmStore *store = open_store(fixture);

    assert_reply(store, "s", 0, NULL);
    put_reply(store, "s", 1, "first");
    put_reply(store, "t", G_MAXUINT64, "");
    put_reply(store, "s", 2, "second");
    dm_store_free(store);
    store = open_store(fixture);
    assert_reply(store, "s", 2, "second");
    assert_reply(store, "t", G_MAXUINT64, "");
    assert_reply(store, "S", 0, NULL);
    /* Rolled back with its message. */
    {
        g_autoptr(GBytes) bytes = g_bytes_new_static("third", 5);

        begin(store);
        g_assert_true(dm_store_put_reply(store, "s", 3, bytes, NULL));
        dm_store_rollback(store);
    }
    assert_reply(store, "s", 2, "second");
    dm_store_free(store);
}

static void
test_most_recent_replies(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmStore) store = open_store(fixture);

    for (int i = 0; i < 64; i++) {
        g_autofree char *session = g_strdup_printf("s%d", i);

        put_reply(store, session, 1, session);
    }
    put_reply(store, "s0", 2, "again"); /* s1 is the oldest now */
    put_reply(store, "new", 1, "new");
    assert_reply(store, "s1", 0, NULL);
    assert_reply(store, "s0", 2, "again");
    assert_reply(store, "s2", 1, "s2");
    assert_reply(store, "new", 1, "new");
}

/* A host that asks for the same again after months of sessions gets the same reply. */
static void
test_servers_sessions_push_out_their_own(Fixture *fixture, gconstpointer data)
{
    static const char tail[] = "0123456789abcdef0123456789abcde";
    g_autoptr(DmStore) store = open_store(fixture);

    put_reply(store, "osconfig-1.", 1, "once");
    put_reply(store, "0123456789abcdef0123456789abcdefg", 1, "no server's");
    for (guint i = 0; i < 65; i++) {
        g_autofree char *session = g_strdup_printf("P%u-%s%x", i, tail, i % 16);

        put_reply(store, session, 1, session);
    }
    assert_reply(store, "osconfig-1.", 1, "once");
    assert_reply(store, "0123456789abcdef0123456789abcdefg", 1, "no server's");
    assert_reply(store, "P0-0123456789abcdef0123456789abcde0", 0, NULL);
    assert_reply(store, "P1-0123456789abcdef0123456789abcde1", 1,
                 "P1-0123456789abcdef0123456789abcde1");
}

/* What a person sees with the sqlite3 shell. */
static void
test_readable_view(Fixture *fixture, gconstpointer data)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;

    make_one(fixture);
    g_assert_cmpint(sqlite3_open(fixture->db, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT scope, uid, provider, path, value FROM tree", -1,
                                       &row, NULL),
                    ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(row), ==, SQLITE_ROW);
    g_assert_cmpstr((const char *)sqlite3_column_text(row, 0), ==, "device");
    g_assert_cmpstr((const char *)sqlite3_column_text(row, 2), ==, "One");
    g_assert_cmpstr((const char *)sqlite3_column_text(row, 3), ==, "Provider/{ProviderID}/UPN");
    g_assert_cmpstr((const char *)sqlite3_column_text(row, 4), ==, "a@b");
    g_assert_cmpint(sqlite3_step(row), ==, SQLITE_DONE);
    sqlite3_finalize(row);
    sqlite3_close(db);
}

/* More than the log holds: it is written back on the way, and all is there. */
static void
test_many_commits(Fixture *fixture, gconstpointer data)
{
    g_autofree char *log = g_strconcat(fixture->db, "-wal", NULL);
    g_autofree char *text = g_strnfill(1000, 'x');
    DmStore *store = open_store(fixture);
    g_autoptr(GString) content = g_string_new(NULL);
    struct stat info;

    for (int round = 0; round < 4; round++) {
        begin(store);
        for (int i = 0; i < 1500; i++) {
            g_autofree char *id = g_strdup_printf("p%d-%d", round, i);

            put_chr(store, add_provider(store, DM_SCOPE_DEVICE, 0, id), DM_NODE_UPN, text);
        }
        commit(store);
    }
    g_assert_cmpint(stat(log, &info), ==, 0);
    g_assert_cmpint(info.st_size, <, 8 * 1024 * 1024);
    g_assert_true(dm_store_load(store, &reader, content, NULL));
    dm_store_free(store);
    g_assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    store = open_store(fixture);
    assert_content(store, content->str);
    dm_store_free(store);
}

/* A commit does not make the log longer, but now and then: it is laid out for what comes. */
static void
test_laid_out(Fixture *fixture, gconstpointer data)
{
    g_autofree char *log = g_strconcat(fixture->db, "-wal", NULL);
    DmStore *store = open_store(fixture);
    goffset size = 0;
    guint n_grown = 0;
    gint64 key;

    begin(store);
    key = add_provider(store, DM_SCOPE_DEVICE, 0, "One");
    commit(store);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *text = g_strdup_printf("%u", i);
        struct stat info;

        begin(store);
        put_chr(store, key, DM_NODE_UPN, text);
        commit(store);
        g_assert_cmpint(stat(log, &info), ==, 0);
        n_grown += info.st_size != size;
        size = info.st_size;
    }
    g_assert_cmpuint(n_grown, >, 1);
    g_assert_cmpuint(n_grown, <, 20);
    dm_store_free(store);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/store/round-trip", test_round_trip);
    ADD("/store/change-and-delete", test_change_and_delete);
    ADD("/store/E3-a-key-is-used-once", test_key_is_used_once);
    ADD("/store/M1-roll-back", test_rollback);
    ADD("/store/refuses-what-it-would-not-read", test_refuses_what_it_would_not_read);
    ADD("/store/replies", test_replies);
    ADD("/store/replies-of-64-most-recent-sessions", test_most_recent_replies);
    ADD("/store/servers-sessions-push-out-their-own", test_servers_sessions_push_out_their_own);
    ADD("/store/readable-view", test_readable_view);
    ADD("/store/many-commits", test_many_commits);
    ADD("/store/log-is-laid-out", test_laid_out);
    return g_test_run();
}
