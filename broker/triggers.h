/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/clock.h"
#include "dbus/tree-call.h"

/* Which provider's session is to run next, and as what (protocol.md section 8): requests and the
 * poll schedule, one session of a provider at a time, further triggers merged, several providers
 * side by side. Knows of no socket and no process: it is told what happens, and asked.
 *
 * A trigger of another kind (login, push) is a request of its own origin; a pause before the next
 * attempt is a provider that is held. */
typedef struct DmTriggers DmTriggers;

/* Most requests of one provider that wait: they differ in their user. */
#define DM_TRIGGERS_MAX_WAITING 16

/* A session by schedule after which the next one is due as before is not run again for so long: it
 * could not be begun, most likely. */
#define DM_TRIGGERS_PAUSE_US (15 * 60 * G_GINT64_CONSTANT(1000000))

/* `max_running` sessions run side by side. */
DmTriggers *dm_triggers_new(const DmClock *clock, guint max_running);
void dm_triggers_free(DmTriggers *triggers);

/* -- what happens --------------------------------------------------------------------------------
 */

/* A session is wanted. Merged with one that waits for the same user, or for none; with the one that
 * runs if it bears its id, or, where it bears none, is not for another user. A provider that is to
 * be unenrolled has no other session. False: too many wait already. */
bool dm_triggers_request(DmTriggers *triggers, const DmTreeSyncRequest *request);

/* The provider's next session by schedule is due at this time of the wall clock; 0 never. */
void dm_triggers_set_due(DmTriggers *triggers, const char *provider, gint64 due_us);

/* No provider is due any more: all dues are told anew. */
void dm_triggers_clear_dues(DmTriggers *triggers);

/* The provider is gone: nothing of it waits any more. */
void dm_triggers_forget(DmTriggers *triggers, const char *provider);

/* The session that was taken has this id. */
void dm_triggers_note_begun(DmTriggers *triggers, const char *provider, const char *session);

/* Its end is being told to the tree: what is asked for from now on is another session. */
void dm_triggers_note_ending(DmTriggers *triggers, const char *provider);

/* The session that was taken is over, or could not be begun; `is_wanted`: it was not, for the tree
 * could not be asked, and is wanted still. */
void dm_triggers_note_ended(DmTriggers *triggers, const char *provider, bool is_wanted);

/* The session that was taken waits for its server, or does so no longer: while it does, it stands
 * in no other's way. */
void dm_triggers_note_waiting(DmTriggers *triggers, const char *provider, bool is_waiting);

/* What was taken is put back, and nothing of the provider is taken until it is released: somebody
 * else runs its session. */
void dm_triggers_hold(DmTriggers *triggers, const char *provider);
void dm_triggers_release(DmTriggers *triggers, const char *provider);

/* -- what follows --------------------------------------------------------------------------------
 */

/* Takes the next one to run, if one may: requests in their order, then by due time; of those that
 * were overdue when that was told one at a time. Borrowed until the next change. */
bool dm_triggers_take(DmTriggers *triggers, DmTreeSyncRequest *ret_request);

/* Whether the schedule wants a session of the provider now, be it that one runs already. */
bool dm_triggers_is_due(DmTriggers *triggers, const char *provider);

/* Boot time at which a session will be due that is not yet; -1 none. */
gint64 dm_triggers_get_wake_us(const DmTriggers *triggers);

/* Sessions that run. */
guint dm_triggers_count_running(const DmTriggers *triggers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTriggers, dm_triggers_free)
