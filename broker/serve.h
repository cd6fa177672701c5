/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/daemon.h"

/* Runs a daemon on the default main context as a service: until SIGTERM or SIGINT, reading the
 * configuration again on SIGHUP, and telling the service manager. False and DM_ERROR if it does not
 * start. */
bool dm_serve_run(const DmDaemonOptions *options, GError **error);
