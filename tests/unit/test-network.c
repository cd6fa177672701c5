/* SPDX-License-Identifier: MIT */

#include "broker/network.h"

#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/default-route.h"
#include "broker/reach.h"
#include "common/account.h"
#include "common/error.h"
#include "tests/unit/fixture.h"

/* In a network of its own, where routes are as the test wants them. */

static bool
enter_network(void)
{
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd;

    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        g_autofree char *reason =
            g_strdup_printf("no network namespace can be made here: %s", g_strerror(errno));

        g_test_skip(reason);
        return false;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(ioctl(fd, SIOCSIFFLAGS, &up), ==, 0);
    close(fd);
    return true;
}

static void
change_route(unsigned long change, in_addr_t to, in_addr_t mask)
{
    char device[] = "lo";
    struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = device};
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(to);
    memcpy(&route.rt_dst, &address, sizeof address);
    address.sin_addr.s_addr = htonl(mask);
    memcpy(&route.rt_genmask, &address, sizeof address);
    g_assert_cmpint(ioctl(fd, change, &route), ==, 0);
    close(fd);
}

static void
on_called(gpointer data)
{
    ++*(guint *)data;
}

static void
test_default_route(void)
{
    g_autoptr(DmDefaultRoute) watch = NULL;
    guint n_called = 0;

    if (!enter_network())
        return;
    g_assert_false(dm_default_route_is_there());
    watch = dm_default_route_watch(NULL, on_called, &n_called);
    g_assert_nonnull(watch);
    /* One that is no way to everywhere. */
    change_route(SIOCADDRT, 0x0a000000, 0xff000000);
    WAIT_UNTIL(n_called > 0);
    g_assert_false(dm_default_route_is_there());
    change_route(SIOCADDRT, 0, 0);
    WAIT_UNTIL(n_called > 1);
    g_assert_true(dm_default_route_is_there());
    change_route(SIOCDELRT, 0, 0);
    WAIT_UNTIL(n_called > 2);
    g_assert_false(dm_default_route_is_there());
}

static void
test_wait(void)
{
    g_autoptr(DmNetwork) network = NULL;
    DmNetworkWait *first, *second;
    guint n_called = 0;

    if (!enter_network())
        return;
    network = dm_network_new(NULL);
    g_assert_cmpuint(dm_network_get_max_wait_s(network), ==, 0);
    g_assert_false(dm_network_is_up(network));
    first = dm_network_wait_new(network, on_called, &n_called);
    second = dm_network_wait_new(network, on_called, &n_called);
    /* Neither is told of what changes nothing, nor told in the call that makes it. */
    change_route(SIOCADDRT, 0x0a000000, 0xff000000);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(n_called, ==, 0);
    dm_network_wait_free(second);
    change_route(SIOCADDRT, 0, 0);
    WAIT_UNTIL(n_called == 1);
    dm_network_wait_free(first);
    /* It is up already: that is said too. */
    first = dm_network_wait_new(network, on_called, &n_called);
    g_assert_cmpuint(n_called, ==, 1);
    WAIT_UNTIL(n_called == 2);
    dm_network_wait_free(first);
    change_route(SIOCDELRT, 0, 0);
}

/* -- L4 ------------------------------------------------------------------------------------------
 */

typedef struct {
    DmReach *reach;
    GString *story;
} Session;

static void
on_try(const char *address, gpointer data)
{
    g_string_append(((Session *)data)->story, "try|");
}

static void
on_wait(const DmReachWait *wait, gpointer data)
{
    g_string_append_printf(((Session *)data)->story, "%s %u|",
                           wait->is_for_network ? "network" : "pause", wait->retry);
}

static void
on_given_up(const GError *error, gpointer data)
{
    g_string_append(((Session *)data)->story, "end|");
}

/* What a session of one address and one retry does; for dm_reach_free(). */
static DmReach *
begin(Session *session, DmNetwork *network, const char *address, DmTreeSession *start)
{
    static const DmReachHandlers handlers = {on_try, on_wait, on_given_up};
    const DmReachOptions options = {.provider = "P", .start = start, .network = network};

    start->addresses = g_new0(char *, 2);
    start->addresses[0] = g_strdup(address);
    start->account = dm_account_new();
    g_hash_table_insert(start->account, g_strdup(DM_ACCOUNT_CONN_RETRY_FREQ), g_strdup("1"));
    g_hash_table_insert(start->account, g_strdup(DM_ACCOUNT_INITIAL_BACKOFF_MS), g_strdup("1"));
    session->story = g_string_new(NULL);
    session->reach = dm_reach_new(&options, NULL, &handlers, session);
    dm_reach_begin(session->reach);
    return session->reach;
}

static void
fail(DmReach *reach)
{
    g_autoptr(GError) error = g_error_new_literal(DM_ERROR, DM_ERROR_CONNECT, "down");

    dm_reach_note_failure(reach, error, -1);
}

static void
end(Session *session, DmTreeSession *start)
{
    dm_reach_free(session->reach);
    g_string_free(session->story, TRUE);
    g_strfreev(start->addresses);
    g_hash_table_unref(start->account);
}

static void
test_reach(void)
{
    g_autoptr(DmNetwork) network = NULL;
    DmTreeSession start = {0};
    Session session;

    if (!enter_network())
        return;
    network = dm_network_new(NULL);
    dm_network_set_max_wait_s(network, 3600);
    begin(&session, network, "https://mdm.example.test/", &start);
    g_assert_cmpstr(session.story->str, ==, "network 0|");
    dm_reach_hurry(session.reach);
    g_assert_cmpstr(session.story->str, ==, "network 0|");
    change_route(SIOCADDRT, 0, 0);
    WAIT_UNTIL(g_str_has_suffix(session.story->str, "try|"));
    /* It goes away: the pause is over first, then it is waited for; the retry is there still. */
    change_route(SIOCDELRT, 0, 0);
    fail(session.reach);
    WAIT_UNTIL(g_str_has_suffix(session.story->str, "network 1|"));
    change_route(SIOCADDRT, 0, 0);
    WAIT_UNTIL(g_str_has_suffix(session.story->str, "try|"));
    fail(session.reach);
    g_assert_cmpstr(session.story->str, ==, "network 0|try|pause 1|network 1|try|end|");
    end(&session, &start);
    change_route(SIOCDELRT, 0, 0);
}

static void
test_reach_limit(void)
{
    g_autoptr(DmNetwork) network = NULL;
    DmTreeSession start = {0};
    Session session;

    if (!enter_network())
        return;
    network = dm_network_new(NULL);
    dm_network_set_max_wait_s(network, 1);
    begin(&session, network, "https://mdm.example.test/", &start);
    WAIT_UNTIL(g_str_has_suffix(session.story->str, "try|"));
    /* Once in a session. */
    fail(session.reach);
    WAIT_UNTIL(g_str_has_suffix(session.story->str, "pause 1|try|"));
    g_assert_cmpstr(session.story->str, ==, "network 0|try|pause 1|try|");
    end(&session, &start);
}

static void
test_reach_loopback(void)
{
    static const char *const addresses[] = {"https://localhost:1/", "https://127.0.0.1:1/",
                                            "https://[::1]:1/", "http://LOCALHOST:1/x"};

    if (!enter_network())
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autoptr(DmNetwork) network = dm_network_new(NULL);
        DmTreeSession start = {0};
        Session session;

        dm_network_set_max_wait_s(network, 3600);
        begin(&session, network, addresses[i], &start);
        g_assert_cmpstr(session.story->str, ==, "try|");
        end(&session, &start);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    (void)g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/network/default-route", test_default_route);
    g_test_add_func("/network/wait", test_wait);
    g_test_add_func("/network/L4/waits", test_reach);
    g_test_add_func("/network/L4/limit", test_reach_limit);
    g_test_add_func("/network/L4/loopback", test_reach_loopback);
    return g_test_run();
}
