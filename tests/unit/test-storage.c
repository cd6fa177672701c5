/* SPDX-License-Identifier: MIT */

/* What the tree asks of the store, and what becomes of a message when the disk fails (M1, M4, G5).
 * This program brings a store of its own in the place of tree/store*.c: it notes each call, and
 * fails where it is told to. */

#include "common/account.h"
#include "common/error.h"
#include "tests/unit/tree-fixture.h"
#include "tree/session.h"
#include "tree/tree-private.h"

struct DmStore {
    GString *calls;
    const char *fail_at; /* name of the call that fails */
    int code;
    bool is_read_only;
    gint64 next_key;
    GHashTable *replies; /* session → GBytes */
    guint64 message;
};

static bool note(DmStore *store, GError **error, const char *call, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static bool
note(DmStore *store, GError **error, const char *call, const char *format, ...)
{
    va_list arguments;

    g_string_append(store->calls, call);
    va_start(arguments, format);
    g_string_append_vprintf(store->calls, format, arguments);
    va_end(arguments);
    g_string_append_c(store->calls, '\n');
    if (g_strcmp0(store->fail_at, call) != 0)
        return true;
    g_set_error(error, DM_ERROR, store->code, "no %s", call);
    return false;
}

void
dm_store_free(DmStore *store)
{
    if (store == NULL)
        return;
    g_string_free(store->calls, TRUE);
    g_hash_table_unref(store->replies);
    g_free(store);
}

bool
dm_store_load(DmStore *store, const DmStoreReader *reader, gpointer data, GError **error)
{
    const DmValue address = {.format = DM_FORMAT_CHR, .u.chr = (char[]){"https://old.example"}};

    reader->on_provider(1, DM_SCOPE_DEVICE, 0, "A", data);
    reader->on_node(1, DM_NODE_MANAGEMENT_SERVICE_ADDRESS, &address, data);
    reader->on_node(1, DM_NODE_FIRST_SYNC, NULL, data);
    reader->on_text(1, DM_STORE_ACCOUNT, DM_ACCOUNT_DEV_ID, "dev", data);
    reader->on_text(1, DM_STORE_OUTCOME, "./a", "200", data);
    return store->fail_at == NULL || note(store, error, "load", "%s", "");
}

bool
dm_store_load_unenrollments(DmStore *store, DmStoreUnenrollmentFunc func, gpointer data,
                            GError **error)
{
    return true;
}

GBytes *
dm_store_find_reply(DmStore *store, const char *session, guint64 *ret_message)
{
    GBytes *reply = g_hash_table_lookup(store->replies, session);

    if (reply == NULL)
        return NULL;
    *ret_message = store->message;
    return g_bytes_ref(reply);
}

bool
dm_store_begin(DmStore *store, GError **error)
{
    if (store->is_read_only) {
        g_set_error_literal(error, DM_ERROR, DM_ERROR_STORAGE, "read-only");
        return false;
    }
    return note(store, error, "begin", "%s", "");
}

bool
dm_store_add_provider(DmStore *store, DmScope scope, guint32 uid, const char *id, gint64 *ret_key,
                      GError **error)
{
    *ret_key = ++store->next_key;
    return note(store, error, "add", " %s %u %s", scope == DM_SCOPE_USER ? "user" : "device", uid,
                id);
}

bool
dm_store_delete_provider(DmStore *store, gint64 key, GError **error)
{
    return note(store, error, "drop", " %" G_GINT64_FORMAT, key);
}

bool
dm_store_put_node(DmStore *store, gint64 key, DmNodeId node, const DmValue *value, GError **error)
{
    char buffer[DM_VALUE_TEXT_MAX];

    return note(store, error, "put", " %" G_GINT64_FORMAT " %s %s", key, dm_schema_get(node)->name,
                value == NULL ? "-" : dm_value_to_text(value, buffer));
}

bool
dm_store_delete_node(DmStore *store, gint64 key, DmNodeId node, GError **error)
{
    return note(store, error, "delete", " %" G_GINT64_FORMAT " %s", key, dm_schema_get(node)->name);
}

bool
dm_store_put_text(DmStore *store, gint64 key, DmStoreKind kind, const char *name, const char *value,
                  GError **error)
{
    /* Times and counters come along, in any order. */
    if (kind == DM_STORE_SESSION && g_strcmp0(name, "chain") != 0)
        return true;
    return note(store, error, "text", " %" G_GINT64_FORMAT " %d %s %s", key, (int)kind,
                name == NULL ? "all" : name, value == NULL ? "-" : value);
}

bool
dm_store_put_reply(DmStore *store, const char *session, guint64 message, GBytes *reply,
                   GError **error)
{
    g_hash_table_replace(store->replies, g_strdup(session), g_bytes_ref(reply));
    store->message = message;
    return note(store, error, "reply", " %s %" G_GUINT64_FORMAT, session, message);
}

bool
dm_store_put_unenrollment(DmStore *store, const DmStoreUnenrollment *unenrollment, GError **error)
{
    return note(store, error, "unenrolment", " %s %" G_GINT64_FORMAT " %s %s",
                unenrollment->provider, unenrollment->enrolment, unenrollment->by,
                unenrollment->done_us == 0 ? "pending" : "done");
}

bool
dm_store_put_history(DmStore *store, gint64 key, const DmStoreHistory *row, GError **error)
{
    return note(store, error, "history", " %" G_GINT64_FORMAT " %s", key, row->result);
}

bool
dm_store_load_history(DmStore *store, gint64 key, DmStoreHistoryFunc func, gpointer data,
                      GError **error)
{
    return note(store, error, "read", " %" G_GINT64_FORMAT, key);
}

bool
dm_store_delete_replies(DmStore *store, const char *id, const char *session, GError **error)
{
    return note(store, error, "replies", " %s %s", id, session);
}

bool
dm_store_commit(DmStore *store, GError **error)
{
    return note(store, error, "commit", "%s", "");
}

void
dm_store_rollback(DmStore *store)
{
    (void)note(store, NULL, "rollback", "%s", "");
}

bool
dm_store_is_full(const DmStore *store)
{
    return false;
}

bool
dm_store_is_read_only(const DmStore *store)
{
    return store->is_read_only;
}

/* -----------------------------------------------------------------------------------------------
 */

static DmStore *
new_store(void)
{
    DmStore *store = g_new0(DmStore, 1);

    store->calls = g_string_new(NULL);
    store->next_key = 1;
    store->replies =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
    return store;
}

static DmTree *
new_tree(DmStore *store)
{
    g_autoptr(GError) error = NULL;
    DmTree *tree = dm_tree_new(store, NULL, &error);

    g_assert_no_error(error);
    return tree;
}

#define ASSERT_CALLS(STORE, TEXT)                                                                  \
    do {                                                                                           \
        g_assert_cmpstr((STORE)->calls->str, ==, TEXT);                                            \
        g_string_truncate((STORE)->calls, 0);                                                      \
    } while (0)

static void
test_m1_one_transaction_of_net_changes(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmContext context = {.session = "s", .message = 3, .uid = 1000};
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/UPN", "1"),
        REPLACE(PROVIDER_A "/UPN", "2"),
        ADD(PROVIDER_A "/Poll/PollOnLogin", "true"),
        ADD(PROVIDER_A "/Push", NULL),
        DELETE(PROVIDER_A "/Push"),
        DELETE(PROVIDER_A "/FirstSyncStatus"),
        ADD(USER_A, NULL),
        ADD(ROOT "/Provider/B", NULL),
        REPLACE(ROOT "/Provider/B/EntDMID", "ent"),
        REPLACE(ROOT "/UpdateManagementServiceAddress", "https://old.example"),
    };
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, G_N_ELEMENTS(commands));

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_assert_cmpuint(STATUS(reply, i), ==, 200);
    ASSERT_CALLS(store, "begin\n"
                        "put 0 UpdateManagementServiceAddress https://old.example\n"
                        "text 1 1 chain 15/10 0/0 0/0\n"
                        "put 1 ManagementServiceAddress <https://old.example>\n"
                        "put 1 UPN 2\n"
                        "put 1 Poll -\n"
                        "put 1 PollOnLogin true\n"
                        "delete 1 FirstSyncStatus\n"
                        "text 1 2 all -\n"
                        "add device 0 B\n"
                        "put 2 EntDMID ent\n"
                        "put 2 FirstSyncStatus -\n"
                        "text 2 0 DevId ent\n"
                        "text 2 1 chain none\n"
                        "add user 1000 A\n"
                        "reply s 3\n"
                        "commit\n");
}

static void
test_m1_nothing_changed_nothing_written(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmContext context = {.session = "s", .message = 1, .uid = -1};
    const DmCommand commands[] = {
        GET(PROVIDER_A),
        REPLACE(PROVIDER_A "/ManagementServiceAddress", "https://old.example"),
        REPLACE(PROVIDER_A "/Nothing", "x"),
        ADD(PROVIDER_A "/Poll", NULL),
        DELETE(PROVIDER_A "/Poll"),
    };
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, G_N_ELEMENTS(commands));

    ASSERT_STATUSES(reply, 200, 200, 404, 200, 200);
    ASSERT_CALLS(store, "");
}

static void
test_m1_provider_deleted_and_made_again(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmCommand commands[] = {DELETE(PROVIDER_A), ADD(PROVIDER_A, NULL),
                                  REPLACE(PROVIDER_A "/UPN", "u")};
    const DmCommand later[] = {REPLACE(PROVIDER_A "/UPN", "v")};
    g_autoptr(DmReply) reply = APPLY(tree, NULL, commands);
    g_autoptr(DmReply) second = NULL;

    ASSERT_STATUSES(reply, 200, 200, 200);
    ASSERT_CALLS(store, "begin\ndrop 1\nadd device 0 A\nput 2 UPN u\nput 2 FirstSyncStatus -\n"
                        "text 2 1 chain none\nunenrolment A 1 root done\nreplies A \ncommit\n");
    second = APPLY(tree, NULL, later);
    ASSERT_STATUSES(second, 200);
    ASSERT_CALLS(store, "begin\nput 2 UPN v\ncommit\n");
}

/* F5: with the run go its outcomes, and they come back when it does. */
static void
test_f5_outcomes(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");
    const DmCommand bad[] = {ATOMIC(2), DELETE(PROVIDER_A "/FirstSyncStatus"),
                             GET(PROVIDER_A "/UPN")};
    const DmCommand good[] = {DELETE(PROVIDER_A "/FirstSyncStatus"),
                              ADD(PROVIDER_A "/FirstSyncStatus", NULL)};
    g_autoptr(DmReply) first = APPLY(tree, "A", bad);
    g_autoptr(DmReply) second = NULL;

    ASSERT_STATUSES(first, 507, 216, 500);
    g_assert_true(g_hash_table_contains(provider->outcomes, "./a"));
    second = APPLY(tree, NULL, good);
    ASSERT_STATUSES(second, 200, 200);
    g_assert_cmpuint(g_hash_table_size(provider->outcomes), ==, 0);
    ASSERT_CALLS(store, "begin\ntext 1 2 all -\ncommit\n");
}

typedef struct {
    const char *call;
    int code;
    guint status;
} Failure;

static const Failure failures[] = {
    {"begin", DM_ERROR_STORAGE, 510},  {"begin", DM_ERROR_FULL, 420},
    {"put", DM_ERROR_STORAGE, 510},    {"put", DM_ERROR_FULL, 420},
    {"add", DM_ERROR_FULL, 420},       {"text", DM_ERROR_STORAGE, 510},
    {"delete", DM_ERROR_STORAGE, 510}, {"drop", DM_ERROR_STORAGE, 510},
    {"reply", DM_ERROR_FULL, 420},     {"commit", DM_ERROR_STORAGE, 510},
    {"commit", DM_ERROR_FULL, 420},
};

/* What is in memory is what is on disk. */
static void
assert_as_before(DmTree *tree)
{
    ASSERT_READS(tree, ROOT "/Provider", "A/old");
    ASSERT_READS(tree, PROVIDER_A,
                 "ManagementServiceAddress/FirstSyncStatus/EnhancedAppLayerSecurity/Unenroll");
    ASSERT_USER_READS(tree, 7, "./User/Vendor/MSFT/DMClient/Provider", "");
    g_assert_true(g_hash_table_contains(
        dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A")->outcomes, "./a"));
    /* P6: a chain that began anew did not. */
    g_assert_false(g_hash_table_contains(
        dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A")->session, "chain"));
}

/* Everything that a message can do, and each way it can fail on disk. */
static void
test_m4_store_fails(gconstpointer data)
{
    const Failure *failure = data;
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    g_autoptr(GString) heard = g_string_new(NULL);
    const DmContext context = {.session = "s", .message = 1, .uid = 7};
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/UPN", "u"),
        GET(PROVIDER_A "/UPN"),
        GET(PROVIDER_A "/ManagementServiceAddress"),
        REPLACE(PROVIDER_A "/Nothing", "u"),
        SEQUENCE(1),
        REPLACE(PROVIDER_A "/ManagementServiceAddress", "https://new.example"),
        GET(PROVIDER_A "/ManagementServiceAddress"),
        ATOMIC(2),
        ADD(PROVIDER_A "/Poll/PollOnLogin", "1"),
        EXEC(PROVIDER_A "/Unenroll", NULL),
        ATOMIC(1),
        REPLACE(PROVIDER_A "/Nothing", "u"),
        EXEC(PROVIDER_A "/Unenroll", NULL),
        DELETE(PROVIDER_A "/FirstSyncStatus"),
        ADD(ROOT "/Provider/B", NULL),
        REPLACE(ROOT "/Provider/B/EntDMID", "ent"),
        ADD("./User/Vendor/MSFT/DMClient/Provider/A", NULL),
        ADD(ROOT "/Provider/C", NULL),
        DELETE(ROOT "/Provider/C"),
        DELETE(ROOT "/Provider/old"),
    };
    const guint bad = failure->status;
    g_autoptr(DmReply) made = NULL;
    g_autoptr(DmReply) reply = NULL;
    const DmCommand old[] = {ADD(ROOT "/Provider/old", NULL)};

    made = APPLY(tree, NULL, old);
    ASSERT_STATUSES(made, 200);
    g_string_truncate(store->calls, 0);
    dm_tree_add_listener(tree, fixture_listen, heard);
    store->fail_at = failure->call;
    store->code = failure->code;
    reply = dm_tree_apply(tree, &context, commands, G_N_ELEMENTS(commands));
    ASSERT_STATUSES(reply, bad, 404, 200, 404, 200, bad, 200, 507, bad, 500, 507, 404, 500, bad,
                    bad, bad, bad, bad, bad, bad);
    /* Each Get is answered from what is on disk. */
    g_assert_cmpstr(dm_reply_get_items(reply, 2)->data, ==, "https://old.example");
    g_assert_cmpstr(dm_reply_get_items(reply, 6)->data, ==, "https://old.example");
    g_assert_cmpstr(heard->str, ==, "");
    assert_as_before(tree);
    /* A commit that fails is rolled back by the store itself. */
    g_assert_cmpint(strstr(store->calls->str, "rollback") != NULL, ==,
                    strcmp(failure->call, "begin") != 0 && strcmp(failure->call, "commit") != 0);
}

/* When the disk is well again the message before is answered as it was, and the next one works. */
static void
test_m4_disk_is_well_again(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmContext context = {.session = "s", .message = 1, .provider = "A", .uid = -1};
    const DmContext next = {.session = "s", .message = 2, .provider = "A", .uid = -1};
    const DmCommand commands[] = {REPLACE(PROVIDER_A "/UPN", "u")};
    g_autoptr(DmReply) first = NULL;
    g_autoptr(DmReply) resent = NULL;
    g_autoptr(DmReply) second = NULL;

    store->fail_at = "begin";
    store->code = DM_ERROR_FULL;
    first = dm_tree_apply(tree, &context, commands, 1);
    ASSERT_STATUSES(first, 420);
    store->fail_at = NULL;
    resent = dm_tree_apply(tree, &context, commands, 1);
    ASSERT_STATUSES(resent, 420);
    second = dm_tree_apply(tree, &next, commands, 1);
    ASSERT_STATUSES(second, 200);
    ASSERT_READS(tree, PROVIDER_A "/UPN", "u");
}

/* G7: the answers that are given anew have the whole bound to themselves. */
static void
test_m4_answers_are_given_anew(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    g_autofree char *large = g_strnfill(60000, ' ');
    DmCommand commands[101];
    g_autoptr(DmReply) reply = NULL;

    g_assert_cmpuint(RUN(tree, "A", REPLACE(PROVIDER_A "/FirstSyncStatus/ExpectedPolicies", large)),
                     ==, 200);
    for (gsize i = 0; i < 100; i++)
        commands[i] = (DmCommand)GET(PROVIDER_A "/FirstSyncStatus/ExpectedPolicies");
    commands[100] = (DmCommand)REPLACE(PROVIDER_A "/UPN", "u");
    store->fail_at = "commit";
    store->code = DM_ERROR_STORAGE;
    reply = APPLY(tree, "A", commands);
    for (gsize i = 0; i < 100; i++)
        g_assert_cmpuint(STATUS(reply, i), ==, 200);
    g_assert_cmpuint(STATUS(reply, 100), ==, 510);
}

static void
test_g5_read_only(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmCommand commands[] = {
        REPLACE(PROVIDER_A "/ManagementServiceAddress", "https://old.example"), /* no change */
        GET(PROVIDER_A "/ManagementServiceAddress"),
        REPLACE(PROVIDER_A "/Nothing", "x"),
    };
    const DmCommand reads[] = {GET(PROVIDER_A), EXEC(PROVIDER_A "/Unenroll", NULL)};
    g_autoptr(DmReply) reply = NULL;
    g_autoptr(DmReply) second = NULL;

    g_assert_cmpstr(dm_tree_get_health(tree), ==, "ok");
    store->is_read_only = true;
    g_assert_cmpstr(dm_tree_get_health(tree), ==, "read-only");
    reply = APPLY(tree, "A", commands);
    ASSERT_STATUSES(reply, 510, 200, 404);
    second = APPLY(tree, "A", reads);
    /* E2: that the enrolment is to end cannot be kept. */
    ASSERT_STATUSES(second, 200, 500);
    ASSERT_CALLS(store, "");
}

static void
test_m4_provisioning_fails(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmCommand settings[] = {REPLACE(ROOT "/Provider/B/ManagementServiceAddress", ADDRESS)};
    g_autoptr(DmReply) full = NULL;
    g_autoptr(DmReply) broken = NULL;
    g_autoptr(DmReply) good = NULL;

    store->fail_at = "commit";
    store->code = DM_ERROR_FULL;
    full = dm_tree_provision(tree, "B", NULL, settings, 1, 0);
    ASSERT_STATUSES(full, 216, 420);
    store->code = DM_ERROR_STORAGE;
    broken = dm_tree_provision(tree, "B", NULL, settings, 1, 0);
    ASSERT_STATUSES(broken, 216, 510);
    ASSERT_READS(tree, ROOT "/Provider", "A");
    store->fail_at = NULL;
    g_string_truncate(store->calls, 0);
    good = dm_tree_provision(tree, "B", NULL, settings, 1, 0);
    ASSERT_STATUSES(good, 200, 200);
    ASSERT_CALLS(store, "begin\nadd device 0 B\nput 4 ManagementServiceAddress " ADDRESS "\n"
                        "put 4 EnrollmentType Device\nput 4 FirstSyncStatus -\n"
                        "text 4 1 chain none\ncommit\n");
}

/* The history rides in the commit that ends a session; where that fails it is still under way. */
static void
test_history_in_the_same_commit(void)
{
    static const char *const calls[] = {"history", "commit", NULL};
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "A");
    g_auto(DmSessionStart) start = {0};
    g_auto(DmSessionStart) next = {0};
    DmSessionReport report = DM_SESSION_REPORT_INIT;

    report.ended = 1;
    g_assert_true(dm_session_begin(tree, "A", "api", &start, NULL));
    store->code = DM_ERROR_FULL;
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_assert_cmpstr(dm_session_get_current(provider), ==, start.token);
        g_string_truncate(store->calls, 0);
        store->fail_at = calls[i];
        g_assert_cmpint(dm_session_report(tree, "A", &report, NULL), ==, calls[i] == NULL);
    }
    ASSERT_CALLS(store, "begin\nhistory 1 ok\ncommit\n");
    g_assert_true(dm_session_begin(tree, "A", "api", &next, NULL));
    g_assert_null(strstr(store->calls->str, "history"));
}

static void
test_damaged_reply_is_not_given(void)
{
    DmStore *store = new_store();
    g_autoptr(DmTree) tree = new_tree(store);
    const DmContext context = {.session = "s", .message = 1, .uid = -1};
    const DmCommand commands[] = {GET(PROVIDER_A)};
    g_autoptr(DmReply) reply = NULL;

    g_hash_table_insert(store->replies, g_strdup("s"), g_bytes_new_static("\1\2\3", 3));
    store->message = 1;
    reply = dm_tree_apply(tree, &context, commands, 1);
    ASSERT_STATUSES(reply, 400);
}

static void
test_unreadable_store(void)
{
    DmStore *store = new_store();
    g_autoptr(GError) error = NULL;

    store->fail_at = "load";
    store->code = DM_ERROR_CORRUPT;
    g_assert_null(dm_tree_new(store, NULL, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_CORRUPT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/M1-one-transaction-of-net-changes",
                    test_m1_one_transaction_of_net_changes);
    g_test_add_func("/storage/M1-nothing-changed-nothing-written",
                    test_m1_nothing_changed_nothing_written);
    g_test_add_func("/storage/M1-provider-deleted-and-made-again",
                    test_m1_provider_deleted_and_made_again);
    g_test_add_func("/storage/F5-outcomes", test_f5_outcomes);
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *name =
            g_strdup_printf("/storage/M4-%s-fails-%u", failures[i].call, failures[i].status);

        g_test_add_data_func(name, &failures[i], test_m4_store_fails);
    }
    g_test_add_func("/storage/M4-disk-is-well-again", test_m4_disk_is_well_again);
    g_test_add_func("/storage/M4-answers-are-given-anew", test_m4_answers_are_given_anew);
    g_test_add_func("/storage/G5-read-only", test_g5_read_only);
    g_test_add_func("/storage/M4-provisioning-fails", test_m4_provisioning_fails);
    g_test_add_func("/storage/M1-history-in-the-same-commit", test_history_in_the_same_commit);
    g_test_add_func("/storage/damaged-reply-is-not-given", test_damaged_reply_is_not_given);
    g_test_add_func("/storage/unreadable-store", test_unreadable_store);
    return g_test_run();
}
