/* SPDX-License-Identifier: MIT */

#include "broker/failover.h"

#include "common/account.h"

#define BOOT_US (1000 * G_GINT64_CONSTANT(1000000))

/* A boot-time clock that goes when it is told to. */
typedef struct {
    gint64 boot_us;
    DmClock clock;
    DmFailover *failover;
} Fixture;

static gint64
get_us(gpointer data)
{
    return ((Fixture *)data)->boot_us;
}

static void
begin(Fixture *fixture, DmFailoverOptions options)
{
    fixture->boot_us = BOOT_US;
    fixture->clock = (DmClock){.wall_us = get_us, .boot_us = get_us, .data = fixture};
    fixture->failover = dm_failover_new(&options, &fixture->clock);
}

static void
fixture_clear(Fixture *fixture)
{
    dm_failover_free(fixture->failover);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

/* The next try is of this address, as its retry number `retry`, `wait_ms` from now (-1 at once);
 * the clock goes to it. */
static void
assert_next(Fixture *fixture, int address, guint retry, gint64 wait_ms)
{
    gint64 due_us = dm_failover_get_due_us(fixture->failover);

    g_assert_cmpint(dm_failover_get_address(fixture->failover), ==, address);
    g_assert_cmpuint(dm_failover_get_retry(fixture->failover), ==, retry);
    if (wait_ms < 0) {
        g_assert_cmpint(due_us, ==, -1);
        return;
    }
    g_assert_cmpint(due_us - fixture->boot_us, ==, wait_ms * 1000);
    fixture->boot_us = due_us;
}

static void
fail(Fixture *fixture)
{
    fixture->boot_us += 7; /* a try takes its time: a pause begins at its end */
    dm_failover_note_failure(fixture->failover, -1);
}

static DmFailoverOptions
from_account(const char *retries, const char *initial, const char *maximum)
{
    g_autoptr(GHashTable) account = dm_account_new();

    if (retries)
        g_hash_table_insert(account, g_strdup(DM_ACCOUNT_CONN_RETRY_FREQ), g_strdup(retries));
    if (initial)
        g_hash_table_insert(account, g_strdup(DM_ACCOUNT_INITIAL_BACKOFF_MS), g_strdup(initial));
    if (maximum)
        g_hash_table_insert(account, g_strdup(DM_ACCOUNT_MAX_BACKOFF_MS), g_strdup(maximum));
    return dm_failover_options_from_account(account);
}

/* 3 retries after 16 s, doubled, then the next address, with the same pauses. */
static void
test_defaults(void)
{
    g_auto(Fixture) fixture = {0};
    DmFailoverOptions options = from_account(NULL, NULL, NULL);

    g_assert_cmpint(options.max_wait_ms, ==, 86400000);
    options.n_addresses = 2;
    begin(&fixture, options);
    for (int address = 0; address < 2; address++) {
        assert_next(&fixture, address, 0, -1);
        fail(&fixture);
        assert_next(&fixture, address, 1, 16000);
        fail(&fixture);
        assert_next(&fixture, address, 2, 32000);
        fail(&fixture);
        assert_next(&fixture, address, 3, 64000);
        fail(&fixture);
    }
    g_assert_cmpint(dm_failover_get_address(fixture.failover), ==, -1);
}

static void
test_document(void)
{
    g_auto(Fixture) fixture = {0};
    DmFailoverOptions options = from_account("4", "1000", "3000");

    options.n_addresses = 1;
    begin(&fixture, options);
    for (guint retry = 0; retry <= 4; retry++) {
        static const gint64 waits_ms[] = {-1, 1000, 2000, 3000, 3000};

        assert_next(&fixture, 0, retry, waits_ms[retry]);
        fail(&fixture);
    }
    g_assert_cmpint(dm_failover_get_address(fixture.failover), ==, -1);
}

static void
test_document_wrong(void)
{
    static const char *const wrong[] = {"", "-1", "x", "1.5", "99999999999999999999"};

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const DmFailoverOptions options = from_account(wrong[i], wrong[i], wrong[i]);

        g_assert_cmpuint(options.n_retries, ==, 3);
        g_assert_cmpint(options.initial_wait_ms, ==, 16000);
        g_assert_cmpint(options.max_wait_ms, ==, 86400000);
    }
}

/* However often, a pause is never longer than the longest, nor does it overflow. */
static void
test_longest(void)
{
    g_auto(Fixture) fixture = {0};
    DmFailoverOptions options = from_account("100", "604800000", "604800000");

    options.n_addresses = 1;
    begin(&fixture, options);
    assert_next(&fixture, 0, 0, -1);
    for (guint retry = 1; retry <= 100; retry++) {
        fail(&fixture);
        assert_next(&fixture, 0, retry, 604800000);
    }
}

static void
test_none(void)
{
    g_auto(Fixture) fixture = {0};

    begin(&fixture, (DmFailoverOptions){.n_retries = 3});
    g_assert_cmpint(dm_failover_get_address(fixture.failover), ==, -1);
}

static void
test_no_retry(void)
{
    g_auto(Fixture) fixture = {0};

    begin(&fixture, (DmFailoverOptions){.n_addresses = 3, .initial_wait_ms = 5, .max_wait_ms = 5});
    for (int address = 0; address < 3; address++) {
        assert_next(&fixture, address, 0, -1);
        fail(&fixture);
    }
    g_assert_cmpint(dm_failover_get_address(fixture.failover), ==, -1);
}

static void
test_fallback(void)
{
    g_auto(Fixture) fixture = {0};

    begin(&fixture, (DmFailoverOptions){.n_addresses = 2,
                                        .has_fallback = true,
                                        .n_retries = 1,
                                        .initial_wait_ms = 5,
                                        .max_wait_ms = 9});
    assert_next(&fixture, 0, 0, -1);
    fail(&fixture);
    assert_next(&fixture, 0, 1, 5);
    fail(&fixture);
    assert_next(&fixture, 1, 0, -1);
    fail(&fixture);
    g_assert_cmpint(dm_failover_get_address(fixture.failover), ==, -1);
}

static void
test_hurry(void)
{
    g_auto(Fixture) fixture = {0};

    begin(&fixture,
          (DmFailoverOptions){
              .n_addresses = 1, .n_retries = 2, .initial_wait_ms = 5000, .max_wait_ms = 90000});
    fail(&fixture);
    dm_failover_hurry(fixture.failover);
    assert_next(&fixture, 0, 1, -1);
    fail(&fixture);
    assert_next(&fixture, 0, 2, 10000); /* the back-off goes on as if it had been waited for */
}

static void
test_retry_after(void)
{
    static const struct {
        gint64 asked_ms, wait_ms;
    } cases[] = {{1000, 1000},        {60000, 60000}, {90000, 90000}, {99000, 90000},
                 {G_MAXINT64, 90000}, {0, 5000},      {-1, 5000}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(Fixture) fixture = {0};

        begin(&fixture,
              (DmFailoverOptions){
                  .n_addresses = 2, .n_retries = 2, .initial_wait_ms = 5000, .max_wait_ms = 90000});
        dm_failover_note_failure(fixture.failover, cases[i].asked_ms);
        assert_next(&fixture, 0, 1, cases[i].wait_ms);
        fail(&fixture);
        assert_next(&fixture, 0, 2, 10000);
        /* Another address is another server: it asked for nothing. */
        dm_failover_note_failure(fixture.failover, cases[i].asked_ms);
        assert_next(&fixture, 1, 0, -1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/failover/L4-defaults-and-order", test_defaults);
    g_test_add_func("/failover/L4-the-document-wins", test_document);
    g_test_add_func("/failover/L4-a-document-that-says-nonsense", test_document_wrong);
    g_test_add_func("/failover/L4-longest-pause", test_longest);
    g_test_add_func("/failover/L3-no-address", test_none);
    g_test_add_func("/failover/L3-no-retries", test_no_retry);
    g_test_add_func("/failover/L5-the-fallback-once-and-last", test_fallback);
    g_test_add_func("/failover/L4-a-trigger-ends-a-pause", test_hurry);
    g_test_add_func("/failover/L4-Retry-After-up-to-the-longest-pause", test_retry_after);
    return g_test_run();
}
