/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/channel.h"
#include "dbus/tree-call.h"

/* Push (rules section 8): each provider whose tree names a PFN is registered with a push service
 * through a back end; what that reports goes to the tree, and a push asks for a session. A push
 * carries nothing, and never replaces the schedule. docs/push.md is the same for who writes one. */
typedef struct DmPushes DmPushes;

/* Push/Status (U1). */
typedef enum {
    DM_PUSH_OK,
    DM_PUSH_BAD_PFN,
    DM_PUSH_BAD_DEVICE, /* who the device is cannot be shown any more */
    DM_PUSH_NOT_ENROLLED,
    DM_PUSH_NO_CHANNEL,
    DM_PUSH_CHANNEL_EXPIRED,
    DM_PUSH_NOT_REVOKED,
    DM_PUSH_NO_SESSION, /* a push came, and no server could be reached: set here alone (U2) */
    DM_PUSH_UNKNOWN_ERROR,
} DmPushStatus;

typedef struct {
    const char *provider;
    const char *pfn;
} DmPushRegistration;

/* A push service. Each function is asked from the main context, and answers at once or later; text
 * is borrowed for the call. NULL in place of one, the null back end: there is no push service, no
 * channel, and the tree says so (Status 4). */
typedef struct {
    /* Registers `pfn`, answered by dm_pushes_report(), which may come again when something changes.
     * Asked again for what is registered already when the broker or the service starts again. */
    void (*enrol)(gpointer backend, const char *provider, const char *pfn);

    /* Gives the channel back, answered by dm_pushes_report_revoked(). `channel_uri` "": none was
     * reported. */
    void (*revoke)(gpointer backend, const char *provider, const char *pfn,
                   const char *channel_uri);

    /* These are all that there are to be: what else is registered from before is given back. */
    void (*retain)(gpointer backend, const DmPushRegistration *registrations, gsize n);

    void (*free)(gpointer backend);
} DmPushesBackend;

/* One session a minute of a provider is asked for, however many pushes come (U2). */
#define DM_PUSHES_PAUSE_US (60 * G_GINT64_CONSTANT(1000000))

typedef struct {
    DmChannel *channel; /* borrowed, and outlives it */
    gint64 pause_us;
    /* A session is wanted. */
    void (*on_wanted)(const DmTreeSyncRequest *request, gpointer data);
    gpointer data;
} DmPushesOptions;

/* With the null back end. Asks nothing before dm_pushes_look(). */
DmPushes *dm_pushes_new(const DmPushesOptions *options, GMainContext *context);

/* NULL is fine. */
void dm_pushes_free(DmPushes *push);

/* Another back end, owned from now on, NULL both: the null one. Channels are given back to the one
 * before, which is freed. */
void dm_pushes_set_backend(DmPushes *push, const DmPushesBackend *functions, gpointer backend);

/* The tree is there, or something about a PFN has changed: asks it what is to be registered. */
void dm_pushes_look(DmPushes *push);

/* A session has ended: where a push asked for it and no server answered, that is Status 7, until
 * one does (U2). */
void dm_pushes_note_session(DmPushes *push, const char *provider, const char *origin,
                            bool has_answered);

/* -- for back ends ------------------------------------------------------------------------------*/

/* All is to be retained and registered anew: the service is there again. */
void dm_pushes_enrol_all(DmPushes *push);

/* What became of registering `pfn`: no effect if another one is set meanwhile. `channel_uri` ""
 * none. */
void dm_pushes_report(DmPushes *push, const char *provider, const char *pfn,
                      const char *channel_uri, DmPushStatus status);

/* What became of revoking; where it failed and the provider has no other channel, that is Status 6
 * (U2). */
void dm_pushes_report_revoked(DmPushes *push, const char *provider, bool is_revoked);

/* A push for `pfn` has come. Without a registration of it there is no session (U2). */
void dm_pushes_wake(DmPushes *push, const char *provider, const char *pfn);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPushes, dm_pushes_free)
