/* SPDX-License-Identifier: MIT */

/* dmclient-agent: the smallest host of the plug-in. Loads it, runs a main context until it is told
 * to stop, and knows nothing of what the plug-in does. */

#include <glib-unix.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/loader.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/paths.h"

#define EXIT_USAGE 64

/* Where the service manager puts the first socket that it hands over (sd_listen_fds(3)). */
#define LISTEN_FD 3

typedef struct {
    char *plugin;
    char *state_dir;
    char *socket;
    char *config;
    gboolean no_bus;
    gboolean version;
} Options;

typedef struct {
    GMainLoop *loop;
    bool failed;
} Agent;

static void
options_clear(Options *options)
{
    g_free(options->plugin);
    g_free(options->state_dir);
    g_free(options->socket);
    g_free(options->config);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* False after a message on standard error. */
static bool
options_parse(Options *options, int *argc, char ***argv)
{
    const GOptionEntry entries[] = {
        {"plugin", 'p', 0, G_OPTION_ARG_FILENAME, &options->plugin,
         "Plug-in to load [" DM_PLUGIN_FILE "]", "FILE"},
        {"state-dir", 's', 0, G_OPTION_ARG_FILENAME, &options->state_dir,
         "Where the tree is kept [" DM_DEFAULT_STATE_DIR "]", "DIR"},
        {"socket", 'S', 0, G_OPTION_ARG_FILENAME, &options->socket,
         "Socket to serve the tree on [" DM_DEFAULT_SOCKET "]", "PATH"},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config,
         "Configuration [" DM_DEFAULT_CONFIG ", if there is one]", "FILE"},
        {"no-bus", 0, 0, G_OPTION_ARG_NONE, &options->no_bus, "Do without the system bus", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- serve the DMClient tree");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(context,
                                     "Environment: " DM_ENV_STATE_DIR ", " DM_ENV_SOCKET
                                     ", " DM_ENV_CONFIG " for the options of these names.\n"
                                     "Exit status: 0 stopped, 1 failed, 64 wrong use.\n");
    if (!g_option_context_parse(context, argc, argv, &error)) {
        g_printerr("%s: %s; see --help\n", g_get_prgname(), error->message);
        return false;
    }
    if (*argc > 1) {
        g_printerr("%s: unexpected argument \"%s\"; see --help\n", g_get_prgname(), (*argv)[1]);
        return false;
    }
    return true;
}

/* The option, else the variable, else the default. */
static void
set_path(char **option, const char *variable, const char *fallback)
{
    const char *value = g_getenv(variable);

    if (*option != NULL)
        return;
    *option = g_strdup(value != NULL && *value != '\0' ? value : fallback);
}

static void
options_complete(Options *options)
{
    set_path(&options->state_dir, DM_ENV_STATE_DIR, DM_DEFAULT_STATE_DIR);
    set_path(&options->socket, DM_ENV_SOCKET, DM_DEFAULT_SOCKET);
    if (options->plugin == NULL)
        options->plugin = g_strdup(DM_PLUGIN_FILE);
    /* A file that was named must be there; the default one need not. */
    set_path(&options->config, DM_ENV_CONFIG,
             access(DM_DEFAULT_CONFIG, F_OK) == 0 ? DM_DEFAULT_CONFIG : NULL);
}

/* The listening socket that the service manager handed over, or -1. */
static int
find_listen_fd(void)
{
    const char *pid = g_getenv("LISTEN_PID");
    const char *n = g_getenv("LISTEN_FDS");

    if (pid == NULL || g_ascii_strtoll(pid, NULL, 10) != getpid() || g_strcmp0(n, "1") != 0)
        return -1;
    return LISTEN_FD;
}

/* The signals that end it come through a descriptor: g_unix_signal_add() would start a thread. -1
 * after a message. */
static int
open_signals(void)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        dm_log_error("cannot listen to signals");
    return fd;
}

static gboolean
on_signal(int fd, GIOCondition condition, gpointer data)
{
    Agent *agent = data;

    g_main_loop_quit(agent->loop);
    return G_SOURCE_REMOVE;
}

static void
on_ready(void *data)
{
    dm_notify("READY=1");
}

static void
on_failed(const char *message, void *data)
{
    Agent *agent = data;

    dm_log_error(message);
    agent->failed = true;
    g_main_loop_quit(agent->loop);
}

/* Runs an instance until a signal or until it fails. */
static int
run(const DmPlugin *plugin, const Options *options, Agent *agent)
{
    DmPluginHost host = {
        .size = sizeof host,
        .state_dir = options->state_dir,
        .socket = options->socket,
        .socket_fd = find_listen_fd(),
        .bus_address = options->no_bus ? "" : NULL,
        .config = options->config,
        .on_failed = on_failed,
        .on_ready = on_ready,
        .data = agent,
    };
    DmPluginInstance *instance;
    char *error = NULL;

    instance = plugin->open(&host, &error);
    if (instance == NULL) {
        dm_log_error(error != NULL ? error : "the plug-in does not start");
        free(error);
        return EXIT_FAILURE;
    }
    g_main_loop_run(agent->loop);
    dm_notify("STOPPING=1");
    plugin->close(instance);
    return agent->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
load_and_run(const Options *options, int signals)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GSource) source = g_unix_fd_source_new(signals, G_IO_IN);
    Agent agent = {.loop = loop};
    g_autoptr(DmLoader) loader = NULL;
    g_autoptr(GError) error = NULL;
    int result = EXIT_FAILURE;

    g_source_set_callback(source, G_SOURCE_FUNC(on_signal), &agent, NULL);
    g_source_attach(source, NULL);
    loader = dm_loader_new(options->plugin, &error);
    if (loader != NULL)
        result = run(dm_loader_get_plugin(loader), options, &agent);
    else
        dm_log_error(error->message);
    g_source_destroy(source);
    return result;
}

int
main(int argc, char **argv)
{
    g_auto(Options) options = {0};
    int signals, result;

    g_set_prgname("dmclient-agent");
    if (!options_parse(&options, &argc, &argv))
        return EXIT_USAGE;
    if (options.version) {
        g_print("dmclient-agent " DM_VERSION "\n");
        return EXIT_SUCCESS;
    }
    dm_log_init(g_get_prgname());
    options_complete(&options);
    signals = open_signals();
    if (signals < 0)
        return EXIT_FAILURE;
    result = load_and_run(&options, signals);
    close(signals);
    return result;
}
