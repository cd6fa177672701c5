/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/transport.h"

/* What an HTTP status says (protocol.md section 4, rules L3 and L4). */

/* Whether this is an answer in the sense of L3: the server is there and works. */
bool dm_http_is_answer(unsigned status);

/* Whether a Content-Type (NULL: none) is of this type, whatever its parameters. */
bool dm_http_is_type(const char *content_type, const char *type);

/* An HTTP date (any of the three forms of RFC 9110) as seconds since the epoch; -1: none. NULL is
 * fine. */
gint64 dm_http_parse_date(const char *text);

/* Retry-After (seconds, or a date that is compared with `now_s`) as ms from now; 0 for a date that
 * is over; -1: none, or not one. NULL is fine. */
gint64 dm_http_parse_retry_after(const char *text, gint64 now_s);

/* How far the server's clock is ahead of ours, if it told its time; far is warned of. */
bool dm_http_measure_skew(const DmTransportAnswer *answer, const char *provider,
                          gint64 *ret_skew_s);

/* DM_ERROR HTTP for an answer that is no success: host, status, what it means and what to do. */
GError *dm_http_new_error(const DmTransportAnswer *answer);
