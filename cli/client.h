/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "cli/options.h"
#include "cli/printer.h"
#include "common/command.h"
#include "dbus/tree-call.h"

/* The tree socket for the commands that go there: whatever fails is said, and the exit code put
 * into `*ret_exit`. */

/* Where the device tree begins. */
#define DM_CLIENT_TREE "./Device/Vendor/MSFT/DMClient"

/* Connects to the socket that the command line names. NULL on failure. */
DmTreeClient *dm_client_open(const DmArguments *arguments, DmPrinter *printer, DmExit *ret_exit);

/* Sends `call`, which it takes, and reads the reply, which has `n_results`. NULL on failure;
 * a NULL `call` fails with `error`, which it takes. */
DmReply *dm_client_call(DmTreeClient *client, DBusMessage *call, GError *error, gsize n_results,
                        DmPrinter *printer, DmExit *ret_exit);

/* Runs a batch as message 1 of `session` (NULL: outside a session) with the rights of the server of
 * `provider` (NULL: local root) and the user that the command line names. NULL on failure. */
DmReply *dm_client_apply(const DmArguments *arguments, const char *session, const char *provider,
                         const DmCommand *batch, gsize n_batch, DmPrinter *printer,
                         DmExit *ret_exit);

/* Runs one command of local root outside a session; its reply has one result. NULL on failure. */
DmReply *dm_client_run(const DmArguments *arguments, const DmCommand *command, DmPrinter *printer,
                       DmExit *ret_exit);

/* Says that `node` was refused with `status` and what to do about it. Returns the exit code; prints
 * nothing to standard output. */
DmExit dm_client_say_refused(const char *node, DmStatus status);
