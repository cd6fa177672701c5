/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "common/status.h"
#include "syncml/message.h"

/* What a server's message says about the session, before its commands run (protocol.md section 1).
 */

/* Whether the header is one of this session: versions (505, 513), the SessionID as text, a MsgID
 * (400). OK, or the status that refuses it with DM_ERROR PROTOCOL in `error`. */
DmStatus dm_check_header(const DmMessage *message, const char *session_id, GError **error);

/* Looks through the server's Statuses on messages 1 to `n_sent`, the first of which had `n_first`
 * commands (dm_package_count_first()). False when one of them ends the
 * session: DM_ERROR CREDENTIALS (401, 407: a challenge), PROTOCOL (the header was refused
 * otherwise). `*ret_strays` counts those for commands that were never sent: they say nothing. */
bool dm_check_statuses(const DmMessage *message, guint n_sent, guint n_first, guint *ret_strays,
                       GError **error);

/* Whether an Alert with this code is in the message. */
bool dm_check_has_alert(const DmMessage *message, unsigned code);
