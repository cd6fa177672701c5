/* SPDX-License-Identifier: MIT */

#include "broker/failover.h"

#include "common/account.h"

#define RETRIES 3
#define INITIAL_WAIT_MS 16000
#define MAX_WAIT_MS 86400000

struct DmFailover {
    DmFailoverOptions options;
    const DmClock *clock;
    guint address;
    guint retry;    /* of that address */
    gint64 wait_ms; /* before the next retry */
    gint64 due_us;
};

DmFailoverOptions
dm_failover_options_from_account(GHashTable *account)
{
    const DmFailoverOptions options = {
        .n_retries = (guint)dm_account_get_int(account, DM_ACCOUNT_CONN_RETRY_FREQ, 0,
                                               DM_FAILOVER_MAX_RETRIES, RETRIES),
        .initial_wait_ms = dm_account_get_int(account, DM_ACCOUNT_INITIAL_BACKOFF_MS, 0,
                                              DM_FAILOVER_MAX_WAIT_MS, INITIAL_WAIT_MS),
        .max_wait_ms = dm_account_get_int(account, DM_ACCOUNT_MAX_BACKOFF_MS, 0,
                                          DM_FAILOVER_MAX_WAIT_MS, MAX_WAIT_MS),
    };

    return options;
}

/* The address at hand has not been tried yet. */
static void
begin_address(DmFailover *failover)
{
    failover->retry = 0;
    failover->wait_ms = failover->options.initial_wait_ms;
    failover->due_us = -1;
}

DmFailover *
dm_failover_new(const DmFailoverOptions *options, const DmClock *clock)
{
    DmFailover *failover = g_new0(DmFailover, 1);

    failover->options = *options;
    failover->clock = clock;
    begin_address(failover);
    return failover;
}

void
dm_failover_free(DmFailover *failover)
{
    g_free(failover);
}

int
dm_failover_get_address(const DmFailover *failover)
{
    return failover->address < failover->options.n_addresses ? (int)failover->address : -1;
}

guint
dm_failover_get_retry(const DmFailover *failover)
{
    return failover->retry;
}

gint64
dm_failover_get_due_us(const DmFailover *failover)
{
    return failover->due_us;
}

static bool
is_fallback(const DmFailover *failover)
{
    return failover->options.has_fallback && failover->address + 1 == failover->options.n_addresses;
}

void
dm_failover_note_failure(DmFailover *failover, gint64 retry_after_ms)
{
    gint64 max_ms = failover->options.max_wait_ms;
    gint64 wait_ms = MIN(retry_after_ms > 0 ? retry_after_ms : failover->wait_ms, max_ms);

    if (is_fallback(failover) || failover->retry == failover->options.n_retries) {
        failover->address++;
        begin_address(failover);
        return;
    }
    failover->retry++;
    failover->due_us = dm_clock_boot_us(failover->clock) + wait_ms * 1000;
    failover->wait_ms = MIN(failover->wait_ms * 2, max_ms); /* both are capped: no overflow */
}

void
dm_failover_hurry(DmFailover *failover)
{
    failover->due_us = -1;
}
