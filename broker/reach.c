/* SPDX-License-Identifier: MIT */

#include "broker/reach.h"

#include "broker/address.h"
#include "broker/failover.h"
#include "broker/http.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/timer.h"

struct DmReach {
    DmReachOptions options;
    DmFailoverOptions limits;
    DmReachHandlers handlers;
    gpointer data;
    DmFailover *failover;
    DmTimer *timer;
    bool is_waiting;
    DmNetworkWait *network_wait; /* NULL: it is not waited for */
    bool is_impatient;           /* it was, long enough for this session */
    const char *address;
};

static void on_due(gpointer data);

DmReach *
dm_reach_new(const DmReachOptions *options, GMainContext *context, const DmReachHandlers *handlers,
             gpointer data)
{
    DmReach *reach = g_new0(DmReach, 1);
    const DmTreeSession *start = options->start;

    reach->options = *options;
    reach->limits = dm_failover_options_from_account(start->account);
    reach->limits.n_addresses = g_strv_length(start->addresses);
    reach->limits.has_fallback = start->has_fallback;
    if (options->no_retry)
        reach->limits.n_retries = 0;
    reach->handlers = *handlers;
    reach->data = data;
    reach->failover = dm_failover_new(&reach->limits, dm_clock_system());
    reach->timer = dm_timer_new(context, on_due, reach);
    return reach;
}

void
dm_reach_free(DmReach *reach)
{
    if (!reach)
        return;
    dm_network_wait_free(reach->network_wait);
    dm_timer_free(reach->timer);
    dm_failover_free(reach->failover);
    g_free(reach);
}

const char *
dm_reach_get_address(const DmReach *reach)
{
    return reach->address;
}

static bool
is_fallback(const DmReach *reach)
{
    return reach->limits.has_fallback &&
           dm_failover_get_address(reach->failover) + 1 == (int)reach->limits.n_addresses;
}

static void
try_now(DmReach *reach)
{
    g_autofree char *host = NULL;

    reach->is_waiting = false;
    dm_timer_set(reach->timer, -1);
    reach->address = reach->options.start->addresses[dm_failover_get_address(reach->failover)];
    host = dm_address_describe(reach->address);
    dm_journal_add(reach->options.journal, reach->options.provider,
                   is_fallback(reach)
                       ? "trying %s, the last one that worked before the list changed"
                       : "trying %s",
                   host);
    reach->handlers.on_try(reach->address, reach->data);
}

/* -- the network ---------------------------------------------------------------------------------
 */

static void
on_network(gpointer data)
{
    DmReach *reach = data;

    g_clear_pointer(&reach->network_wait, dm_network_wait_free);
    dm_journal_add(reach->options.journal, reach->options.provider, "the network is up");
    try_now(reach);
}

static bool
must_wait_for_network(const DmReach *reach)
{
    const char *address = reach->options.start->addresses[dm_failover_get_address(reach->failover)];

    return reach->options.network && !reach->is_impatient &&
           dm_network_get_max_wait_s(reach->options.network) > 0 &&
           !dm_address_is_loopback(address) && !dm_network_is_up(reach->options.network);
}

static void
wait_for_network(DmReach *reach)
{
    const DmClock *clock = dm_clock_system();
    guint wait_s = dm_network_get_max_wait_s(reach->options.network);
    gint64 wait_us = wait_s * (gint64)G_USEC_PER_SEC;
    g_autoptr(GError) cause =
        g_error_new_literal(DM_ERROR, DM_ERROR_CONNECT, "the network is not up yet");
    const DmReachWait wait = {
        .address = reach->options.start->addresses[dm_failover_get_address(reach->failover)],
        .is_for_network = true,
        .retry = dm_failover_get_retry(reach->failover),
        .n_retries = reach->limits.n_retries,
        .wait_ms = wait_us / 1000,
        .due_us = dm_clock_wall_us(clock) + wait_us,
        .cause = cause,
    };

    dm_journal_add(reach->options.journal, reach->options.provider,
                   "waiting for the network, at most %u s", wait_s);
    reach->is_waiting = false;
    reach->network_wait = dm_network_wait_new(reach->options.network, on_network, reach);
    dm_timer_set(reach->timer, dm_clock_boot_us(clock) + wait_us);
    reach->handlers.on_wait(&wait, reach->data);
}

static void
try_or_wait(DmReach *reach)
{
    if (must_wait_for_network(reach))
        wait_for_network(reach);
    else
        try_now(reach);
}

static void
on_due(gpointer data)
{
    DmReach *reach = data;

    if (!reach->network_wait) {
        try_or_wait(reach);
        return;
    }
    /* Who says that it is not up may be wrong, and is not asked again in this session. */
    g_clear_pointer(&reach->network_wait, dm_network_wait_free);
    reach->is_impatient = true;
    dm_journal_add(reach->options.journal, reach->options.provider,
                   "the network is not up after %u s: trying all the same",
                   dm_network_get_max_wait_s(reach->options.network));
    try_now(reach);
}

/* -- tries ---------------------------------------------------------------------------------------
 */

static void
wait_for_next(DmReach *reach, const GError *cause)
{
    const DmClock *clock = dm_clock_system();
    gint64 due_us = dm_failover_get_due_us(reach->failover);
    gint64 wait_us = due_us - dm_clock_boot_us(clock);
    const DmReachWait wait = {
        .address = reach->address,
        .retry = dm_failover_get_retry(reach->failover),
        .n_retries = reach->limits.n_retries,
        .wait_ms = MAX(wait_us, 0) / 1000,
        .due_us = dm_clock_wall_us(clock) + wait_us,
        .cause = cause,
    };

    dm_journal_add(reach->options.journal, reach->options.provider,
                   "waiting %" G_GINT64_FORMAT " ms before retry %u of %u", wait.wait_ms,
                   wait.retry, wait.n_retries);
    reach->is_waiting = true;
    dm_timer_set(reach->timer, MAX(due_us, 0));
    reach->handlers.on_wait(&wait, reach->data);
}

static void
give_up(DmReach *reach, const GError *cause)
{
    g_autoptr(GError) error = g_error_copy(cause);

    if (reach->limits.n_addresses > 1)
        g_prefix_error(&error,
                       "none of %u addresses answers; the last one: ", reach->limits.n_addresses);
    reach->handlers.on_given_up(error, reach->data);
}

void
dm_reach_begin(DmReach *reach)
{
    g_autoptr(GError) error = NULL;

    if (reach->limits.n_addresses > 0) {
        try_or_wait(reach);
        return;
    }
    g_set_error(&error, DM_ERROR, DM_ERROR_INVALID, "provider %s has no server address",
                reach->options.provider);
    give_up(reach, error);
}

void
dm_reach_note_failure(DmReach *reach, const GError *cause, gint64 retry_after_ms)
{
    dm_log_warning("a server address does not answer", "DM_PROVIDER", reach->options.provider,
                   "DM_CAUSE", cause->message);
    dm_journal_add(reach->options.journal, reach->options.provider, "no answer: %s",
                   cause->message);
    /* Our own key or certificate: no other address and no later time makes it better. */
    if (g_error_matches(cause, DM_ERROR, DM_ERROR_CERTIFICATE)) {
        reach->handlers.on_given_up(cause, reach->data);
        return;
    }
    dm_failover_note_failure(reach->failover, retry_after_ms);
    if (dm_failover_get_address(reach->failover) < 0)
        give_up(reach, cause);
    else if (dm_failover_get_due_us(reach->failover) < 0)
        try_or_wait(reach);
    else
        wait_for_next(reach, cause);
}

bool
dm_reach_take(DmReach *reach, const DmTransportAnswer *answer, const GError *error)
{
    g_autoptr(GError) refused = NULL;

    if (!answer) {
        dm_reach_note_failure(reach, error, -1);
        return false;
    }
    if (dm_http_is_answer(answer->status))
        return true;
    refused = dm_http_new_error(answer);
    dm_reach_note_failure(reach, refused, answer->retry_after_ms);
    return false;
}

void
dm_reach_hurry(DmReach *reach)
{
    if (!reach->is_waiting)
        return;
    dm_failover_hurry(reach->failover);
    try_or_wait(reach);
}
