/* SPDX-License-Identifier: MIT */
#pragma once

#include "common/status.h"

/* Exit codes (design section 6): scripts rely on them. */
typedef enum {
    DM_EXIT_OK = 0,
    DM_EXIT_FAILURE = 1,
    DM_EXIT_NOTHING = 2,
    DM_EXIT_NOT_FOUND = 3,
    DM_EXIT_DENIED = 4,
    DM_EXIT_NOT_ENROLLED = 5,
    DM_EXIT_NOT_RUNNING = 6,
    DM_EXIT_USAGE = 64,
} DmExit;

/* How a command on the tree that ended with `status` makes the program end. */
static inline DmExit
dm_exit_from_status(DmStatus status)
{
    if (dm_status_is_good(status))
        return DM_EXIT_OK;
    if (status == DM_STATUS_NOT_FOUND)
        return DM_EXIT_NOT_FOUND;
    return status == DM_STATUS_PERMISSION_DENIED ? DM_EXIT_DENIED : DM_EXIT_FAILURE;
}
