/* SPDX-License-Identifier: MIT */

#include "broker/run.h"

#include <netinet/in.h>

#include "tests/unit/socket-fixture.h"
#include "tree/session.h"

/* Runs against a tree in this process, and a server that takes connections and says nothing. */
typedef struct {
    Fixture tree;
    int server;
    char *url;
    DmConfig *config;
    DmChannel *channel;
    DmRun *run;
    bool no_retry;

    char *token;
    bool is_ending, has_ended, has_begun;
    GError *error;
} Test;

static void
on_begun(const char *token, gpointer data)
{
    Test *test = data;

    test->token = g_strdup(token);
}

static void
on_ending(gpointer data)
{
    Test *test = data;

    g_assert_false(test->is_ending || test->has_ended);
    test->is_ending = true;
}

static void
on_ended(const DmRunResult *result, const GError *error, gpointer data)
{
    Test *test = data;

    g_assert_true(test->is_ending && !test->has_ended);
    test->has_ended = true;
    test->has_begun = result->has_begun;
    test->error = error != NULL ? g_error_copy(error) : NULL;
    g_clear_pointer(&test->run, dm_run_free);
}

static const DmRunHandlers handlers = {
    .on_begun = on_begun, .on_ending = on_ending, .on_ended = on_ended};

/* Where nobody answers; without `is_listening` nobody is. */
static void
open_server(Test *test, bool is_listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    test->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(test->server, (struct sockaddr *)&address, size), ==, 0);
    if (is_listening)
        g_assert_cmpint(listen(test->server, 5), ==, 0);
    g_assert_cmpint(getsockname(test->server, (struct sockaddr *)&address, &size), ==, 0);
    test->url = g_strdup_printf("http://127.0.0.1:%u/", ntohs(address.sin_port));
}

static void
replace(Test *test, const char *node, const char *data)
{
    const DmContext root = {.uid = -1};
    g_autofree char *uri = g_strconcat(PROVIDER_URI "/", node, NULL);
    const DmCommand command = make_command(DM_VERB_REPLACE, uri, data);
    g_autoptr(DmReply) reply = dm_tree_apply(test->tree.tree, &root, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

static void
test_init(Test *test, bool is_listening)
{
    static const DmTreeOptions options = {.allow_http = true};
    const DmCommand add = make_command(DM_VERB_ADD, PROVIDER_URI, NULL);
    const DmContext root = {.uid = -1};
    DmSocketOptions socket_options;
    g_autoptr(DmReply) reply = NULL;

    fixture_init(&test->tree);
    fixture_close(&test->tree);
    test->tree.tree = dm_tree_new(NULL, &options, NULL);
    reply = dm_tree_apply(test->tree.tree, &root, &add, 1);
    socket_options = make_options(&test->tree);
    test->tree.socket = dm_socket_new(test->tree.tree, &socket_options, NULL);
    open_server(test, is_listening);
    replace(test, "ManagementServiceAddress", test->url);
    replace(test, "EntDMID", "the-device");
    test->config = dm_config_new();
    test->config->allow_http = true;
}

static void
on_nothing(gpointer data)
{
}

static void
on_lost(const GError *reason, gpointer data)
{
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
}

static void
start(Test *test)
{
    static const DmChannelHandlers channel = {on_nothing, on_lost, on_signal};
    DmRunOptions options = {
        .provider = "A", .origin = "user", .uid = -1, .lock = -1, .no_retry = test->no_retry};

    test->channel = dm_channel_new_attending(test->tree.path, NULL, &channel, test);
    options.key_directory = test->tree.dir;
    options.config = test->config;
    options.channel = test->channel;
    test->run = dm_run_new(&options, NULL, &handlers, test);
}

static void
test_clear(Test *test)
{
    dm_run_free(test->run);
    dm_channel_free(test->channel);
    dm_config_unref(test->config);
    close(test->server);
    g_clear_error(&test->error);
    g_free(test->url);
    g_free(test->token);
    fixture_clear(&test->tree);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Test, test_clear)

static DmSessionInfo
get_info(const Test *test)
{
    return dm_session_get_info(dm_tree_find_provider(test->tree.tree, DM_SCOPE_DEVICE, 0, "A"));
}

static void
break_off(Test *test)
{
    g_autoptr(GError) error = g_error_new_literal(DM_ERROR, DM_ERROR_FAILED, "because");

    dm_run_break_off(test->run, error);
    g_assert_false(test->has_ended); /* told from the loop only */
    g_assert_true(dm_run_is_over(test->run));
}

static void
test_nobody_listens(void)
{
    g_auto(Test) test = {0};

    test_init(&test, false);
    test.no_retry = true;
    start(&test);
    WAIT_UNTIL(test.has_ended);
    g_assert_true(test.has_begun);
    g_assert_true(g_str_has_prefix(test.token, "A-"));
    g_assert_error(test.error, DM_ERROR, DM_ERROR_CONNECT);
    g_assert_cmpint(get_info(&test).state, ==, DM_SESSION_IDLE);
    g_assert_cmpstr(get_info(&test).last_error, ==, "connect");
    g_assert_cmpstr(get_info(&test).origin, ==, "user");
}

static void
test_broken_off(void)
{
    g_auto(Test) test = {0};

    test_init(&test, true);
    start(&test);
    WAIT_UNTIL(get_info(&test).state == DM_SESSION_CONNECTING && test.token != NULL);
    break_off(&test);
    WAIT_UNTIL(test.has_ended);
    g_assert_error(test.error, DM_ERROR, DM_ERROR_FAILED);
    g_assert_cmpint(get_info(&test).state, ==, DM_SESSION_IDLE);
    g_assert_cmpstr(get_info(&test).last_error_message, ==, "because");
}

/* The tree hears of the end of what it begins. */
static void
test_broken_off_at_once(void)
{
    g_auto(Test) test = {0};

    test_init(&test, true);
    start(&test);
    break_off(&test);
    WAIT_UNTIL(test.has_ended);
    g_assert_true(test.has_begun);
    g_assert_cmpint(get_info(&test).state, ==, DM_SESSION_IDLE);
    g_assert_cmpstr(get_info(&test).last_error_message, ==, "because");
}

static void
test_no_provider(void)
{
    static const DmContext root = {.uid = -1};
    const DmCommand gone = make_command(DM_VERB_DELETE, PROVIDER_URI, NULL);
    g_auto(Test) test = {0};

    test_init(&test, true);
    dm_reply_free(dm_tree_apply(test.tree.tree, &root, &gone, 1));
    start(&test);
    WAIT_UNTIL(test.has_ended);
    g_assert_false(test.has_begun);
    g_assert_null(test.token);
    g_assert_error(test.error, DM_ERROR, DM_ERROR_NOT_FOUND);
}

static void
test_no_tree(void)
{
    g_auto(Test) test = {0};

    test_init(&test, true);
    g_clear_pointer(&test.tree.socket, dm_socket_free);
    start(&test);
    WAIT_UNTIL(test.has_ended);
    g_assert_false(test.has_begun);
    g_assert_error(test.error, DM_ERROR, DM_ERROR_DISCONNECTED);
}

static void
test_freed(void)
{
    g_auto(Test) test = {0};

    test_init(&test, true);
    start(&test);
    WAIT_UNTIL(test.token != NULL);
    g_clear_pointer(&test.run, dm_run_free);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_assert_false(test.has_ended);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A server that does not answer is warned of. */
    (void)g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/run/reports-its-end", test_nobody_listens);
    g_test_add_func("/run/broken-off-with-a-report", test_broken_off);
    g_test_add_func("/run/broken-off-while-it-begins", test_broken_off_at_once);
    g_test_add_func("/run/no-such-provider", test_no_provider);
    g_test_add_func("/run/nobody-serves-the-tree", test_no_tree);
    g_test_add_func("/run/freed-it-says-nothing", test_freed);
    return g_test_run();
}
