/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/options.h"
#include "common/error.h"

/* A command line in one string, and what came of it. */
typedef struct {
    char **argv;
    DmArguments arguments;
    GError *error;
    bool good;
} Line;

static Line
parse(const char *text)
{
    g_autofree char *full = g_strconcat("dmclientctl", *text == '\0' ? "" : " ", text, NULL);
    Line line = {.argv = g_strsplit(full, " ", -1)};

    line.good =
        dm_options_parse((int)g_strv_length(line.argv), line.argv, &line.arguments, &line.error);
    return line;
}

static void
line_clear(Line *line)
{
    g_strfreev(line->argv);
    g_clear_error(&line->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

static void
test_command_and_arguments(void)
{
    g_auto(Line) line = parse("replace ./Device/A value");

    g_assert_no_error(line.error);
    g_assert_cmpstr(line.arguments.command->name, ==, "replace");
    g_assert_cmpuint(line.arguments.n_words, ==, 2);
    g_assert_cmpstr(line.arguments.words[0], ==, "./Device/A");
    g_assert_cmpstr(line.arguments.words[1], ==, "value");
}

static void
test_options_anywhere(void)
{
    g_auto(Line) before = parse("--json --socket=/s replace --format int ./A 5");
    g_auto(Line) after = parse("replace ./A 5 --format=int --socket /s --json");

    g_assert_true(before.good);
    g_assert_true(after.good);
    for (guint id = 0; id < DM_OPTION_N; id++)
        g_assert_cmpstr(before.arguments.values[id], ==, after.arguments.values[id]);
    g_assert_cmpstr(after.arguments.values[DM_OPTION_FORMAT], ==, "int");
    g_assert_cmpstr(after.arguments.values[DM_OPTION_SOCKET], ==, "/s");
    g_assert_nonnull(after.arguments.values[DM_OPTION_JSON]);
}

static void
test_minus_as_argument(void)
{
    g_auto(Line) number = parse("replace ./A -5");
    g_auto(Line) ended = parse("replace -- ./A --json");
    g_auto(Line) input = parse("apply -");

    g_assert_cmpstr(number.arguments.words[1], ==, "-5");
    g_assert_cmpstr(ended.arguments.words[1], ==, "--json");
    g_assert_null(ended.arguments.values[DM_OPTION_JSON]);
    g_assert_cmpstr(input.arguments.words[0], ==, "-");
}

static void
test_refused(void)
{
    static const struct {
        const char *line;
        const char *named; /* what the message must name */
    } cases[] = {
        {"", "no command"},
        {"frobnicate", "frobnicate"},
        {"get", "LOCURI"},
        {"get ./A ./B", "./B"},
        {"delete ./A data", "data"},
        {"status --bogus", "--bogus"},
        {"status -x", "-x"},
        {"status --socket", "PATH"},
        {"status --json=yes", "--json"},
        {"status --server X", "--server"},
        {"get ./A --provider X", "--provider"},
        {"apply f --certificate c", "--certificate"},
        {"status --provider A --provider B", "twice"},
        {"status --prov A", "--prov"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Line) line = parse(cases[i].line);

        g_test_message("%s", cases[i].line);
        g_assert_false(line.good);
        g_assert_error(line.error, DM_ERROR, DM_ERROR_INVALID);
        g_assert_nonnull(strstr(line.error->message, cases[i].named));
    }
}

static void
test_help_needs_no_arguments(void)
{
    g_auto(Line) program = parse("--help");
    g_auto(Line) command = parse("get --help");
    g_auto(Line) version = parse("--version");

    g_assert_true(program.good);
    g_assert_null(program.arguments.command);
    g_assert_true(command.good);
    g_assert_cmpstr(command.arguments.command->name, ==, "get");
    g_assert_true(version.good);
}

static void
test_user(void)
{
    static const struct {
        const char *line;
        gint64 uid; /* -2: refused */
    } cases[] = {
        {"get ./A", -1},
        {"get ./A --user 0", 0},
        {"get ./A --user 1000", 1000},
        {"get ./A --user 4294967294", 4294967294},
        {"get ./A --user 4294967295", -2},
        {"get ./A --user=-1", -2},
        {"get ./A --user root", -2},
        {"get ./A --user 1x", -2},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Line) line = parse(cases[i].line);
        g_autoptr(GError) error = NULL;
        gint64 uid = -2;

        g_test_message("%s", cases[i].line);
        g_assert_true(line.good);
        g_assert_true(dm_arguments_get_user(&line.arguments, &uid, &error) == (cases[i].uid != -2));
        g_assert_cmpint(uid, ==, cases[i].uid);
    }
}

static void
test_environment_stands_in(void)
{
    g_auto(Line) bare = parse("status");
    g_auto(Line) given = parse("status --socket /given");

    g_setenv("DMCLIENT_SOCKET", "/variable", TRUE);
    g_assert_cmpstr(dm_arguments_get(&bare.arguments, DM_OPTION_SOCKET, "/default"), ==,
                    "/variable");
    g_assert_cmpstr(dm_arguments_get(&given.arguments, DM_OPTION_SOCKET, "/default"), ==, "/given");
    g_unsetenv("DMCLIENT_SOCKET");
    g_assert_cmpstr(dm_arguments_get(&bare.arguments, DM_OPTION_SOCKET, "/default"), ==,
                    "/default");
}

/* What man pages and completion take from the table must be there. */
static void
test_table_is_complete(void)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    for (gsize i = 0; i < n; i++) {
        const DmCliCommand *command = &commands[i];
        g_autoptr(DmPrinter) printer = dm_printer_new(false);

        g_test_message("%s", command->name);
        g_assert_nonnull(command->run);
        g_assert_true(g_str_has_suffix(command->description, "."));
        g_assert_cmpuint(command->min_arguments, <=, command->max_arguments);
        g_assert_cmpuint(command->max_arguments, <=, DM_ARGUMENTS_MAX);
        g_assert_true((command->synopsis != NULL) == (command->max_arguments > 0));
        for (guint j = 0; j < DM_ARGUMENTS_MAX; j++)
            g_assert_true((command->words[j] != DM_WORD_NONE) == (j < command->max_arguments));
        g_assert_cmpuint(command->options & ((1u << DM_OPTION_FIRST_OF_COMMANDS) - 1), ==, 0);
        dm_options_print_help(printer, command);
        g_assert_nonnull(strstr(printer->out->str, command->summary));
    }
    for (guint id = 0; id < DM_OPTION_N; id++) {
        const DmOption *option = dm_options_get((DmOptionId)id);

        g_assert_nonnull(option->name);
        g_assert_nonnull(option->help);
        g_assert_true((option->argument != NULL) == (option->word != DM_WORD_NONE));
    }
}

static void
test_help_fits_a_terminal(void)
{
    gsize n = 0;
    const DmCliCommand *commands = dm_options_get_commands(&n);

    for (gsize i = 0; i <= n; i++) {
        g_autoptr(DmPrinter) printer = dm_printer_new(false);

        printer->columns = 60;
        dm_options_print_help(printer, i == n ? NULL : &commands[i]);
        g_auto(GStrv) lines = g_strsplit(printer->out->str, "\n", -1);
        for (guint j = 0; lines[j] != NULL; j++) {
            g_test_message("%s", lines[j]);
            g_assert_cmpint(g_utf8_strlen(lines[j], -1), <=,
                            g_str_has_prefix(lines[j], "Usage:") ? 80 : 60);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/command-and-arguments", test_command_and_arguments);
    g_test_add_func("/options/options-anywhere", test_options_anywhere);
    g_test_add_func("/options/minus-as-argument", test_minus_as_argument);
    g_test_add_func("/options/refused", test_refused);
    g_test_add_func("/options/help-needs-no-arguments", test_help_needs_no_arguments);
    g_test_add_func("/options/user", test_user);
    g_test_add_func("/options/environment-stands-in", test_environment_stands_in);
    g_test_add_func("/options/table-is-complete", test_table_is_complete);
    g_test_add_func("/options/help-fits-a-terminal", test_help_fits_a_terminal);
    return g_test_run();
}
