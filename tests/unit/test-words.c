/* SPDX-License-Identifier: MIT */
#include "desktop/words.h"

#include "dbus/names.h"

/* What times and errors are called, in English. The day is one at noon, far from any midnight. */

#define SECOND_US ((gint64)G_USEC_PER_SEC)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
/* 26 November 2026, 12:00 UTC. */
#define NOON_US ((gint64)1795694400 * SECOND_US)

typedef struct {
    gint64 offset_us;
    const char *text;
} Case;

static void
check(const Case *cases, gsize n, char *(*say)(gint64 time_us, gint64 now_us))
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *text = say(NOON_US + cases[i].offset_us, NOON_US);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void
test_past(void)
{
    static const Case cases[] = {
        {-NOON_US, "Never"},
        {0, "Just now"},
        {30 * SECOND_US, "Just now"}, /* clocks differ a little */
        {-59 * SECOND_US, "Just now"},
        {-MINUTE_US, "1 minute ago"},
        {-59 * MINUTE_US, "59 minutes ago"},
        {-HOUR_US, "Today at 11:00"},
        {-12 * HOUR_US, "Today at 00:00"},
        {-13 * HOUR_US, "Yesterday at 23:00"},
        {-DAY_US - 13 * HOUR_US, "24 November 2026, 23:00"},
        {2 * DAY_US, "28 November 2026, 12:00"},
    };

    check(cases, G_N_ELEMENTS(cases), dm_words_past);
}

static void
test_future(void)
{
    static const Case cases[] = {
        {-NOON_US, "None planned"},          {-HOUR_US, "Any moment"},
        {59 * SECOND_US, "Any moment"},      {MINUTE_US, "In 1 minute"},
        {59 * MINUTE_US, "In 59 minutes"},   {HOUR_US, "Today at 13:00"},
        {12 * HOUR_US, "Tomorrow at 00:00"}, {36 * HOUR_US, "28 November 2026, 00:00"},
        {G_MAXINT64 - NOON_US, ""}, /* no year has it */
    };

    check(cases, G_N_ELEMENTS(cases), dm_words_future);
}

static void
test_deadline(void)
{
    static const Case cases[] = {
        {-DAY_US, "25 November 2026, 12:00, in the past"},
        {HOUR_US, "26 November 2026, 13:00, less than a day left"},
        {DAY_US, "27 November 2026, 12:00, 1 day left"},
        {3 * DAY_US + HOUR_US, "29 November 2026, 13:00, 3 days left"},
    };

    check(cases, G_N_ELEMENTS(cases), dm_words_deadline);
}

static void
test_left(void)
{
    static const Case cases[] = {
        {-HOUR_US, "Less than a minute left"},       {MINUTE_US, "Less than a minute left"},
        {MINUTE_US + SECOND_US, "2 minutes left"},   {60 * MINUTE_US, "60 minutes left"},
        {119 * MINUTE_US, "119 minutes left"},       {120 * MINUTE_US, "2 hours left"},
        {24 * HOUR_US - SECOND_US, "24 hours left"},
    };

    check(cases, G_N_ELEMENTS(cases), dm_words_left);
}

/* The list's name without its first word (docs/dbus.md); what is not known stands for itself. */
static void
test_categories(void)
{
    g_assert_cmpstr(dm_words_category("Policies"), ==, "Policies");
    g_assert_cmpstr(dm_words_category("NetworkProfiles"), ==, "Networks");
    g_assert_cmpstr(dm_words_category("MSIAppPackages"), ==, "Desktop apps");
    g_assert_cmpstr(dm_words_category("ModernAppPackages"), ==, "Store apps");
    g_assert_cmpstr(dm_words_category("PFXCerts"), ==, "Certificates with keys");
    g_assert_cmpstr(dm_words_category("SCEPCerts"), ==, "Requested certificates");
    g_assert_cmpstr(dm_words_category("<b>New"), ==, "<b>New");
    g_assert_cmpstr(dm_words_category(""), ==, "");
}

static void
test_errors(void)
{
    static const struct {
        const char *name;
        const char *text;
    } cases[] = {
        {"org.freedesktop.DBus.Error.AccessDenied",
         "You are not allowed to do this. Ask the administrator of this device."},
        {"org.freedesktop.DBus.Error.LimitsExceeded",
         "This was done only a moment ago. Try again in a minute."},
        {DM_BUS_ERROR_PREFIX "Unavailable",
         "The program that syncs with the organisation is not running. Ask your help desk."},
        {DM_BUS_ERROR_PREFIX "Failed", "why <b>it</b> failed"},
        {"com.example.New", "why <b>it</b> failed"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error =
            g_dbus_error_new_for_dbus_error(cases[i].name, "why <b>it</b> failed");
        g_autofree char *text = dm_words_error(error);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/words/past", test_past);
    g_test_add_func("/words/future", test_future);
    g_test_add_func("/words/deadline", test_deadline);
    g_test_add_func("/words/left", test_left);
    g_test_add_func("/words/categories", test_categories);
    g_test_add_func("/words/errors", test_errors);
    return g_test_run();
}
