/* SPDX-License-Identifier: MIT */

#include "broker/check.h"

#include <string.h>

#include "common/error.h"

/* CmdIDs of package 1 begin after that of the header's Status. Of later messages, all but the last
 * command are Statuses and Results, which get no Status. */
#define BEFORE_FIRST 1

static guint64
to_number(const char *text, guint64 fallback)
{
    guint64 number = 0;

    if (!text || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL))
        return fallback;
    return number;
}

DmStatus
dm_check_header(const DmMessage *message, const char *session_id, GError **error)
{
    const DmHeader *header = &message->header;
    DmStatus status = DM_STATUS_OK;
    const char *what = NULL;

    if (!header->present || !header->session_id || to_number(header->msg_id, 0) == 0) {
        status = DM_STATUS_BAD_REQUEST;
        what = "a header without SessionID, or without a number as MsgID";
    } else if (!header->ver_dtd || strcmp(header->ver_dtd, "1.2") != 0) {
        status = DM_STATUS_BAD_VERSION;
        what = "another VerDTD than 1.2";
    } else if (!header->ver_proto || strcmp(header->ver_proto, "DM/1.2") != 0) {
        status = DM_STATUS_BAD_PROTOCOL;
        what = "another VerProto than DM/1.2";
    } else if (strcmp(header->session_id, session_id) != 0) {
        status = DM_STATUS_BAD_REQUEST;
        what = "the SessionID of another session";
    }
    if (what)
        g_set_error(error, DM_ERROR, DM_ERROR_PROTOCOL, "the server sent %s", what);
    return status;
}

static bool
is_stray(const DmElement *status, guint n_sent, guint n_first)
{
    /* Absent means 1 (section 2). */
    guint64 msg_ref = status->msg_ref ? to_number(status->msg_ref, 0) : 1;
    guint64 cmd_ref = to_number(status->cmd_ref, G_MAXUINT64);

    if (msg_ref < 1 || msg_ref > n_sent || cmd_ref == G_MAXUINT64)
        return true;
    return msg_ref == 1 && cmd_ref > BEFORE_FIRST + n_first;
}

static bool
is_about_header(const DmElement *status)
{
    return (status->cmd && strcmp(status->cmd, "SyncHdr") == 0) ||
           (status->cmd_ref && strcmp(status->cmd_ref, "0") == 0);
}

/* What the Status of a header says about the session. */
static bool
check_header_status(const DmElement *element, DmChecked *checked, GError **error)
{
    guint64 code = to_number(element->data, 0);

    if (code == DM_STATUS_INVALID_CREDENTIALS || code == DM_STATUS_MISSING_CREDENTIALS) {
        checked->challenge = element;
        return true;
    }
    if (code >= 200 && code < 300) {
        checked->header = element;
        return true;
    }
    g_set_error(error, DM_ERROR, DM_ERROR_PROTOCOL, "the server refused the message: %u %s",
                (guint)code,
                dm_status_is_known((guint)code) ? dm_status_to_text((DmStatus)code) : "");
    return false;
}

bool
dm_check_statuses(const DmMessage *message, guint n_sent, guint n_first, DmChecked *ret_checked,
                  GError **error)
{
    DmChecked checked = {0};

    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);

        if (element->verb != DM_VERB_STATUS)
            continue;
        if (is_stray(element, n_sent, n_first))
            checked.n_strays++;
        else if (is_about_header(element) && !check_header_status(element, &checked, error))
            return false;
    }
    *ret_checked = checked;
    return true;
}

bool
dm_check_refuses_results(const DmMessage *message, guint n_sent)
{
    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);

        if (element->verb == DM_VERB_STATUS && g_strcmp0(element->cmd, "Results") == 0 &&
            to_number(element->msg_ref, 1) == n_sent && to_number(element->data, 0) >= 300)
            return true;
    }
    return false;
}

bool
dm_check_has_commands(const DmMessage *message)
{
    for (gsize i = 0; i < dm_message_get_size(message); i++)
        if (dm_message_get(message, i)->verb < DM_VERB_ALERT)
            return true;
    return false;
}

bool
dm_check_has_alert(const DmMessage *message, unsigned code)
{
    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);

        if (element->verb == DM_VERB_ALERT && to_number(element->data, 0) == code)
            return true;
    }
    return false;
}
