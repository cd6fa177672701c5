/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/describe.h"
#include "cli/exit.h"

/* Runs when the project is built: dmclientctl-describe --man | --bash. */
int
main(int argc, char **argv)
{
    static const struct {
        const char *option;
        void (*describe)(GString *out);
    } kinds[] = {{"--man", dm_describe_man}, {"--bash", dm_describe_bash}};
    g_autoptr(GString) out = g_string_new(NULL);

    for (gsize i = 0; argc == 2 && i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(argv[1], kinds[i].option) == 0)
            kinds[i].describe(out);
    if (out->len == 0) {
        fputs("usage: dmclientctl-describe --man | --bash\n", stderr);
        return DM_EXIT_USAGE;
    }
    if (fputs(out->str, stdout) == EOF || fflush(stdout) != 0) {
        perror("dmclientctl-describe: standard output");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
