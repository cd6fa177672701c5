/* SPDX-License-Identifier: MIT */

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/config.h"
#include "broker/exits.h"
#include "broker/keys.h"
#include "broker/once.h"
#include "broker/session.h"
#include "common/error.h"
#include "common/log.h"
#include "common/paths.h"

/* Text of the command line; NULL: not given. */
typedef struct {
    char *once;
    char *origin;
    char *certificate;
    char *key;
    char *socket;
    char *state_dir;
    char *key_dir;
    char *config;
    gboolean verbose;
    gboolean version;
} Options;

static void
options_clear(Options *options)
{
    g_free(options->once);
    g_free(options->origin);
    g_free(options->certificate);
    g_free(options->key);
    g_free(options->socket);
    g_free(options->state_dir);
    g_free(options->key_dir);
    g_free(options->config);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static GOptionContext *
make_context(Options *options)
{
    const GOptionEntry entries[] = {
        {"once", 0, 0, G_OPTION_ARG_STRING, &options->once, "Run one session with this provider",
         "PROVIDER"},
        {"origin", 0, 0, G_OPTION_ARG_STRING, &options->origin,
         "What caused it: user (default), schedule, push, login, enrolment, csp or api", "WORD"},
        {"import-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options->certificate,
         "Keep this certificate and its key, and print its thumbprint", "FILE"},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &options->key, "The certificate's key", "FILE"},
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket,
         "The tree's socket (" DM_ENV_SOCKET ", " DM_DEFAULT_SOCKET ")", "PATH"},
        {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
         "State below DIR, keys in DIR/broker (" DM_ENV_STATE_DIR ")", "DIR"},
        {"key-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->key_dir,
         "Certificates and keys (" DM_KEYS_DEFAULT_DIRECTORY ")", "DIR"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config,
         "Configuration (" DM_ENV_CONFIG ", " DM_DEFAULT_CONFIG ")", "FILE"},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &options->verbose, "Log what happens", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new("- run OMA-DM sessions");
    g_autoptr(GString) table = g_string_new("Exit codes:\n");

    dm_exits_append_table(table);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_description(context, table->str);
    return context;
}

/* An option goes before the variable, the variable before the default; "" is nothing. */
static const char *
choose(const char *option, const char *variable, const char *fallback)
{
    const char *value = option ? option : g_getenv(variable);

    return value && *value ? value : fallback;
}

static char *
choose_key_directory(const Options *options)
{
    const char *state_dir = choose(options->state_dir, DM_ENV_STATE_DIR, NULL);

    if (options->key_dir)
        return g_strdup(options->key_dir);
    return state_dir ? g_build_filename(state_dir, "broker", NULL)
                     : g_strdup(DM_KEYS_DEFAULT_DIRECTORY);
}

static int
fail(const GError *error)
{
    g_autofree char *text = dm_log_escape(error->message);

    fprintf(stderr, "%s: %s\n", g_get_prgname(), text);
    return dm_exits_from_error(error)->code;
}

static int
fail_usage(const char *text)
{
    fprintf(stderr, "%s: %s\nTry --help.\n", g_get_prgname(), text);
    return DM_EXIT_USAGE;
}

static DmConfig *
load_config(const Options *options)
{
    const char *path = choose(options->config, DM_ENV_CONFIG, NULL);
    g_autoptr(GError) error = NULL;
    DmConfig *config = dm_config_load(path ? path : DM_DEFAULT_CONFIG, path != NULL, &error);

    if (!config)
        fail(error);
    for (guint i = 0; config && i < config->warnings->len; i++)
        dm_log_warning(config->warnings->pdata[i], NULL);
    return config;
}

static int
run_import(const Options *options)
{
    g_autofree char *directory = choose_key_directory(options);
    g_autofree char *thumbprint = NULL;
    g_autoptr(GError) error = NULL;

    if (!dm_keys_import(directory, options->certificate, options->key, &thumbprint, &error))
        return fail(error);
    printf("%s\n", thumbprint);
    return EXIT_SUCCESS;
}

static int
run_once(const Options *options)
{
    g_autofree char *directory = choose_key_directory(options);
    g_autoptr(DmConfig) config = load_config(options);
    const DmOnceOptions once = {
        .provider = options->once,
        .origin = options->origin ? options->origin : "user",
        .uid = -1,
        .socket = choose(options->socket, DM_ENV_SOCKET, DM_DEFAULT_SOCKET),
        .key_directory = directory,
        .config = config,
    };
    DmOnceResult result = {0};
    g_autoptr(GError) error = NULL;

    if (!config)
        return DM_EXIT_USAGE;
    if (!dm_once_run(&once, &result, &error))
        return fail(error);
    printf("%s: session with %s ended regularly: %u messages sent, %u received, %u commands\n",
           options->once, result.address ? result.address : "?", result.record.n_sent,
           result.record.n_received, result.record.n_commands);
    g_free(result.address);
    return EXIT_SUCCESS;
}

static int
dispatch(const Options *options)
{
    if (options->version) {
        printf("dmclient-broker %s\n", DM_VERSION);
        return EXIT_SUCCESS;
    }
    if (options->certificate && !options->key)
        return fail_usage("--import-certificate needs --key");
    if (options->key && !options->certificate)
        return fail_usage("--key needs --import-certificate");
    if (options->certificate && options->once)
        return fail_usage("--import-certificate and --once are two things");
    if (options->certificate)
        return run_import(options);
    if (!options->once || !*options->once)
        return fail_usage("nothing to do: --once PROVIDER or --import-certificate FILE");
    if (options->origin && !dm_session_is_origin(options->origin))
        return fail_usage("--origin must be user, schedule, push, login, enrolment, csp or api");
    return run_once(options);
}

int
main(int argc, char **argv)
{
    g_auto(Options) options = {0};
    g_autoptr(GOptionContext) context = NULL;
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    g_set_prgname("dmclient-broker");
    context = make_context(&options);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return fail_usage(error->message);
    if (argc > 1)
        return fail_usage("arguments without an option are not known");
    dm_log_init("dmclient-broker");
    if (options.verbose)
        g_log_set_debug_enabled(TRUE);
    return dispatch(&options);
}
