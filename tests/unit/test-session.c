/* SPDX-License-Identifier: MIT */

#include "tree/session.h"

#include <string.h>

#include "common/account.h"
#include "tests/unit/certificate-text.h"
#include "tests/unit/session-fixture.h"

#define MINUTE_US G_GINT64_CONSTANT(60000000)

/* A whole session at `address`; its candidates were the `|`-separated `expected`. */
static void
assert_addresses(DmTree *tree, const char *expected, const char *address)
{
    g_auto(DmSessionStart) start = begin_session(tree, "api");
    g_autofree char *joined = g_strjoinv("|", start.addresses);

    g_assert_cmpstr(joined, ==, expected);
    g_assert_cmpuint(dm_session_count_addresses(find(tree)) + start.has_fallback, ==,
                     g_strv_length(start.addresses));
    if (address != NULL)
        end_session(tree, address);
}

/* -- begin --------------------------------------------------------------------------------------
 */

static void
test_states(void)
{
    static const char *const names[] = {"idle", "waiting", "connecting", "running", "backing-off"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        DmSessionState state = DM_SESSION_IDLE;

        g_assert_true(dm_session_state_from_name(names[i], &state));
        g_assert_cmpint(state, ==, (int)i);
        g_assert_cmpstr(dm_session_state_to_name(state), ==, names[i]);
    }
    {
        DmSessionState state = DM_SESSION_WAITING;

        g_assert_false(dm_session_state_from_name("Idle", &state));
        g_assert_cmpint(state, ==, DM_SESSION_WAITING);
    }
}

static void
assert_id(DmTree *tree, const char *id, const char *version)
{
    g_auto(DmSessionStart) start = begin_session(tree, "api");

    g_assert_cmpstr(start.session_id, ==, id);
    g_assert_cmpstr(start.version, ==, version);
}

static void
test_session_id(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    for (int i = 1; i <= 11; i++) {
        g_autofree char *id = g_strdup_printf("%d", i);

        assert_id(tree, id, "1.0");
    }
    replace(tree, "/SyncApplicationVersion", "5.0");
    assert_id(tree, "C", "2.0"); /* 12; and no more than MaxSyncApplicationVersion */
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_id(tree, "D", "2.0");
    replace(tree, "/SyncApplicationVersion", "2");
    assert_id(tree, "E", "2.0");
    dm_tree_free(tree);
}

static void
test_token(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (int i = 0; i < 20; i++) {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_true(g_str_has_prefix(start.token, "P-"));
        g_assert_cmpuint(strlen(start.token), ==, strlen("P-") + 32);
        g_assert_true(g_hash_table_add(seen, g_steal_pointer(&start.token)));
    }
}

static void
test_settings(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_false(start.sign);
        g_assert_false(start.keep_alive);
        g_assert_cmpint(start.security_mode, ==, 0);
        g_assert_null(start.cert0);
        g_assert_null(start.cert1);
        g_assert_false(start.must_check);
    }
    replace(tree, "/EnhancedAppLayerSecurity/Cert0", CERTIFICATE_BASE64);
    replace(tree, "/EnhancedAppLayerSecurity/UseCertIfRevocationCheckOffline", "false");
    replace(tree, "/RequireMessageSigning", "true");
    replace(tree, "/EnableOmaDmKeepAliveMessage", "true");
    replace(tree, "/EnhancedAppLayerSecurity/SecurityMode", "1");
    {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_true(start.sign);
        g_assert_true(start.keep_alive);
        g_assert_cmpint(start.security_mode, ==, 1);
        g_assert_cmpstr(start.cert0, ==, CERTIFICATE_BASE64);
        g_assert_null(start.cert1);
        g_assert_true(start.must_check);
    }
}

static void
test_dev_id(Fixture *fixture, gconstpointer data)
{
    DmTree *tree;

    hw_dev_id = NULL; /* else it is that from the start */
    tree = new_tree(fixture);
    replace(tree, "/EntDMID", "first");
    {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_cmpstr(g_hash_table_lookup(start.account, DM_ACCOUNT_DEV_ID), ==, "first");
    }
    replace(tree, "/EntDMID", "second");
    dm_tree_free(tree);
    tree = open_tree(fixture);
    {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_cmpstr(g_hash_table_lookup(start.account, DM_ACCOUNT_DEV_ID), ==, "first");
    }
    dm_tree_free(tree);
    hw_dev_id = "ABCDEF";
}

static void
test_dev_id_of_hardware(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_auto(DmSessionStart) start = begin_session(tree, "api");

    g_assert_cmpstr(g_hash_table_lookup(start.account, DM_ACCOUNT_DEV_ID), ==, "ABCDEF");
}

static void
test_unknown_provider(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    const DmSessionReport nothing = {.state = -1, .ended = -1, .certificate_expires_us = -1};
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    apply(tree, DM_VERB_ADD, "MS%20DM%20Server", "", NULL);
    g_assert_false(dm_session_begin(tree, "Q", "api", &start, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "Q"));
    g_assert_nonnull(strstr(error->message, "MS DM Server"));
    g_assert_null(start.token);
    g_clear_error(&error);
    g_assert_false(dm_session_report(tree, "Q", &nothing, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(dm_session_report_outcome(tree, "Q", -1, "./A", DM_STATUS_OK, NULL, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(dm_session_report_outcome(tree, "P", -1, "A", DM_STATUS_OK, NULL, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(dm_session_begin(tree, "MS DM Server", "api", &start, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "ManagementServiceAddress"));
}

/* -- addresses ----------------------------------------------------------------------------------
 */

static void
test_list_is_the_only_source(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    assert_addresses(tree, "https://one", NULL);
    replace(tree, "/ManagementServerAddressList", "<https://a><https:// b>");
    assert_addresses(tree, "https://a|https://b", NULL);
    replace(tree, "/ManagementServerAddressList", "");
    assert_addresses(tree, "https://one", NULL);
}

static void
test_remembered_address(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    replace(tree, "/ManagementServerAddressList", "<https://a><https://b><https://c>");
    assert_addresses(tree, "https://a|https://b|https://c", "https://b");
    assert_addresses(tree, "https://b|https://c|https://a", NULL);
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_addresses(tree, "https://b|https://c|https://a", "https://c");
    /* The same list again is no change. */
    replace(tree, "/ManagementServerAddressList", "<https://a><https://b><https://c>");
    assert_addresses(tree, "https://c|https://a|https://b", NULL);
    /* A changed one starts at its first entry, though it holds the one that worked. */
    replace(tree, "/ManagementServerAddressList", "<https://d><https://c>");
    assert_addresses(tree, "https://d|https://c", "https://d");
    assert_addresses(tree, "https://d|https://c", NULL);
    dm_tree_free(tree);
}

static void
test_list_changed_in_session(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    replace(tree, "/ManagementServerAddressList", "<https://a><https://b>");
    begin_only(tree, "api");
    replace(tree, "/ManagementServerAddressList", "<https://c><https://b>");
    end_session(tree, "https://b");
    assert_addresses(tree, "https://c|https://b", NULL);
}

static void
test_only_a_regular_end_is_remembered(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    const DmSessionReport bad = {
        .state = -1, .ended = 0, .address = "https://b", .certificate_expires_us = -1};

    replace(tree, "/ManagementServerAddressList", "<https://a><https://b>");
    assert_addresses(tree, "https://a|https://b", NULL);
    report(tree, &bad);
    assert_addresses(tree, "https://a|https://b", NULL);
}

/* A list that differs only in blanks and in what L1 drops is the same list (L3). */
static void
test_blanks_are_no_change(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    replace(tree, "/ManagementServerAddressList", "<https://a><https://b>");
    assert_addresses(tree, "https://a|https://b", "https://b");
    replace(tree, "/ManagementServerAddressList", " <https:// a>\t<https://b> <https://a>");
    assert_addresses(tree, "https://b|https://a", NULL);
}

/* The same with the fallback marked, which is the last of `expected`. */
static void
assert_fallback(DmTree *tree, const char *expected, const char *address)
{
    g_auto(DmSessionStart) start = begin_session(tree, "api");
    g_autofree char *joined = g_strjoinv("|", start.addresses);

    g_assert_true(start.has_fallback);
    g_assert_cmpstr(joined, ==, expected);
    if (address != NULL)
        end_session(tree, address);
}

static void
test_fallback(Fixture *fixture, gconstpointer data)
{
    DmTree *tree = new_tree(fixture);

    assert_addresses(tree, "https://one", "https://one");
    replace(tree, "/ManagementServerAddressList", "<https://a><https://b>");
    /* No entry works: the one that did comes last, and each time again, restarts included. */
    assert_fallback(tree, "https://a|https://b|https://one", NULL);
    dm_tree_free(tree);
    tree = open_tree(fixture);
    assert_fallback(tree, "https://a|https://b|https://one", "https://one");
    assert_fallback(tree, "https://a|https://b|https://one", "https://one");
    /* Another list that has never worked either. */
    replace(tree, "/ManagementServerAddressList", "<https://c>");
    assert_fallback(tree, "https://c|https://one", NULL);
    /* One good session with the list, and there is none any more. */
    assert_fallback(tree, "https://c|https://one", "https://c");
    {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_false(start.has_fallback);
        g_assert_cmpuint(g_strv_length(start.addresses), ==, 1);
        end_session(tree, "https://c");
    }
    /* The next change falls back on that. */
    replace(tree, "/ManagementServerAddressList", "");
    assert_fallback(tree, "https://one|https://c", NULL);
    dm_tree_free(tree);
}

static void
test_no_fallback(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    /* Nothing has ever worked. */
    replace(tree, "/ManagementServerAddressList", "<https://a>");
    assert_addresses(tree, "https://a", NULL);
    /* It is one of the list. */
    replace(tree, "/ManagementServerAddressList", "<https://a><https://b>");
    assert_addresses(tree, "https://a|https://b", "https://b");
    replace(tree, "/ManagementServerAddressList", "<https://c><https://b>");
    {
        g_auto(DmSessionStart) start = begin_session(tree, "api");

        g_assert_false(start.has_fallback);
        g_assert_cmpuint(g_strv_length(start.addresses), ==, 2);
    }
}

/* L6: the first entry of the text starts sessions. */
static void
test_update_starts_at_its_first(Fixture *fixture, gconstpointer data)
{
    const DmContext context = {.uid = -1};
    const DmCommand update = {.verb = DM_VERB_REPLACE,
                              .loc_uri = "./Vendor/MSFT/DMClient/UpdateManagementServiceAddress",
                              .data = "https://c;https://a",
                              .data_size = strlen("https://c;https://a")};
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autoptr(DmReply) reply = NULL;

    replace(tree, "/ManagementServerAddressList", "<https://a><https://b><https://c>");
    assert_addresses(tree, "https://a|https://b|https://c", "https://b");
    reply = dm_tree_apply(tree, &context, &update, 1);
    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
    assert_fallback(tree, "https://c|https://a|https://b", "https://a");
    assert_addresses(tree, "https://a|https://c", NULL);
}

/* L7: nothing acts on it. */
static void
test_upgrade_server_is_only_stored(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);

    replace(tree, "/ManagementServerToUpgradeTo", "https://new");
    assert_addresses(tree, "https://one", "https://one");
    assert_addresses(tree, "https://one", NULL);
}

/* -- report -------------------------------------------------------------------------------------
 */

static void
test_info(Fixture *fixture, gconstpointer data)
{
    const DmSessionReport failed = {.state = -1,
                                    .ended = 0,
                                    .address = "https://one:8443/dm",
                                    .error = "tls",
                                    .message = "the certificate\nhas \x1b[1mexpired",
                                    .certificate_expires_us = START_US};
    DmTree *tree = new_tree(fixture);
    DmSessionInfo info = dm_session_get_info(find(tree));

    g_assert_cmpint(info.state, ==, DM_SESSION_IDLE);
    g_assert_cmpint(info.last_attempt_us, ==, 0);
    g_assert_cmpstr(info.last_error, ==, "");
    g_assert_cmpstr(info.server_host, ==, "");
    begin_only(tree, "push");
    info = dm_session_get_info(find(tree));
    g_assert_cmpint(info.state, ==, DM_SESSION_CONNECTING);
    g_assert_cmpint(info.last_attempt_us, ==, START_US);
    g_assert_cmpstr(info.origin, ==, "push");
    report(tree, &failed);
    dm_tree_free(tree);
    tree = open_tree(fixture);
    info = dm_session_get_info(find(tree));
    g_assert_cmpint(info.state, ==, DM_SESSION_IDLE);
    g_assert_cmpint(info.last_attempt_us, ==, START_US);
    g_assert_cmpint(info.last_success_us, ==, 0);
    g_assert_cmpint(info.certificate_expires_us, ==, START_US);
    g_assert_cmpstr(info.last_error, ==, "tls");
    g_assert_cmpstr(info.last_error_message, ==, "the certificate has  [1mexpired");
    g_assert_cmpstr(info.server_host, ==, "one");
    now_us += MINUTE_US;
    begin_only(tree, "user");
    end_session(tree, "https://one");
    info = dm_session_get_info(find(tree));
    g_assert_cmpint(info.last_success_us, ==, START_US + MINUTE_US);
    g_assert_cmpstr(info.last_error, ==, "");
    g_assert_cmpstr(info.last_error_message, ==, "");
    dm_tree_free(tree);
}

static void
test_hostile_report(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    g_autofree char *endless = g_strnfill(100000, 'x');
    const DmSessionReport hostile = {.state = 99,
                                     .ended = 0,
                                     .address = endless,
                                     .error = endless,
                                     .message = endless,
                                     .certificate_expires_us = G_MAXINT64};
    const DmSessionReport invalid = {.state = -1,
                                     .ended = 0,
                                     .address = "\xff",
                                     .error = "\xff\xfe",
                                     .message = "a\xc3",
                                     .certificate_expires_us = -1};
    DmSessionInfo info;

    report(tree, &hostile);
    info = dm_session_get_info(find(tree));
    g_assert_cmpint(info.state, ==, DM_SESSION_IDLE);
    g_assert_cmpuint(strlen(info.last_error), <=, 64);
    g_assert_cmpuint(strlen(info.last_error_message), <=, 1024);
    report(tree, &invalid);
    info = dm_session_get_info(find(tree));
    g_assert_true(g_utf8_validate(info.last_error, -1, NULL));
    g_assert_true(g_utf8_validate(info.last_error_message, -1, NULL));
}

/* What listeners were told, and what they then saw. */
typedef struct {
    DmTree *tree;
    guint n_session, n_progress;
    DmSessionState state;
    gint64 last_success_us;
} Heard;

static void
on_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    Heard *heard = data;

    for (gsize i = 0; i < n_changes; i++) {
        heard->n_session += changes[i].kind == DM_CHANGE_SESSION;
        heard->n_progress += changes[i].kind == DM_CHANGE_PROGRESS;
        if (changes[i].kind != DM_CHANGE_SESSION)
            continue;
        g_assert_cmpstr(changes[i].provider, ==, "P");
        heard->state = dm_session_get_info(find(heard->tree)).state;
        heard->last_success_us = dm_session_get_info(find(heard->tree)).last_success_us;
    }
}

static void
test_listeners(Fixture *fixture, gconstpointer data)
{
    g_autoptr(DmTree) tree = new_tree(fixture);
    const DmSessionReport running = {
        .state = DM_SESSION_RUNNING, .ended = -1, .certificate_expires_us = -1};
    Heard heard = {.tree = tree};
    g_auto(DmSessionStart) start = {0};

    replace(tree, "/FirstSyncStatus/ExpectedPolicies", "./Vendor/MSFT/Policy/A");
    dm_tree_add_listener(tree, on_changes, &heard);
    start = begin_session(tree, "api");
    g_assert_cmpuint(heard.n_session, ==, 1);
    g_assert_cmpuint(heard.n_progress, ==, 1);
    g_assert_cmpint(heard.state, ==, DM_SESSION_CONNECTING);
    report(tree, &running);
    g_assert_cmpuint(heard.n_session, ==, 2);
    g_assert_cmpint(heard.state, ==, DM_SESSION_RUNNING);
    report(tree, &running); /* nothing new */
    g_assert_cmpuint(heard.n_session, ==, 2);
    end_session(tree, NULL);
    g_assert_cmpuint(heard.n_session, ==, 3);
    g_assert_cmpint(heard.state, ==, DM_SESSION_IDLE);
    g_assert_cmpint(heard.last_success_us, ==, START_US);

    g_assert_true(dm_session_report_outcome(tree, "P", -1, "./Vendor/MSFT/Policy/A", DM_STATUS_OK,
                                            NULL, NULL));
    g_assert_cmpuint(heard.n_progress, ==, 2);
    g_assert_true(dm_session_report_outcome(tree, "P", -1, "./Vendor/MSFT/Policy/A", DM_STATUS_OK,
                                            NULL, NULL));
    g_assert_true(dm_session_report_outcome(tree, "P", -1, "./Vendor/MSFT/Policy/B", DM_STATUS_OK,
                                            NULL, NULL));
    g_assert_cmpuint(heard.n_progress, ==, 2);
}

static void
test_unenroll_deadline(Fixture *fixture, gconstpointer data)
{
    const gint64 day_us = 24 * 60 * MINUTE_US;
    g_autoptr(DmTree) tree = new_tree(fixture);

    g_assert_cmpint(dm_session_get_info(find(tree)).unenroll_deadline_us, ==, 0);
    replace(tree, "/NumberOfDaysAfterLostContactToUnenroll", "30");
    begin_only(tree, "api");
    now_us += day_us;
    end_session(tree, NULL);
    g_assert_cmpint(dm_session_get_info(find(tree)).unenroll_deadline_us, ==,
                    START_US + 31 * day_us);
    replace(tree, "/NumberOfDaysAfterLostContactToUnenroll", "0");
    g_assert_cmpint(dm_session_get_info(find(tree)).unenroll_deadline_us, ==, 0);
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/state-names", test_states);
    ADD("/session/S1-session-id-and-version", test_session_id);
    ADD("/session/token-is-unique", test_token);
    ADD("/session/S2-S3-S4-settings", test_settings);
    ADD("/session/dev-id-is-fixed", test_dev_id);
    ADD("/session/dev-id-of-the-hardware", test_dev_id_of_hardware);
    ADD("/session/unknown-provider-and-no-address", test_unknown_provider);
    ADD("/session/L2-list-is-the-only-source", test_list_is_the_only_source);
    ADD("/session/L3-starts-at-the-one-that-worked", test_remembered_address);
    ADD("/session/L3-list-changed-in-a-session", test_list_changed_in_session);
    ADD("/session/L3-only-a-regular-end-is-remembered", test_only_a_regular_end_is_remembered);
    ADD("/session/L3-blanks-are-no-change", test_blanks_are_no_change);
    ADD("/session/L5-fallback-until-the-new-list-worked", test_fallback);
    ADD("/session/L5-no-fallback-where-none-is-needed", test_no_fallback);
    ADD("/session/L6-update-starts-at-its-first", test_update_starts_at_its_first);
    ADD("/session/L7-upgrade-server-is-only-stored", test_upgrade_server_is_only_stored);
    ADD("/session/info-is-durable", test_info);
    ADD("/session/hostile-report", test_hostile_report);
    ADD("/session/G4-listeners-see-the-new-state", test_listeners);
    ADD("/session/P10-unenroll-deadline", test_unenroll_deadline);
    return g_test_run();
}
