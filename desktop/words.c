/* SPDX-License-Identifier: MIT */
#include "desktop/words.h"

#include <string.h>

#include "common/i18n.h"
#include "dbus/names.h"
#include "dbus/node-names.h"

#define MINUTE_US ((gint64)60 * G_USEC_PER_SEC)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* -- times --------------------------------------------------------------------------------------
 */

static GDateTime *
to_local(gint64 time_us)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);

    return utc != NULL ? g_date_time_to_local(utc) : NULL;
}

static char *
format(gint64 time_us, const char *how)
{
    g_autoptr(GDateTime) local = to_local(time_us);
    char *text = local != NULL ? g_date_time_format(local, how) : NULL;

    return text != NULL ? text : g_strdup("");
}

/* Days of the calendar from one time to the other. */
static int
count_midnights(gint64 from_us, gint64 to_us)
{
    g_autoptr(GDateTime) from = to_local(from_us);
    g_autoptr(GDateTime) to = to_local(to_us);
    g_autoptr(GDate) a = NULL;
    g_autoptr(GDate) b = NULL;

    if (from == NULL || to == NULL)
        return G_MAXINT;
    a = g_date_new_dmy((GDateDay)g_date_time_get_day_of_month(from),
                       (GDateMonth)g_date_time_get_month(from),
                       (GDateYear)g_date_time_get_year(from));
    b = g_date_new_dmy((GDateDay)g_date_time_get_day_of_month(to),
                       (GDateMonth)g_date_time_get_month(to), (GDateYear)g_date_time_get_year(to));
    return g_date_days_between(a, b);
}

static char *
format_date(gint64 time_us)
{
    /* Translators: a date with time, as g_date_time_format() has it. */
    return format(time_us, _("%-d %B %Y, %H:%M"));
}

char *
dm_words_past(gint64 time_us, gint64 now_us)
{
    gint64 age_us = now_us - time_us;

    if (time_us == 0)
        return g_strdup(_("Never"));
    if (age_us >= -MINUTE_US && age_us < MINUTE_US)
        return g_strdup(_("Just now"));
    if (age_us > 0 && age_us < HOUR_US) {
        guint minutes = (guint)(age_us / MINUTE_US);

        return g_strdup_printf(ngettext("%u minute ago", "%u minutes ago", minutes), minutes);
    }
    if (count_midnights(time_us, now_us) == 0)
        /* Translators: a time, as g_date_time_format() has it. */
        return format(time_us, _("Today at %H:%M"));
    if (count_midnights(time_us, now_us) == 1)
        /* Translators: a time, as g_date_time_format() has it. */
        return format(time_us, _("Yesterday at %H:%M"));
    return format_date(time_us);
}

char *
dm_words_future(gint64 time_us, gint64 now_us)
{
    gint64 left_us = time_us - now_us;

    if (time_us == 0)
        return g_strdup(_("None planned"));
    if (left_us < MINUTE_US)
        return g_strdup(_("Any moment"));
    if (left_us < HOUR_US) {
        guint minutes = (guint)(left_us / MINUTE_US);

        return g_strdup_printf(ngettext("In %u minute", "In %u minutes", minutes), minutes);
    }
    if (count_midnights(now_us, time_us) == 0)
        return format(time_us, _("Today at %H:%M"));
    if (count_midnights(now_us, time_us) == 1)
        /* Translators: a time, as g_date_time_format() has it. */
        return format(time_us, _("Tomorrow at %H:%M"));
    return format_date(time_us);
}

char *
dm_words_deadline(gint64 time_us, gint64 now_us)
{
    g_autofree char *date = format_date(time_us);
    gint64 left_us = time_us - now_us;
    guint days = (guint)CLAMP(left_us / DAY_US, 0, G_MAXINT);

    if (left_us < 0)
        /* Translators: %s is a date. */
        return g_strdup_printf(_("%s, in the past"), date);
    if (days == 0)
        /* Translators: %s is a date. */
        return g_strdup_printf(_("%s, less than a day left"), date);
    /* Translators: %s is a date. */
    return g_strdup_printf(ngettext("%s, %u day left", "%s, %u days left", days), date, days);
}

char *
dm_words_left(gint64 time_us, gint64 now_us)
{
    gint64 left_us = time_us - now_us;
    guint minutes = (guint)CLAMP((left_us + MINUTE_US - 1) / MINUTE_US, 0, G_MAXINT);

    if (minutes <= 1)
        return g_strdup(_("Less than a minute left"));
    if (minutes < 120)
        return g_strdup_printf(ngettext("%u minute left", "%u minutes left", minutes), minutes);
    return g_strdup_printf(ngettext("%u hour left", "%u hours left", minutes / 60), minutes / 60);
}

/* -- sessions -----------------------------------------------------------------------------------
 */

const char *
dm_words_session_state(const char *state)
{
    if (g_str_equal(state, "waiting"))
        return _("Waiting to sync…");
    if (g_str_equal(state, "connecting"))
        return _("Connecting…");
    if (g_str_equal(state, "running"))
        return _("Syncing…");
    if (g_str_equal(state, "backing-off"))
        return _("The server could not be reached. Trying again…");
    return NULL;
}

static const struct {
    const char *error;
    const char *sentence;
} session_errors[] = {
    {"resolve", N_("The server could not be found. Check your network connection.")},
    {"connect", N_("The server could not be reached. Check your network connection.")},
    {"timeout", N_("The server took too long to answer. Try again later.")},
    {"tls", N_("The server did not prove who it is. Ask your help desk.")},
    {"certificate", N_("This device has no valid certificate. Ask your help desk.")},
    {"credentials", N_("The server does not accept this device. Ask your help desk.")},
    {"storage", N_("The disk is full or failed. Make room, then sync again.")},
    {"busy", N_("Another sync is running. Try again in a moment.")},
};

const char *
dm_words_session_error(const char *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(session_errors); i++)
        if (g_str_equal(session_errors[i].error, error))
            return _(session_errors[i].sentence);
    return _("The last sync failed. Try again, or ask your help desk.");
}

/* -- first sync ---------------------------------------------------------------------------------
 */

static const struct {
    DmNodeName list;
    const char *title;
    const char *icon;
} categories[] = {
    {DM_NAME_FIRST_SYNC_EXPECTED_POLICIES, N_("Policies"), "preferences-system-symbolic"},
    {DM_NAME_FIRST_SYNC_EXPECTED_NETWORK_PROFILES, N_("Networks"), "network-wireless-symbolic"},
    {DM_NAME_FIRST_SYNC_EXPECTED_MSI_APP_PACKAGES, N_("Desktop apps"),
     "application-x-executable-symbolic"},
    {DM_NAME_FIRST_SYNC_EXPECTED_MODERN_APP_PACKAGES, N_("Store apps"), "view-app-grid-symbolic"},
    {DM_NAME_FIRST_SYNC_EXPECTED_PFX_CERTS, N_("Certificates with keys"),
     "dialog-password-symbolic"},
    {DM_NAME_FIRST_SYNC_EXPECTED_SCEP_CERTS, N_("Requested certificates"),
     "security-high-symbolic"},
};

/* The bus says the name of the list without its first word. */
static gsize
find_category(const char *category)
{
    for (gsize i = 0; i < G_N_ELEMENTS(categories); i++)
        if (g_str_equal(dm_node_name(categories[i].list) + strlen("Expected"), category))
            return i;
    return G_N_ELEMENTS(categories);
}

const char *
dm_words_category(const char *category)
{
    gsize i = find_category(category);

    return i < G_N_ELEMENTS(categories) ? _(categories[i].title) : category;
}

const char *
dm_words_category_icon(const char *category)
{
    gsize i = find_category(category);

    return i < G_N_ELEMENTS(categories) ? categories[i].icon : "folder-symbolic";
}

char *
dm_words_progress(guint total, guint done, guint failed)
{
    if (total == 0)
        return g_strdup(_("Nothing to set up"));
    if (failed > 0)
        return g_strdup_printf(_("%u of %u done, %u failed"), done, total, failed);
    return g_strdup_printf(_("%u of %u done"), done, total);
}

/* -- errors -------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    const char *sentence;
} errors[] = {
    {"org.freedesktop.DBus.Error.AccessDenied",
     N_("You are not allowed to do this. Ask the administrator of this device.")},
    {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
     N_("You are not allowed to do this. Ask the administrator of this device.")},
    {"org.freedesktop.DBus.Error.LimitsExceeded",
     N_("This was done only a moment ago. Try again in a minute.")},
    {"org.freedesktop.DBus.Error.ServiceUnknown",
     N_("The management service is not installed or does not start. Ask your help desk.")},
    {"org.freedesktop.DBus.Error.NoReply",
     N_("The management service stopped while it worked. Try again.")},
    {"org.freedesktop.DBus.Error.Disconnected",
     N_("The management service stopped while it worked. Try again.")},
    {DM_BUS_ERROR_PREFIX "NotFound", N_("The organisation does not manage this device any more.")},
    {DM_BUS_ERROR_PREFIX "BadRequest", N_("There is nothing to try again.")},
    {DM_BUS_ERROR_PREFIX "Unavailable",
     N_("The program that syncs with the organisation is not running. Ask your help desk.")},
    {DM_BUS_ERROR_PREFIX "DeviceFull", N_("The disk is full. Make room, then try again.")},
    {DM_BUS_ERROR_PREFIX "Storage", N_("The disk failed. Ask your help desk.")},
};

char *
dm_words_error(const GError *error)
{
    g_autoptr(GError) plain = g_error_copy(error);
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(errors); i++)
        if (g_str_equal(name, errors[i].name))
            return g_strdup(_(errors[i].sentence));
    g_dbus_error_strip_remote_error(plain);
    return g_strdup(plain->message);
}
