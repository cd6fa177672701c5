/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/bio.h>

/* Bytes that are wiped when their last reference goes: keys, and what was encrypted. */

/* A copy of `size` bytes, with a NUL behind them. */
GBytes *dm_secret_new(const void *bytes, gsize size);

/* OpenSSL reads `bytes` from it as they stand, which must outlive it. Free with BIO_free(). */
BIO *dm_secret_open(GBytes *bytes);

/* A copy of what was written to a memory BIO. */
GBytes *dm_secret_take(BIO *bio);
