/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Where time comes from: tests give their own. All in microseconds. */
typedef struct {
    gint64 (*wall_us)(gpointer data); /* since the epoch; may jump */
    gint64 (*boot_us)(gpointer data); /* CLOCK_BOOTTIME: steady, counts suspend; starts at boot */
    gpointer data;
    gint64 (*awake_us)(gpointer data); /* the same without suspend; NULL: as boot_us */
} DmClock;

/* The system's clocks. Const, valid for ever. */
const DmClock *dm_clock_system(void);

static inline gint64
dm_clock_wall_us(const DmClock *clock)
{
    return clock->wall_us(clock->data);
}

static inline gint64
dm_clock_boot_us(const DmClock *clock)
{
    return clock->boot_us(clock->data);
}

static inline gint64
dm_clock_awake_us(const DmClock *clock)
{
    return clock->awake_us != NULL ? clock->awake_us(clock->data) : dm_clock_boot_us(clock);
}
