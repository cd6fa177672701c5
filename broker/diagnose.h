/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* dmclient-broker --check: the whole check (broker/self-check.h) in a process of its own, beside a
 * broker that runs or without one. */

/* How long the servers together may take, and the bus and the tree each before. */
#define DM_DIAGNOSE_LIMIT_MS 30000
#define DM_DIAGNOSE_BUS_MS 5000

typedef struct {
    const char *socket;
    const char *key_directory;
    const char *config_path;
    bool config_must_exist;
    bool uses_bus;
    bool json; /* prints JSON, else text */
} DmDiagnoseOptions;

/* Prints what was found to standard output, progress to standard error where that is a terminal.
 * Root becomes the user that the key directory belongs to first, for good: what is looked at is
 * what that user can do. `*ret_is_good`: nothing is wrong; a warning is not. False and DM_ERROR
 * DENIED where nothing can be looked at: neither root nor that user asks. */
bool dm_diagnose_run(const DmDiagnoseOptions *options, bool *ret_is_good, GError **error);
