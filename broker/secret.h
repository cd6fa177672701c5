/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Bytes that are wiped when their last reference goes: keys, and what was encrypted. */

/* A copy of `size` bytes, with a NUL behind them. */
GBytes *dm_secret_new(const void *bytes, gsize size);
