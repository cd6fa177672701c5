/* SPDX-License-Identifier: MIT */
#include "plugin/queue.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

/* G8: senders are served in turn, and what waits of one is bounded. */

typedef struct {
    GMainContext *context;
    DmQueue *queue;
    GString *served; /* a letter each */
    guint n_freed;
    bool is_closed;
} Fixture;

static void
serve(gpointer job, gpointer data)
{
    Fixture *f = data;

    g_string_append_c(f->served, (char)GPOINTER_TO_INT(job));
}

static Fixture *counting;

static void
free_job(gpointer job)
{
    counting->n_freed++;
}

static bool
is_open(gconstpointer data)
{
    return !((const Fixture *)data)->is_closed;
}

static void
setup(Fixture *f, gconstpointer data)
{
    f->context = g_main_context_new();
    f->served = g_string_new(NULL);
    f->queue = dm_queue_new(f->context, &(const DmQueueHandlers){serve, free_job, is_open, f});
    counting = f;
}

static void
teardown(Fixture *f, gconstpointer data)
{
    dm_queue_free(f->queue);
    g_string_free(f->served, TRUE);
    g_main_context_unref(f->context);
}

static void
push(Fixture *f, guint32 uid, const char *name, const char *jobs)
{
    for (; *jobs != '\0'; jobs++)
        g_assert_true(dm_queue_push(f->queue, uid, name, GINT_TO_POINTER(*jobs)));
}

static void
run(Fixture *f)
{
    while (g_main_context_iteration(f->context, FALSE)) {
    }
}

static void
test_order_of_one(Fixture *f, gconstpointer data)
{
    push(f, 1, ":1.1", "abc");
    g_assert_cmpstr(f->served->str, ==, "");
    g_assert_false(dm_queue_is_empty(f->queue));
    run(f);
    g_assert_cmpstr(f->served->str, ==, "abc");
    g_assert_true(dm_queue_is_empty(f->queue));
}

static void
test_users_take_turns(Fixture *f, gconstpointer data)
{
    push(f, 1000, ":1.1", "aaaa");
    push(f, 4000000000, ":1.2", "bb");
    push(f, 0, ":1.3", "c");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "abcabaa");
}

/* More connections are not more turns: 250 of one user's count as one user. */
static void
test_connections_of_a_user_share_its_turn(Fixture *f, gconstpointer data)
{
    push(f, 1000, ":1.1", "ad");
    push(f, 1000, ":1.2", "be");
    push(f, 1000, ":1.3", "c");
    push(f, 1001, ":1.4", "XY");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "aXbYcde");
}

static void
test_late_comers(Fixture *f, gconstpointer data)
{
    push(f, 1, ":1.1", "a");
    run(f);
    push(f, 1, ":1.1", "b");
    push(f, 2, ":1.2", "c");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "abc");
}

static void
test_nothing_while_closed(Fixture *f, gconstpointer data)
{
    f->is_closed = true;
    push(f, 1, ":1.1", "ab");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "");
    f->is_closed = false;
    run(f);
    g_assert_cmpstr(f->served->str, ==, "ab");
}

/* Jobs are served although there is always something of higher rank to read. */
static gboolean
on_always(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static void
test_reading_without_end(Fixture *f, gconstpointer data)
{
    GSource *always = g_timeout_source_new(0);
    gint64 deadline = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;

    g_source_set_priority(always, G_PRIORITY_DEFAULT);
    g_source_set_callback(always, on_always, NULL, NULL);
    g_source_attach(always, f->context);
    push(f, 1, ":1.1", "a");
    while (f->served->len == 0 && g_get_monotonic_time() < deadline)
        g_main_context_iteration(f->context, FALSE);
    g_source_destroy(always);
    g_source_unref(always);
    g_assert_cmpstr(f->served->str, ==, "a");
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
    guint n = 0;

    for (guint i = 0; i < DM_QUEUE_MAX_OF_NAME; i++)
        push(f, 1, ":1.0", "a");
    g_assert_false(dm_queue_push(f->queue, 1, ":1.0", GINT_TO_POINTER('b')));
    for (guint name = 1; n < DM_QUEUE_MAX_OF_UID - DM_QUEUE_MAX_OF_NAME; name++) {
        g_autofree char *text = g_strdup_printf(":1.%u", name);

        for (guint i = 0; i < DM_QUEUE_MAX_OF_NAME; i++, n++)
            push(f, 1, text, "a");
    }
    g_assert_false(dm_queue_push(f->queue, 1, ":2.0", GINT_TO_POINTER('b')));
    push(f, 2, ":2.1", "c");
    dm_queue_clear(f->queue);
    g_assert_cmpuint(f->n_freed, ==, DM_QUEUE_MAX_OF_UID + 1);
    g_assert_true(dm_queue_is_empty(f->queue));
    push(f, 1, ":1.0", "d");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "d");
}

static void
test_freed_with_jobs(Fixture *f, gconstpointer data)
{
    push(f, 1, ":1.0", "abc");
    g_clear_pointer(&f->queue, dm_queue_free);
    g_assert_cmpuint(f->n_freed, ==, 3);
    run(f);
    g_assert_cmpstr(f->served->str, ==, "");
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    dm_queue_clear(((Fixture *)data)->queue);
    return G_SOURCE_REMOVE;
}

/* Who is closed waits, known before or not, in the order of calling; others do not. */
static void
test_closed_users_wait(Fixture *f, gconstpointer data)
{
    push(f, 1, ":1.1", "a");
    dm_queue_set_closed(f->queue, 1, true);
    dm_queue_set_closed(f->queue, 2, true);
    dm_queue_set_closed(f->queue, 2, true);
    g_assert_true(dm_queue_is_empty(f->queue));
    g_assert_true(dm_queue_has_closed(f->queue));
    push(f, 1, ":1.1", "b");
    push(f, 2, ":1.2", "c");
    push(f, 3, ":1.3", "d");
    g_assert_false(dm_queue_is_empty(f->queue));
    run(f);
    g_assert_cmpstr(f->served->str, ==, "d");
    dm_queue_set_closed(f->queue, 1, false);
    run(f);
    g_assert_cmpstr(f->served->str, ==, "dab");
    g_assert_true(dm_queue_has_closed(f->queue));
    dm_queue_set_closed(f->queue, 2, false);
    g_assert_false(dm_queue_has_closed(f->queue));
    run(f);
    g_assert_cmpstr(f->served->str, ==, "dabc");
}

static void
test_cleared_while_closed(Fixture *f, gconstpointer data)
{
    dm_queue_set_closed(f->queue, 1, true);
    push(f, 1, ":1.1", "ab");
    dm_queue_clear(f->queue);
    g_assert_cmpuint(f->n_freed, ==, 2);
    push(f, 1, ":1.1", "c");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "c");
}

/* As when the bus goes away between the moment at which it is somebody's turn and the turn. */
static void
test_cleared_before_the_turn(Fixture *f, gconstpointer data)
{
    GSource *source;
    int fds[2];

    g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
    g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
    source = g_unix_fd_source_new(fds[0], G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(on_readable), f, NULL);
    g_source_attach(source, f->context);
    push(f, 1, ":1.0", "abc");
    run(f);
    g_assert_cmpstr(f->served->str, ==, "");
    g_assert_cmpuint(f->n_freed, ==, 3);
    g_source_unref(source);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

#define TEST(path, func) g_test_add(path, Fixture, NULL, setup, func, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("/queue/order-of-one", test_order_of_one);
    TEST("/queue/G8-users-take-turns", test_users_take_turns);
    TEST("/queue/G8-connections-share-the-user's-turn", test_connections_of_a_user_share_its_turn);
    TEST("/queue/late-comers", test_late_comers);
    TEST("/queue/nothing-while-closed", test_nothing_while_closed);
    TEST("/queue/G8-reading-without-end", test_reading_without_end);
    TEST("/queue/G8-bounds", test_bounds);
    TEST("/queue/freed-with-jobs", test_freed_with_jobs);
    TEST("/queue/cleared-before-the-turn", test_cleared_before_the_turn);
    TEST("/queue/G8-closed-users-wait", test_closed_users_wait);
    TEST("/queue/cleared-while-closed", test_cleared_while_closed);
    return g_test_run();
}
