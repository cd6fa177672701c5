/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <string.h>

#include "common/error.h"
#include "common/i18n.h"

static const DmCliCommand *
find_command(const char *name)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    for (gsize i = 0; i < n; i++)
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
        const DmOption *option = dm_options_get((DmOptionId)id);

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
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("unknown option %s"), word);
        return false;
    }
    const DmOption *option = dm_options_get(id);
    if (option->argument == NULL && value != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("--%s takes no value"), option->name);
        return false;
    }
    if (option->argument == NULL) {
        value = "";
    } else if (value == NULL) {
        if (*index + 1 >= argc) {
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("--%s needs %s"), option->name,
                        option->argument);
            return false;
        }
        value = argv[++*index];
    }
    if (arguments->values[id] != NULL && option->argument != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("--%s is given twice"), option->name);
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
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("unknown command %s"), word);
        return arguments->command != NULL;
    }
    if (arguments->n_words >= arguments->command->max_arguments) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("%s: %s is too much"),
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
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("no command given"));
        return false;
    }
    for (guint id = DM_OPTION_FIRST_OF_COMMANDS; id < DM_OPTION_N; id++) {
        if (arguments->values[id] != NULL && (command->options & 1u << id) == 0) {
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("%s takes no --%s"), command->name,
                        dm_options_get((DmOptionId)id)->name);
            return false;
        }
    }
    if (arguments->n_words < command->min_arguments) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, _("%s needs %s"), command->name,
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
