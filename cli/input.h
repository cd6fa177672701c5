/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Reads all of `path`, or of standard input if it is `-`, but not more than `max_bytes`. NULL and
 * DM_ERROR: NOT_FOUND, DENIED, TOO_LARGE, FAILED; the message names the file. The bytes are
 * followed by a NUL. */
GString *dm_input_read(const char *path, gsize max_bytes, GError **error);

/* The name of `path` for messages. Const or borrowed. */
const char *dm_input_name(const char *path);
