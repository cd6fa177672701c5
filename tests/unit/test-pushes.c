/* SPDX-License-Identifier: MIT */

#include "broker/pushes.h"

#include "tests/unit/socket-fixture.h"

/* Pushes and the sessions they ask for (U2), with a tree at the other end of the socket. */

#define PAUSE_US (G_USEC_PER_SEC / 5)

typedef struct {
    guint n_enrolled;
    guint n_wanted;
    gint64 wanted_us[8];
    bool is_freed;
} Story;

static void
enrol(gpointer backend, const char *provider, const char *pfn)
{
    ((Story *)backend)->n_enrolled++;
    g_assert_cmpstr(provider, ==, "A");
    g_assert_cmpstr(pfn, ==, "pfn");
}

static void
give_back(gpointer backend, const char *provider, const char *pfn, const char *channel_uri)
{
    ((Story *)backend)->n_enrolled--;
}

static void
retain(gpointer backend, const DmPushRegistration *registrations, gsize n)
{
    g_assert_cmpuint(n, ==, 1);
}

static void
end(gpointer backend)
{
    ((Story *)backend)->is_freed = true;
}

static void
on_wanted(const DmTreeSyncRequest *request, gpointer data)
{
    Story *story = data;

    g_assert_cmpstr(request->provider, ==, "A");
    g_assert_cmpstr(request->origin, ==, "push");
    g_assert_cmpint(request->uid, ==, -1);
    story->wanted_us[story->n_wanted++] = g_get_monotonic_time();
}

static void
add(Fixture *fixture, const char *uri, const char *data)
{
    const DmCommand command = make_command(DM_VERB_ADD, uri, data);
    const DmContext root = {.uid = -1};

    dm_reply_free(dm_tree_apply(fixture->tree, &root, &command, 1));
}

static void
on_attended(gpointer data)
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
test_wake(void)
{
    static const DmChannelHandlers handlers = {on_attended, on_lost, on_signal};
    static const DmPushesBackend functions = {enrol, give_back, retain, end};
    g_auto(Fixture) fixture = {0};
    g_autoptr(DmChannel) channel = NULL;
    g_autoptr(DmPushes) pushes = NULL;
    DmPushesOptions options = {.pause_us = PAUSE_US, .on_wanted = on_wanted};
    Story story = {0};

    fixture_init(&fixture);
    add(&fixture, PROVIDER_URI "/Push", NULL);
    add(&fixture, PROVIDER_URI "/Push/PFN", "pfn");
    channel = dm_channel_new_attending(fixture.path, NULL, &handlers, NULL);
    options.channel = channel;
    options.data = &story;
    pushes = dm_pushes_new(&options, NULL);
    dm_pushes_wake(pushes, "A", "pfn");
    g_assert_cmpuint(story.n_wanted, ==, 0); /* nobody is registered */
    dm_pushes_set_backend(pushes, &functions, &story);
    dm_pushes_look(pushes);
    WAIT_UNTIL(story.n_enrolled == 1);
    for (guint i = 0; i < 5; i++)
        dm_pushes_wake(pushes, "A", "pfn");
    g_assert_cmpuint(story.n_wanted, ==, 1);
    WAIT_UNTIL(story.n_wanted == 2);
    g_assert_cmpint(story.wanted_us[1] - story.wanted_us[0], >=, PAUSE_US);
    /* All that came meanwhile was that one. */
    dm_pushes_wake(pushes, "A", "pfn");
    WAIT_UNTIL(story.n_wanted == 3);
    g_assert_cmpint(story.wanted_us[2] - story.wanted_us[1], >=, PAUSE_US);
    dm_pushes_set_backend(pushes, NULL, NULL);
    g_assert_true(story.is_freed);
    g_assert_cmpuint(story.n_enrolled, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    (void)g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/pushes/U2-one-session-in-a-time", test_wake);
    return g_test_run();
}
