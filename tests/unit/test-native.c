/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dbus/tree-call.h"
#include "plugin/plugin.h"
#include "tests/unit/fixture.h"
#include "tests/unit/private-bus.h"

const DmPlugin *dm_plugin_get(void);

/* -- a host --------------------------------------------------------------------------------------
 */

typedef struct {
    char *dir;
    char *state_dir;
    char *socket;
    DmPluginHost host;
    DmPluginInstance *instance;
    guint n_ready;
    guint n_failed;
    char *message;      /* on_failed's */
    bool close_in_call; /* close in whichever of the two is called */
} Host;

static void
host_close(Host *self)
{
    dm_plugin_get()->close(g_steal_pointer(&self->instance));
}

static void
on_ready(void *data)
{
    Host *self = data;

    self->n_ready++;
    if (self->close_in_call)
        host_close(self);
}

static void
on_failed(const char *message, void *data)
{
    Host *self = data;

    self->n_failed++;
    g_free(self->message);
    self->message = g_strdup(message);
    if (self->close_in_call)
        host_close(self);
}

static void
host_init(Host *self)
{
    *self = (Host){.dir = g_dir_make_tmp("native-XXXXXX", NULL)};
    self->state_dir = g_build_filename(self->dir, "state", NULL);
    self->socket = g_build_filename(self->dir, "tree", NULL);
    self->host = (DmPluginHost){
        .size = sizeof(DmPluginHost),
        .state_dir = self->state_dir,
        .socket = self->socket,
        .socket_fd = -1,
        .bus_address = "",
        .on_failed = on_failed,
        .on_ready = on_ready,
        .data = self,
    };
}

static void
host_open(Host *self)
{
    char *error = NULL;

    self->n_ready = self->n_failed = 0;
    self->instance = dm_plugin_get()->open(&self->host, &error);
    g_assert_cmpstr(error, ==, NULL);
    g_assert_nonnull(self->instance);
}

/* What it says when it does not start. */
static char *
host_expect_refusal(Host *self)
{
    char *error = NULL;
    char *copy;

    g_assert_null(dm_plugin_get()->open(&self->host, &error));
    g_assert_nonnull(error);
    copy = g_strdup(error);
    free(error);
    return copy;
}

static void
host_clear(Host *self)
{
    host_close(self);
    fixture_remove(self->dir);
    g_free(self->dir);
    g_free(self->state_dir);
    g_free(self->socket);
    g_free(self->message);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PrivateBus, private_bus_clear)

/* -- the interface -------------------------------------------------------------------------------
 */

static void
test_plugin(void)
{
    const DmPlugin *plugin = dm_plugin_get();

    g_assert_cmpuint(plugin->size, ==, sizeof(DmPlugin));
    g_assert_cmpuint(plugin->abi, ==, DM_PLUGIN_ABI);
    g_assert_cmpstr(plugin->name, ==, "dmclient");
    g_assert_cmpstr(plugin->version, ==, DM_VERSION);
    plugin->close(NULL);
}

static void
test_host_too_small(void)
{
    g_auto(Host) host = {0};
    g_autofree char *error = NULL;

    host_init(&host);
    host.host.size = sizeof(DmPluginHost) - 1;
    error = host_expect_refusal(&host);
    g_assert_nonnull(strstr(error, "plugin.h")); /* the next step */
    g_assert_false(g_file_test(host.state_dir, G_FILE_TEST_EXISTS));
    /* Who does not want to know why need not. */
    g_assert_null(dm_plugin_get()->open(&host.host, NULL));
}

/* A host of a later version, whose description is longer. */
static void
test_host_larger(void)
{
    struct {
        DmPluginHost host;
        char more[64];
    } later;
    g_auto(Host) host = {0};
    char *error = NULL;

    host_init(&host);
    memset(&later, 0xff, sizeof later);
    later.host = host.host;
    later.host.size = sizeof later;
    host.instance = dm_plugin_get()->open(&later.host, &error);
    g_assert_cmpstr(error, ==, NULL);
    WAIT_UNTIL(host.n_ready == 1);
}

/* Strings are copied: the host may forget them. */
static void
test_strings_are_copied(void)
{
    g_auto(Host) host = {0};
    g_autofree char *state_dir = NULL;
    g_autofree char *socket = NULL;

    host_init(&host);
    state_dir = g_strdup(host.state_dir);
    socket = g_strdup(host.socket);
    host.host.state_dir = state_dir;
    host.host.socket = socket;
    host_open(&host);
    memset(state_dir, 'x', strlen(state_dir));
    memset(socket, 'x', strlen(socket));
    WAIT_UNTIL(host.n_ready == 1);
    g_assert_true(g_file_test(host.socket, G_FILE_TEST_EXISTS));
    host_close(&host);
    g_assert_false(g_file_test(host.socket, G_FILE_TEST_EXISTS));
}

static void
test_refusals(void)
{
    g_auto(Host) host = {0};
    g_auto(Host) other = {0};
    g_autofree char *no_directory = NULL, *taken = NULL, *socket = NULL, *config = NULL, *fd = NULL;
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());

    host_init(&host);
    host_init(&other);
    other.host.state_dir = "";
    no_directory = host_expect_refusal(&other);
    g_assert_nonnull(strstr(no_directory, "state directory"));

    host_open(&host);
    other.host.state_dir = host.state_dir;
    taken = host_expect_refusal(&other);
    g_assert_nonnull(strstr(taken, host.state_dir)); /* one owner of the state, named */
    g_assert_nonnull(strstr(taken, pid));

    other.host.state_dir = other.state_dir;
    other.host.socket = host.socket;
    socket = host_expect_refusal(&other);
    g_assert_nonnull(strstr(socket, host.socket));
    g_assert_nonnull(strstr(socket, pid));

    other.host.socket = other.socket;
    other.host.config = "/nonexistent/dmclient.conf";
    config = host_expect_refusal(&other);
    g_assert_nonnull(strstr(config, "/nonexistent/dmclient.conf"));

    other.host.config = NULL;
    other.host.socket_fd = 77;
    fd = host_expect_refusal(&other);
    g_assert_nonnull(strstr(fd, "socket_fd"));

    /* None of that has hurt the first one, nor kept anything of the second. */
    WAIT_UNTIL(host.n_ready == 1);
    other.host.socket_fd = -1;
    host_open(&other);
    WAIT_UNTIL(other.n_ready == 1);
}

/* Ready comes once, from the main context, not from open(). */
static void
test_ready(void)
{
    g_auto(Host) host = {0};

    host_init(&host);
    host_open(&host);
    g_assert_cmpuint(host.n_ready, ==, 0);
    WAIT_UNTIL(host.n_ready > 0);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(host.n_ready, ==, 1);
}

static void
test_close_in_ready(void)
{
    g_auto(Host) host = {0};

    host_init(&host);
    host.close_in_call = true;
    host_open(&host);
    WAIT_UNTIL(host.n_ready == 1);
    g_assert_null(host.instance);
}

/* The host's own context, and none other, is used. */
static void
test_own_context(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_auto(Host) host = {0};

    host_init(&host);
    host.host.context = context;
    host_open(&host);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(host.n_ready, ==, 0);
    while (host.n_ready == 0)
        g_main_context_iteration(context, TRUE);
}

/* libdbus would ignore SIGPIPE for the host. */
static void
test_signals_are_the_hosts(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    g_auto(PrivateBus) bus = {0};
    g_auto(Host) host = {0};

    g_assert_cmpint(sigaction(SIGPIPE, &action, NULL), ==, 0);
    private_bus_init(&bus);
    private_bus_start(&bus);
    host_init(&host);
    host.host.bus_address = bus.address;
    host_open(&host);
    WAIT_UNTIL(host.n_ready == 1);
    g_assert_cmpint(sigaction(SIGPIPE, NULL, &action), ==, 0);
    g_assert_true(action.sa_handler == SIG_DFL);
}

/* -- the bus -------------------------------------------------------------------------------------
 */

static void
test_name_taken(void)
{
    g_auto(PrivateBus) bus = {0};
    g_auto(Host) host = {0};
    g_auto(Host) second = {0};

    private_bus_init(&bus);
    private_bus_start(&bus);
    host_init(&host);
    host_init(&second);
    host.host.bus_address = second.host.bus_address = bus.address;
    host_open(&host);
    WAIT_UNTIL(host.n_ready == 1);
    second.close_in_call = true;
    host_open(&second);
    WAIT_UNTIL(second.n_failed == 1);
    g_assert_nonnull(strstr(second.message, "org.dmclient.DMClient1"));
    g_assert_cmpuint(second.n_ready, ==, 0);
    g_assert_cmpuint(host.n_failed, ==, 0);
}

/* A bus that goes away is no failure, and ready is said once. */
static void
test_bus_restarts(void)
{
    g_auto(PrivateBus) bus = {0};
    g_auto(Host) host = {0};

    private_bus_init(&bus);
    host_init(&host);
    host.host.bus_address = bus.address;
    /* It warns; in a test that would be the end. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    host_open(&host);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    private_bus_start(&bus);
    WAIT_UNTIL(host.n_ready == 1);
    g_assert_cmpuint(host.n_failed, ==, 0);
}

/* -- no growth -----------------------------------------------------------------------------------
 */

#define N_CYCLES 1000
#define N_WARM 50

/* Bytes in use that 950 cycles may add: a byte a cycle would be more. */
#define MEMORY_TOLERANCE 900

typedef struct {
    gsize memory;
    guint descriptors;
    guint sources;
} Usage;

static gboolean
on_never(gpointer data)
{
    return G_SOURCE_REMOVE;
}

/* Sources of the default context have ascending ids. */
static guint
count_sources(void)
{
    guint newest = g_idle_add(on_never, NULL);
    guint n = 0;

    for (guint id = 1; id < newest; id++)
        n += g_main_context_find_source_by_id(NULL, id) != NULL;
    g_source_remove(newest);
    return n;
}

static guint
count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

/* Sanitizers have an allocator of their own, and look for leaks themselves: 0 then. */
static Usage
measure(void)
{
    return (Usage){mallinfo2().uordblks, count_descriptors(), count_sources()};
}

static void
assert_no_growth(const Usage *before, const Usage *after)
{
    g_test_message("memory %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT ", descriptors %u to %u, "
                   "sources %u to %u",
                   before->memory, after->memory, before->descriptors, after->descriptors,
                   before->sources, after->sources);
    g_assert_cmpuint(after->descriptors, ==, before->descriptors);
    g_assert_cmpuint(after->sources, ==, before->sources);
    g_assert_cmpuint(after->memory, <=, before->memory + MEMORY_TOLERANCE);
}

/* Opens the `n` hosts side by side, until all are ready, and closes them in the
 * order in which they were opened. */
static void
cycle(Host *hosts, guint n)
{
    for (guint i = 0; i < n; i++)
        host_open(&hosts[i]);
    for (guint i = 0; i < n; i++)
        WAIT_UNTIL(hosts[i].n_ready == 1);
    for (guint i = 0; i < n; i++)
        host_close(&hosts[i]);
}

static void
run_cycles(Host *hosts, guint n)
{
    Usage before = {0};
    Usage after;

    for (guint i = 0; i < N_CYCLES; i++) {
        if (i == N_WARM)
            before = measure();
        cycle(hosts, n);
    }
    after = measure();
    assert_no_growth(&before, &after);
}

static void
test_cycles(void)
{
    g_auto(Host) host = {0};

    host_init(&host);
    run_cycles(&host, 1);
}

static void
test_cycles_side_by_side(void)
{
    Host hosts[2];

    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
        host_init(&hosts[i]);
    run_cycles(hosts, G_N_ELEMENTS(hosts));
    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
        host_clear(&hosts[i]);
}

static void
test_cycles_on_the_bus(void)
{
    g_auto(PrivateBus) bus = {0};
    g_auto(Host) host = {0};

    private_bus_init(&bus);
    private_bus_start(&bus);
    host_init(&host);
    host.host.bus_address = bus.address;
    run_cycles(&host, 1);
}

/* glibc counts the chunks that a thread keeps for itself as in use; without them its figure is
 * exact to the byte. Only the environment can say so, before the start. */
static void
start_again_without_cache(char **argv)
{
    if (g_getenv("GLIBC_TUNABLES") != NULL)
        return;
    g_setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", TRUE);
    execv("/proc/self/exe", argv);
    g_error("cannot start again: %s", g_strerror(errno));
}

int
main(int argc, char **argv)
{
    start_again_without_cache(argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/native/plugin", test_plugin);
    g_test_add_func("/native/a-host-too-small-is-refused", test_host_too_small);
    g_test_add_func("/native/a-later-host-is-served", test_host_larger);
    g_test_add_func("/native/strings-are-copied", test_strings_are_copied);
    g_test_add_func("/native/refusals-say-why", test_refusals);
    g_test_add_func("/native/ready-comes-once-and-later", test_ready);
    g_test_add_func("/native/close-in-ready", test_close_in_ready);
    g_test_add_func("/native/the-hosts-context", test_own_context);
    g_test_add_func("/native/signals-are-the-hosts", test_signals_are_the_hosts);
    g_test_add_func("/native/a-taken-name-is-a-failure", test_name_taken);
    g_test_add_func("/native/an-absent-bus-is-waited-for", test_bus_restarts);
    g_test_add_func("/native/1000-cycles-without-growth", test_cycles);
    g_test_add_func("/native/1000-cycles-of-two-side-by-side", test_cycles_side_by_side);
    g_test_add_func("/native/1000-cycles-on-the-bus", test_cycles_on_the_bus);
    return g_test_run();
}
