/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Which redirects are followed (protocol.md section 4): 307 and 308, which keep method and body, to
 * https on a host of the provider's list. One followed blindly hands certificate, signature and
 * body to a stranger. */

/* Most in a row. */
#define DM_REDIRECT_MAX 3

/* Whether `status` is one of the redirects of HTTP, followed or not. */
bool dm_redirect_is_one(unsigned status);

/* Where the answer `status` to a request to `url` with this Location (NULL: none) leads, after
 * `n_followed` redirects before; `listed` are the provider's addresses (NULL: none). NULL: it is
 * not followed, for `*ret_reason`, which follows "HTTP status N: " and names the next step. Free
 * both with g_free(). */
char *dm_redirect_follow(unsigned status, const char *url, const char *location,
                         const char *const *listed, guint n_followed, char **ret_reason);
