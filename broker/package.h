/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "broker/device.h"
#include "broker/outbox.h"
#include "syncml/message.h"
#include "syncml/writer.h"

/* The device's own messages (protocol.md section 1). */

/* Alerts of either side. */
#define DM_ALERT_NEXT_MESSAGE 1222
#define DM_ALERT_ABORT 1223
#define DM_ALERT_NO_END_OF_DATA 1225

/* What every header of a session needs; borrowed. */
typedef struct {
    const char *session_id; /* opaque (S1) */
    const char *dev_id;
    const char *address;   /* the server's */
    guint message;         /* MsgID: from 1, +1 */
    DmAuthElement cred;    /* not present: none is sent */
    const char *user_name; /* Source/LocName; NULL: none */
} DmPackage;

/* Opens a message; the first has no Meta and its CmdIDs count from 2 (1 is kept for the Status of a
 * header), every other one announces MaxMsgSize. */
void dm_package_begin(const DmPackage *package, DmWriter *writer);

/* What the first message says of the session. */
typedef struct {
    const char *login_status;  /* "user", "others" or "none" */
    bool asked;                /* a push asked for the session */
    bool unenrols;             /* the device is leaving (E2) */
    const char *challenge;     /* MsgID of the server's message with the challenge that this
                                  answers: its Status goes first; NULL: none */
    DmStatus challenge_status; /* what that Status says */
} DmPackageFirst;

/* Package 1: Alert 1201 (1200 with `asked`), LoginStatus, with `unenrols` Alert 1226, DevInfo in
 * five items (a value that the system does not tell is empty), Final. */
GBytes *dm_package_write_first(const DmPackage *package, const DmDevice *device,
                               const DmPackageFirst *first);

/* How many commands that is: their CmdIDs are the numbers from 2 on. */
guint dm_package_count_first(const DmPackageFirst *first);

/* What goes around the answers in a message. */
typedef struct {
    const char *msg_ref; /* MsgID of the server's message that is answered */
    DmStatus header_status;
    bool is_silent; /* it has NoResp: no Status of its header, but one with a challenge */
    const DmAuthElement *chal; /* goes with that Status; NULL: none */
    bool is_final;             /* the server's package is over, and so is the device's with this */
    gsize max_size;            /* most bytes that the server takes */
} DmPackageAnswer;

/* As much of what waits in `outbox` as fits, after the Status of the server's header, and with all
 * of it Final, or Alert 1222 where the server's package goes on: `*ret_is_whole`. NULL if the
 * server takes too little for anything. */
GBytes *dm_package_write_answer(const DmPackage *package, const DmPackageAnswer *answer,
                                DmOutbox *outbox, bool *ret_is_whole);

/* How many bytes of answers a message has room for. */
gsize dm_package_get_room(const DmPackage *package, const DmPackageAnswer *answer);

/* The answer is not ready yet (S3): Alert 1224, no Final. */
GBytes *dm_package_write_pending(const DmPackage *package);

/* Status `status` for the server's header `msg_ref`, Alert 1223 and Final: the session is over. */
GBytes *dm_package_write_abort(const DmPackage *package, const char *msg_ref, unsigned status);
