/* SPDX-License-Identifier: MIT */

#include "broker/tally.h"

#include <string.h>

void
dm_tally_add(DmTally *tally, DmVerb verb, DmStatus status)
{
    const char *name = dm_verb_to_name(verb);

    if (verb == DM_VERB_NONE)
        return;
    for (guint i = 0; i < tally->n_counts; i++) {
        DmTreeCount *count = &tally->counts[i];

        if (count->status == (guint)status && strcmp(count->verb, name) == 0) {
            count->n++;
            return;
        }
    }
    if (tally->n_counts < G_N_ELEMENTS(tally->counts))
        tally->counts[tally->n_counts++] = (DmTreeCount){name, (guint)status, 1};
}

guint
dm_tally_sum(const DmTally *tally)
{
    guint sum = 0;

    for (guint i = 0; i < tally->n_counts; i++)
        sum += tally->counts[i].n;
    return sum;
}
