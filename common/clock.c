/* SPDX-License-Identifier: MIT */

#include "common/clock.h"

#include <time.h>

static gint64
system_wall_us(gpointer data)
{
    return g_get_real_time();
}

static gint64
system_boot_us(gpointer data)
{
    struct timespec now;

    /* Cannot fail: Linux has had this clock since 2.6.39. */
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static const DmClock system_clock = {system_wall_us, system_boot_us, NULL};

const DmClock *
dm_clock_system(void)
{
    return &system_clock;
}
