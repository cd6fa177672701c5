/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/exit.h"
#include "cli/printer.h"
#include "common/command.h"

/* The one table of commands and options: parsing, --help, and what else describes the command line
 * derive from it. */

typedef enum {
    DM_OPTION_JSON,
    DM_OPTION_SOCKET,
    DM_OPTION_HELP,
    DM_OPTION_VERSION,
    DM_OPTION_PROVIDER, /* from here on only for commands that name them */
    DM_OPTION_WATCH,
    DM_OPTION_WAIT,
    DM_OPTION_YES,
    DM_OPTION_SERVER,
    DM_OPTION_USER,
    DM_OPTION_FORMAT,
    DM_OPTION_CHECK,
    DM_OPTION_CERTIFICATE,
    DM_OPTION_KEY,
    DM_OPTION_COUNT,
    DM_OPTION_RAW,
    DM_OPTION_N,
} DmOptionId;

#define DM_OPTION_FIRST_OF_COMMANDS DM_OPTION_PROVIDER

/* What a word on the command line is, so that completion can offer some. */
typedef enum {
    DM_WORD_NONE,
    DM_WORD_FILE,
    DM_WORD_LOC_URI,
    DM_WORD_PROVIDER,
    DM_WORD_USER,
    DM_WORD_FORMAT,
    DM_WORD_TEXT,
} DmWord;

typedef struct {
    const char *name;        /* without the dashes */
    char letter;             /* short form; 0 none */
    const char *argument;    /* what it takes, as help shows it; NULL: nothing */
    DmWord word;             /* the kind of that argument */
    const char *environment; /* variable that stands in for it; NULL none */
    const char *standard;    /* what stands where it is not given; NULL nothing */
    const char *help;        /* one line; marked for translation */
} DmOption;

#define DM_ARGUMENTS_MAX 2

typedef struct DmArguments DmArguments;

typedef struct {
    const char *name;
    const char *synopsis; /* its arguments as help shows them */
    guint min_arguments, max_arguments;
    DmWord words[DM_ARGUMENTS_MAX]; /* the kinds of the arguments */
    bool hidden;                    /* for programs: not in help and manual */
    bool root;                      /* goes to the tree socket: root only */
    DmVerb verb;                    /* of the commands that are one verb; otherwise NONE */
    guint options;                  /* bits 1 << DmOptionId, beside the global ones */
    const char *summary;            /* one line; marked for translation */
    const char *description;        /* paragraphs, an empty line between them; marked likewise */
    DmExit (*run)(const DmArguments *arguments, DmPrinter *printer);
} DmCliCommand;

typedef struct {
    DmExit code;
    const char *text; /* marked for translation */
} DmExitInfo;

typedef struct {
    const char *name;
    const char *text; /* marked for translation */
} DmEnvironmentInfo;

/* A parsed command line; borrows from argv. */
struct DmArguments {
    const DmCliCommand *command;     /* NULL: none named */
    const char *values[DM_OPTION_N]; /* NULL: not given; "" for one that takes nothing */
    const char *words[DM_ARGUMENTS_MAX];
    guint n_words;
};

/* What the program is for, in a sentence; marked for translation. */
const char *dm_options_get_about(void);

/* The tables. Const. */
const DmOption *dm_options_get(DmOptionId id);
const DmCliCommand *dm_options_get_commands(gsize *ret_n);
const DmExitInfo *dm_options_get_exits(gsize *ret_n);
const DmEnvironmentInfo *dm_options_get_environment(gsize *ret_n);

/* Parses `argv`; false and DM_ERROR INVALID if it is no valid command line. Options may stand
 * anywhere, `--` ends them, and a minus before a digit or alone is an argument. Numbers of
 * arguments are not judged where --help or --version is given. */
bool dm_options_parse(int argc, char **argv, DmArguments *ret_arguments, GError **error);

/* Prints help for the program, or for one command if `command` is not NULL. */
void dm_options_print_help(DmPrinter *printer, const DmCliCommand *command);

/* What is given for an option, or by its variable, or `fallback`. */
const char *dm_arguments_get(const DmArguments *arguments, DmOptionId id, const char *fallback);

/* The uid of --user into `*ret_uid`, -1 if there is none; false and DM_ERROR INVALID if it is no
 * uid. */
bool dm_arguments_get_user(const DmArguments *arguments, gint64 *ret_uid, GError **error);
