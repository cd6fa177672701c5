/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Makes way for a listening socket at `path`: removes a socket there whose owner is gone. False and
 * DM_ERROR: BUSY (somebody listens there, who is named), DENIED (something else stands there, or
 * permissions), INVALID (too long for a socket), FAILED. */
bool dm_socket_path_clear(const char *path, GError **error);
