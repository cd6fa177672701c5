/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "tree/session-private.h"

/* A clock that no change of the wall clock moves, and that goes on across restarts (P7): within a
 * boot it goes with the time since boot; where a boot is new, the wall clock's difference since
 * the last time that was kept is added, if there is one, once. It begins with the wall clock, so
 * that the two say the same as long as nobody sets either. */

#define SECOND_US G_GINT64_CONSTANT(1000000)
#define DAY_US (24 * 60 * 60 * SECOND_US)

/* Loss of contact needs at least this much time with the power on (P10). */
#define MIN_POWERED_US DAY_US

/* What is kept of a moment, as text: the numbers and the boot's id, blanks between. */
enum { BOOT, WALL, STEADY, AWAKE, POWERED, N_NUMBERS };

/* So that sums of a few of them fit. */
static gint64
clamp(gint64 us)
{
    return CLAMP(us, 0, G_MAXINT64 / 8);
}

/* The moment that was kept last. False: none was, or it cannot be read. */
static bool
parse(const char *text, gint64 *numbers, const char **ret_boot_id)
{
    for (int i = 0; i < N_NUMBERS; i++) {
        char *end;

        numbers[i] = clamp(g_ascii_strtoll(text, &end, 10));
        if (end == text || *end != ' ')
            return false;
        text = end + 1;
    }
    *ret_boot_id = text;
    return true;
}

bool
dm_session_is_this_boot(const DmTree *tree, const char *boot_id, gint64 boot_us)
{
    return strcmp(boot_id, tree->boot_id) == 0 && boot_us <= dm_clock_boot_us(tree->options.clock);
}

static gint64
round_to_second(gint64 us)
{
    return (us + (us < 0 ? -SECOND_US / 2 : SECOND_US / 2)) / SECOND_US * SECOND_US;
}

DmSessionTimes
dm_session_get_times(const DmProvider *provider)
{
    const DmTree *tree = provider->tree;
    const DmClock *clock = tree->options.clock;
    gint64 boot_us = clamp(dm_clock_boot_us(clock)), awake_us = clamp(dm_clock_awake_us(clock));
    DmSessionTimes times = {.wall_us = clamp(dm_clock_wall_us(clock))};
    const char *boot_id;
    gint64 kept[N_NUMBERS];

    if (!parse(dm_session_get_text(provider, DM_SESSION_CLOCK), kept, &boot_id)) {
        times.steady_us = times.wall_us;
    } else if (dm_session_is_this_boot(tree, boot_id, kept[BOOT])) {
        times.steady_us = kept[STEADY] + (boot_us - kept[BOOT]);
        times.powered_us = kept[POWERED] + MAX(0, awake_us - kept[AWAKE]);
    } else {
        times.steady_us = kept[STEADY] + MAX(0, times.wall_us - kept[WALL]);
        /* Where the boot's id is not known, neither is whether all of it came after. */
        times.powered_us = kept[POWERED] + (tree->has_boot_id ? awake_us : 0);
    }
    times.steady_us = clamp(times.steady_us);
    times.powered_us = clamp(times.powered_us);
    times.lead_us = round_to_second(times.wall_us - times.steady_us);
    return times;
}

void
dm_session_edit_clock(DmSessionEdits *edits, DmProvider *provider, bool is_contact)
{
    const DmClock *clock = provider->tree->options.clock;
    DmSessionTimes now = dm_session_get_times(provider);
    g_autofree char *text = g_strdup_printf(
        "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
        " %" G_GINT64_FORMAT " %s",
        clamp(dm_clock_boot_us(clock)), now.wall_us, now.steady_us, clamp(dm_clock_awake_us(clock)),
        is_contact ? 0 : now.powered_us, provider->tree->boot_id);

    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_CLOCK, text);
}

/* -- loss of contact ----------------------------------------------------------------------------
 */

static gint64
get_days(const DmProvider *provider)
{
    DmValue value;

    return dm_provider_get(provider, DM_NODE_NUMBER_OF_DAYS_AFTER_LOST_CONTACT_TO_UNENROLL, &value)
               ? MAX(0, value.u.integer)
               : 0;
}

/* When the wall clock shows that the days have passed; 0 never. */
static gint64
get_days_end_us(const DmProvider *provider)
{
    gint64 days = get_days(provider), end_us;
    gint64 from_us = dm_session_get_int(provider, DM_SESSION_SUCCESS);

    if (from_us == 0)
        from_us = dm_session_get_int(provider, DM_SESSION_ENROLLED);
    if (days == 0 || from_us == 0 || __builtin_mul_overflow(days, DAY_US, &end_us) ||
        __builtin_add_overflow(from_us, end_us, &end_us))
        return 0;
    return end_us;
}

gint64
dm_session_get_unenroll_deadline(const DmProvider *provider)
{
    gint64 end_us = provider->scope == DM_SCOPE_DEVICE ? get_days_end_us(provider) : 0;
    DmSessionTimes now = dm_session_get_times(provider);
    gint64 powered_us = now.steady_us + now.lead_us + MIN_POWERED_US - now.powered_us;

    if (end_us == 0 || now.powered_us >= MIN_POWERED_US)
        return end_us;
    return MAX(end_us, powered_us);
}

bool
dm_session_is_contact_lost(const DmProvider *provider)
{
    gint64 end_us = provider->scope == DM_SCOPE_DEVICE ? get_days_end_us(provider) : 0;
    DmSessionTimes now = dm_session_get_times(provider);

    return end_us != 0 && now.wall_us >= end_us && now.powered_us >= MIN_POWERED_US;
}

bool
dm_session_note_time(DmTree *tree, DmSessionMoment moment, GError **error)
{
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();

    for (guint i = 0; i < tree->providers->len; i++) {
        DmProvider *provider = g_ptr_array_index(tree->providers, i);
        const char *boot_id = "";
        gint64 kept[N_NUMBERS];
        bool is_kept;

        if (provider->scope != DM_SCOPE_DEVICE)
            continue;
        is_kept = parse(dm_session_get_text(provider, DM_SESSION_CLOCK), kept, &boot_id);
        if (moment == DM_SESSION_AT_START
                ? !is_kept || !dm_session_is_this_boot(tree, boot_id, kept[BOOT])
                : get_days(provider) != 0)
            dm_session_edit_clock(edits, provider, false);
    }
    return dm_session_edits_commit(edits, tree, error);
}
