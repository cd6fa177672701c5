/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "desktop/first-sync.h"

/* When the session agent tells the user of something, and when no longer. Pure: the time is handed
 * in, and what was told before. Each topic of a provider has at most one notification.
 *
 * - First sync: when it ends, if the user was there while it ran or failed; when it fails, also
 *   before the user came.
 * - Sync: when nothing has worked for a day, and more than once; a failure that waiting does not
 *   mend, after five in a row. Once a day.
 * - Contact: 7 days and 1 day before the device unenrols by itself (P10), later where the
 *   organisation gives it less than twice that. Once each, anew after each contact. */

typedef enum {
    DM_AGENT_FIRST_SYNC,
    DM_AGENT_SYNC,
    DM_AGENT_CONTACT,
    DM_AGENT_N_TOPICS
} DmAgentTopic;

typedef enum {
    DM_AGENT_LEAVE, /* what is shown stays, what is not is not shown */
    DM_AGENT_SHOW,
    DM_AGENT_WITHDRAW, /* the reason has gone */
} DmAgentVerdict;

/* What the bus shows of a provider. Times are µs since the epoch, 0 none. */
typedef struct {
    DmFirstSyncState first_sync;
    bool is_idle;    /* no session is under way */
    bool has_failed; /* the last session */
    bool can_wait;   /* what failed comes and goes: networks, servers that do not answer */
    gint64 last_attempt_us;
    gint64 last_success_us;
    gint64 deadline_us; /* then the device unenrols by itself */
    gint64 days;        /* so long it does without contact; 0: not known */
} DmAgentFacts;

/* What is remembered of a provider, from one login to the next; all 0: nothing. */
typedef struct {
    gint64 first_sync;     /* DmFirstSyncState that the user knows of */
    gint64 failures;       /* sessions in a row that were seen to fail; 5 are many */
    gint64 attempt_us;     /* the last of them */
    gint64 failing_us;     /* the first */
    gint64 sync_told_us;   /* when the user was told last */
    gint64 contact_stage;  /* how often the user was told of this loss of contact */
    gint64 contact_before; /* last_success_us of then */
} DmAgentRecord;

/* Takes what is seen into the record. */
void dm_agent_rules_see(DmAgentRecord *record, const DmAgentFacts *facts);

/* What is to be done on a topic now, after dm_agent_rules_see(). Repeats itself until
 * dm_agent_rules_told(). */
DmAgentVerdict dm_agent_rules_judge(const DmAgentRecord *record, const DmAgentFacts *facts,
                                    DmAgentTopic topic, gint64 now_us);

/* The user has been told, for these facts. */
void dm_agent_rules_told(DmAgentRecord *record, const DmAgentFacts *facts, DmAgentTopic topic,
                         gint64 now_us);

/* Whether it is the last word before the device unenrols. */
bool dm_agent_rules_is_urgent(const DmAgentFacts *facts, DmAgentTopic topic, gint64 now_us);

/* When to judge again though nothing has changed, µs since the epoch; 0 never. */
gint64 dm_agent_rules_get_next(const DmAgentFacts *facts, gint64 now_us);
