/* SPDX-License-Identifier: MIT */
#include "desktop/agent-rules.h"

#define DAY_US ((gint64)24 * 60 * 60 * G_USEC_PER_SEC)

/* One failure is none: the next session may mend it. */
#define MIN_FAILURES 2
#define MAX_FAILURES 5
#define QUIET_US DAY_US
#define REMINDER_US DAY_US

/* More than there is time. */
#define MAX_DAYS 100000

/* How long before the device unenrols the user is told. */
static const gint64 stages_us[] = {7 * DAY_US, DAY_US};

/* -- loss of contact ----------------------------------------------------------------------------
 */

static gint64
get_stage_us(const DmAgentFacts *facts, gsize stage)
{
    gint64 half_us = MIN(facts->days, MAX_DAYS) * (DAY_US / 2);

    return half_us > 0 ? MIN(stages_us[stage], half_us) : stages_us[stage];
}

/* How many stages have been reached. */
static gint64
count_stages(const DmAgentFacts *facts, gint64 now_us)
{
    gint64 n = 0;

    for (gsize i = 0; facts->deadline_us != 0 && i < G_N_ELEMENTS(stages_us); i++)
        if (facts->deadline_us - now_us <= get_stage_us(facts, i))
            n++;
    return n;
}

static void
see_contact(DmAgentRecord *record, const DmAgentFacts *facts)
{
    if (facts->deadline_us == 0 || facts->last_success_us != record->contact_before)
        record->contact_stage = record->contact_before = 0;
}

static DmAgentVerdict
judge_contact(const DmAgentRecord *record, const DmAgentFacts *facts, gint64 now_us)
{
    gint64 n = count_stages(facts, now_us);

    if (n == 0)
        return DM_AGENT_WITHDRAW;
    /* The session that is under way may be the contact. */
    return facts->is_idle && n > record->contact_stage ? DM_AGENT_SHOW : DM_AGENT_LEAVE;
}

gint64
dm_agent_rules_get_next(const DmAgentFacts *facts, gint64 now_us)
{
    for (gsize i = 0; facts->deadline_us != 0 && i < G_N_ELEMENTS(stages_us); i++) {
        gint64 stage_us = facts->deadline_us - get_stage_us(facts, i);

        if (stage_us > now_us)
            return stage_us;
    }
    return 0;
}

/* -- sync ---------------------------------------------------------------------------------------
 */

static bool
is_failing(const DmAgentFacts *facts)
{
    return facts->has_failed && facts->last_success_us < facts->last_attempt_us;
}

static void
see_sync(DmAgentRecord *record, const DmAgentFacts *facts)
{
    if (!facts->is_idle)
        return;
    /* The second: it worked meanwhile, and failed anew. */
    if (!is_failing(facts) || facts->last_success_us >= record->failing_us)
        record->failures = record->attempt_us = record->failing_us = 0;
    if (!is_failing(facts) || facts->last_attempt_us == record->attempt_us)
        return;
    record->failures = MIN(record->failures, MAX_FAILURES - 1) + 1;
    record->attempt_us = facts->last_attempt_us;
    if (record->failing_us == 0)
        record->failing_us = facts->last_attempt_us;
}

static bool
is_overdue(const DmAgentRecord *record, const DmAgentFacts *facts, gint64 now_us)
{
    gint64 good_us = facts->last_success_us != 0 ? facts->last_success_us : record->failing_us;

    if (!facts->can_wait && record->failures >= MAX_FAILURES)
        return true;
    return record->failures >= MIN_FAILURES && now_us - good_us >= QUIET_US;
}

static DmAgentVerdict
judge_sync(const DmAgentRecord *record, const DmAgentFacts *facts, gint64 now_us)
{
    gint64 since_us = now_us - record->sync_told_us;

    if (!facts->is_idle)
        return DM_AGENT_LEAVE;
    /* Before the device unenrols that is what the user is told. */
    if (!is_failing(facts) || count_stages(facts, now_us) > 0)
        return DM_AGENT_WITHDRAW;
    /* A clock that was ahead does not silence it. */
    if (!is_overdue(record, facts, now_us) || (since_us >= 0 && since_us < REMINDER_US))
        return DM_AGENT_LEAVE;
    return DM_AGENT_SHOW;
}

/* -- first sync ---------------------------------------------------------------------------------
 */

static void
see_first_sync(DmAgentRecord *record, const DmAgentFacts *facts)
{
    /* What ended before this user came is no news. */
    bool is_old =
        facts->first_sync == DM_FIRST_SYNC_DONE && record->first_sync == (gint64)DM_FIRST_SYNC_NONE;

    if (facts->first_sync == DM_FIRST_SYNC_NONE || facts->first_sync == DM_FIRST_SYNC_RUNNING ||
        is_old)
        record->first_sync = (gint64)facts->first_sync;
}

static DmAgentVerdict
judge_first_sync(const DmAgentRecord *record, const DmAgentFacts *facts)
{
    if (facts->first_sync == DM_FIRST_SYNC_NONE || facts->first_sync == DM_FIRST_SYNC_RUNNING)
        return DM_AGENT_WITHDRAW;
    return record->first_sync == (gint64)facts->first_sync ? DM_AGENT_LEAVE : DM_AGENT_SHOW;
}

/* -- all ----------------------------------------------------------------------------------------
 */

void
dm_agent_rules_see(DmAgentRecord *record, const DmAgentFacts *facts)
{
    see_first_sync(record, facts);
    see_sync(record, facts);
    see_contact(record, facts);
}

DmAgentVerdict
dm_agent_rules_judge(const DmAgentRecord *record, const DmAgentFacts *facts, DmAgentTopic topic,
                     gint64 now_us)
{
    switch (topic) {
    case DM_AGENT_FIRST_SYNC:
        return judge_first_sync(record, facts);
    case DM_AGENT_SYNC:
        return judge_sync(record, facts, now_us);
    case DM_AGENT_CONTACT:
        return judge_contact(record, facts, now_us);
    case DM_AGENT_N_TOPICS:
    default:
        g_return_val_if_reached(DM_AGENT_LEAVE);
    }
}

void
dm_agent_rules_told(DmAgentRecord *record, const DmAgentFacts *facts, DmAgentTopic topic,
                    gint64 now_us)
{
    switch (topic) {
    case DM_AGENT_FIRST_SYNC:
        record->first_sync = (gint64)facts->first_sync;
        break;
    case DM_AGENT_SYNC:
        record->sync_told_us = now_us;
        break;
    case DM_AGENT_CONTACT:
        record->contact_stage = count_stages(facts, now_us);
        record->contact_before = facts->last_success_us;
        break;
    case DM_AGENT_N_TOPICS:
    default:
        g_return_if_reached();
    }
}

bool
dm_agent_rules_is_urgent(const DmAgentFacts *facts, DmAgentTopic topic, gint64 now_us)
{
    return topic == DM_AGENT_CONTACT &&
           count_stages(facts, now_us) == (gint64)G_N_ELEMENTS(stages_us);
}
