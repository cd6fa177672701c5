/* SPDX-License-Identifier: MIT */
#include <dbus/dbus.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/findings.h"
#include "cli/import.h"
#include "cli/run.h"
#include "common/error.h"
#include "common/i18n.h"
#include "common/paths.h"
#include "dbus/names.h"

/* What the broker prints at most. */
#define MAX_ANSWER (1024 * 1024)

#define NEXT_AGENT                                                                                 \
    N_("Run 'systemctl start dmclient-agent'; 'journalctl -u dmclient-agent' may say why.")

/* -- the service, as this user sees it -----------------------------------------------------------
 */

/* The Manager's properties, a{sv}; NULL after a finding. */
static GVariant *
ask_manager(DmAsk *ask, DmFindingList *list)
{
    const char *interface = DM_BUS_INTERFACE_MANAGER;
    g_autoptr(GError) error = NULL;
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, DM_BUS_ROOT, DBUS_INTERFACE_PROPERTIES, "GetAll");
    GVariant *manager;

    dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
    manager = dm_ask_call(ask, call, "a{sv}", DM_ASK_TIMEOUT_MS, false, &error);
    if (manager != NULL)
        return manager;
    if (error->code == DM_ERROR_DENIED) {
        dm_finding_list_add(list, "error", "access",
                            _("Look whether the bus policy org.dmclient.DMClient1.conf is "
                              "installed, then run 'systemctl reload dbus'."),
                            "%s", error->message);
    } else {
        dm_finding_list_add(list, "error", "service", _(NEXT_AGENT), "%s", error->message);
    }
    list->exit = dm_ask_exit(error);
    return NULL;
}

static void
add_service(GVariant *manager, DmFindingList *list)
{
    const char *version = "?";
    const char *health = "?";
    gboolean managed = FALSE;

    g_variant_lookup(manager, "Version", "&s", &version);
    g_variant_lookup(manager, "Health", "&s", &health);
    g_variant_lookup(manager, "Managed", "b", &managed);
    if (g_str_equal(version, DM_VERSION))
        dm_finding_list_add(list, "ok", "service", NULL, _("the service answers, version %s"),
                            version);
    else
        dm_finding_list_add(
            list, "warning", "service", _("Run 'systemctl restart dmclient-agent'."),
            _("the service is of version %s, dmclientctl of %s"), version, DM_VERSION);
    if (g_str_equal(health, "ok"))
        dm_finding_list_add(list, "ok", "health", NULL, "%s", _("what the service keeps is well"));
    else
        dm_finding_list_add(list, g_str_equal(health, "degraded") ? "warning" : "error", "health",
                            _("Make room on the disk, or look at it ('journalctl -k'); 'systemctl "
                              "restart dmclient-agent' then."),
                            _("the service cannot write what it keeps: %s"), health);
    if (managed)
        dm_finding_list_add(list, "ok", "enrolment", NULL, "%s",
                            _("an organisation manages this device"));
    else
        dm_finding_list_add(list, "warning", "enrolment",
                            _("'dmclientctl provision FILE' enrols it, where that is meant."), "%s",
                            _("no organisation manages this device"));
    list->is_enrolled = managed;
}

static void
look_at_service(DmFindingList *list)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmAsk) ask = dm_ask_new(&error);

    if (ask == NULL) {
        dm_finding_list_add(list, "error", "bus", _("Run 'systemctl start dbus'."), "%s",
                            error->message);
        list->exit = DM_EXIT_NOT_RUNNING;
        return;
    }
    dm_finding_list_add(list, "ok", "bus", NULL, "%s", _("the system bus can be reached"));
    g_autoptr(GVariant) manager = ask_manager(ask, list);
    if (manager != NULL)
        add_service(manager, list);
}

/* -- what only the broker may see ----------------------------------------------------------------
 */

static char *
find_key_directory(void)
{
    const char *state_dir = g_getenv(DM_ENV_STATE_DIR);

    if (state_dir != NULL && *state_dir != '\0')
        return g_build_filename(state_dir, DM_STATE_KEY_DIR, NULL);
    return g_strdup(DM_DEFAULT_KEY_DIR);
}

/* Whether the broker's check can see anything for this user. */
static bool
may_ask_broker(void)
{
    g_autofree char *directory = find_key_directory();
    struct stat status;

    return geteuid() == 0 || (stat(directory, &status) == 0 && status.st_uid == geteuid());
}

/* Runs it; its standard error is ours. False after a finding. */
static bool
run_broker(const char *broker, const char *socket, char **ret_out, DmFindingList *list)
{
    const char *const argv[] = {broker, "--check", "--json", socket == NULL ? NULL : "--socket",
                                socket, NULL};
    g_autoptr(GError) error = NULL;
    int wait_status = 0;

    if (g_spawn_sync(NULL, (char **)(guintptr)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, ret_out,
                     NULL, &wait_status, &error) &&
        strlen(*ret_out) <= MAX_ANSWER && **ret_out != '\0')
        return true;
    if (error == NULL)
        (void)g_spawn_check_wait_status(wait_status, &error);
    dm_finding_list_add(list, "error", "broker", _("Run 'dmclient-broker --check'."),
                        _("%s --check says nothing: %s"), broker,
                        error == NULL ? _("too much, or not a word") : error->message);
    return false;
}

static void
ask_broker(const DmArguments *arguments, DmFindingList *list)
{
    g_autofree char *broker = NULL;
    g_autofree char *out = NULL;

    if (!may_ask_broker()) {
        dm_finding_list_skip(list, _("keys and certificates, the tree's socket, servers, clock and "
                                     "schedule: only root may look at them"));
        return;
    }
    broker = dm_import_find_broker();
    if (broker == NULL) {
        dm_finding_list_add(list, "error", "broker", _("Install it, or correct PATH."), "%s",
                            _("there is no dmclient-broker beside dmclientctl or on PATH"));
        return;
    }
    if (run_broker(broker, arguments->values[DM_OPTION_SOCKET], &out, list) &&
        !dm_finding_list_add_json(list, out))
        dm_finding_list_add(list, "error", "broker", _("Install both from one package."),
                            _("%s --check answers in a form that is not known; is it of the same "
                              "version as dmclientctl?"),
                            broker);
}

DmExit
dm_run_doctor(const DmArguments *arguments, DmPrinter *printer)
{
    g_autoptr(DmFindingList) list = dm_finding_list_new();

    look_at_service(list);
    ask_broker(arguments, list);
    if (printer->json)
        dm_finding_list_print_json(list, printer);
    else
        dm_finding_list_print(list, printer);
    return dm_finding_list_get_exit(list);
}
