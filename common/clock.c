/* SPDX-License-Identifier: MIT */

#include "common/clock.h"

#include <time.h>

static gint64
system_wall_us(gpointer data)
{
    return g_get_real_time();
}

/* Cannot fail: Linux has had these clocks since 2.6.39. */
static gint64
read_us(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static gint64
system_boot_us(gpointer data)
{
    return read_us(CLOCK_BOOTTIME);
}

static gint64
system_awake_us(gpointer data)
{
    return read_us(CLOCK_MONOTONIC);
}

static const DmClock system_clock = {
    .wall_us = system_wall_us, .boot_us = system_boot_us, .awake_us = system_awake_us};

const DmClock *
dm_clock_system(void)
{
    return &system_clock;
}
