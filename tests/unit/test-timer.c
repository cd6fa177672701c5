/* SPDX-License-Identifier: MIT */

#include "common/clock.h"
#include "common/timer.h"

#define MS_US G_GINT64_CONSTANT(1000)
#define DEADLINE_S 20

typedef struct {
    GMainContext *context;
    DmTimer *timer;
    guint n;
} Fixture;

static gint64
now_us(void)
{
    return dm_clock_boot_us(dm_clock_system());
}

static void
on_due(gpointer data)
{
    ((Fixture *)data)->n++;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->context = g_main_context_new();
    fixture->timer = dm_timer_new(fixture->context, on_due, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_timer_free(fixture->timer);
    g_main_context_unref(fixture->context);
}

static void
wait_for(Fixture *fixture, guint n)
{
    gint64 end_us = now_us() + DEADLINE_S * G_USEC_PER_SEC;

    while (fixture->n < n) {
        g_assert_cmpint(now_us(), <, end_us);
        (void)g_main_context_iteration(fixture->context, TRUE);
    }
}

static void
test_fires_once(Fixture *fixture, gconstpointer data)
{
    gint64 due_us = now_us() + 20 * MS_US;

    dm_timer_set(fixture->timer, due_us);
    wait_for(fixture, 1);
    g_assert_cmpint(now_us(), >=, due_us);
    while (g_main_context_iteration(fixture->context, FALSE))
        continue;
    g_assert_cmpuint(fixture->n, ==, 1);
}

static void
test_over_is_at_once(Fixture *fixture, gconstpointer data)
{
    dm_timer_set(fixture->timer, 0);
    wait_for(fixture, 1);
    dm_timer_set(fixture->timer, now_us() - G_USEC_PER_SEC);
    wait_for(fixture, 2);
}

static void
test_set_again(Fixture *fixture, gconstpointer data)
{
    dm_timer_set(fixture->timer, now_us() + 1000 * G_USEC_PER_SEC);
    dm_timer_set(fixture->timer, now_us() + 5 * MS_US);
    wait_for(fixture, 1);
    /* Not set: nothing is waited for. */
    dm_timer_set(fixture->timer, now_us());
    dm_timer_set(fixture->timer, -1);
    while (g_main_context_iteration(fixture->context, FALSE))
        continue;
    g_assert_cmpuint(fixture->n, ==, 1);
    dm_timer_set(fixture->timer, -1);
}

#define TEST(NAME, FUNC) g_test_add("/timer/" NAME, Fixture, NULL, set_up, FUNC, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("F7-fires-once", test_fires_once);
    TEST("F7-over-is-at-once", test_over_is_at_once);
    TEST("F7-set-again", test_set_again);
    return g_test_run();
}
