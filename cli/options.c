/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <string.h>

#include "cli/run.h"
#include "common/error.h"
#include "common/i18n.h"
#include "common/paths.h"

static const DmOption options[DM_OPTION_N] = {
    [DM_OPTION_JSON] = {.name = "json", .help = N_("Print JSON (\"schema\": 1) for scripts")},
    [DM_OPTION_SOCKET] = {.name = "socket",
                          .argument = "PATH",
                          .word = DM_WORD_FILE,
                          .environment = DM_ENV_SOCKET,
                          .standard = DM_DEFAULT_SOCKET,
                          .help = N_("The service's socket")},
    [DM_OPTION_HELP] = {.name = "help",
                        .letter = 'h',
                        .help = N_("Explain the program or COMMAND")},
    [DM_OPTION_VERSION] = {.name = "version", .help = N_("Print the version")},
    [DM_OPTION_PROVIDER] = {.name = "provider",
                            .argument = "PROVIDER",
                            .word = DM_WORD_PROVIDER,
                            .help = N_("Only this provider; its name is in 'status'")},
    [DM_OPTION_WATCH] = {.name = "watch", .help = N_("Go on until it has ended")},
    [DM_OPTION_WAIT] = {.name = "wait", .help = N_("Go on until the session has ended")},
    [DM_OPTION_YES] = {.name = "yes", .help = N_("Do not ask whether this is meant")},
    [DM_OPTION_SERVER] = {.name = "server",
                          .argument = "PROVIDER",
                          .word = DM_WORD_PROVIDER,
                          .help = N_("Act with the rights of this provider's server")},
    [DM_OPTION_USER] = {.name = "user",
                        .argument = "UID",
                        .word = DM_WORD_USER,
                        .help = N_("The user whose tree ./User names")},
    [DM_OPTION_FORMAT] = {.name = "format",
                          .argument = "FORMAT",
                          .word = DM_WORD_FORMAT,
                          .help = N_("Format of DATA: chr, int, bool, … (default the node's own)")},
    [DM_OPTION_CHECK] = {.name = "check", .help = N_("Say what would come of it, change nothing")},
    [DM_OPTION_CERTIFICATE] = {.name = "certificate",
                               .argument = "FILE",
                               .word = DM_WORD_FILE,
                               .help = N_("The device's certificate for this provider (PEM)")},
    [DM_OPTION_KEY] = {.name = "key",
                       .argument = "FILE",
                       .word = DM_WORD_FILE,
                       .help = N_("Its private key (PEM), or tpm2: or pkcs11: URI")},
    [DM_OPTION_COUNT] = {.name = "count",
                         .letter = 'n',
                         .argument = "N",
                         .word = DM_WORD_TEXT,
                         .standard = "10",
                         .help = N_("At most this many, 1 to 200")},
    [DM_OPTION_RAW] = {.name = "raw", .help = N_("Record whole messages in a file, for an hour")},
};

#define BIT(id) (1u << DM_OPTION_##id)

static const DmCliCommand commands[] = {
    {
        .name = "status",
        .options = BIT(PROVIDER),
        .summary = N_("Show who manages this device, and how that goes"),
        .description =
            N_("For each provider: the server, the state of its session, when it was last "
               "tried and last worked, when the next one is due, the last error, and how far "
               "the first sync is."),
        .run = dm_run_status,
    },
    {
        .name = "help-contacts",
        .options = BIT(PROVIDER),
        .summary = N_("Show how to reach the organisation's help desk"),
        .description = N_("Phone number, web site and mail address as each provider set them."),
        .run = dm_run_help_contacts,
    },
    {
        .name = "page",
        .options = BIT(PROVIDER),
        .summary = N_("Show the page for when enrolment is complete"),
        .description = N_("Title, text and link as each provider set them."),
        .run = dm_run_page,
    },
    {
        .name = "first-sync",
        .options = BIT(PROVIDER) | BIT(WATCH),
        .summary = N_("Show how far the first sync is"),
        .description =
            N_("For each kind of thing that the organisation sets up: how many items "
               "there are, are done, have failed; how much time is left; and after a failure what "
               "to do. With "
               "--watch it goes on until all has ended, and the exit code is 0 if that went well, "
               "1 if not; with "
               "--json then one object is printed for each change, on a line of its own."),
        .run = dm_run_first_sync,
    },
    {
        .name = "sync",
        .options = BIT(PROVIDER) | BIT(WAIT),
        .summary = N_("Have a session with the server now"),
        .description =
            N_("Where several providers manage this device, --provider says which one. "
               "With --wait the exit code is 0 if the session went well, 1 if not. Without, it is "
               "0 as soon as the "
               "session is asked for. Users other than root may ask for one session a minute."),
        .run = dm_run_sync,
    },
    {
        .name = "disconnect",
        .options = BIT(PROVIDER) | BIT(YES),
        .summary = N_("End the management by an organisation"),
        .description = N_("Says what will be removed, and asks; --yes goes without the question. "
                          "The server is told, if it can be reached, and then everything that "
                          "belongs to it is removed from "
                          "this device. Where several providers manage this device, --provider "
                          "says which one. It takes an "
                          "administrator, whom polkit may ask for a password. The exit code is 2 "
                          "if the answer was no."),
        .run = dm_run_disconnect,
    },
    {
        .name = "history",
        .options = BIT(PROVIDER) | BIT(COUNT),
        .summary = N_("Show the last sessions, the newest first"),
        .description =
            N_("For each session when it began, why, how it ended, how long it took, messages "
               "sent and received, and the server, or the reason if it failed. It takes an "
               "administrator, whom polkit may ask for a password."),
        .run = dm_run_history,
    },
    {
        .name = "doctor",
        .summary = N_("Look for what is wrong, and say what to do about it"),
        .description =
            N_("As root everything is looked at: bus, service, keys, certificates, servers, "
               "clock, schedule; no session is begun. Other users see what they may, and hear "
               "what was left out. The exit code is 0 if nothing is wrong, 1 if something is; 6 "
               "without a service to ask, 5 where all is well but nothing enrolled."),
        .run = dm_run_doctor,
    },
    {
        .name = "get",
        .synopsis = "LOCURI",
        .min_arguments = 1,
        .max_arguments = 1,
        .words = {DM_WORD_LOC_URI},
        .root = true,
        .verb = DM_VERB_GET,
        .options = BIT(USER),
        .summary = N_("Print a node's value, or the names below it"),
        .description =
            N_("A value is printed as it is; an interior node as the names of its children, "
               "one a line, each escaped as in a LocURI. What `?list=` or `?prop=` ask for is "
               "answered as a server would see it."),
        .run = dm_run_verb,
    },
    {
        .name = "tree",
        .synopsis = "[LOCURI]",
        .max_arguments = 1,
        .words = {DM_WORD_LOC_URI},
        .root = true,
        .verb = DM_VERB_GET,
        .options = BIT(USER),
        .summary = N_("Print a node and all below it"),
        .description = N_("Without LOCURI, the whole device tree."),
        .run = dm_run_tree,
    },
    {
        .name = "add",
        .synopsis = "LOCURI [DATA]",
        .min_arguments = 1,
        .max_arguments = 2,
        .words = {DM_WORD_LOC_URI, DM_WORD_TEXT},
        .root = true,
        .verb = DM_VERB_ADD,
        .options = BIT(USER) | BIT(FORMAT),
        .summary = N_("Add a node that is not there"),
        .description = N_("Interior nodes take no DATA. A node that is there already is refused."),
        .run = dm_run_verb,
    },
    {
        .name = "replace",
        .synopsis = "LOCURI [DATA]",
        .min_arguments = 1,
        .max_arguments = 2,
        .words = {DM_WORD_LOC_URI, DM_WORD_TEXT},
        .root = true,
        .verb = DM_VERB_REPLACE,
        .options = BIT(USER) | BIT(FORMAT),
        .summary = N_("Set a node's value"),
        .description = N_("Sets it whether it was set before or not."),
        .run = dm_run_verb,
    },
    {
        .name = "delete",
        .synopsis = "LOCURI",
        .min_arguments = 1,
        .max_arguments = 1,
        .words = {DM_WORD_LOC_URI},
        .root = true,
        .verb = DM_VERB_DELETE,
        .options = BIT(USER),
        .summary = N_("Remove a node and all below it"),
        .description = N_("A provider, too: its server is not told then."),
        .run = dm_run_verb,
    },
    {
        .name = "exec",
        .synopsis = "LOCURI [DATA]",
        .min_arguments = 1,
        .max_arguments = 2,
        .words = {DM_WORD_LOC_URI, DM_WORD_TEXT},
        .root = true,
        .verb = DM_VERB_EXEC,
        .options = BIT(USER) | BIT(FORMAT),
        .summary = N_("Execute a node"),
        .description = N_("Only few nodes can be executed."),
        .run = dm_run_verb,
    },
    {
        .name = "apply",
        .synopsis = "FILE",
        .min_arguments = 1,
        .max_arguments = 1,
        .words = {DM_WORD_FILE},
        .root = true,
        .options = BIT(SERVER) | BIT(USER),
        .summary = N_("Run a SyncML message and print its answer"),
        .description =
            N_("FILE is a SyncML message, a SyncBody, or bare commands; - is standard input. "
               "It runs as one message: one commit. The answering SyncBody is printed. The "
               "exit code is 0 if each command ended well, 1 if one did not, 2 if there was "
               "none."),
        .run = dm_run_apply,
    },
    {
        .name = "provision",
        .synopsis = "FILE",
        .min_arguments = 1,
        .max_arguments = 1,
        .words = {DM_WORD_FILE},
        .root = true,
        .options = BIT(CHECK) | BIT(CERTIFICATE) | BIT(KEY),
        .summary = N_("Enrol with a provider by a wap-provisioningdoc"),
        .description =
            N_("FILE is the document; - is standard input. All of it is applied, or nothing: "
               "what is wrong is named with its line. The certificate and its key go to the "
               "broker; the service never sees the key."),
        .run = dm_run_provision,
    },
    {
        .name = "monitor",
        .root = true,
        .options = BIT(RAW),
        .summary = N_("Watch sessions as they happen"),
        .description =
            N_("A line each for messages, commands with their status, and how sessions begin "
               "and end, without what is secret. It goes on until it is ended, or the broker "
               "ends. With --json an object a line. With --raw the broker writes whole messages, "
               "secrets among them, to a file in its own directory, for an hour; it removes it "
               "a day later. Sessions of 'dmclient-broker --once' are not seen."),
        .run = dm_run_monitor,
    },
    {
        .name = "complete",
        .synopsis = "KIND [BEGINNING]",
        .hidden = true,
        .min_arguments = 1,
        .max_arguments = 2,
        .words = {DM_WORD_TEXT, DM_WORD_TEXT},
        .summary = "Print what may stand in a place on the command line",
        .description = "For shells: one candidate a line.",
        .run = dm_run_complete,
    },
};

#undef BIT

static const DmExitInfo exits[] = {
    {DM_EXIT_OK, N_("ok")},
    {DM_EXIT_FAILURE, N_("failure")},
    {DM_EXIT_NOTHING, N_("nothing to do")},
    {DM_EXIT_NOT_FOUND, N_("not found")},
    {DM_EXIT_DENIED, N_("not authorised")},
    {DM_EXIT_NOT_ENROLLED, N_("not enrolled")},
    {DM_EXIT_NOT_RUNNING, N_("service not running")},
    {DM_EXIT_USAGE, N_("usage: a wrong command line")},
};

static const DmEnvironmentInfo environment[] = {
    {"NO_COLOR", N_("where it is set: no colour on the terminal")},
    {"COLUMNS", N_("the width of the terminal")},
    {DM_ENV_SOCKET, N_("stands for --socket")},
    {"DBUS_SYSTEM_BUS_ADDRESS", N_("another bus than the system's")},
};

const char *
dm_options_get_about(void)
{
    return N_("Shows, and for root changes, how this device is managed.");
}

const DmOption *
dm_options_get(DmOptionId id)
{
    g_assert(id < DM_OPTION_N);
    return &options[id];
}

const DmCliCommand *
dm_options_get_commands(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(commands);
    return commands;
}

const DmExitInfo *
dm_options_get_exits(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(exits);
    return exits;
}

const DmEnvironmentInfo *
dm_options_get_environment(gsize *ret_n)
{
    *ret_n = G_N_ELEMENTS(environment);
    return environment;
}

const char *
dm_arguments_get(const DmArguments *arguments, DmOptionId id, const char *fallback)
{
    const char *value = arguments->values[id];

    if (value == NULL && options[id].environment != NULL)
        value = g_getenv(options[id].environment);
    return value == NULL || *value == '\0' ? fallback : value;
}

bool
dm_arguments_get_user(const DmArguments *arguments, gint64 *ret_uid, GError **error)
{
    const char *text = arguments->values[DM_OPTION_USER];
    guint64 uid = 0;

    if (text == NULL) {
        *ret_uid = -1;
        return true;
    }
    /* 4294967295 is (uid_t)-1, nobody's. */
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &uid, NULL)) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    _("--user: %s is no uid; 'id -u NAME' prints a user's"), text);
        return false;
    }
    *ret_uid = (gint64)uid;
    return true;
}
