/* SPDX-License-Identifier: MIT */
#pragma once

#include "common/clock.h"
#include "tests/unit/store-fixture.h"
#include "tree/tree.h"

/* A tree over a store, with a wall clock, a boot-time clock and a kernel that the tests set. */

#define START_US G_GINT64_CONSTANT(1772445600000000) /* 2026-03-02 10:00 UTC */

static gint64 wall_us, boot_us;
static const char *boot_id;

static inline gint64
get_wall_us(gpointer data)
{
    return wall_us;
}

static inline gint64
get_boot_us(gpointer data)
{
    return boot_us;
}

static const DmClock test_clock = {.wall_us = get_wall_us, .boot_us = get_boot_us};

/* Time goes on, on both clocks. */
static inline void
pass_us(gint64 us)
{
    wall_us += us;
    boot_us += us;
}

static inline DmTree *
open_over(DmStore *store)
{
    const DmTreeOptions options = {.clock = &test_clock, .boot_id = boot_id};
    g_autoptr(GError) error = NULL;
    DmTree *tree = dm_tree_new(store, &options, &error);

    g_assert_no_error(error);
    return tree;
}

static inline DmTree *
open_tree(Fixture *fixture)
{
    return open_over(open_store(fixture));
}
