/* SPDX-License-Identifier: MIT */

#include "broker/reach.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "tests/unit/add-test.h"
#include "tests/unit/fixture.h"

#define FIRST "https://first.example.test/dm"
#define SECOND "https://second.example.test/dm"

typedef struct {
    DmTreeSession start;
    char *addresses[4];
    DmJournal *journal;
    DmReach *reach;
    GString *story; /* what was called, in order */
    gint64 wait_ms;
    GError *error;
} Fixture;

static void
on_try(const char *address, gpointer data)
{
    Fixture *fixture = data;

    g_assert_true(address == dm_reach_get_address(fixture->reach));
    g_string_append_printf(fixture->story, "try %.6s|", address + strlen("https://"));
}

static void
on_wait(const DmReachWait *wait, gpointer data)
{
    Fixture *fixture = data;

    fixture->wait_ms = wait->wait_ms;
    g_assert_cmpint(ABS(wait->due_us - g_get_real_time() - wait->wait_ms * 1000), <, 5000000);
    g_string_append_printf(fixture->story, "wait %u/%u %s|", wait->retry, wait->n_retries,
                           wait->cause->message);
}

static void
on_given_up(const GError *error, gpointer data)
{
    Fixture *fixture = data;

    g_string_append(fixture->story, "end|");
    fixture->error = g_error_copy(error);
    g_clear_pointer(&fixture->reach, dm_reach_free); /* which is allowed */
}

static void
start(Fixture *fixture, const char *retries, const char *wait_ms, bool no_retry)
{
    static const DmReachHandlers handlers = {on_try, on_wait, on_given_up};
    DmReachOptions options = {.provider = "P", .start = &fixture->start, .no_retry = no_retry};

    g_hash_table_insert(fixture->start.account, g_strdup(DM_ACCOUNT_CONN_RETRY_FREQ),
                        g_strdup(retries));
    g_hash_table_insert(fixture->start.account, g_strdup(DM_ACCOUNT_INITIAL_BACKOFF_MS),
                        g_strdup(wait_ms));
    options.journal = fixture->journal;
    fixture->reach = dm_reach_new(&options, NULL, &handlers, fixture);
    g_assert_null(dm_reach_get_address(fixture->reach));
    g_assert_cmpstr(fixture->story->str, ==, "");
    dm_reach_begin(fixture->reach);
}

static void
fail(Fixture *fixture, gint64 retry_after_ms)
{
    g_autoptr(GError) error = g_error_new_literal(DM_ERROR, DM_ERROR_CONNECT, "down");

    dm_reach_note_failure(fixture->reach, error, retry_after_ms);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->addresses[0] = g_strdup(FIRST);
    fixture->addresses[1] = g_strdup(SECOND);
    fixture->start.addresses = fixture->addresses;
    fixture->start.account = dm_account_new();
    fixture->journal = dm_journal_new();
    fixture->story = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_reach_free(fixture->reach);
    dm_journal_free(fixture->journal);
    g_hash_table_unref(fixture->start.account);
    for (gsize i = 0; i < G_N_ELEMENTS(fixture->addresses); i++)
        g_free(fixture->addresses[i]);
    g_string_free(fixture->story, TRUE);
    g_clear_error(&fixture->error);
}

static void
test_order(Fixture *fixture, gconstpointer data)
{
    start(fixture, "1", "1", false);
    g_assert_cmpstr(fixture->story->str, ==, "try first.|");
    fail(fixture, -1);
    g_assert_cmpstr(fixture->story->str, ==, "try first.|wait 1/1 down|");
    g_assert_cmpint(fixture->wait_ms, <=, 1);
    WAIT_UNTIL(g_str_has_suffix(fixture->story->str, "try first.|"));
    fail(fixture, -1);
    g_assert_true(g_str_has_suffix(fixture->story->str, "|try first.|try second|"));
    fail(fixture, -1);
    WAIT_UNTIL(g_str_has_suffix(fixture->story->str, "down|try second|"));
    fail(fixture, -1);
    g_assert_true(g_str_has_suffix(fixture->story->str, "|end|"));
    g_assert_error(fixture->error, DM_ERROR, DM_ERROR_CONNECT);
    g_assert_cmpstr(fixture->error->message, ==, "none of 2 addresses answers; the last one: down");
}

static void
test_no_retry(Fixture *fixture, gconstpointer data)
{
    start(fixture, "9", "3600000", true);
    fail(fixture, 5000);
    fail(fixture, -1);
    g_assert_cmpstr(fixture->story->str, ==, "try first.|try second|end|");
}

static void
test_retry_after(Fixture *fixture, gconstpointer data)
{
    start(fixture, "1", "1", false);
    fail(fixture, 3600000);
    g_assert_cmpint(fixture->wait_ms, >, 3590000);
    g_assert_cmpint(fixture->wait_ms, <=, 3600000);
}

static void
test_hurry(Fixture *fixture, gconstpointer data)
{
    start(fixture, "1", "3600000", false);
    dm_reach_hurry(fixture->reach); /* nothing is waited for */
    fail(fixture, -1);
    g_assert_true(g_str_has_suffix(fixture->story->str, "down|"));
    dm_reach_hurry(fixture->reach);
    g_assert_cmpstr(fixture->story->str, ==, "try first.|wait 1/1 down|try first.|");
    dm_reach_hurry(fixture->reach);
    g_assert_cmpstr(fixture->story->str, ==, "try first.|wait 1/1 down|try first.|");
}

static void
test_fallback(Fixture *fixture, gconstpointer data)
{
    g_autofree char *journal = NULL;

    fixture->start.has_fallback = true;
    start(fixture, "1", "3600000", false);
    fail(fixture, -1);
    dm_reach_hurry(fixture->reach);
    fail(fixture, -1);
    g_assert_true(g_str_has_suffix(fixture->story->str, "|try second|"));
    journal = dm_journal_to_text(fixture->journal);
    g_assert_nonnull(strstr(journal, "the last one that worked before the list changed"));
    fail(fixture, -1);
    g_assert_true(g_str_has_suffix(fixture->story->str, "|try second|end|"));
}

/* What no other address mends. */
static void
test_own_fault(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = g_error_new_literal(DM_ERROR, DM_ERROR_CERTIFICATE, "no key");

    start(fixture, "3", "1", false);
    dm_reach_note_failure(fixture->reach, error, -1);
    g_assert_cmpstr(fixture->story->str, ==, "try first.|end|");
    g_assert_error(fixture->error, DM_ERROR, DM_ERROR_CERTIFICATE);
}

static void
test_no_address(Fixture *fixture, gconstpointer data)
{
    g_clear_pointer(&fixture->addresses[0], g_free);
    start(fixture, "3", "1", false);
    g_assert_cmpstr(fixture->story->str, ==, "end|");
    g_assert_error(fixture->error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(strstr(fixture->error->message, "provider P"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A server that does not answer is warned of. */
    (void)g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    ADD("/reach/L3-L4-order-and-pauses", test_order);
    ADD("/reach/no-retry-ends-after-the-first-round", test_no_retry);
    ADD("/reach/L4-Retry-After", test_retry_after);
    ADD("/reach/L4-a-trigger-tries-at-once", test_hurry);
    ADD("/reach/L5-the-fallback-once-and-said", test_fallback);
    ADD("/reach/our-own-fault-is-not-tried-again", test_own_fault);
    ADD("/reach/no-address", test_no_address);
    return g_test_run();
}
