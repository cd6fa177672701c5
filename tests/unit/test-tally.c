/* SPDX-License-Identifier: MIT */

#include "broker/tally.h"

static void
test_counts(void)
{
    DmTally tally = {0};

    g_assert_cmpuint(dm_tally_sum(&tally), ==, 0);
    dm_tally_add(&tally, DM_VERB_REPLACE, DM_STATUS_OK);
    dm_tally_add(&tally, DM_VERB_GET, DM_STATUS_NOT_FOUND);
    dm_tally_add(&tally, DM_VERB_REPLACE, DM_STATUS_OK);
    dm_tally_add(&tally, DM_VERB_REPLACE, DM_STATUS_NOT_FOUND);
    dm_tally_add(&tally, DM_VERB_NONE, DM_STATUS_BAD_REQUEST);
    g_assert_cmpuint(tally.n_counts, ==, 3);
    g_assert_cmpstr(tally.counts[0].verb, ==, "Replace");
    g_assert_cmpuint(tally.counts[0].status, ==, 200);
    g_assert_cmpuint(tally.counts[0].n, ==, 2);
    g_assert_cmpstr(tally.counts[1].verb, ==, "Get");
    g_assert_cmpuint(tally.counts[1].n, ==, 1);
    g_assert_cmpuint(dm_tally_sum(&tally), ==, 4);
}

static void
test_cap(void)
{
    DmTally tally = {0};

    for (guint verb = DM_VERB_ADD; verb <= DM_VERB_SEQUENCE; verb++)
        for (guint status = 200; status < 300; status++)
            dm_tally_add(&tally, (DmVerb)verb, (DmStatus)status);
    g_assert_cmpuint(tally.n_counts, ==, DM_TREE_MAX_COUNTS);
    dm_tally_add(&tally, DM_VERB_ADD, DM_STATUS_OK);
    g_assert_cmpuint(tally.counts[0].n, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tally/protocol-8-by-verb-and-status", test_counts);
    g_test_add_func("/tally/number-of-entries-is-bounded", test_cap);
    return g_test_run();
}
