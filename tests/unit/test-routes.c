/* SPDX-License-Identifier: MIT */

#include "broker/routes.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/status.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "tests/unit/add-test.h"
#include "tests/unit/fixture.h"

#define TREE "./Device/Vendor/MSFT/DMClient"
#define OTHER "./Vendor/MSFT/Policy/Config/X"

/* -- a tree in a process of its own --------------------------------------------------------------
 * It answers 200 to every command, with the LocURI as data to a Get, and writes down what it was
 * asked, which it tells when asked for its Log. A command whose data is "drop" makes it close the
 * connection before the answer, the first time. */

typedef struct {
    GString *log;
    bool has_dropped;
} Tree;

static DBusMessage *
tree_hello(DBusMessage *call)
{
    DBusMessage *answer = dbus_message_new_method_return(call);
    dbus_uint32_t version = DM_TREE_VERSION;
    const char *product = "test";

    dbus_message_append_args(answer, DBUS_TYPE_UINT32, &version, DBUS_TYPE_STRING, &product,
                             DBUS_TYPE_INVALID);
    return answer;
}

/* NULL: the connection is to be dropped. */
static DBusMessage *
tree_apply(Tree *tree, DBusMessage *call)
{
    g_autoptr(DmReply) reply = dm_reply_new(8);
    g_autoptr(GArray) commands = NULL;
    DBusMessage *answer;
    DBusMessageIter iter;
    const char *session, *provider;
    dbus_uint64_t message;
    dbus_int64_t uid;

    dbus_message_iter_init(call, &iter);
    dbus_message_iter_get_basic(&iter, &session);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &message);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &provider);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &uid);
    dbus_message_iter_next(&iter);
    commands = dm_wire_read_commands(&iter);
    g_assert_nonnull(commands);
    g_string_append_printf(tree->log, "Apply %s %u %s %d:", session, (guint)message, provider,
                           (int)uid);
    for (guint i = 0; i < commands->len; i++) {
        const DmCommand *command = &g_array_index(commands, DmCommand, i);

        if (g_strcmp0(command->data, "drop") == 0 && !tree->has_dropped) {
            tree->has_dropped = true;
            g_string_append(tree->log, " dropped\n");
            return NULL;
        }
        g_string_append_printf(tree->log, " %s/%u", dm_verb_to_name(command->verb), command->span);
        dm_reply_add(reply, DM_STATUS_OK);
        if (command->verb == DM_VERB_GET)
            dm_reply_add_item(reply, command->loc_uri, DM_FORMAT_CHR, command->loc_uri,
                              strlen(command->loc_uri));
    }
    g_string_append_c(tree->log, '\n');
    answer = dbus_message_new_method_return(call);
    dbus_message_iter_init_append(answer, &iter);
    g_assert_true(dm_wire_append_reply(&iter, reply));
    return answer;
}

static DBusMessage *
tree_outcome(Tree *tree, DBusMessage *call)
{
    const char *provider, *loc_uri, *reason;
    dbus_int64_t uid;
    dbus_uint32_t status;

    g_assert_true(dbus_message_get_args(call, NULL, DBUS_TYPE_STRING, &provider, DBUS_TYPE_INT64,
                                        &uid, DBUS_TYPE_STRING, &loc_uri, DBUS_TYPE_UINT32, &status,
                                        DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID));
    g_string_append_printf(tree->log, "Outcome %s %s %u %s\n", provider, loc_uri, status, reason);
    return dbus_message_new_method_return(call);
}

static DBusHandlerResult
on_call(DBusConnection *connection, DBusMessage *call, void *data)
{
    Tree *tree = data;
    g_autoptr(DBusMessage) answer = NULL;

    if (dbus_message_is_method_call(call, DM_TREE_INTERFACE, "Hello")) {
        answer = tree_hello(call);
    } else if (dbus_message_is_method_call(call, DM_TREE_INTERFACE, "Apply")) {
        answer = tree_apply(tree, call);
    } else if (dbus_message_is_method_call(call, DM_TREE_INTERFACE, "ReportOutcome")) {
        answer = tree_outcome(tree, call);
    } else if (dbus_message_is_method_call(call, DM_TREE_INTERFACE, "Log")) {
        answer = dbus_message_new_method_return(call);
        dbus_message_append_args(answer, DBUS_TYPE_STRING, &tree->log->str, DBUS_TYPE_INVALID);
    } else {
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    }
    if (answer)
        dbus_connection_send(connection, answer, NULL);
    else
        dbus_connection_close(connection);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void
on_new_connection(DBusServer *server, DBusConnection *connection, void *data)
{
    dbus_connection_ref(connection);
    dbus_connection_set_exit_on_disconnect(connection, FALSE);
    dbus_connection_add_filter(connection, on_call, data, NULL);
    dm_loop_add_connection(connection, NULL);
}

/* The child: serves until it is killed. */
G_NORETURN static void
run_tree(const char *path, int ready)
{
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    DBusServer *server = dbus_server_listen(address, NULL);
    Tree tree = {.log = g_string_new(NULL)};

    g_assert_nonnull(server);
    dbus_server_set_new_connection_function(server, on_new_connection, &tree, NULL);
    dm_loop_add_server(server, NULL);
    g_assert_cmpint(write(ready, "x", 1), ==, 1);
    for (;;)
        g_main_context_iteration(NULL, TRUE);
}

/* -- the test's side ------------------------------------------------------------------------------
 */

typedef struct {
    char *folder;
    char *path;
    pid_t pid;
    DmChannel *channel;
    DmDevice *device;
    DmRoutes *routes;
    GString *result; /* the reply's statuses, and items in brackets */
    char *log;
    GError *error;
    bool is_done;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    int ready[2];
    char byte;

    fixture->folder = g_dir_make_tmp("dm-routes-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "tree", NULL);
    g_assert_cmpint(pipe(ready), ==, 0);
    fixture->pid = fork();
    g_assert_cmpint(fixture->pid, >=, 0);
    if (fixture->pid == 0)
        run_tree(fixture->path, ready[1]);
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    close(ready[0]);
    close(ready[1]);
    fixture->channel = dm_channel_new(fixture->path, NULL, &error);
    g_assert_no_error(error);
    fixture->device = dm_device_new(fixture->folder, "DEV-1");
    fixture->routes = dm_routes_new(fixture->channel, fixture->device, NULL, NULL);
    fixture->result = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    int status;

    dm_routes_free(fixture->routes);
    dm_channel_free(fixture->channel);
    dm_device_free(fixture->device);
    g_assert_cmpint(kill(fixture->pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(fixture->pid, &status, 0), ==, fixture->pid);
    g_assert_true(WIFSIGNALED(status)); /* it did not end by itself */
    g_remove(fixture->path);
    g_remove(fixture->folder);
    g_free(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->log);
    g_string_free(fixture->result, TRUE);
    g_clear_error(&fixture->error);
}

static void
on_applied(DmReply *reply, const GError *error, gpointer data)
{
    Fixture *fixture = data;

    fixture->is_done = true;
    fixture->error = error ? g_error_copy(error) : NULL;
    for (gsize i = 0; reply && i < dm_reply_get_size(reply); i++) {
        const DmResult *result = dm_reply_get(reply, i);

        g_string_append_printf(fixture->result, "%s%d", i > 0 ? " " : "", (int)result->status);
        for (guint j = 0; j < result->n_items; j++)
            g_string_append_printf(fixture->result, "[%s]", dm_reply_get_items(reply, i)[j].data);
    }
    dm_reply_free(reply);
}

static DmCommand
command(DmVerb verb, guint span, const char *loc_uri)
{
    const DmCommand one = {.verb = verb, .span = span, .loc_uri = loc_uri};

    return one;
}

static void
apply(Fixture *fixture, const DmCommand *commands, gsize n)
{
    static guint64 message;
    const DmContext context = {
        .session = "token", .message = ++message, .provider = "Example", .uid = -1};

    g_string_truncate(fixture->result, 0);
    fixture->is_done = false;
    g_assert_true(dm_batch_is_valid(commands, n));
    dm_routes_apply(fixture->routes, &context, commands, n, on_applied, fixture);
    WAIT_UNTIL(fixture->is_done);
    g_assert_no_error(fixture->error);
}

static void
on_log(DBusMessage *answer, const GError *error, gpointer data)
{
    Fixture *fixture = data;
    const char *log;

    g_assert_no_error(error);
    g_assert_true(dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &log, DBUS_TYPE_INVALID));
    g_free(fixture->log);
    fixture->log = g_strdup(log);
    fixture->is_done = true;
}

static void
on_flushed(gpointer data)
{
    *(bool *)data = true;
}

/* What the tree was asked so far, outcomes included. */
static const char *
get_log(Fixture *fixture)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("Log");
    bool is_flushed = false;

    dm_routes_flush(fixture->routes, on_flushed, &is_flushed);
    WAIT_UNTIL(is_flushed);
    fixture->is_done = false;
    dm_channel_call(fixture->channel, call, on_log, fixture);
    WAIT_UNTIL(fixture->is_done);
    return fixture->log;
}

/* -- the tests ------------------------------------------------------------------------------------
 */

static void
test_document_order(Fixture *fixture, gconstpointer data)
{
    const DmCommand commands[] = {
        command(DM_VERB_REPLACE, 0, TREE "/a"),  command(DM_VERB_GET, 0, "./DevInfo/DmV"),
        command(DM_VERB_GET, 0, OTHER),          command(DM_VERB_GET, 0, TREE "/b"),
        command(DM_VERB_GET, 0, "./DevInfo/No"), command(DM_VERB_GET, 0, TREE "/c"),
    };

    apply(fixture, commands, G_N_ELEMENTS(commands));
    g_assert_cmpstr(fixture->result->str, ==,
                    "200 200[1.3] 404 200[" TREE "/b] 404 200[" TREE "/c]");
    /* One Apply a message. */
    g_assert_true(g_str_has_prefix(get_log(fixture), "Apply token "));
    g_assert_true(g_str_has_suffix(fixture->log, "Example -1: Replace/0 Get/0 Get/0\n"));
}

static void
test_nothing_for_the_tree(Fixture *fixture, gconstpointer data)
{
    const DmCommand commands[] = {
        command(DM_VERB_GET, 0, "./DevInfo/DevId"),
        command(DM_VERB_SEQUENCE, 1, NULL),
        command(DM_VERB_GET, 0, OTHER),
    };

    apply(fixture, commands, G_N_ELEMENTS(commands));
    g_assert_cmpstr(fixture->result->str, ==, "200[DEV-1] 200 404");
    apply(fixture, NULL, 0);
    g_assert_cmpstr(fixture->result->str, ==, "");
    g_assert_cmpstr(get_log(fixture), ==, "");
}

static void
test_addresses(Fixture *fixture, gconstpointer data)
{
    g_autofree char *filler = g_strnfill(DM_URI_MAX_BYTES, 'x');
    g_autofree char *too_long = g_strconcat("./", filler, NULL);
    const struct {
        DmVerb verb;
        const char *loc_uri;
        const char *expected;
    } cases[] = {
        {DM_VERB_REPLACE, "./Vendor/MSFT/DMClient", "200"},
        {DM_VERB_REPLACE, "./Device/VENDOR/msft/DMClient/Provider/X", "200"},
        {DM_VERB_REPLACE, "./User/Vendor/MSFT/DMClient/Provider/X", "200"},
        {DM_VERB_REPLACE, "\n ./Vendor/MSFT/DMClient/Provider \n", "200"},
        {DM_VERB_REPLACE, "./Vendor/MSFT/dmclient", "404"},
        {DM_VERB_REPLACE, "./Vendor/MSFT/DMClientX", "404"},
        {DM_VERB_REPLACE, "./Vendor/MSFT", "404"},
        {DM_VERB_REPLACE, "./User/Vendor/MSFT/Policy", "405"},
        {DM_VERB_GET, "./User/DevInfo/DevId", "405"},
        {DM_VERB_REPLACE, "./DevInfo/DmV", "405"},
        {DM_VERB_REPLACE, "/Vendor/MSFT/DMClient", "400"},
        {DM_VERB_REPLACE, NULL, "400"},
        {DM_VERB_REPLACE, too_long, "414"},
        {DM_VERB_COPY, OTHER, "501"},
        {DM_VERB_COPY, TREE, "501"},
        {DM_VERB_PUT, "/bad", "501"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const DmCommand one = command(cases[i].verb, 0, cases[i].loc_uri);

        g_test_message("%s", cases[i].loc_uri);
        apply(fixture, &one, 1);
        g_assert_cmpstr(fixture->result->str, ==, cases[i].expected);
    }
}

static void
test_sequence(Fixture *fixture, gconstpointer data)
{
    const DmCommand commands[] = {
        command(DM_VERB_SEQUENCE, 5, NULL),       command(DM_VERB_GET, 0, "./DevInfo/DmV"),
        command(DM_VERB_REPLACE, 0, TREE "/a"),   command(DM_VERB_SEQUENCE, 2, NULL),
        command(DM_VERB_GET, 0, OTHER),           command(DM_VERB_REPLACE, 0, TREE "/b"),
        command(DM_VERB_GET, 0, "./DevInfo/DmV"),
    };

    apply(fixture, commands, G_N_ELEMENTS(commands));
    g_assert_cmpstr(fixture->result->str, ==, "200 200[1.3] 200 200 404 200 200[1.3]");
    g_assert_true(
        g_str_has_suffix(get_log(fixture), ": Sequence/3 Replace/0 Sequence/1 Replace/0\n"));
}

static void
test_atomic_of_the_tree(Fixture *fixture, gconstpointer data)
{
    const DmCommand commands[] = {
        command(DM_VERB_ATOMIC, 2, NULL),
        command(DM_VERB_REPLACE, 0, TREE "/a"),
        command(DM_VERB_REPLACE, 0, TREE "/b"),
        command(DM_VERB_GET, 0, OTHER),
    };

    apply(fixture, commands, G_N_ELEMENTS(commands));
    g_assert_cmpstr(fixture->result->str, ==, "200 200 200 404");
    g_assert_true(g_str_has_suffix(get_log(fixture), ": Atomic/2 Replace/0 Replace/0\n"));
}

static void
test_atomic_across_trees(Fixture *fixture, gconstpointer data)
{
    const DmCommand mixed[] = {
        command(DM_VERB_ATOMIC, 3, NULL),       command(DM_VERB_REPLACE, 0, TREE "/a"),
        command(DM_VERB_REPLACE, 0, OTHER),     command(DM_VERB_REPLACE, 0, "./DevInfo/DmV"),
        command(DM_VERB_REPLACE, 0, TREE "/b"),
    };
    const DmCommand device[] = {
        command(DM_VERB_ATOMIC, 2, NULL),
        command(DM_VERB_REPLACE, 0, TREE "/a"),
        command(DM_VERB_REPLACE, 0, "./DevInfo/DmV"),
    };
    const DmCommand with_get[] = {
        command(DM_VERB_ATOMIC, 2, NULL),
        command(DM_VERB_GET, 0, "./DevInfo/DmV"),
        command(DM_VERB_REPLACE, 0, TREE "/a"),
    };
    const DmCommand nested[] = {
        command(DM_VERB_ATOMIC, 4, NULL),       command(DM_VERB_SEQUENCE, 2, NULL),
        command(DM_VERB_REPLACE, 0, TREE "/a"), command(DM_VERB_REPLACE, 0, OTHER),
        command(DM_VERB_REPLACE, 0, TREE "/b"),
    };

    apply(fixture, device, G_N_ELEMENTS(device));
    g_assert_cmpstr(fixture->result->str, ==, "507 215 405");
    apply(fixture, with_get, G_N_ELEMENTS(with_get));
    g_assert_cmpstr(fixture->result->str, ==, "507 500 215");
    g_assert_cmpstr(get_log(fixture), ==,
                    "Outcome Example ./DevInfo/DmV 405 command not allowed\n");
    apply(fixture, nested, G_N_ELEMENTS(nested));
    g_assert_cmpstr(fixture->result->str, ==, "507 215 215 404 215");
    apply(fixture, mixed, G_N_ELEMENTS(mixed));
    g_assert_cmpstr(fixture->result->str, ==, "507 215 404 215 200");
    g_assert_null(strstr(get_log(fixture), "Atomic"));
}

static void
test_outcomes(Fixture *fixture, gconstpointer data)
{
    const DmCommand commands[] = {
        command(DM_VERB_ADD, 0, OTHER "/1"),     command(DM_VERB_REPLACE, 0, OTHER "/2"),
        command(DM_VERB_EXEC, 0, OTHER "/3"),    command(DM_VERB_GET, 0, OTHER "/4"),
        command(DM_VERB_DELETE, 0, OTHER "/5"),  command(DM_VERB_REPLACE, 0, TREE "/6"),
        command(DM_VERB_REPLACE, 0, "./User/x"),
    };
    const char *outcomes;

    apply(fixture, commands, G_N_ELEMENTS(commands));
    g_assert_cmpstr(fixture->result->str, ==, "404 404 404 404 404 200 405");
    outcomes = strchr(get_log(fixture), '\n');
    g_assert_cmpstr(outcomes, ==,
                    "\nOutcome Example " OTHER "/1 404 not found\n"
                    "Outcome Example " OTHER "/2 404 not found\n"
                    "Outcome Example " OTHER "/3 404 not found\n"
                    "Outcome Example ./User/x 405 command not allowed\n");
}

static void
test_many_outcomes(Fixture *fixture, gconstpointer data)
{
    DmCommand commands[300];
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) expected = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        char *name = g_strdup_printf(OTHER "/%u", i);

        g_ptr_array_add(names, name);
        g_string_append_printf(expected, "Outcome Example %s 404 not found\n", name);
        commands[i] = command(DM_VERB_REPLACE, 0, name);
    }
    apply(fixture, commands, G_N_ELEMENTS(commands));
    g_assert_cmpstr(get_log(fixture), ==, expected->str);
}

static void
test_lost_connection(Fixture *fixture, gconstpointer data)
{
    DmCommand one = command(DM_VERB_REPLACE, 0, TREE "/a");
    g_auto(GStrv) lines = NULL;
    char *first;

    one.data = "drop";
    one.data_size = 4;
    apply(fixture, &one, 1);
    g_assert_cmpstr(fixture->result->str, ==, "200");
    lines = g_strsplit(get_log(fixture), "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    /* The same session and message number, so that the tree runs it once. */
    first = strstr(lines[0], " dropped");
    g_assert_nonnull(first);
    *first = '\0';
    g_assert_true(g_str_has_prefix(lines[1], lines[0]));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/routes/M3-document-order-and-M1-one-apply", test_document_order);
    ADD("/routes/protocol-7-nothing-for-the-tree", test_nothing_for_the_tree);
    ADD("/routes/A1-A2-V5-addresses", test_addresses);
    ADD("/routes/M3-sequence-across-trees", test_sequence);
    ADD("/routes/M2-atomic-of-one-tree", test_atomic_of_the_tree);
    ADD("/routes/protocol-7-atomic-across-trees-is-507", test_atomic_across_trees);
    ADD("/routes/F6-outcomes", test_outcomes);
    ADD("/routes/F6-many-outcomes-in-order", test_many_outcomes);
    ADD("/routes/security-1-lost-connection-is-resent", test_lost_connection);
    return g_test_run();
}
