/* SPDX-License-Identifier: MIT */

/* P10: what becomes of a provider whose server is out of reach. */

#include <string.h>

#include "tree/lost-contact.h"
#include "tree/session.h"
#include "tree/unenroll.h"

#define ROOT "./Device/Vendor/MSFT/DMClient/Provider/"
#define HOUR_US (3600 * G_GINT64_CONSTANT(1000000))
#define DAY_US (24 * HOUR_US)
#define START_US (G_GINT64_CONSTANT(1772445600) * 1000000)

typedef struct {
    gint64 wall_us, boot_us;
    DmClock clock;
    DmTree *tree;
} Fixture;

static gint64
get_wall_us(gpointer data)
{
    return ((const Fixture *)data)->wall_us;
}

static gint64
get_boot_us(gpointer data)
{
    return ((const Fixture *)data)->boot_us;
}

static void
apply(Fixture *fixture, DmVerb verb, const char *loc_uri, const char *data)
{
    const DmContext root = {.uid = -1};
    const DmCommand command = {.verb = verb,
                               .loc_uri = loc_uri,
                               .data = data,
                               .data_size = data != NULL ? strlen(data) : 0};
    g_autoptr(DmReply) reply = dm_tree_apply(fixture->tree, &root, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

/* A is given up after two days, B never. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    DmTreeOptions options = {.boot_id = "boot"};

    fixture->wall_us = START_US;
    fixture->clock = (DmClock){.wall_us = get_wall_us, .boot_us = get_boot_us, .data = fixture};
    options.clock = &fixture->clock;
    fixture->tree = dm_tree_new(NULL, &options, NULL);
    apply(fixture, DM_VERB_ADD, ROOT "A", NULL);
    apply(fixture, DM_VERB_ADD, ROOT "B", NULL);
    apply(fixture, DM_VERB_ADD, ROOT "A/NumberOfDaysAfterLostContactToUnenroll", "2");
    g_assert_true(dm_session_note_time(fixture->tree, DM_SESSION_AT_START, NULL));
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_tree_free(fixture->tree);
}

static bool
has(const Fixture *fixture, const char *id)
{
    return dm_tree_find_provider(fixture->tree, DM_SCOPE_DEVICE, 0, id) != NULL;
}

static void
test_days_pass(Fixture *fixture, gconstpointer data)
{
    gint64 due_us = dm_lost_contact_get_due_us(fixture->tree);
    const DmUnenrollment *record;

    /* A day ahead at most; asked again then, it is as late as it must be. */
    g_assert_cmpint(due_us, ==, fixture->boot_us + DAY_US);
    fixture->boot_us += 2 * DAY_US - HOUR_US;
    fixture->wall_us += 2 * DAY_US - HOUR_US;
    g_assert_true(dm_lost_contact_unenroll(fixture->tree, NULL));
    g_assert_true(has(fixture, "A"));
    g_assert_cmpint(dm_lost_contact_get_due_us(fixture->tree), ==, fixture->boot_us + HOUR_US);

    fixture->boot_us += HOUR_US;
    fixture->wall_us += HOUR_US;
    g_assert_true(dm_lost_contact_unenroll(fixture->tree, NULL));
    g_assert_false(has(fixture, "A"));
    g_assert_true(has(fixture, "B"));
    record = dm_tree_find_unenrollment(fixture->tree, "A");
    g_assert_nonnull(record);
    g_assert_cmpstr(record->by, ==, "lost-contact");
    g_assert_cmpint(record->done_us, ==, fixture->wall_us);
    g_assert_cmpint(dm_lost_contact_get_due_us(fixture->tree), ==, -1);
}

/* A jumping clock alone never does it: a day of time with the power on is needed too. */
static void
test_clock_jumps(Fixture *fixture, gconstpointer data)
{
    fixture->wall_us += 1000 * DAY_US;
    g_assert_true(dm_lost_contact_unenroll(fixture->tree, NULL));
    g_assert_true(has(fixture, "A"));
    g_assert_cmpint(dm_lost_contact_get_due_us(fixture->tree), >, fixture->boot_us + 23 * HOUR_US);

    fixture->boot_us += DAY_US;
    fixture->wall_us += DAY_US;
    g_assert_true(dm_lost_contact_unenroll(fixture->tree, NULL));
    g_assert_false(has(fixture, "A"));
}

static void
test_never(Fixture *fixture, gconstpointer data)
{
    apply(fixture, DM_VERB_REPLACE, ROOT "A/NumberOfDaysAfterLostContactToUnenroll", "0");
    g_assert_cmpint(dm_lost_contact_get_due_us(fixture->tree), ==, -1);
    fixture->boot_us += 1000 * DAY_US;
    fixture->wall_us += 1000 * DAY_US;
    g_assert_true(dm_lost_contact_unenroll(fixture->tree, NULL));
    g_assert_true(has(fixture, "A"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/lost-contact/P10-days-pass", Fixture, NULL, set_up, test_days_pass, tear_down);
    g_test_add("/lost-contact/P10-a-jumping-clock-alone-never-does-it", Fixture, NULL, set_up,
               test_clock_jumps, tear_down);
    g_test_add("/lost-contact/P10-0-is-never", Fixture, NULL, set_up, test_never, tear_down);
    return g_test_run();
}
