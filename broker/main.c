/* SPDX-License-Identifier: MIT */

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/config.h"
#include "broker/diagnose.h"
#include "broker/exits.h"
#include "broker/keys.h"
#include "broker/once.h"
#include "broker/renewal.h"
#include "broker/serve.h"
#include "broker/session.h"
#include "broker/token.h"
#include "common/error.h"
#include "common/log.h"
#include "common/paths.h"

/* Text of the command line; NULL: not given. */
typedef struct {
    char *once;
    char *origin;
    char *user;
    char *certificate;
    char *key;
    char *key_uri;
    char *renew;
    char *socket;
    char *state_dir;
    char *key_dir;
    char *config;
    gboolean check;
    gboolean json;
    gboolean no_bus;
    gboolean no_retry;
    gboolean verbose;
    gboolean version;
} Options;

static void
options_clear(Options *options)
{
    g_free(options->once);
    g_free(options->origin);
    g_free(options->user);
    g_free(options->certificate);
    g_free(options->key);
    g_free(options->key_uri);
    g_free(options->renew);
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
        {"user", 0, 0, G_OPTION_ARG_STRING, &options->user,
         "With --once: the user whose session it is, for ./User (nobody's)", "UID"},
        {"no-retry", 0, 0, G_OPTION_ARG_NONE, &options->no_retry,
         "With --once: try each server address once, without waiting", NULL},
        {"import-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options->certificate,
         "Keep this certificate and its key, and print its thumbprint", "FILE"},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &options->key,
         "The certificate's key: PEM, DER, or TSS2 PEM of this machine's TPM", "FILE"},
        {"key-uri", 0, 0, G_OPTION_ARG_STRING, &options->key_uri,
         "The certificate's key in a token, instead of --key: tpm2:0x81000001, pkcs11:token=…",
         "URI"},
        {"renew", 0, 0, G_OPTION_ARG_STRING, &options->renew,
         "With --import-certificate: it takes the place of this provider's certificate, whose key "
         "signs the device's identifier",
         "PROVIDER"},
        {"check", 0, 0, G_OPTION_ARG_NONE, &options->check,
         "Check what sessions need, servers too; 1 where something is wrong", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options->json, "With --check: print JSON", NULL},
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket,
         "The tree's socket (" DM_ENV_SOCKET ", " DM_DEFAULT_SOCKET ")", "PATH"},
        {"state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
         "State below DIR, keys in DIR/broker (" DM_ENV_STATE_DIR ")", "DIR"},
        {"key-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->key_dir,
         "Certificates and keys (" DM_KEYS_DEFAULT_DIRECTORY ")", "DIR"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config,
         "Configuration (" DM_ENV_CONFIG ", " DM_DEFAULT_CONFIG ")", "FILE"},
        {"no-bus", 0, 0, G_OPTION_ARG_NONE, &options->no_bus, "Do without the system bus", NULL},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &options->verbose, "Log what happens", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL},
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new("- run OMA-DM sessions");
    g_autoptr(GString) table = g_string_new("Exit codes:\n");

    dm_exits_append_table(table);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(
        context,
        "Without --once, --check and --import-certificate it stays, and runs the sessions that "
        "are asked for or due.");
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
    return state_dir ? g_build_filename(state_dir, DM_STATE_KEY_DIR, NULL)
                     : g_strdup(DM_KEYS_DEFAULT_DIRECTORY);
}

static const char *
choose_key(const Options *options)
{
    return options->key_uri ? options->key_uri : options->key;
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

/* `*ret_is_named`: somebody named it, so it must be there. */
static const char *
choose_config(const Options *options, bool *ret_is_named)
{
    const char *path = choose(options->config, DM_ENV_CONFIG, NULL);

    *ret_is_named = path != NULL;
    return path ? path : DM_DEFAULT_CONFIG;
}

static DmConfig *
load_config(const Options *options)
{
    bool is_named;
    const char *path = choose_config(options, &is_named);
    g_autoptr(GError) error = NULL;
    DmConfig *config = dm_config_load(path, is_named, &error);

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

    if (!dm_keys_import(directory, options->certificate, choose_key(options), &thumbprint, &error))
        return fail(error);
    printf("%s\n", thumbprint);
    return EXIT_SUCCESS;
}

static int
run_renewal(const Options *options)
{
    g_autofree char *directory = choose_key_directory(options);
    g_autofree char *thumbprint = NULL;
    g_autoptr(GError) error = NULL;
    const DmRenewalOptions renewal = {
        .provider = options->renew,
        .socket = choose(options->socket, DM_ENV_SOCKET, DM_DEFAULT_SOCKET),
        .key_directory = directory,
        .certificate = options->certificate,
        .key = choose_key(options),
    };

    if (!dm_renewal_run(&renewal, &thumbprint, &error))
        return fail(error);
    printf("%s\n", thumbprint);
    return EXIT_SUCCESS;
}

static int
run_once(const Options *options, gint64 uid)
{
    g_autofree char *directory = choose_key_directory(options);
    g_autoptr(DmConfig) config = load_config(options);
    const DmOnceOptions once = {
        .provider = options->once,
        .origin = options->origin ? options->origin : "user",
        .uid = uid,
        .socket = choose(options->socket, DM_ENV_SOCKET, DM_DEFAULT_SOCKET),
        .key_directory = directory,
        .config = config,
        .no_retry = options->no_retry,
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
run_check(const Options *options)
{
    g_autofree char *directory = choose_key_directory(options);
    g_autoptr(GError) error = NULL;
    bool is_good = false;
    DmDiagnoseOptions diagnosis = {
        .socket = choose(options->socket, DM_ENV_SOCKET, DM_DEFAULT_SOCKET),
        .key_directory = directory,
        .uses_bus = !options->no_bus,
        .json = options->json,
    };

    diagnosis.config_path = choose_config(options, &diagnosis.config_must_exist);
    if (!dm_diagnose_run(&diagnosis, &is_good, &error))
        return fail(error);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
serve(const Options *options)
{
    g_autofree char *directory = choose_key_directory(options);
    g_autoptr(DmConfig) config = load_config(options);
    g_autoptr(GError) error = NULL;
    DmDaemonOptions daemon = {
        .socket = choose(options->socket, DM_ENV_SOCKET, DM_DEFAULT_SOCKET),
        .key_directory = directory,
        .config = config,
        .uses_bus = !options->no_bus,
    };

    if (!config)
        return DM_EXIT_USAGE;
    daemon.config_path = choose_config(options, &daemon.config_must_exist);
    return dm_serve_run(&daemon, &error) ? EXIT_SUCCESS : fail(error);
}

/* NULL, or what is wrong with the options together. `*ret_uid` is that of --user. */
static const char *
check(const Options *options, gint64 *ret_uid)
{
    guint64 uid = 0;

    *ret_uid = -1;
    if (options->certificate && !options->key == !options->key_uri)
        return "--import-certificate needs --key or --key-uri";
    if ((options->key || options->key_uri) && !options->certificate)
        return "--key and --key-uri need --import-certificate";
    if (options->key_uri && !dm_token_is_uri(options->key_uri))
        return "--key-uri must begin with tpm2:, handle: or pkcs11:, and have no blanks";
    if (options->renew && !options->certificate)
        return "--renew needs --import-certificate";
    if (options->certificate && options->once)
        return "--import-certificate and --once are two things";
    if (options->check && (options->certificate || options->once))
        return "--check does nothing else";
    if (options->json && !options->check)
        return "--json needs --check";
    if (options->once && !*options->once)
        return "--once needs the name of a provider";
    if (!options->once && (options->origin || options->user || options->no_retry))
        return "--origin, --user and --no-retry need --once";
    if (options->origin && !dm_session_is_origin(options->origin))
        return "--origin must be user, schedule, push, login, enrolment, csp or api";
    if (!options->user)
        return NULL;
    if (!g_ascii_string_to_unsigned(options->user, 10, 0, G_MAXUINT32 - 1, &uid, NULL))
        return "--user must be a number, the uid";
    *ret_uid = (gint64)uid;
    return NULL;
}

static int
dispatch(const Options *options)
{
    gint64 uid;
    const char *wrong = check(options, &uid);

    if (options->version) {
        printf("dmclient-broker %s\n", DM_VERSION);
        return EXIT_SUCCESS;
    }
    if (wrong)
        return fail_usage(wrong);
    if (options->renew)
        return run_renewal(options);
    if (options->certificate)
        return run_import(options);
    if (options->check)
        return run_check(options);
    return options->once ? run_once(options, uid) : serve(options);
}

int
main(int argc, char **argv)
{
    g_auto(Options) options = {0};
    g_autoptr(GOptionContext) context = NULL;
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    /* Otherwise the TPM's library, where it finds no device, asks whoever listens on a port. */
    g_setenv(DM_TOKEN_ENV_TPM2, DM_TOKEN_TPM2, FALSE);
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
