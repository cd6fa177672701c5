/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <string.h>

#include "cli/run.h"
#include "common/error.h"
#include "common/paths.h"

static const DmOption options[DM_OPTION_N] = {
    [DM_OPTION_JSON] = {.name = "json", .help = "Print JSON (\"schema\": 1) for scripts"},
    [DM_OPTION_SOCKET] = {.name = "socket",
                          .argument = "PATH",
                          .word = DM_WORD_FILE,
                          .environment = DM_ENV_SOCKET,
                          .help = "The service's socket (default " DM_DEFAULT_SOCKET ")"},
    [DM_OPTION_HELP] = {.name = "help", .letter = 'h', .help = "Explain the program or COMMAND"},
    [DM_OPTION_VERSION] = {.name = "version", .help = "Print the version"},
    [DM_OPTION_PROVIDER] = {.name = "provider",
                            .argument = "PROVIDER",
                            .word = DM_WORD_PROVIDER,
                            .help = "Only this provider (default all)"},
    [DM_OPTION_SERVER] = {.name = "server",
                          .argument = "PROVIDER",
                          .word = DM_WORD_PROVIDER,
                          .help = "Act with the rights of this provider's server"},
    [DM_OPTION_USER] = {.name = "user",
                        .argument = "UID",
                        .word = DM_WORD_USER,
                        .help = "The user whose tree ./User names"},
    [DM_OPTION_FORMAT] = {.name = "format",
                          .argument = "FORMAT",
                          .word = DM_WORD_FORMAT,
                          .help = "Format of DATA: chr, int, bool, … (default the node's own)"},
    [DM_OPTION_CHECK] = {.name = "check", .help = "Say what would come of it, change nothing"},
    [DM_OPTION_CERTIFICATE] = {.name = "certificate",
                               .argument = "FILE",
                               .word = DM_WORD_FILE,
                               .help = "The device's certificate for this provider (PEM)"},
    [DM_OPTION_KEY] = {.name = "key",
                       .argument = "FILE",
                       .word = DM_WORD_FILE,
                       .help = "Its private key (PEM), or tpm2: or pkcs11: URI"},
    [DM_OPTION_COUNT] = {.name = "count",
                         .letter = 'n',
                         .argument = "N",
                         .word = DM_WORD_TEXT,
                         .help = "At most this many, 1 to 200 (default 10)"},
    [DM_OPTION_RAW] = {.name = "raw", .help = "Record whole messages in a file, for an hour"},
};

#define BIT(id) (1u << DM_OPTION_##id)

static const DmCliCommand commands[] = {
    {
        .name = "status",
        .options = BIT(PROVIDER),
        .summary = "Show who manages this device, and how that goes",
        .description =
            "For each provider: the server, the state of its session, when it was last tried and\n"
            "last worked, when the next one is due, the last error, and how far the first sync\n"
            "is.\n",
        .run = dm_run_status,
    },
    {
        .name = "help-contacts",
        .options = BIT(PROVIDER),
        .summary = "Show how to reach the organisation's help desk",
        .description = "Phone number, web site and mail address as each provider set them.\n",
        .run = dm_run_help_contacts,
    },
    {
        .name = "page",
        .options = BIT(PROVIDER),
        .summary = "Show the page for when enrolment is complete",
        .description = "Title, text and link as each provider set them.\n",
        .run = dm_run_page,
    },
    {
        .name = "history",
        .options = BIT(PROVIDER) | BIT(COUNT),
        .summary = "Show the last sessions, the newest first",
        .description =
            "For each session when it began, why, how it ended, how long it took, messages sent\n"
            "and received, and the server, or the reason if it failed. It takes an\n"
            "administrator, whom polkit may ask for a password.\n",
        .run = dm_run_history,
    },
    {
        .name = "doctor",
        .summary = "Look for what is wrong, and say what to do about it",
        .description =
            "As root everything is looked at: bus, service, keys, certificates, servers, clock,\n"
            "schedule; no session is begun. Other users see what they may, and hear what was left\n"
            "out. The exit code is 0 if nothing is wrong, 1 if something is; 6 without a service\n"
            "to ask, 5 where all is well but nothing enrolled.\n",
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
        .summary = "Print a node's value, or the names below it",
        .description =
            "A value is printed as it is; an interior node as the names of its children, one a\n"
            "line, each escaped as in a LocURI. What `?list=` or `?prop=` ask for is answered as\n"
            "a server would see it.\n",
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
        .summary = "Print a node and all below it",
        .description = "Without LOCURI, the whole device tree.\n",
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
        .summary = "Add a node that is not there",
        .description = "Interior nodes take no DATA. A node that is there already is refused.\n",
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
        .summary = "Set a node's value",
        .description = "Sets it whether it was set before or not.\n",
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
        .summary = "Remove a node and all below it",
        .description = "A provider, too: its server is not told then.\n",
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
        .summary = "Execute a node",
        .description = "Only few nodes can be executed.\n",
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
        .summary = "Run a SyncML message and print its answer",
        .description =
            "FILE is a SyncML message, a SyncBody, or bare commands; - is standard input. It runs\n"
            "as one message: one commit. The answering SyncBody is printed. The exit code is 0 if\n"
            "each command ended well, 1 if one did not, 2 if there was none.\n",
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
        .summary = "Enrol with a provider by a wap-provisioningdoc",
        .description =
            "FILE is the document; - is standard input. All of it is applied, or nothing: what is\n"
            "wrong is named with its line. The certificate and its key go to the broker; the\n"
            "service never sees the key.\n",
        .run = dm_run_provision,
    },
    {
        .name = "monitor",
        .root = true,
        .options = BIT(RAW),
        .summary = "Watch sessions as they happen",
        .description =
            "A line each for messages, commands with their status, and how sessions begin and\n"
            "end, without what is secret. It goes on until it is ended, or the broker ends. With\n"
            "--json an object a line. With --raw the broker writes whole messages, secrets among\n"
            "them, to a file in its own directory, for an hour; it removes it a day later.\n"
            "Sessions of 'dmclient-broker --once' are not seen.\n",
        .run = dm_run_monitor,
    },
};

#undef BIT

static const DmExitInfo exits[] = {
    {DM_EXIT_OK, "ok"},
    {DM_EXIT_FAILURE, "failure"},
    {DM_EXIT_NOTHING, "nothing to do"},
    {DM_EXIT_NOT_FOUND, "not found"},
    {DM_EXIT_DENIED, "not authorised"},
    {DM_EXIT_NOT_ENROLLED, "not enrolled"},
    {DM_EXIT_NOT_RUNNING, "service not running"},
    {DM_EXIT_USAGE, "usage: a wrong command line"},
};

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

static const DmCliCommand *
find_command(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* The option that `word`, with its dashes, begins; `*ret_inline` is what follows `=`, or NULL. */
static DmOptionId
find_option(const char *word, const char **ret_inline)
{
    const char *equals = strchr(word, '=');
    gsize size = equals == NULL ? strlen(word) : (gsize)(equals - word);

    *ret_inline = equals == NULL ? NULL : equals + 1;
    for (guint id = 0; id < DM_OPTION_N; id++) {
        const DmOption *option = &options[id];

        if (word[1] == '-' && strlen(option->name) == size - 2 &&
            strncmp(option->name, word + 2, size - 2) == 0)
            return (DmOptionId)id;
        if (option->letter != 0 && size == 2 && word[1] == option->letter)
            return (DmOptionId)id;
    }
    return DM_OPTION_N;
}

/* Takes the option at argv[*index], and its argument. */
static bool
take_option(int argc, char **argv, int *index, DmArguments *arguments, GError **error)
{
    const char *word = argv[*index];
    const char *value = NULL;
    DmOptionId id = find_option(word, &value);

    if (id == DM_OPTION_N) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "unknown option %s", word);
        return false;
    }
    const DmOption *option = &options[id];
    if (option->argument == NULL && value != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "--%s takes no value", option->name);
        return false;
    }
    if (option->argument == NULL) {
        value = "";
    } else if (value == NULL) {
        if (*index + 1 >= argc) {
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "--%s needs %s", option->name,
                        option->argument);
            return false;
        }
        value = argv[++*index];
    }
    if (arguments->values[id] != NULL && option->argument != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "--%s is given twice", option->name);
        return false;
    }
    arguments->values[id] = value;
    return true;
}

/* Takes a word that is no option: the command first, then its arguments. */
static bool
take_word(const char *word, DmArguments *arguments, GError **error)
{
    if (arguments->command == NULL) {
        arguments->command = find_command(word);
        if (arguments->command == NULL)
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "unknown command %s", word);
        return arguments->command != NULL;
    }
    if (arguments->n_words >= arguments->command->max_arguments) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: %s is too much",
                    arguments->command->name, word);
        return false;
    }
    arguments->words[arguments->n_words++] = word;
    return true;
}

/* Whether the options given belong to the command, and there are arguments enough. */
static bool
check_command(const DmArguments *arguments, GError **error)
{
    const DmCliCommand *command = arguments->command;

    if (command == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "no command given");
        return false;
    }
    for (guint id = DM_OPTION_FIRST_OF_COMMANDS; id < DM_OPTION_N; id++) {
        if (arguments->values[id] != NULL && (command->options & 1u << id) == 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s takes no --%s", command->name,
                        options[id].name);
            return false;
        }
    }
    if (arguments->n_words < command->min_arguments) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s needs %s", command->name,
                    command->synopsis);
        return false;
    }
    return true;
}

bool
dm_options_parse(int argc, char **argv, DmArguments *ret_arguments, GError **error)
{
    DmArguments arguments = {.command = NULL};
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool is_option =
            !only_words && word[0] == '-' && word[1] != '\0' && !g_ascii_isdigit(word[1]);

        if (is_option && strcmp(word, "--") == 0)
            only_words = true;
        else if (is_option ? !take_option(argc, argv, &i, &arguments, error)
                           : !take_word(word, &arguments, error))
            return false;
    }
    if (arguments.values[DM_OPTION_HELP] == NULL && arguments.values[DM_OPTION_VERSION] == NULL &&
        !check_command(&arguments, error))
        return false;
    *ret_arguments = arguments;
    return true;
}

static void
append_option(GString *out, const DmOption *option)
{
    g_autofree char *letter =
        option->letter == 0 ? g_strdup("    ") : g_strdup_printf("-%c, ", option->letter);
    g_autofree char *form =
        g_strdup_printf("%s--%s%s%s", letter, option->name, option->argument == NULL ? "" : " ",
                        option->argument == NULL ? "" : option->argument);

    g_string_append_printf(out, "  %-23s %s\n", form, option->help);
}

static void
append_commands(GString *out, bool root)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const DmCliCommand *command = &commands[i];

        if (command->root != root)
            continue;
        g_autofree char *form =
            g_strdup_printf("%s %s", command->name, command->synopsis ? command->synopsis : "");
        g_string_append_printf(out, "  %-23s %s\n", form, command->summary);
    }
}

static void
append_command_help(GString *out, const DmCliCommand *command)
{
    g_string_append_printf(out, "Usage: dmclientctl %s [OPTION…]%s%s\n\n%s.%s\n%s\n", command->name,
                           command->synopsis == NULL ? "" : " ",
                           command->synopsis == NULL ? "" : command->synopsis, command->summary,
                           command->root ? " For root." : "", command->description);
    if (command->options != 0)
        g_string_append(out, "Options:\n");
    for (guint id = 0; id < DM_OPTION_N; id++)
        if ((command->options & 1u << id) != 0)
            append_option(out, &options[id]);
    if (command->options != 0)
        g_string_append_c(out, '\n');
    g_string_append(out, "Options of all commands:\n");
}

void
dm_options_append_help(GString *out, const DmCliCommand *command)
{
    if (command == NULL) {
        g_string_append(out, "Usage: dmclientctl [OPTION…] COMMAND [ARGUMENT…]\n\n"
                             "Shows, and for root changes, how this device is managed.\n\n"
                             "Commands for everyone:\n");
        append_commands(out, false);
        g_string_append(out, "\nCommands for root:\n");
        append_commands(out, true);
        g_string_append(out, "\n'dmclientctl COMMAND --help' explains a command.\n\nOptions:\n");
    } else {
        append_command_help(out, command);
    }
    for (guint id = 0; id < DM_OPTION_FIRST_OF_COMMANDS; id++)
        append_option(out, &options[id]);
    g_string_append(out, "\nExit codes:\n");
    for (gsize i = 0; i < G_N_ELEMENTS(exits); i++)
        g_string_append_printf(out, "  %-23d %s\n", (int)exits[i].code, exits[i].text);
    if (command != NULL)
        return;
    g_string_append(out, "\nEnvironment:\n"
                         "  NO_COLOR                no colour on the terminal\n");
    for (guint id = 0; id < DM_OPTION_N; id++)
        if (options[id].environment != NULL)
            g_string_append_printf(out, "  %-23s stands for --%s\n", options[id].environment,
                                   options[id].name);
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
                    "--user: %s is no uid; 'id -u NAME' prints a user's", text);
        return false;
    }
    *ret_uid = (gint64)uid;
    return true;
}
