/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Server addresses as the session uses them (rules L1; protocol.md section 4). */

/* Whether `address` may be spoken to: https with a host and without user info or fragment, or, with
 * `allow_http`, http on the loopback interface. False and DM_ERROR INVALID, naming it. */
bool dm_address_check(const char *address, bool allow_http, GError **error);

/* `address` with `mode` and `platform` in its query, which keeps what it has (protocol.md section
 * 4). Free with g_free(). */
char *dm_address_make_url(const char *address, const char *mode, const char *platform);

/* "host:port" of a URL, for messages; "?" if it is none. Free with g_free(). */
char *dm_address_describe(const char *url);

/* The host alone, an address of IPv6 without brackets. NULL: not a URL with one. Free with
 * g_free().
 */
char *dm_address_copy_host(const char *url);

/* Whether it is on the loopback interface: by its name, nothing is looked up. */
bool dm_address_is_loopback(const char *url);

/* Whether the scheme is https. */
bool dm_address_is_https(const char *url);

/* Whether `uri` is on a host that one of `addresses` has, in any ASCII case, whatever its scheme.
 */
bool dm_address_has_listed_host(const char *uri, const char *const *addresses);

/* Whether `uri` is https on a host that one of `addresses` has, in any ASCII case (protocol.md
 * section 1, RespURI). */
bool dm_address_is_listed(const char *uri, const char *const *addresses);
