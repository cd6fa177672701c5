/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* What describes the command line beside --help, made when the program is built from the one table
 * of commands and options (cli/options.c): none of it can say something else. */

/* dmclientctl(1), in man's language. */
void dm_describe_man(GString *out);

/* Completion for bash. */
void dm_describe_bash(GString *out);
