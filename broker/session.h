/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"
#include "broker/device.h"
#include "broker/journal.h"
#include "broker/network.h"
#include "broker/reach.h"
#include "broker/routes.h"
#include "broker/security.h"
#include "broker/tally.h"
#include "broker/transport.h"
#include "dbus/tree-call.h"

/* One OMA-DM session with a provider's server (protocol.md sections 1 to 4), driven by the main
 * context: package 1 to the first address that answers (L3), then what the server asks for, until a
 * regular end, an abort or a cap. */
typedef struct DmSession DmSession;

/* All borrowed, and outlive it. */
typedef struct {
    const char *provider;
    const char *origin; /* dm_session_is_origin(), or DM_TREE_ORIGIN_UNENROLL */
    gint64 uid;         /* of the user whose session it is; -1 none */
    const DmTreeSession *start;
    const DmConfig *config;
    const DmDevice *device;
    const char *dev_id;
    DmRoutes *routes;
    DmTransport *transport;
    const DmSecurity *security; /* NULL: messages go as they are */
    DmJournal *journal;         /* NULL: none is kept */
    bool no_retry;              /* each address is tried once, without a pause (L4) */
    DmNetwork *network;         /* waited for before each try; NULL: none */
} DmSessionOptions;

/* What happened so far. */
typedef struct {
    const char *address; /* the one that answered; NULL: none yet */
    guint n_sent;
    guint n_received;
    guint n_commands;
    guint64 bytes_sent;
    guint64 bytes_received;
    bool is_stopped; /* the server ended the enrolment in it (E2) */
    bool has_skew;   /* the server has told its time */
    gint64 skew_s;   /* how far its clock is ahead of ours */
    DmTally tally;
} DmSessionRecord;

typedef struct {
    /* An address is tried; again after each pause. */
    void (*on_connecting)(const DmSessionRecord *record, gpointer data);
    /* No answer yet: there is a pause before the next try (L4), or the network is not up. */
    void (*on_waiting)(const DmReachWait *wait, gpointer data);
    /* The server has answered for the first time. */
    void (*on_running)(const DmSessionRecord *record, gpointer data);
    /* The account's AAUTHDATA of `level` is from now on `nonce`, base64 (protocol.md section 5). A
     * secret, like that account. */
    void (*on_nonce)(const char *level, const char *nonce, gpointer data);
    /* Once, the last call: NULL error at a regular end, else DM_ERROR as broker/exits.c lists. May
     * free the session. */
    void (*on_ended)(const DmSessionRecord *record, const GError *error, gpointer data);
} DmSessionHandlers;

/* Whether `word` says what may cause a session: user schedule push login enrolment csp api. */
bool dm_session_is_origin(const char *word);

/* Starts a session; handlers are called from `context` only. */
DmSession *dm_session_new(const DmSessionOptions *options, GMainContext *context,
                          const DmSessionHandlers *handlers, gpointer data);

/* A new trigger: ends a pause between tries, if there is one (L4). */
void dm_session_hurry(DmSession *session);

/* Borrowed from the session. */
const DmSessionRecord *dm_session_get_record(const DmSession *session);

/* Frees a session that has ended, or breaks it off once its transport and routes are freed, which
 * would call it. NULL is fine. */
void dm_session_free(DmSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmSession, dm_session_free)
