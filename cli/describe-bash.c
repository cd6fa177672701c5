/* SPDX-License-Identifier: MIT */
#include "cli/describe.h"

#include "cli/options.h"

/* What completes a word, as a command of the script; NULL: nothing does. */
static const char *
get_action(DmWord word)
{
    switch (word) {
    case DM_WORD_FILE:
        return "compopt -o default";
    case DM_WORD_LOC_URI:
        return "_dmclientctl_ask locuri";
    case DM_WORD_PROVIDER:
        return "_dmclientctl_ask provider";
    case DM_WORD_FORMAT:
        return "_dmclientctl_ask format";
    case DM_WORD_USER:
        return "_dmclientctl_users";
    case DM_WORD_NONE:
    case DM_WORD_TEXT:
        break;
    }
    return NULL;
}

static void
append_option_words(GString *out, guint options)
{
    for (guint id = 0; id < DM_OPTION_N; id++) {
        const DmOption *option = dm_options_get((DmOptionId)id);

        if (id < DM_OPTION_FIRST_OF_COMMANDS || (options & 1u << id) != 0)
            g_string_append_printf(out, " --%s", option->name);
    }
}

/* The options that take a word, for a pattern; the letters among them. */
static void
append_pattern(GString *out)
{
    const char *separator = "";

    for (guint id = 0; id < DM_OPTION_N; id++) {
        const DmOption *option = dm_options_get((DmOptionId)id);

        if (option->argument == NULL)
            continue;
        g_string_append_printf(out, "%s--%s", separator, option->name);
        separator = " | ";
        if (option->letter != 0)
            g_string_append_printf(out, "%s-%c", separator, option->letter);
    }
}

static void
append_functions(GString *out)
{
    g_string_append(
        out, "# Completion of dmclientctl for bash, made from its table of commands and options.\n"
             "# shellcheck shell=bash\n\n"
             "# Offers what the program says that the word may be, quoted as the word is begun.\n"
             "_dmclientctl_ask() {\n"
             "    local word=$cur quote='' candidate\n"
             "    case $word in [\\\"\\']*) quote=${word:0:1} word=${word:1} ;; esac\n"
             "    [[ $quote ]] || word=${word//\\\\/}\n"
             "    while IFS= read -r candidate; do\n"
             "        if [[ ! $quote ]]; then\n"
             "            printf -v candidate %q \"$candidate\"\n"
             "        elif [[ $candidate == *[\\\'\\\"\\$\\`\\\\!]* ]]; then\n"
             "            continue\n"
             "        fi\n"
             "        COMPREPLY+=(\"$candidate\")\n"
             "    done < <(\"${COMP_WORDS[0]}\" complete -- \"$1\" \"$word\" 2>/dev/null)\n"
             "    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace\n"
             "}\n\n"
             "_dmclientctl_users() {\n"
             "    mapfile -t COMPREPLY < <(compgen -W \"$(getent passwd | cut -d: -f3)\" -- "
             "\"$cur\")\n"
             "}\n\n"
             "_dmclientctl_words() {\n"
             "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
             "}\n\n");
}

/* Finds the command, how many of its words stand before the one to complete, and the option whose
 * word it is. Bash has cut at equals signs. */
static void
append_scan(GString *out)
{
    g_string_append(out, "_dmclientctl() {\n"
                         "    local cur=${COMP_WORDS[COMP_CWORD]} option='' command='' n=0 i\n"
                         "    COMPREPLY=()\n"
                         "    option=${COMP_WORDS[COMP_CWORD - 1]}\n"
                         "    if [[ $cur == = ]]; then\n"
                         "        cur=''\n"
                         "    elif [[ $option == = ]]; then\n"
                         "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
                         "    fi\n"
                         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                         "        case ${COMP_WORDS[i]} in\n"
                         "            ");
    append_pattern(out);
    g_string_append(out, ")\n"
                         "                [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n"
                         "                ((i++))\n"
                         "                ;;\n"
                         "            -*) ;;\n"
                         "            *)\n"
                         "                if [[ $command ]]; then\n"
                         "                    ((n++))\n"
                         "                else\n"
                         "                    command=${COMP_WORDS[i]}\n"
                         "                fi\n"
                         "                ;;\n"
                         "        esac\n"
                         "    done\n");
}

static void
append_option_arguments(GString *out)
{
    g_string_append(out, "    case $option in\n");
    for (guint id = 0; id < DM_OPTION_N; id++) {
        const DmOption *option = dm_options_get((DmOptionId)id);
        const char *action = get_action(option->word);

        if (option->argument == NULL)
            continue;
        g_string_append_printf(out, "        --%s", option->name);
        if (option->letter != 0)
            g_string_append_printf(out, " | -%c", option->letter);
        g_string_append_printf(out, ") %s%sreturn ;;\n", action == NULL ? "" : action,
                               action == NULL ? "" : "; ");
    }
    g_string_append(out, "    esac\n");
}

static void
append_options(GString *out)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    g_string_append(out, "    if [[ $cur == -* ]]; then\n        case $command in\n");
    for (gsize i = 0; i < n; i++) {
        if (commands[i].hidden)
            continue;
        g_string_append_printf(out, "            %s) _dmclientctl_words '", commands[i].name);
        append_option_words(out, commands[i].options);
        g_string_append(out, "' ;;\n");
    }
    g_string_append(out, "            *) _dmclientctl_words '");
    append_option_words(out, 0);
    g_string_append(out, "' ;;\n        esac\n        return\n    fi\n");
}

static void
append_words(GString *out)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    g_string_append(out, "    case $command:$n in\n        :*) _dmclientctl_words '");
    for (gsize i = 0; i < n; i++)
        if (!commands[i].hidden)
            g_string_append_printf(out, " %s", commands[i].name);
    g_string_append(out, "' ;;\n");
    for (gsize i = 0; i < n; i++) {
        for (guint j = 0; j < commands[i].max_arguments && !commands[i].hidden; j++) {
            const char *action = get_action(commands[i].words[j]);

            if (action != NULL)
                g_string_append_printf(out, "        %s:%u) %s ;;\n", commands[i].name, j, action);
        }
    }
    g_string_append(out, "    esac\n}\n\ncomplete -F _dmclientctl dmclientctl\n");
}

void
dm_describe_bash(GString *out)
{
    append_functions(out);
    append_scan(out);
    append_option_arguments(out);
    append_options(out);
    append_words(out);
}
