/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/clock.h"

/* Which of a provider's addresses is tried next, and when (rules L3 to L5). Knows of no network: it
 * is told what each try came to, and asked. */
typedef struct DmFailover DmFailover;

/* Most that a provisioning document may say (L4); what is over it counts as not said. */
#define DM_FAILOVER_MAX_RETRIES 100
#define DM_FAILOVER_MAX_WAIT_MS (7 * 86400 * G_GINT64_CONSTANT(1000))

typedef struct {
    guint n_addresses;
    bool has_fallback; /* the last address is tried once only (L5) */
    guint n_retries;   /* of each of the others */
    gint64 initial_wait_ms;
    gint64 max_wait_ms;
} DmFailoverOptions;

/* CONNRETRYFREQ, INITIALBACKOFFTIME and MAXBACKOFFTIME of an account (DM_ACCOUNT_…), else 3 retries
 * after 16 s, doubled up to a day. */
DmFailoverOptions dm_failover_options_from_account(GHashTable *account);

/* The first address is to be tried at once. `clock` is borrowed. */
DmFailover *dm_failover_new(const DmFailoverOptions *options, const DmClock *clock);
void dm_failover_free(DmFailover *failover);

/* Number of the address that is tried, or will be; -1: none is left. */
int dm_failover_get_address(const DmFailover *failover);

/* Which retry of it that is; 0: the first try. */
guint dm_failover_get_retry(const DmFailover *failover);

/* Boot time from which it is to be tried; -1 at once. */
gint64 dm_failover_get_due_us(const DmFailover *failover);

/* The try came to nothing. `retry_after_ms`: what the server asks to wait, which takes the place of
 * the back-off up to its maximum; 0 or less: nothing. */
void dm_failover_note_failure(DmFailover *failover, gint64 retry_after_ms);

/* A new trigger: what is waited for is to be tried at once. */
void dm_failover_hurry(DmFailover *failover);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFailover, dm_failover_free)
