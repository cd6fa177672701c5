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

/* What the server's Statuses say. */
typedef struct {
    guint n_strays;             /* those for commands that were never sent: they say nothing */
    const DmElement *header;    /* the last good Status of a header; NULL: none; the message's */
    const DmElement *challenge; /* the one with 401 or 407; NULL: none; the message's */
} DmChecked;

/* Looks through the server's Statuses on messages 1 to `n_sent`, the first of which had `n_first`
 * commands (dm_package_count_first()). False and DM_ERROR PROTOCOL when a header was refused for
 * another reason than credentials: that ends the session. */
bool dm_check_statuses(const DmMessage *message, guint n_sent, guint n_first,
                       DmChecked *ret_checked, GError **error);

/* Whether the server does not take a Results of message `n_sent`: an object in chunks ends. */
bool dm_check_refuses_results(const DmMessage *message, guint n_sent);

/* Whether there is anything in it to run: more than Statuses, Results and Alerts. */
bool dm_check_has_commands(const DmMessage *message);

/* Whether an Alert with this code is in the message. */
bool dm_check_has_alert(const DmMessage *message, unsigned code);
