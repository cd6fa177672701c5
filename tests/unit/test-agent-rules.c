/* SPDX-License-Identifier: MIT */
/* When the session agent tells the user of something: issue 6, desktop/agent-rules.h. */

#include "desktop/agent-rules.h"

#define HOUR ((gint64)3600 * G_USEC_PER_SEC)
#define DAY (24 * HOUR)
#define NOW (1764115200 * (gint64)G_USEC_PER_SEC)

static DmAgentFacts
new_facts(void)
{
    return (DmAgentFacts){.is_idle = true, .last_attempt_us = NOW, .last_success_us = NOW};
}

/* What happens next, as in the agent: seen, judged, and told if it is shown. */
static DmAgentVerdict
step(DmAgentRecord *record, const DmAgentFacts *facts, DmAgentTopic topic, gint64 now_us)
{
    DmAgentVerdict verdict;

    dm_agent_rules_see(record, facts);
    verdict = dm_agent_rules_judge(record, facts, topic, now_us);
    if (verdict == DM_AGENT_SHOW)
        dm_agent_rules_told(record, facts, topic, now_us);
    return verdict;
}

/* A session that begins at `attempt_us` and fails. */
static DmAgentVerdict
fail(DmAgentRecord *record, DmAgentFacts *facts, gint64 attempt_us)
{
    DmAgentFacts running = *facts;

    running.is_idle = false;
    running.last_attempt_us = attempt_us;
    g_assert_cmpint(step(record, &running, DM_AGENT_SYNC, attempt_us), ==, DM_AGENT_LEAVE);
    facts->last_attempt_us = attempt_us;
    facts->has_failed = true;
    return step(record, facts, DM_AGENT_SYNC, attempt_us);
}

static DmAgentVerdict
succeed(DmAgentRecord *record, DmAgentFacts *facts, gint64 attempt_us)
{
    facts->last_attempt_us = facts->last_success_us = attempt_us;
    facts->has_failed = false;
    return step(record, facts, DM_AGENT_SYNC, attempt_us);
}

/* -- first sync ---------------------------------------------------------------------------------
 */

static DmAgentVerdict
enter(DmAgentRecord *record, DmFirstSyncState state)
{
    DmAgentFacts facts = new_facts();

    facts.first_sync = state;
    return step(record, &facts, DM_AGENT_FIRST_SYNC, NOW);
}

static void
test_first_sync(void)
{
    static const struct {
        DmFirstSyncState state;
        DmAgentVerdict verdict;
    } steps[] = {
        {DM_FIRST_SYNC_NONE, DM_AGENT_WITHDRAW},    {DM_FIRST_SYNC_RUNNING, DM_AGENT_WITHDRAW},
        {DM_FIRST_SYNC_FAILED, DM_AGENT_SHOW},      {DM_FIRST_SYNC_FAILED, DM_AGENT_LEAVE},
        {DM_FIRST_SYNC_RUNNING, DM_AGENT_WITHDRAW}, /* tried again */
        {DM_FIRST_SYNC_FAILED, DM_AGENT_SHOW},      {DM_FIRST_SYNC_DONE, DM_AGENT_SHOW},
        {DM_FIRST_SYNC_DONE, DM_AGENT_LEAVE},       {DM_FIRST_SYNC_RUNNING, DM_AGENT_WITHDRAW},
        {DM_FIRST_SYNC_DONE, DM_AGENT_SHOW}, /* a new run */
    };
    DmAgentRecord record = {0};

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_test_message("step %" G_GSIZE_FORMAT, i);
        g_assert_cmpint(enter(&record, steps[i].state), ==, steps[i].verdict);
    }
}

static void
test_first_sync_before_the_user_came(void)
{
    DmAgentRecord ended = {0}, failed = {0};

    g_assert_cmpint(enter(&ended, DM_FIRST_SYNC_DONE), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(enter(&failed, DM_FIRST_SYNC_FAILED), ==, DM_AGENT_SHOW);
}

/* While nobody shows it, it is still to be shown. */
static void
test_untold_stays_due(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {.first_sync = (gint64)DM_FIRST_SYNC_RUNNING};

    facts.first_sync = DM_FIRST_SYNC_DONE;
    for (int i = 0; i < 3; i++) {
        dm_agent_rules_see(&record, &facts);
        g_assert_cmpint(dm_agent_rules_judge(&record, &facts, DM_AGENT_FIRST_SYNC, NOW), ==,
                        DM_AGENT_SHOW);
    }
}

/* -- sync ---------------------------------------------------------------------------------------
 */

static void
test_sync_network(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    facts.can_wait = true;
    /* However often: a day in a train is no news. */
    for (int i = 1; i <= 40; i++)
        g_assert_cmpint(fail(&record, &facts, NOW + i * HOUR / 2), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 24 * HOUR), ==, DM_AGENT_SHOW);
    g_assert_cmpint(fail(&record, &facts, NOW + 25 * HOUR), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 47 * HOUR), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 48 * HOUR), ==, DM_AGENT_SHOW);
    g_assert_cmpint(succeed(&record, &facts, NOW + 49 * HOUR), ==, DM_AGENT_WITHDRAW);
    /* Once a day, also if it worked meanwhile. */
    facts.can_wait = false;
    for (int i = 1; i <= 6; i++)
        g_assert_cmpint(fail(&record, &facts, NOW + 49 * HOUR + i), ==, DM_AGENT_LEAVE);
}

/* The device was off for a week: the first failure after it may be that of a network to come. */
static void
test_sync_after_a_holiday(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    facts.can_wait = true;
    g_assert_cmpint(fail(&record, &facts, NOW + 7 * DAY), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 7 * DAY + HOUR), ==, DM_AGENT_SHOW);
}

static void
test_sync_what_waiting_does_not_mend(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    for (int i = 1; i <= 4; i++)
        g_assert_cmpint(fail(&record, &facts, NOW + i), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 5), ==, DM_AGENT_SHOW);
    g_assert_cmpint(fail(&record, &facts, NOW + 6), ==, DM_AGENT_LEAVE);
}

/* In a row: a session that worked, and that nobody saw, begins the count anew. */
static void
test_sync_missed_success(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    for (int i = 1; i <= 4; i++)
        g_assert_cmpint(fail(&record, &facts, NOW + i), ==, DM_AGENT_LEAVE);
    facts.last_success_us = NOW + 10;
    for (int i = 11; i <= 14; i++)
        g_assert_cmpint(fail(&record, &facts, NOW + i), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 15), ==, DM_AGENT_SHOW);
}

/* A failure is counted once, however often it is seen, and after a new login too. */
static void
test_sync_seen_again(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    g_assert_cmpint(fail(&record, &facts, NOW + 1), ==, DM_AGENT_LEAVE);
    for (int i = 0; i < 10; i++)
        g_assert_cmpint(step(&record, &facts, DM_AGENT_SYNC, NOW + i), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(record.failures, ==, 1);
}

static void
test_sync_never_worked(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    facts.last_success_us = 0;
    facts.can_wait = true;
    g_assert_cmpint(fail(&record, &facts, NOW), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 23 * HOUR), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 24 * HOUR), ==, DM_AGENT_SHOW);
}

/* The clock was years ahead when the user was told. */
static void
test_sync_clock_set_back(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {.sync_told_us = NOW + 4000 * DAY};

    for (int i = 1; i <= 4; i++)
        g_assert_cmpint(fail(&record, &facts, NOW + i), ==, DM_AGENT_LEAVE);
    g_assert_cmpint(fail(&record, &facts, NOW + 5), ==, DM_AGENT_SHOW);
    g_assert_cmpint(fail(&record, &facts, NOW + 6), ==, DM_AGENT_LEAVE);
}

/* -- loss of contact ----------------------------------------------------------------------------
 */

static void
test_contact(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};
    gint64 deadline = NOW + 30 * DAY;

    facts.days = 30;
    facts.deadline_us = deadline;
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_WITHDRAW);
    g_assert_cmpint(dm_agent_rules_get_next(&facts, NOW), ==, deadline - 7 * DAY);
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, deadline - 7 * DAY - 1), ==,
                    DM_AGENT_WITHDRAW);
    g_assert_false(dm_agent_rules_is_urgent(&facts, DM_AGENT_CONTACT, deadline - 7 * DAY));
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, deadline - 7 * DAY), ==, DM_AGENT_SHOW);
    g_assert_cmpint(dm_agent_rules_get_next(&facts, deadline - 7 * DAY), ==, deadline - DAY);
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, deadline - 2 * DAY), ==,
                    DM_AGENT_LEAVE);
    g_assert_true(dm_agent_rules_is_urgent(&facts, DM_AGENT_CONTACT, deadline - DAY));
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, deadline - DAY), ==, DM_AGENT_SHOW);
    g_assert_cmpint(dm_agent_rules_get_next(&facts, deadline - DAY), ==, 0);
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, deadline + DAY), ==, DM_AGENT_LEAVE);
    /* In contact again; and lost once more. */
    facts.last_success_us = deadline - HOUR;
    facts.deadline_us = deadline - HOUR + 30 * DAY;
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, deadline), ==, DM_AGENT_WITHDRAW);
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, facts.deadline_us - 6 * DAY), ==,
                    DM_AGENT_SHOW);
}

/* Who was away for longer hears the last word only. */
static void
test_contact_late(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    facts.days = 30;
    facts.deadline_us = NOW + HOUR;
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_SHOW);
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_LEAVE);
}

/* P10: an organisation may give it less than the first stage. Right after a contact nothing is
 * lost. */
static void
test_contact_short(void)
{
    static const struct {
        gint64 days, first_us;
    } cases[] = {{14, 7 * DAY}, {10, 5 * DAY}, {7, 84 * HOUR}, {2, DAY}, {1, 12 * HOUR}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DmAgentFacts facts = new_facts();
        DmAgentRecord record = {0};
        gint64 first_us = NOW + cases[i].days * DAY - cases[i].first_us;

        facts.days = cases[i].days;
        facts.deadline_us = NOW + cases[i].days * DAY;
        g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_WITHDRAW);
        g_assert_cmpint(dm_agent_rules_get_next(&facts, NOW), ==, first_us);
        g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, first_us), ==, DM_AGENT_SHOW);
    }
}

/* The session that is under way may be the contact. */
static void
test_contact_waits_for_a_session(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    facts.days = 30;
    facts.deadline_us = NOW + 3 * DAY;
    facts.is_idle = false;
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_LEAVE);
    facts.is_idle = true;
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_SHOW);
}

/* Of one cause the user hears once. */
static void
test_contact_takes_the_place_of_sync(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {0};

    facts.days = 30;
    for (int i = 1; i <= 5; i++)
        (void)fail(&record, &facts, NOW + i);
    facts.deadline_us = NOW + 7 * DAY;
    g_assert_cmpint(step(&record, &facts, DM_AGENT_SYNC, NOW + 10), ==, DM_AGENT_WITHDRAW);
    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW + 10), ==, DM_AGENT_SHOW);
}

static void
test_contact_none(void)
{
    DmAgentFacts facts = new_facts();
    DmAgentRecord record = {.contact_stage = 2, .contact_before = NOW};

    g_assert_cmpint(step(&record, &facts, DM_AGENT_CONTACT, NOW), ==, DM_AGENT_WITHDRAW);
    g_assert_cmpint(record.contact_stage, ==, 0);
    g_assert_cmpint(dm_agent_rules_get_next(&facts, NOW), ==, 0);
}

/* Whatever the bus says: nothing overflows. */
static void
test_any_numbers(void)
{
    static const gint64 numbers[] = {0, 1, NOW, G_MAXINT32, G_MAXINT64 - 1, G_MAXINT64};

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        for (gsize j = 0; j < G_N_ELEMENTS(numbers); j++) {
            DmAgentFacts facts = {DM_FIRST_SYNC_FAILED, true,       true,       false,
                                  numbers[i],           numbers[j], numbers[j], numbers[i]};
            DmAgentRecord record = {numbers[i], numbers[i], numbers[j], numbers[i],
                                    numbers[j], numbers[i], numbers[j]};

            for (DmAgentTopic topic = DM_AGENT_FIRST_SYNC; topic < DM_AGENT_N_TOPICS; topic++)
                (void)step(&record, &facts, topic, NOW);
            g_assert_cmpint(dm_agent_rules_get_next(&facts, NOW), >=, 0);
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent-rules/first-sync", test_first_sync);
    g_test_add_func("/agent-rules/first-sync-before-the-user-came",
                    test_first_sync_before_the_user_came);
    g_test_add_func("/agent-rules/untold-stays-due", test_untold_stays_due);
    g_test_add_func("/agent-rules/sync-network", test_sync_network);
    g_test_add_func("/agent-rules/sync-after-a-holiday", test_sync_after_a_holiday);
    g_test_add_func("/agent-rules/sync-what-waiting-does-not-mend",
                    test_sync_what_waiting_does_not_mend);
    g_test_add_func("/agent-rules/sync-missed-success", test_sync_missed_success);
    g_test_add_func("/agent-rules/sync-seen-again", test_sync_seen_again);
    g_test_add_func("/agent-rules/sync-never-worked", test_sync_never_worked);
    g_test_add_func("/agent-rules/sync-clock-set-back", test_sync_clock_set_back);
    g_test_add_func("/agent-rules/contact", test_contact);
    g_test_add_func("/agent-rules/contact-late", test_contact_late);
    g_test_add_func("/agent-rules/P10-contact-short", test_contact_short);
    g_test_add_func("/agent-rules/contact-waits-for-a-session", test_contact_waits_for_a_session);
    g_test_add_func("/agent-rules/contact-takes-the-place-of-sync",
                    test_contact_takes_the_place_of_sync);
    g_test_add_func("/agent-rules/contact-none", test_contact_none);
    g_test_add_func("/agent-rules/any-numbers", test_any_numbers);
    return g_test_run();
}
