/* SPDX-License-Identifier: MIT */

/* P2 on the rows of the table: judged when the message commits, so that six Replace of a Poll are
 * seen together (V8). */

#include "tree/rules/poll.h"
#include "tree/rules/topics.h"

static const DmNodeId interval_nodes[DM_POLL_SETS] = {
    DM_NODE_POLL_INTERVAL_FOR_FIRST_SET_OF_RETRIES,
    DM_NODE_POLL_INTERVAL_FOR_SECOND_SET_OF_RETRIES,
    DM_NODE_POLL_INTERVAL_FOR_REMAINING_SCHEDULED_RETRIES,
};

static const DmNodeId count_nodes[DM_POLL_SETS] = {
    DM_NODE_POLL_NUMBER_OF_FIRST_RETRIES,
    DM_NODE_POLL_NUMBER_OF_SECOND_RETRIES,
    DM_NODE_POLL_NUMBER_OF_REMAINING_SCHEDULED_RETRIES,
};

static gint64
get_number(const DmProvider *provider, DmNodeId node)
{
    DmValue value = dm_value_new_int(0);

    (void)dm_provider_get(provider, node, &value);
    return value.u.integer;
}

static void
put_number(DmTransaction *transaction, DmProvider *provider, DmNodeId node, gint64 before,
           gint64 number)
{
    DmValue value = dm_value_new_int(number);

    if (before != number)
        dm_transaction_set(transaction, provider, node, &value);
}

static DmStatus
commit_poll(DmTransaction *transaction, DmProvider *provider)
{
    DmPollSettings sent, settings;

    if (!dm_provider_has(provider, DM_NODE_POLL))
        return DM_STATUS_OK;
    for (guint i = 0; i < DM_POLL_SETS; i++) {
        sent.interval_min[i] = get_number(provider, interval_nodes[i]);
        sent.count[i] = get_number(provider, count_nodes[i]);
    }
    settings = sent;
    if (!dm_poll_correct(&settings))
        return DM_STATUS_OK;
    for (guint i = 0; i < DM_POLL_SETS; i++) {
        put_number(transaction, provider, interval_nodes[i], sent.interval_min[i],
                   settings.interval_min[i]);
        put_number(transaction, provider, count_nodes[i], sent.count[i], settings.count[i]);
    }
    return DM_STATUS_OK;
}

const DmRule dm_rule_poll = {.commit = commit_poll};
