/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli/exit.h"
#include "cli/options.h"
#include "cli/printer.h"

/* What runs each command of the table in options.c: prints to `printer`, failures to standard
 * error, and returns the exit code. */

DmExit dm_run_status(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_help_contacts(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_page(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_first_sync(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_sync(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_disconnect(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_history(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_doctor(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_monitor(const DmArguments *arguments, DmPrinter *printer);

/* get, add, replace, delete, exec: the command's verb on one node. */
DmExit dm_run_verb(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_tree(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_apply(const DmArguments *arguments, DmPrinter *printer);
DmExit dm_run_provision(const DmArguments *arguments, DmPrinter *printer);

/* Candidates for a shell's completion; hidden. */
DmExit dm_run_complete(const DmArguments *arguments, DmPrinter *printer);
