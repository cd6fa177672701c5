/* SPDX-License-Identifier: MIT */

#include "broker/triggers.h"

#define SECOND_US G_GINT64_CONSTANT(1000000)
#define WALL_US G_GINT64_CONSTANT(1772445600000000) /* 2026-03-02 10:00 UTC */
#define BOOT_US (1000 * SECOND_US)

/* A clock that goes when it is told to. */
typedef struct {
    gint64 boot_us, wall_us;
    DmClock clock;
    DmTriggers *triggers;
} Fixture;

static gint64
get_boot_us(gpointer data)
{
    return ((Fixture *)data)->boot_us;
}

static gint64
get_wall_us(gpointer data)
{
    return ((Fixture *)data)->wall_us;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->boot_us = BOOT_US;
    fixture->wall_us = WALL_US;
    fixture->clock = (DmClock){.wall_us = get_wall_us, .boot_us = get_boot_us, .data = fixture};
    fixture->triggers = dm_triggers_new(&fixture->clock, 2);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_triggers_free(fixture->triggers);
}

static void
pass(Fixture *fixture, gint64 us)
{
    fixture->boot_us += us;
    fixture->wall_us += us;
}

static bool
ask(Fixture *fixture, const char *provider, const char *session, const char *origin, gint64 uid)
{
    const DmTreeSyncRequest request = {provider, session, origin, uid};

    return dm_triggers_request(fixture->triggers, &request);
}

/* The next one is of `provider`, of this origin and user. */
static void
assert_next(Fixture *fixture, const char *provider, const char *origin, gint64 uid)
{
    DmTreeSyncRequest request;

    g_assert_true(dm_triggers_take(fixture->triggers, &request));
    g_assert_cmpstr(request.provider, ==, provider);
    g_assert_cmpstr(request.origin, ==, origin);
    g_assert_cmpint(request.uid, ==, uid);
}

static void
assert_none(Fixture *fixture)
{
    DmTreeSyncRequest request;

    g_assert_false(dm_triggers_take(fixture->triggers, &request));
}

static void
end(Fixture *fixture, const char *provider)
{
    dm_triggers_note_ended(fixture->triggers, provider, false);
}

/* -- requests ------------------------------------------------------------------------------------
 */

static void
test_one_at_a_time(Fixture *fixture, gconstpointer data)
{
    assert_none(fixture);
    g_assert_true(ask(fixture, "A", "A-1", "user", -1));
    g_assert_true(ask(fixture, "A", "A-1", "push", -1));
    assert_next(fixture, "A", "user", -1);
    assert_none(fixture);
    dm_triggers_note_begun(fixture->triggers, "A", "A-1");
    /* The one that runs, by its id or by none. */
    g_assert_true(ask(fixture, "A", "A-1", "user", -1));
    g_assert_true(ask(fixture, "A", "", "login", -1));
    end(fixture, "A");
    assert_none(fixture);
    g_assert_cmpuint(dm_triggers_count_running(fixture->triggers), ==, 0);
}

static void
test_while_it_begins(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "schedule", -1);
    assert_next(fixture, "A", "schedule", -1);
    /* Asked for before it is known what id the one that begins gets. */
    ask(fixture, "A", "A-1", "user", -1);
    dm_triggers_note_begun(fixture->triggers, "A", "A-1");
    end(fixture, "A");
    assert_none(fixture);
    ask(fixture, "A", "A-2", "user", -1);
    assert_next(fixture, "A", "user", -1);
    ask(fixture, "A", "A-3", "user", -1);
    dm_triggers_note_begun(fixture->triggers, "A", "A-2");
    end(fixture, "A");
    assert_next(fixture, "A", "user", -1);
    end(fixture, "A");
    assert_none(fixture);
}

/* What comes when all has been said would come to nothing. */
static void
test_while_it_ends(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    dm_triggers_note_begun(fixture->triggers, "A", "A-1");
    ask(fixture, "A", "", "push", -1);
    dm_triggers_note_ending(fixture->triggers, "A");
    ask(fixture, "A", "", "login", -1);
    ask(fixture, "A", "", "login", -1);
    assert_none(fixture);
    end(fixture, "A");
    assert_next(fixture, "A", "login", -1);
    end(fixture, "A");
    assert_none(fixture);
}

static void
test_side_by_side(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "C", "", "user", -1);
    ask(fixture, "A", "", "user", -1);
    ask(fixture, "B", "", "user", -1);
    assert_next(fixture, "C", "user", -1);
    assert_next(fixture, "A", "user", -1);
    assert_none(fixture);
    end(fixture, "C");
    assert_next(fixture, "B", "user", -1);
}

static void
test_users(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "login", 1000);
    ask(fixture, "A", "", "login", 1001);
    ask(fixture, "A", "", "user", -1); /* anybody's is good */
    assert_next(fixture, "A", "login", 1000);
    ask(fixture, "A", "", "user", -1);
    ask(fixture, "A", "", "login", 1000);
    end(fixture, "A");
    assert_next(fixture, "A", "login", 1001);
    end(fixture, "A");
    assert_none(fixture);
    /* One without a user that waits becomes the user's. */
    ask(fixture, "A", "", "user", -1);
    ask(fixture, "A", "", "login", 1000);
    assert_next(fixture, "A", "user", 1000);
    /* One that runs without does not. */
    end(fixture, "A");
    ask(fixture, "A", "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    ask(fixture, "A", "", "login", 1000);
    end(fixture, "A");
    assert_next(fixture, "A", "login", 1000);
}

static void
test_bounded(Fixture *fixture, gconstpointer data)
{
    for (gint64 uid = 0; uid < DM_TRIGGERS_MAX_WAITING; uid++)
        g_assert_true(ask(fixture, "A", "", "login", uid));
    g_assert_false(ask(fixture, "A", "", "login", DM_TRIGGERS_MAX_WAITING));
    g_assert_true(ask(fixture, "A", "", "login", 3));
    g_assert_true(ask(fixture, "B", "", "login", DM_TRIGGERS_MAX_WAITING));
}

static void
test_unenrolment(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    dm_triggers_note_begun(fixture->triggers, "A", "A-1");
    ask(fixture, "A", "A-2", "user", 1000);
    ask(fixture, "A", "", DM_TREE_ORIGIN_UNENROLL, -1);
    ask(fixture, "A", "A-3", DM_TREE_ORIGIN_UNENROLL, -1);
    ask(fixture, "A", "A-4", "user", -1);
    end(fixture, "A");
    assert_next(fixture, "A", DM_TREE_ORIGIN_UNENROLL, -1);
    ask(fixture, "A", "", DM_TREE_ORIGIN_UNENROLL, -1);
    end(fixture, "A");
    assert_none(fixture);
}

static void
test_lost(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "A-1", "user", 1000);
    assert_next(fixture, "A", "user", 1000);
    dm_triggers_note_ended(fixture->triggers, "A", true);
    /* The tree says again what waits. */
    ask(fixture, "A", "A-1", "user", 1000);
    assert_next(fixture, "A", "user", 1000);
    end(fixture, "A");
    assert_none(fixture);
}

static void
test_held(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    dm_triggers_hold(fixture->triggers, "A");
    ask(fixture, "A", "", "user", -1);
    assert_none(fixture);
    /* What is held takes no place. */
    ask(fixture, "B", "", "user", -1);
    ask(fixture, "C", "", "user", -1);
    assert_next(fixture, "B", "user", -1);
    assert_next(fixture, "C", "user", -1);
    end(fixture, "B");
    dm_triggers_release(fixture->triggers, "A");
    assert_next(fixture, "A", "user", -1);
    end(fixture, "A");
    assert_none(fixture);
}

static void
test_forgotten(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "user", -1);
    dm_triggers_set_due(fixture->triggers, "A", WALL_US + SECOND_US);
    dm_triggers_forget(fixture->triggers, "A");
    dm_triggers_forget(fixture->triggers, "B");
    pass(fixture, 2 * SECOND_US);
    assert_none(fixture);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, -1);
}

/* -- the schedule --------------------------------------------------------------------------------
 */

static void
test_due(Fixture *fixture, gconstpointer data)
{
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, -1);
    dm_triggers_set_due(fixture->triggers, "A", WALL_US + 20 * SECOND_US);
    dm_triggers_set_due(fixture->triggers, "B", WALL_US + 10 * SECOND_US);
    dm_triggers_set_due(fixture->triggers, "C", 0);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, BOOT_US + 10 * SECOND_US);
    pass(fixture, 10 * SECOND_US - 1);
    assert_none(fixture);
    pass(fixture, 1);
    assert_next(fixture, "B", DM_TREE_ORIGIN_SCHEDULE, -1);
    dm_triggers_set_due(fixture->triggers, "B", WALL_US + 100 * SECOND_US);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, BOOT_US + 20 * SECOND_US);
    pass(fixture, 10 * SECOND_US);
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
    dm_triggers_set_due(fixture->triggers, "A", G_MAXINT64);
    end(fixture, "A");
    end(fixture, "B");
    assert_none(fixture);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, BOOT_US + 100 * SECOND_US);
}

/* P7: a wall clock that is set moves nothing until the tree says so. */
static void
test_clock_is_set(Fixture *fixture, gconstpointer data)
{
    dm_triggers_set_due(fixture->triggers, "A", WALL_US + 60 * SECOND_US);
    fixture->wall_us += 3600 * SECOND_US;
    assert_none(fixture);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, BOOT_US + 60 * SECOND_US);
    dm_triggers_clear_dues(fixture->triggers);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, -1);
    dm_triggers_set_due(fixture->triggers, "A", fixture->wall_us + 30 * SECOND_US);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, BOOT_US + 30 * SECOND_US);
}

static void
test_overdue(Fixture *fixture, gconstpointer data)
{
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - SECOND_US);
    dm_triggers_set_due(fixture->triggers, "B", WALL_US - 2 * SECOND_US);
    dm_triggers_set_due(fixture->triggers, "C", WALL_US + SECOND_US);
    assert_next(fixture, "B", DM_TREE_ORIGIN_SCHEDULE, -1);
    assert_none(fixture);
    /* One that becomes due meanwhile is not held up. */
    pass(fixture, SECOND_US);
    assert_next(fixture, "C", DM_TREE_ORIGIN_SCHEDULE, -1);
    dm_triggers_set_due(fixture->triggers, "B", WALL_US + 100 * SECOND_US);
    end(fixture, "B");
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
}

static void
test_no_burst(Fixture *fixture, gconstpointer data)
{
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - SECOND_US);
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
    /* It could not be begun: nothing has moved. */
    end(fixture, "A");
    assert_none(fixture);
    g_assert_cmpint(dm_triggers_get_wake_us(fixture->triggers), ==, BOOT_US + DM_TRIGGERS_PAUSE_US);
    /* Told again is not news. */
    dm_triggers_clear_dues(fixture->triggers);
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - SECOND_US);
    assert_none(fixture);
    pass(fixture, DM_TRIGGERS_PAUSE_US);
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
    end(fixture, "A");
    /* A request does not wait for that, nor does another due time. */
    ask(fixture, "A", "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    end(fixture, "A");
    assert_none(fixture);
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - 2 * SECOND_US);
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
}

static void
test_due_and_lost(Fixture *fixture, gconstpointer data)
{
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - SECOND_US);
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
    dm_triggers_clear_dues(fixture->triggers);
    dm_triggers_note_ended(fixture->triggers, "A", true);
    assert_none(fixture);
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - SECOND_US);
    assert_next(fixture, "A", DM_TREE_ORIGIN_SCHEDULE, -1);
}

static void
test_due_while_it_runs(Fixture *fixture, gconstpointer data)
{
    ask(fixture, "A", "", "user", -1);
    dm_triggers_set_due(fixture->triggers, "A", WALL_US + SECOND_US);
    assert_next(fixture, "A", "user", -1);
    pass(fixture, 2 * SECOND_US);
    assert_none(fixture);
    /* The tree merges it (P7), and says so before the session has ended. */
    dm_triggers_set_due(fixture->triggers, "A", WALL_US + 100 * SECOND_US);
    end(fixture, "A");
    assert_none(fixture);
}

/* L4: a session in a pause is still the provider's only one, and stands in no other's way. */
static void
test_waiting(Fixture *fixture, gconstpointer data)
{
    static const char *const providers[] = {"A", "B", "C", "D"};

    for (gsize i = 0; i < G_N_ELEMENTS(providers); i++)
        ask(fixture, providers[i], "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    assert_next(fixture, "B", "user", -1);
    assert_none(fixture); /* two may run */
    dm_triggers_note_waiting(fixture->triggers, "A", true);
    dm_triggers_note_waiting(fixture->triggers, "A", true);
    assert_next(fixture, "C", "user", -1);
    assert_none(fixture);
    ask(fixture, "A", "", "login", -1);
    dm_triggers_note_waiting(fixture->triggers, "A", false);
    g_assert_cmpuint(dm_triggers_count_running(fixture->triggers), ==, 3);
    end(fixture, "B");
    assert_none(fixture);
    dm_triggers_note_waiting(fixture->triggers, "A", true);
    end(fixture, "A"); /* out of its pause */
    end(fixture, "C");
    g_assert_cmpuint(dm_triggers_count_running(fixture->triggers), ==, 0);
    assert_next(fixture, "D", "user", -1);
    end(fixture, "D");
    assert_none(fixture);
    dm_triggers_note_waiting(fixture->triggers, "D", true); /* nothing of it runs */
    dm_triggers_note_waiting(fixture->triggers, "other", true);
    g_assert_cmpuint(dm_triggers_count_running(fixture->triggers), ==, 0);
}

static void
test_overdue_waiting(Fixture *fixture, gconstpointer data)
{
    dm_triggers_set_due(fixture->triggers, "A", WALL_US - 2 * SECOND_US);
    dm_triggers_set_due(fixture->triggers, "B", WALL_US - SECOND_US);
    assert_next(fixture, "A", "schedule", -1);
    assert_none(fixture); /* one after another */
    dm_triggers_note_waiting(fixture->triggers, "A", true);
    assert_next(fixture, "B", "schedule", -1);
}

static void
test_is_due(Fixture *fixture, gconstpointer data)
{
    g_assert_false(dm_triggers_is_due(fixture->triggers, "A"));
    dm_triggers_set_due(fixture->triggers, "A", WALL_US + SECOND_US);
    ask(fixture, "A", "", "user", -1);
    assert_next(fixture, "A", "user", -1);
    g_assert_false(dm_triggers_is_due(fixture->triggers, "A"));
    pass(fixture, SECOND_US);
    g_assert_true(dm_triggers_is_due(fixture->triggers, "A"));
    dm_triggers_set_due(fixture->triggers, "A", 0);
    g_assert_false(dm_triggers_is_due(fixture->triggers, "A"));
}

#define TEST(NAME, FUNC) g_test_add("/triggers/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("protocol-8-one-session-of-a-provider", test_one_at_a_time);
    TEST("protocol-8-asked-for-while-one-begins", test_while_it_begins);
    TEST("protocol-8-asked-for-while-one-ends", test_while_it_ends);
    TEST("protocol-8-providers-side-by-side", test_side_by_side);
    TEST("A1-users-have-sessions-of-their-own", test_users);
    TEST("what-waits-is-bounded", test_bounded);
    TEST("E2-the-last-session-is-the-only-one", test_unenrolment);
    TEST("a-lost-tree-loses-nothing-and-runs-nothing-twice", test_lost);
    TEST("held-while-another-process-runs-it", test_held);
    TEST("E3-a-provider-that-is-gone", test_forgotten);
    TEST("P7-due", test_due);
    TEST("P7-the-wall-clock-is-set", test_clock_is_set);
    TEST("P7-overdue-ones-one-after-another", test_overdue);
    TEST("P7-no-burst", test_no_burst);
    TEST("P7-due-and-lost", test_due_and_lost);
    TEST("P7-due-while-one-runs", test_due_while_it_runs);
    TEST("L4-a-pause-is-in-nobody-s-way", test_waiting);
    TEST("L4-a-pause-of-an-overdue-one", test_overdue_waiting);
    TEST("L4-what-is-due-while-one-runs", test_is_due);
    return g_test_run();
}
