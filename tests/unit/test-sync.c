/* SPDX-License-Identifier: MIT */

#include "plugin/sync.h"

#include "tests/unit/socket-fixture.h"
#include "tree/history.h"
#include "tree/session.h"

/* Sessions that somebody asks for. What goes over the bus is in tests/bus/test_manager.py. */

#define ADDRESS_URI PROVIDER_URI "/ManagementServiceAddress"

typedef struct {
    Fixture socket;
    DmSync *sync;
    guint n_answers, n_freed;
    char *session;  /* of the last answer */
    GError *error;  /* the same */
    Client *broker; /* NULL: none */
} Sync;

static void
on_attending(gpointer data)
{
    dm_sync_on_attending(((Sync *)data)->sync);
}

static void
setup(Sync *s, gconstpointer data)
{
    const DmCommand address = make_command(DM_VERB_REPLACE, ADDRESS_URI, "https://a.example/");
    const DmContext root = {.uid = -1};

    s->socket.on_attending = on_attending;
    s->socket.data = s;
    fixture_init_with(&s->socket);
    dm_reply_free(dm_tree_apply(s->socket.tree, &root, &address, 1));
    s->sync = dm_sync_new(s->socket.tree, NULL);
    dm_sync_set_socket(s->sync, s->socket.socket);
}

static void
teardown(Sync *s, gconstpointer data)
{
    g_clear_pointer(&s->broker, client_free);
    /* As the service does: peers are cut first. */
    g_clear_pointer(&s->socket.socket, dm_socket_free);
    dm_sync_free(s->sync);
    g_free(s->session);
    g_clear_error(&s->error);
    fixture_clear(&s->socket);
}

static void
attend(Sync *s)
{
    s->broker = client_new(s->socket.path);
    dbus_message_unref(client_expect(s->broker, dm_tree_client_new_call("Attend")));
}

static void
on_answer(const char *session, const GError *error, gpointer data)
{
    Sync *s = data;

    g_assert_true((session == NULL) == (error != NULL));
    s->n_answers++;
    g_free(s->session);
    s->session = g_strdup(session);
    g_clear_error(&s->error);
    s->error = error != NULL ? g_error_copy(error) : NULL;
}

static void
on_free(gpointer data)
{
    ((Sync *)data)->n_freed++;
}

static void
request(Sync *s, guint32 uid, bool is_limited, bool wait)
{
    dm_sync_request(s->sync,
                    &(const DmSyncRequest){.provider = "A",
                                           .origin = "user",
                                           .is_limited = is_limited,
                                           .uid = uid,
                                           .user = uid,
                                           .wait = wait},
                    on_answer, s, on_free);
}

static void
assert_answer(const Sync *s, guint n_answers)
{
    g_assert_cmpuint(s->n_answers, ==, n_answers);
    g_assert_no_error(s->error);
}

static void
run_session(Sync *s, int ended)
{
    const DmSessionReport report = {.state = DM_SESSION_IDLE,
                                    .ended = ended,
                                    .error = ended ? "" : "tls",
                                    .message = ended ? "" : "expired",
                                    .certificate_expires_us = -1,
                                    .messages_sent = -1,
                                    .messages_received = -1,
                                    .bytes_sent = -1,
                                    .bytes_received = -1};
    g_auto(DmSessionStart) start = {0};

    g_assert_true(dm_session_begin(s->socket.tree, "A", "user", &start, NULL));
    g_assert_true(dm_session_report(s->socket.tree, "A", &report, NULL));
}

/* Security.md section 2: one a minute per uid; whoever merges has not had one. */
static void
test_one_a_minute_per_uid(Sync *s, gconstpointer data)
{
    attend(s);
    request(s, 1000, true, false);
    assert_answer(s, 1);
    request(s, 1001, true, false);
    assert_answer(s, 2);
    run_session(s, 1);
    request(s, 1000, true, false);
    g_assert_error(s->error, DM_ERROR, DM_ERROR_BUSY);
    g_assert_nonnull(strstr(s->error->message, "try again in 60 s"));
    request(s, 4000000000, true, false);
    assert_answer(s, 4);
    run_session(s, 1);
    request(s, 1001, true, false);
    assert_answer(s, 5);
    g_assert_cmpuint(s->n_freed, ==, 5);
}

static void
test_root_is_not_limited(Sync *s, gconstpointer data)
{
    attend(s);
    for (guint i = 1; i <= 3; i++) {
        request(s, 0, false, false);
        assert_answer(s, i);
        run_session(s, 1);
    }
}

static void
test_no_such_provider(Sync *s, gconstpointer data)
{
    attend(s);
    dm_sync_request(s->sync, &(const DmSyncRequest){.provider = "B", .origin = "user"}, on_answer,
                    s, on_free);
    g_assert_error(s->error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_cmpuint(s->n_freed, ==, 1);
}

static void
test_end_of_a_session(Sync *s, gconstpointer data)
{
    attend(s);
    request(s, 0, false, true);
    g_assert_cmpuint(s->n_answers, ==, 0);
    run_session(s, 1);
    assert_answer(s, 1);
    request(s, 0, false, true);
    run_session(s, 0);
    g_assert_error(s->error, DM_ERROR, DM_ERROR_FAILED);
    g_assert_cmpstr(s->error->message, ==, "the session failed (tls): expired");
    g_assert_cmpuint(s->n_freed, ==, 2);
}

/* A session that nobody asked for takes up a request that waits. */
static void
test_another_begins_first(Sync *s, gconstpointer data)
{
    g_autofree char *session = NULL;

    attend(s);
    request(s, 0, false, false);
    session = g_strdup(s->session);
    run_session(s, 1);
    request(s, 0, false, false);
    g_assert_cmpstr(s->session, !=, session);
}

static void
test_waiting_is_bounded(Sync *s, gconstpointer data)
{
    attend(s);
    for (guint i = 0; i < DM_SYNC_MAX_WAITING; i++)
        request(s, 0, false, true);
    g_assert_cmpuint(s->n_answers, ==, 0);
    request(s, 0, false, true);
    g_assert_error(s->error, DM_ERROR, DM_ERROR_BUSY);
    run_session(s, 1);
    assert_answer(s, DM_SYNC_MAX_WAITING + 1);
    g_assert_cmpuint(s->n_freed, ==, DM_SYNC_MAX_WAITING + 1);
}

/* Nobody is called when it is freed. */
static void
test_freed_while_somebody_waits(Sync *s, gconstpointer data)
{
    attend(s);
    request(s, 0, false, true);
    g_clear_pointer(&s->broker, client_free);
    g_clear_pointer(&s->socket.socket, dm_socket_free);
    g_clear_pointer(&s->sync, dm_sync_free);
    g_assert_cmpuint(s->n_answers, ==, 0);
    g_assert_cmpuint(s->n_freed, ==, 1);
}

/* Without a bus nothing can be started. */
static void
test_nobody_there(Sync *s, gconstpointer data)
{
    request(s, 1000, true, false);
    g_assert_error(s->error, DM_ERROR, DM_ERROR_DISCONNECTED);
    g_assert_nonnull(strstr(s->error->message, "start dmclient-broker"));
    /* That was no session: the next one need not wait for a minute. */
    attend(s);
    request(s, 1000, true, false);
    assert_answer(s, 2);
}

#define TEST(path, func) g_test_add("/sync/" path, Sync, NULL, setup, func, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("one-a-minute-per-uid", test_one_a_minute_per_uid);
    TEST("root-is-not-limited", test_root_is_not_limited);
    TEST("no-such-provider", test_no_such_provider);
    TEST("end-of-a-session", test_end_of_a_session);
    TEST("another-begins-first", test_another_begins_first);
    TEST("waiting-is-bounded", test_waiting_is_bounded);
    TEST("freed-while-somebody-waits", test_freed_while_somebody_waits);
    TEST("nobody-there", test_nobody_there);
    return g_test_run();
}
