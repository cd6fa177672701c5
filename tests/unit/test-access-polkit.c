/* SPDX-License-Identifier: MIT */
#include "plugin/access.h"

#include "tests/unit/polkit-fixture.h"

/* What is remembered of polkit's verdicts (security.md section 2). */

typedef struct {
    Fixture f;
    DmAccess *access;
    DmCaller caller;
    bool has_caller;
} Access;

static void
access_setup(Access *a, gconstpointer data)
{
    setup(&a->f, data);
    a->access = dm_access_new(a->f.connection, false);
}

static void
access_teardown(Access *a, gconstpointer data)
{
    dm_access_free(a->access);
    teardown(&a->f, data);
}

static const char *
get_name(const Access *a)
{
    return dbus_bus_get_unique_name(a->f.caller);
}

static void
on_caller(const DmCaller *caller, gpointer data)
{
    Access *a = data;

    a->caller = *caller;
    a->has_caller = true;
}

static void
free_nothing(gpointer data)
{
}

/* Has the caller known. */
static void
identify(Access *a)
{
    g_assert_true(dm_access_ask(a->access, get_name(a), on_caller, a, free_nothing));
    WAIT_UNTIL(a->has_caller);
}

static void
authorise_later(Access *a, DmAction action, bool interactive)
{
    g_assert_true(dm_access_authorise(a->access, get_name(a), 1000, action, interactive, on_verdict,
                                      &a->f, on_free));
}

static DmVerdict
authorise(Access *a, DmAction action, bool interactive)
{
    guint n = a->f.n_answers;

    authorise_later(a, action, interactive);
    WAIT_UNTIL(a->f.n_answers == n + 1);
    return a->f.verdict;
}

/* What is remembered. */
static DmVerdict
recall(Access *a, DmAction action)
{
    DmCaller caller;

    g_assert_true(dm_access_find(a->access, get_name(a), &caller));
    g_assert_cmpuint(caller.uid, ==, getuid());
    return caller.verdicts[action];
}

static void
test_reading_is_remembered(Access *a, gconstpointer data)
{
    static const struct {
        guint answer;
        DmVerdict verdict;
    } cases[] = {
        {FAKE_YES, DM_VERDICT_YES}, {FAKE_CHALLENGE, DM_VERDICT_CHALLENGE}, {0, DM_VERDICT_NO}};

    identify(a);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        a->f.to_machine = cases[i].answer;
        g_assert_cmpint(authorise(a, DM_ACTION_READ_DETAILS, false), ==, cases[i].verdict);
        g_assert_cmpint(recall(a, DM_ACTION_READ_DETAILS), ==, cases[i].verdict);
        g_assert_cmpint(recall(a, DM_ACTION_READ_IDENTITY), ==, DM_VERDICT_NONE);
    }
}

/* What a person said counts for the one call; polkit knows whether it is kept. */
static void
test_what_a_person_said_is_not(Access *a, gconstpointer data)
{
    identify(a);
    a->f.to_machine = FAKE_CHALLENGE;
    a->f.to_person = FAKE_YES;
    g_assert_cmpint(authorise(a, DM_ACTION_READ_DETAILS, true), ==, DM_VERDICT_YES);
    g_assert_cmpint(recall(a, DM_ACTION_READ_DETAILS), ==, DM_VERDICT_NONE);
}

/* Nothing destructive rests on what was said before. */
static void
test_doing_is_not(Access *a, gconstpointer data)
{
    static const DmAction actions[] = {DM_ACTION_SYNC, DM_ACTION_RETRY_FIRST_SYNC,
                                       DM_ACTION_COLLECT_LOGS, DM_ACTION_DISCONNECT,
                                       DM_ACTION_RELOAD};

    identify(a);
    a->f.to_machine = FAKE_YES;
    for (gsize i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_assert_cmpint(authorise(a, actions[i], false), ==, DM_VERDICT_YES);
        g_assert_cmpint(recall(a, actions[i]), ==, DM_VERDICT_NONE);
        g_assert_cmpstr(((const Check *)a->f.checks->pdata[i])->action, ==,
                        dm_action_to_id(actions[i]));
    }
}

static void
test_no_polkit_is_no_verdict(Access *a, gconstpointer data)
{
    identify(a);
    g_assert_cmpint(authorise(a, DM_ACTION_READ_DETAILS, false), ==, DM_VERDICT_NONE);
    g_assert_cmpint(recall(a, DM_ACTION_READ_DETAILS), ==, DM_VERDICT_NONE);
}

static void
test_changed_empties(Access *a, gconstpointer data)
{
    identify(a);
    a->f.to_machine = FAKE_YES;
    (void)authorise(a, DM_ACTION_READ_DETAILS, false);
    (void)authorise(a, DM_ACTION_READ_IDENTITY, false);
    send_changed(a->f.authority);
    WAIT_UNTIL(recall(a, DM_ACTION_READ_DETAILS) == DM_VERDICT_NONE);
    g_assert_cmpint(recall(a, DM_ACTION_READ_IDENTITY), ==, DM_VERDICT_NONE);
}

/* An answer to what was asked before the change may be from before it, too. */
static void
test_changed_while_asking(Access *a, gconstpointer data)
{
    identify(a);
    a->f.is_holding = true;
    authorise_later(a, DM_ACTION_READ_DETAILS, false);
    (void)wait_for_check(&a->f, 0);
    send_changed(a->f.authority);
    fake_answer(a->f.checks->pdata[0], FAKE_YES);
    WAIT_UNTIL(a->f.n_answers == 1);
    g_assert_cmpint(a->f.verdict, ==, DM_VERDICT_YES);
    g_assert_cmpint(recall(a, DM_ACTION_READ_DETAILS), ==, DM_VERDICT_NONE);
}

/* What was learned of a name that was never identified is not kept for it. */
static void
test_names_that_are_not_known(Access *a, gconstpointer data)
{
    DmCaller caller;

    a->f.to_machine = FAKE_YES;
    g_assert_cmpint(authorise(a, DM_ACTION_READ_DETAILS, false), ==, DM_VERDICT_YES);
    g_assert_false(dm_access_find(a->access, get_name(a), &caller));
}

static void
test_freed_while_asking(Access *a, gconstpointer data)
{
    a->f.is_holding = true;
    authorise_later(a, DM_ACTION_SYNC, false);
    (void)wait_for_check(&a->f, 0);
    g_clear_pointer(&a->access, dm_access_free);
    g_assert_cmpuint(a->f.n_answers, ==, 0);
    g_assert_cmpuint(a->f.n_freed, ==, 1);
}

#define TEST(path, data, func)                                                                     \
    g_test_add("/access-polkit/" path, Access, data, access_setup, func, access_teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_writer_func(count_warnings, NULL, NULL);
    TEST("reading-is-remembered", THERE, test_reading_is_remembered);
    TEST("what-a-person-said-is-not", THERE, test_what_a_person_said_is_not);
    TEST("doing-is-not", THERE, test_doing_is_not);
    TEST("no-polkit-is-no-verdict", NULL, test_no_polkit_is_no_verdict);
    TEST("changed-empties", THERE, test_changed_empties);
    TEST("changed-while-asking", THERE, test_changed_while_asking);
    TEST("names-that-are-not-known", THERE, test_names_that_are_not_known);
    TEST("freed-while-asking", THERE, test_freed_while_asking);
    return g_test_run();
}
