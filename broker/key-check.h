/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/findings.h"
#include "broker/keys.h"

/* Whether the broker's directory, certificates and keys are as they must be (security.md section
 * 4), for the process that looks: it must run as the broker's user. */

/* Adds "key-directory". False: there is no use in looking into it. */
bool dm_key_check_directory(const char *directory, DmFindings *findings);

/* Adds "key-file" for each file that is not as it must be, and "certificate" for the pair of
 * `thumbprint` (NULL: the enrolment has none). `ret_pair` is for dm_key_pair_clear(); empty where
 * it cannot be used. */
void dm_key_check_pair(const char *directory, const char *provider, const char *thumbprint,
                       DmFindings *findings, DmKeyPair *ret_pair);
