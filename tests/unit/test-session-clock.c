/* SPDX-License-Identifier: MIT */

#include "tests/unit/session-fixture.h"
#include "tree/rules/poll.h"

/* Sessions' time where clocks jump, machines sleep and start anew (P7, P10). */

#define MINUTE_US G_GINT64_CONSTANT(60000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* A machine: what its clocks show. */
typedef struct {
    gint64 wall_us, boot_us, awake_us;
    char boot_id[8];
} Machine;

static gint64
get_wall_us(gpointer data)
{
    return ((const Machine *)data)->wall_us;
}

static gint64
get_boot_us(gpointer data)
{
    return ((const Machine *)data)->boot_us;
}

static gint64
get_awake_us(gpointer data)
{
    return ((const Machine *)data)->awake_us;
}

/* What happens. */
static void
run_for(Machine *machine, gint64 us)
{
    machine->wall_us += us;
    machine->boot_us += us;
    machine->awake_us += us;
}

static void
suspend_for(Machine *machine, gint64 us)
{
    machine->wall_us += us;
    machine->boot_us += us;
}

/* Off for so long, by the clock that the battery runs. */
static void
reboot(Machine *machine, gint64 off_us)
{
    machine->wall_us += off_us;
    machine->boot_us = machine->awake_us = 10 * G_USEC_PER_SEC;
    machine->boot_id[0]++;
}

typedef struct {
    Fixture *fixture;
    Machine machine;
    DmClock clock;
    bool is_boot_id_known;
    DmTree *tree;
} Device;

static void
open_device(Device *device)
{
    const DmTreeOptions options = {.clock = &device->clock,
                                   .hw_dev_id = "ABCDEF",
                                   .boot_id =
                                       device->is_boot_id_known ? device->machine.boot_id : NULL};
    g_autoptr(GError) error = NULL;

    device->tree = dm_tree_new(open_store(device->fixture), &options, &error);
    g_assert_no_error(error);
    g_assert_true(dm_session_note_time(device->tree, DM_SESSION_AT_START, &error));
    g_assert_no_error(error);
}

/* A device with P, polled each hour, whose clocks begin at START_US and an hour after boot. */
static void
device_init(Device *device, Fixture *fixture)
{
    *device = (Device){.fixture = fixture, .is_boot_id_known = true};
    device->machine = (Machine){START_US, HOUR_US, HOUR_US, "a"};
    device->clock = (DmClock){.wall_us = get_wall_us,
                              .boot_us = get_boot_us,
                              .awake_us = get_awake_us,
                              .data = &device->machine};
    open_device(device);
    apply(device->tree, DM_VERB_ADD, "P", "", NULL);
    replace(device->tree, "/ManagementServiceAddress", "https://one");
    apply(device->tree, DM_VERB_ADD, "P", "/Poll", NULL);
    replace(device->tree, "/Poll/IntervalForFirstSetOfRetries", "60");
    replace(device->tree, "/Poll/NumberOfFirstRetries", "0");
}

static void
device_clear(Device *device)
{
    g_clear_pointer(&device->tree, dm_tree_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Device, device_clear)

/* Stops the service in good order; the machine may reboot meanwhile. */
static void
stop(Device *device)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_session_note_time(device->tree, DM_SESSION_AT_STOP, &error));
    g_assert_no_error(error);
    g_clear_pointer(&device->tree, dm_tree_free);
}

/* The service is gone without a word. */
static void
lose_power(Device *device)
{
    g_clear_pointer(&device->tree, dm_tree_free);
}

/* In how long from now the next session is due. */
static gint64
get_wait_us(Device *device)
{
    const char *reason = NULL;

    return dm_session_get_due(device->tree, find(device->tree), &reason) - device->machine.wall_us;
}

static void
poll_now(Device *device, bool is_good)
{
    const DmSessionReport bad = {.state = -1, .ended = 0, .certificate_expires_us = -1};

    begin_only(device->tree, DM_SESSION_ORIGIN_SCHEDULE);
    if (is_good)
        end_session(device->tree, NULL);
    else
        report(device->tree, &bad);
}

static gint64
get_hour_us(void)
{
    return HOUR_US + dm_poll_jitter_us("ABCDEF", 60);
}

/* -- P7 -----------------------------------------------------------------------------------------
 */

static void
test_clock_jumps(Fixture *fixture, gconstpointer data)
{
    static const gint64 jumps_us[] = {3 * DAY_US, -3 * DAY_US, -1000 * DAY_US, 20000 * DAY_US,
                                      31 * MINUTE_US};
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us());
    for (gsize i = 0; i < G_N_ELEMENTS(jumps_us); i++) {
        run_for(&device.machine, 30 * MINUTE_US);
        device.machine.wall_us += jumps_us[i];
        g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 30 * MINUTE_US);
        /* Set and restarted at once: the time that was kept stands. */
        lose_power(&device);
        open_device(&device);
        g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 30 * MINUTE_US);
        run_for(&device.machine, get_wait_us(&device));
        poll_now(&device, true);
        /* The jitter is no part of the chain. */
        g_assert_cmpint(get_wait_us(&device), ==, HOUR_US);
        run_for(&device.machine, get_wait_us(&device));
        poll_now(&device, true);
        replace(device.tree, "/Poll/IntervalForFirstSetOfRetries", i % 2 == 0 ? "120" : "240");
        replace(device.tree, "/Poll/IntervalForFirstSetOfRetries", "60");
        g_assert_cmpint(get_wait_us(&device), ==, get_hour_us());
    }
}

static void
test_suspend(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    suspend_for(&device.machine, 20 * HOUR_US);
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 20 * HOUR_US);
    poll_now(&device, true);
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us());
}

static void
test_reboot(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    run_for(&device.machine, 10 * MINUTE_US);
    poll_now(&device, false); /* keeps the time */
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us());
    lose_power(&device);
    reboot(&device.machine, 20 * MINUTE_US);
    open_device(&device);
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 20 * MINUTE_US);
    /* From here on the wall clock is of no interest again. */
    device.machine.wall_us -= 500 * DAY_US;
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 20 * MINUTE_US);
    lose_power(&device);
    open_device(&device);
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 20 * MINUTE_US);
    /* A battery that is empty: the clock begins in the past, and no time seems to have gone. */
    stop(&device);
    reboot(&device.machine, -1000 * DAY_US);
    open_device(&device);
    g_assert_cmpint(get_wait_us(&device), <=, get_hour_us());
    /* Two days off: one session catches up. */
    lose_power(&device);
    reboot(&device.machine, 2 * DAY_US);
    open_device(&device);
    g_assert_cmpint(get_wait_us(&device), <, 0);
    poll_now(&device, true);
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us());
}

static void
test_unknown_boot(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    lose_power(&device);
    device.is_boot_id_known = false;
    open_device(&device);
    run_for(&device.machine, 10 * MINUTE_US);
    device.machine.wall_us += 300 * DAY_US;
    g_assert_cmpint(get_wait_us(&device), ==, get_hour_us() - 10 * MINUTE_US);
}

/* The same boot and the same time: nothing to write. */
static void
count_changes(const DmChange *changes, gsize n_changes, gpointer data)
{
    *(gsize *)data += n_changes;
}

static void
test_noting_is_quiet(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};
    gsize n = 0;
    guint id;

    device_init(&device, fixture);
    id = dm_tree_add_listener(device.tree, count_changes, &n);
    g_assert_true(dm_session_note_time(device.tree, DM_SESSION_AT_START, NULL));
    g_assert_true(dm_session_note_time(device.tree, DM_SESSION_AT_STOP, NULL));
    g_assert_cmpuint(n, ==, 0);
    dm_tree_remove_listener(device.tree, id);
}

/* -- P10 ----------------------------------------------------------------------------------------
 */

static void
assert_lost(Device *device, bool is_lost, gint64 deadline_us)
{
    gint64 seen_us = dm_session_get_info(find(device->tree)).unenroll_deadline_us;

    g_assert_cmpint(dm_session_is_contact_lost(find(device->tree)), ==, is_lost);
    g_assert_cmpint(seen_us, ==, deadline_us);
}

static void
test_lost_contact(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    assert_lost(&device, false, 0);
    run_for(&device.machine, 100 * DAY_US);
    assert_lost(&device, false, 0); /* never */
    /* Enrolment started the clock. */
    replace(device.tree, "/NumberOfDaysAfterLostContactToUnenroll", "101");
    assert_lost(&device, false, START_US + 101 * DAY_US);
    run_for(&device.machine, DAY_US - 1);
    assert_lost(&device, false, START_US + 101 * DAY_US);
    run_for(&device.machine, 1);
    assert_lost(&device, true, START_US + 101 * DAY_US);
    /* A session that failed is none; a regular one is. */
    poll_now(&device, false);
    assert_lost(&device, true, START_US + 101 * DAY_US);
    poll_now(&device, true);
    assert_lost(&device, false, START_US + 202 * DAY_US);
    replace(device.tree, "/NumberOfDaysAfterLostContactToUnenroll", "0");
    run_for(&device.machine, 1000 * DAY_US);
    assert_lost(&device, false, 0);
}

static void
test_jump_alone_never_unenrols(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    replace(device.tree, "/NumberOfDaysAfterLostContactToUnenroll", "30");
    poll_now(&device, true);
    run_for(&device.machine, HOUR_US);
    device.machine.wall_us += 4000 * DAY_US;
    assert_lost(&device, false, device.machine.wall_us + 23 * HOUR_US);
    /* Nor has a machine that slept had its chance. */
    suspend_for(&device.machine, 40 * DAY_US);
    g_assert_false(dm_session_is_contact_lost(find(device.tree)));
    run_for(&device.machine, 23 * HOUR_US - 1);
    g_assert_false(dm_session_is_contact_lost(find(device.tree)));
    run_for(&device.machine, 1);
    g_assert_true(dm_session_is_contact_lost(find(device.tree)));
    /* Back again: the days have not passed. */
    device.machine.wall_us -= 4100 * DAY_US;
    g_assert_false(dm_session_is_contact_lost(find(device.tree)));
}

static void
test_power_is_kept_across_restarts(Fixture *fixture, gconstpointer data)
{
    g_auto(Device) device = {0};

    device_init(&device, fixture);
    replace(device.tree, "/NumberOfDaysAfterLostContactToUnenroll", "5");
    poll_now(&device, true);
    run_for(&device.machine, 2 * HOUR_US);
    stop(&device);
    /* Three hours a day, its service restarted now and then. */
    for (int day = 1; day <= 7; day++) {
        reboot(&device.machine, 21 * HOUR_US);
        open_device(&device);
        run_for(&device.machine, HOUR_US);
        g_assert_false(dm_session_is_contact_lost(find(device.tree)));
        stop(&device);
        open_device(&device);
        run_for(&device.machine, 2 * HOUR_US);
        stop(&device);
    }
    open_device(&device);
    /* 23 hours and the seconds that booting took. */
    g_assert_false(dm_session_is_contact_lost(find(device.tree)));
    run_for(&device.machine, HOUR_US);
    g_assert_true(dm_session_is_contact_lost(find(device.tree)));
    /* Without a boot's id nothing is counted twice. */
    poll_now(&device, true);
    run_for(&device.machine, 10 * DAY_US);
    g_assert_true(dm_session_is_contact_lost(find(device.tree)));
    poll_now(&device, true);
    device.machine.wall_us += 10 * DAY_US;
    lose_power(&device);
    device.is_boot_id_known = false;
    open_device(&device);
    g_assert_false(dm_session_is_contact_lost(find(device.tree)));
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    ADD("/session/P7-clock-jumps", test_clock_jumps);
    ADD("/session/P7-suspend", test_suspend);
    ADD("/session/P7-reboot", test_reboot);
    ADD("/session/P7-boot-of-unknown-id", test_unknown_boot);
    ADD("/session/P7-noting-the-time-is-quiet", test_noting_is_quiet);
    ADD("/session/P10-lost-contact", test_lost_contact);
    ADD("/session/P10-jump-alone-never-unenrols", test_jump_alone_never_unenrols);
    ADD("/session/P10-power-is-kept-across-restarts", test_power_is_kept_across_restarts);
    return g_test_run();
}
