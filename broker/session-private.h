/* SPDX-License-Identifier: MIT */
#pragma once

#include "broker/check.h"
#include "broker/credentials.h"
#include "broker/package.h"
#include "broker/session.h"
#include "common/error.h"
#include "syncml/chunks.h"

/* A session's parts (private to broker/session*.c): session.c begins and ends it, session-send.c
 * says what there is to say, session-receive.c judges what the server answers, session-answer.c has
 * its commands run and puts the answer together. */

struct DmSession {
    DmSessionOptions options;
    GMainContext *context;
    DmSessionHandlers handlers;
    gpointer data;

    DmSessionRecord record;
    DmReach *reach; /* which address is asked, until one answers */
    char *target;   /* where the next message goes */
    char *mode;
    DmPackageFirst first;
    GSource *timer; /* from the first answer on */
    DmCredentials *credentials;
    bool has_answered;
    bool is_over;
    bool is_posting;     /* a request is under way */
    GError *abort_cause; /* … with an Alert 1223 */
    bool is_pending;     /* … with a request-pending message (S3) */

    /* the server's messages */
    GBytes *last_bytes;     /* against repetition */
    char *msg_ref;          /* MsgID of the one that is answered next; NULL: not known */
    DmStatus header_status; /* of that one */
    bool is_silent;         /* that one has NoResp */
    gint64 max_size;        /* what the server takes: of a message; -1 not told */
    gint64 max_object;      /* … of one Data */
    gsize wrapping;         /* bytes that security adds to a message, as far as seen */
    DmChunks *chunks;

    /* the one whose commands run */
    bool is_running;
    guint64 n_run; /* messages so far, for exactly-once */
    DmMessage *message;
    DmAnswer *answer;
    GQueue held;         /* DmMessage*: commands that came while others ran */
    GSource *keep_alive; /* says that the answer takes longer; NULL: nothing runs, or not wanted */

    /* what is answered */
    DmOutbox *outbox;
    bool is_final;  /* the server's package, all of whose answers are in the outbox or sent */
    bool has_asked; /* Alert 1222 was in what was sent last */
};

/* -- session.c ----------------------------------------------------------------------------------*/

/* The one way out; nothing after it. */
void dm_session_end(DmSession *session, const GError *error);
void dm_session_end_with(DmSession *session, DmErrorCode code, const char *text);

/* The first answer of any address. */
void dm_session_note_first_answer(DmSession *session, const DmTransportAnswer *answer);

/* -- session-send.c -----------------------------------------------------------------------------*/

/* The header of the message that is sent next; borrowed from the session, until its next change. */
DmPackage dm_session_next_package(const DmSession *session);

/* Package 1, or with `challenge` its repetition with credentials as the challenge demands. */
void dm_session_send_first(DmSession *session, const DmPackageFirst *first);

/* As much as fits of what waits in the outbox; `chal` may be NULL. */
void dm_session_send_answer(DmSession *session, const DmAuthElement *chal);

/* Says that the answer is not ready (S3). False: no message is left for that. */
bool dm_session_send_pending(DmSession *session);

/* How many bytes of answers one message has room for. */
gsize dm_session_get_room(const DmSession *session);

/* Tells the server that the session is over, and why, and ends with `cause` when that has got out
 * or failed. */
void dm_session_abort(DmSession *session, unsigned status, const GError *cause);

/* -- session-receive.c --------------------------------------------------------------------------*/

/* What the transport has to say of the request under way. */
void dm_session_on_answer(const DmTransportAnswer *answer, const GError *error, gpointer data);

/* -- session-answer.c ---------------------------------------------------------------------------*/

/* Runs the commands of a message that has been judged, and answers it, or ends the session where
 * the server has nothing more to say, or says what it said before (`is_repeat`). Takes the message.
 */
void dm_session_take_commands(DmSession *session, DmMessage *message, bool is_repeat);

/* The same for one that came while others' commands ran: they run after those. */
void dm_session_hold_commands(DmSession *session, DmMessage *message);

/* Goes on after a request-pending message has been answered. */
void dm_session_go_on(DmSession *session);

/* Nothing of the message runs: the server did not say who it is, or said it wrong. Takes it. */
void dm_session_challenge_server(DmSession *session, DmMessage *message);

/* No keep-alive any more. */
void dm_session_stop_keep_alive(DmSession *session);
