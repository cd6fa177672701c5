/* SPDX-License-Identifier: MIT */
#include "plugin/polkit.h"

#include <string.h>

#include "tests/unit/polkit-fixture.h"

/* How many questions plugin/polkit.c has under way, and in what order they go. */

static bool
check_nth(Fixture *f, guint n, guint32 uid, bool interactive)
{
    g_autofree char *name = g_strdup_printf(":9.%u", n);

    return check_of(f, name, uid, interactive);
}

/* The number of the caller that a check is about. */
static guint
nth_of(Fixture *f, guint index)
{
    return (guint)g_ascii_strtoull(wait_for_check(f, index)->sender + strlen(":9."), NULL, 10);
}

static void
test_merged(Fixture *f, gconstpointer data)
{
    const Check *check;

    f->is_holding = true;
    for (guint i = 0; i < 10; i++)
        g_assert_true(check_nth(f, 1, 1000, true));
    check = wait_for_check(f, 0);
    for (guint i = 0; i < 10; i++)
        g_assert_true(check_nth(f, 1, 1000, true));
    fake_answer(check, FAKE_CHALLENGE);
    check = wait_for_check(f, 1);
    g_assert_true(check_nth(f, 1, 1000, true));
    fake_answer(check, FAKE_YES);
    WAIT_UNTIL(f->n_answers == 21);
    g_assert_cmpuint(f->n_verdicts[DM_VERDICT_YES], ==, 21);
    g_assert_cmpuint(f->n_freed, ==, 21);
    g_assert_cmpuint(f->checks->len, ==, 2);
}

/* Another caller, another action, or a person who must not be asked: another question. */
static void
test_not_merged(Fixture *f, gconstpointer data)
{
    f->to_machine = FAKE_CHALLENGE;
    f->to_person = FAKE_YES;
    g_assert_true(check_nth(f, 1, 1000, false));
    g_assert_true(check_nth(f, 1, 1000, true));
    g_assert_true(check_nth(f, 2, 1000, false));
    g_assert_true(dm_polkit_check(f->polkit, ":9.1", 1000, DM_BUS_INTERFACE ".read-details", false,
                                  on_verdict, f, on_free));
    WAIT_UNTIL(f->n_answers == 4);
    g_assert_cmpuint(f->checks->len, ==, 5);
    g_assert_cmpuint(f->n_verdicts[DM_VERDICT_YES], ==, 1);
    g_assert_cmpuint(f->n_verdicts[DM_VERDICT_CHALLENGE], ==, 3);
}

static void
test_refused(Fixture *f, gconstpointer data)
{
    g_assert_false(check_of(f, NULL, 0, true));
    g_assert_false(check_of(f, "", 0, true));
    g_assert_false(check_of(f, "org.example.NotUnique", 0, true));
    g_assert_cmpuint(f->n_freed, ==, 0);
    g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, 0);
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
    const guint32 n_users = DM_POLKIT_MAX_WAITING_ALL / DM_POLKIT_MAX_WAITING_OF_USER;

    f->is_holding = true;
    for (guint i = 0; i < DM_POLKIT_MAX_WAITING_ONE; i++)
        g_assert_true(check_nth(f, 0, 0, false));
    g_assert_false(check_nth(f, 0, 0, false));
    for (guint i = DM_POLKIT_MAX_WAITING_ONE; i < DM_POLKIT_MAX_WAITING_OF_USER; i++)
        g_assert_true(check_nth(f, i, 0, false));
    g_assert_false(check_nth(f, 5000, 0, false));
    for (guint32 uid = 1; uid < n_users; uid++)
        for (guint i = 0; i < DM_POLKIT_MAX_WAITING_OF_USER; i++)
            g_assert_true(check_nth(f, 10000 * uid + i, uid, false));
    g_assert_false(check_nth(f, 5000, n_users, false));
    g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, DM_POLKIT_MAX_ASKED);
    g_assert_cmpuint(f->n_freed, ==, 0);
    wait_for_check(f, DM_POLKIT_MAX_ASKED - 1);
    settle(f->connection);
    g_assert_cmpuint(f->checks->len, ==, DM_POLKIT_MAX_ASKED);

    /* All are answered as there is room, and the bounds are as before. */
    f->is_holding = false;
    f->to_machine = FAKE_YES;
    dm_polkit_set_limits(f->polkit, DM_POLKIT_ANSWER_MS, DM_POLKIT_PERSON_MS);
    for (guint i = 0; i < DM_POLKIT_MAX_ASKED; i++)
        fake_answer(f->checks->pdata[i], FAKE_YES);
    WAIT_UNTIL(f->n_freed == DM_POLKIT_MAX_WAITING_ALL);
    g_assert_cmpuint(f->n_answers, ==, DM_POLKIT_MAX_WAITING_ALL);
    g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, 0);
    g_assert_true(check_nth(f, 0, 0, false));
}

/* G8: whoever asks much does not keep others waiting. */
static void
test_in_turn(Fixture *f, gconstpointer data)
{
    f->is_holding = true;
    for (guint i = 0; i < 3 * DM_POLKIT_MAX_ASKED; i++)
        g_assert_true(check_nth(f, i, 1000, false));
    g_assert_true(check_nth(f, 10001, 1001, false));
    g_assert_true(check_nth(f, 10002, 1001, false));
    g_assert_true(check_nth(f, 20001, 1002, false));
    wait_for_check(f, DM_POLKIT_MAX_ASKED - 1);
    for (guint i = 0; i < DM_POLKIT_MAX_ASKED; i++) {
        g_assert_cmpuint(nth_of(f, i), ==, i);
        if (i < 6)
            fake_answer(wait_for_check(f, i), FAKE_YES);
    }
    wait_for_check(f, DM_POLKIT_MAX_ASKED + 5);
    g_assert_cmpuint(nth_of(f, DM_POLKIT_MAX_ASKED), ==, DM_POLKIT_MAX_ASKED);
    g_assert_cmpuint(nth_of(f, DM_POLKIT_MAX_ASKED + 1), ==, 10001);
    g_assert_cmpuint(nth_of(f, DM_POLKIT_MAX_ASKED + 2), ==, 20001);
    g_assert_cmpuint(nth_of(f, DM_POLKIT_MAX_ASKED + 3), ==, DM_POLKIT_MAX_ASKED + 1);
    g_assert_cmpuint(nth_of(f, DM_POLKIT_MAX_ASKED + 4), ==, 10002);
    g_assert_cmpuint(nth_of(f, DM_POLKIT_MAX_ASKED + 5), ==, DM_POLKIT_MAX_ASKED + 2);
}

/* Dialogs of one user's leave room for those of others, and for what machines decide. */
static void
test_persons(Fixture *f, gconstpointer data)
{
    const guint n = DM_POLKIT_MAX_PERSONS, of_user = DM_POLKIT_MAX_PERSONS_OF_USER;

    f->is_holding = true;
    for (guint i = 0; i < n + 2; i++) {
        bool is_room = i != of_user && i != n + 1;

        /* One too many of the first user's, and of all. */
        g_assert_true(check_nth(f, i, i <= of_user ? 1000 : 1000 + i, true));
        fake_answer(wait_for_check(f, f->checks->len), FAKE_CHALLENGE);
        if (is_room)
            g_assert_cmpuint(wait_for_check(f, f->checks->len)->flags, ==, 1);
        else
            WAIT_UNTIL(f->n_answers == (i == of_user ? 1 : 2));
    }
    g_assert_cmpuint(f->n_verdicts[DM_VERDICT_CHALLENGE], ==, 2);
    g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, n);

    f->is_holding = false;
    f->to_machine = FAKE_YES;
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_YES);
    /* With one answered there is room again. */
    fake_answer(wait_for_check(f, 1), FAKE_YES);
    WAIT_UNTIL(f->n_answers == 4);
    f->to_machine = FAKE_CHALLENGE;
    f->to_person = FAKE_YES;
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_YES);
}

/* The limit counts from the question on, not from when there was room for it. */
static void
test_queued_too_long(Fixture *f, gconstpointer data)
{
    const guint n = 5 * DM_POLKIT_MAX_ASKED;

    f->is_holding = true;
    dm_polkit_set_limits(f->polkit, 50, DM_POLKIT_PERSON_MS);
    for (guint i = 0; i < n; i++)
        g_assert_true(check_nth(f, i, i % 7, true));
    WAIT_UNTIL(f->n_freed == n);
    g_assert_cmpuint(f->n_verdicts[DM_VERDICT_NONE], ==, n);
    g_assert_cmpuint(f->checks->len, <, n);
    g_assert_cmpuint(n_warnings, ==, 1);
}

static void
on_first_verdict(DmVerdict verdict, gpointer data)
{
    Fixture *f = data;

    /* The same question again is a new one; and many more than there is room for. */
    for (guint i = 0; i < 2 * DM_POLKIT_MAX_ASKED; i++)
        g_assert_true(check_nth(f, i, 1000, false));
    on_verdict(verdict, data);
}

static void
test_asks_from_within(Fixture *f, gconstpointer data)
{
    f->to_machine = FAKE_YES;
    g_assert_true(dm_polkit_check(f->polkit, ":9.0", 1000, DM_BUS_INTERFACE ".read-identity", false,
                                  on_first_verdict, f, on_free));
    WAIT_UNTIL(f->n_freed == 1 + 2 * DM_POLKIT_MAX_ASKED);
    g_assert_cmpuint(f->checks->len, ==, f->n_freed);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_writer_func(count_warnings, NULL, NULL);
    ADD("same-questions-are-one", THERE, test_merged);
    ADD("other-questions-are-others", THERE, test_not_merged);
    ADD("who-has-no-unique-name-is-refused", THERE, test_refused);
    ADD("questions-are-bounded", THERE, test_bounds);
    ADD("G8-users-in-turn", THERE, test_in_turn);
    ADD("dialogs-are-bounded", THERE, test_persons);
    ADD("limit-counts-from-the-question", THERE, test_queued_too_long);
    ADD("asks-from-within-an-answer", THERE, test_asks_from_within);
    return g_test_run();
}
