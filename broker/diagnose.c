/* SPDX-License-Identifier: MIT */

#include "broker/diagnose.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/self-check.h"
#include "common/error.h"
#include "common/log.h"
#include "common/paths.h"
#include "dbus/connection.h"

#define BROKER_USER "dmclient-broker"

typedef struct {
    const DmDiagnoseOptions *options;
    GMainLoop *loop;
    bool is_on_bus;
    char *bus_reason;
    bool is_good;
} Diagnosis;

/* -- who looks -----------------------------------------------------------------------------------
 */

/* The user that the directory belongs to; false: nobody's yet. */
static bool
find_owner(const char *directory, uid_t *ret_uid, gid_t *ret_gid)
{
    const struct passwd *user =
        strcmp(directory, DM_DEFAULT_KEY_DIR) == 0 ? getpwnam(BROKER_USER) : NULL;
    struct stat status;

    if (user) {
        *ret_uid = user->pw_uid;
        *ret_gid = user->pw_gid;
        return true;
    }
    if (stat(directory, &status) < 0)
        return false;
    *ret_uid = status.st_uid;
    *ret_gid = status.st_gid;
    return true;
}

static bool
become_owner(const char *directory, GError **error)
{
    uid_t uid = 0;
    gid_t gid = 0;

    if (!find_owner(directory, &uid, &gid) || uid == geteuid())
        return true;
    if (geteuid() != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s is not yours: run 'dmclient-broker --check' as root", directory);
        return false;
    }
    if (setgroups(0, NULL) == 0 && setgid(gid) == 0 && setuid(uid) == 0)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_DENIED, "cannot become uid %u, which %s belongs to: %s",
                (guint)uid, directory, g_strerror(errno));
    return false;
}

/* -- the bus -------------------------------------------------------------------------------------
 */

static void
on_bus_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    Diagnosis *diagnosis = data;

    diagnosis->is_on_bus = true;
    g_main_loop_quit(diagnosis->loop);
}

static void
on_bus_lost(DmBus *bus, const char *reason, gpointer data)
{
    Diagnosis *diagnosis = data;

    g_free(diagnosis->bus_reason);
    diagnosis->bus_reason = g_strdup(reason);
    g_main_loop_quit(diagnosis->loop);
}

static gboolean
on_bus_late(gpointer data)
{
    Diagnosis *diagnosis = data;

    diagnosis->bus_reason = g_strdup("it does not answer");
    g_main_loop_quit(diagnosis->loop);
    return G_SOURCE_CONTINUE;
}

static void
look_at_bus(Diagnosis *diagnosis)
{
    static const DmBusHandlers handlers = {.on_ready = on_bus_ready, .on_lost = on_bus_lost};
    DmBus *bus = dm_bus_new(NULL, NULL, NULL, &handlers, diagnosis);
    guint late = g_timeout_add(DM_DIAGNOSE_BUS_MS, on_bus_late, diagnosis);

    g_main_loop_run(diagnosis->loop);
    g_source_remove(late);
    dm_bus_free(bus);
}

/* -- the check -----------------------------------------------------------------------------------
 */

static void
say_progress(const char *what)
{
    g_autofree char *text = dm_log_escape(what);

    fprintf(stderr, "%s: %s…\n", g_get_prgname(), text);
}

static void
on_checked(const DmFindings *findings, gpointer data)
{
    Diagnosis *diagnosis = data;
    g_autofree char *text = diagnosis->options->json ? dm_findings_to_json(findings, false)
                                                     : dm_findings_to_text(findings);

    diagnosis->is_good = dm_findings_get_level(findings) != DM_LEVEL_ERROR;
    fputs(text, stdout);
    g_main_loop_quit(diagnosis->loop);
}

static void
check(Diagnosis *diagnosis)
{
    const DmDiagnoseOptions *options = diagnosis->options;
    g_autoptr(GError) config_error = NULL;
    g_autoptr(GError) channel_error = NULL;
    g_autoptr(DmConfig) config =
        dm_config_load(options->config_path, options->config_must_exist, &config_error);
    g_autoptr(DmConfig) defaults = dm_config_new();
    g_autoptr(DmChannel) channel = dm_channel_new(options->socket, NULL, &channel_error);
    DmSelfCheck *self_check;
    const DmSelfCheckOptions what = {
        .config = config ? config : defaults,
        .config_path = options->config_path,
        .config_error = config_error ? config_error->message : NULL,
        .key_directory = options->key_directory,
        .uses_bus = options->uses_bus,
        .is_on_bus = diagnosis->is_on_bus,
        .bus_reason = diagnosis->bus_reason,
        .socket = options->socket,
        .channel = channel,
        .channel_reason = channel_error ? channel_error->message : NULL,
        .limit_ms = DM_DIAGNOSE_LIMIT_MS,
        .on_progress = isatty(STDERR_FILENO) == 1 ? say_progress : NULL,
    };

    self_check = dm_self_check_new(&what, NULL, on_checked, diagnosis);
    g_main_loop_run(diagnosis->loop);
    dm_self_check_free(self_check);
}

bool
dm_diagnose_run(const DmDiagnoseOptions *options, bool *ret_is_good, GError **error)
{
    Diagnosis diagnosis = {.options = options};

    if (!become_owner(options->key_directory, error))
        return false;
    diagnosis.loop = g_main_loop_new(NULL, FALSE);
    if (options->uses_bus)
        look_at_bus(&diagnosis);
    check(&diagnosis);
    g_main_loop_unref(diagnosis.loop);
    g_free(diagnosis.bus_reason);
    *ret_is_good = diagnosis.is_good;
    return true;
}
