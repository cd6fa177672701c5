/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/snapshot.h"
#include "cli/words.h"
#include "common/i18n.h"
#include "dbus/names.h"

/* -- for people ---------------------------------------------------------------------------------
 */

static void
print_progress(DmPrinter *printer, const char *label, const DmSnapshot *snapshot, const char *path)
{
    g_auto(DmProgress) progress = {.phase = NULL};

    if (!dm_progress_read(snapshot, NULL, -1, path, &progress))
        return;
    g_autofree char *text = dm_progress_to_text(&progress);
    g_autofree char *deadline =
        dm_progress_is_running(&progress) ? dm_printer_time(progress.deadline_us) : NULL;
    /* Translators: "running, 1 of 5 done", and until when. */
    g_autofree char *both =
        deadline == NULL ? NULL : g_strdup_printf(_("%s, until %s"), text, deadline);
    dm_printer_field(printer, dm_progress_get_style(&progress), label, both == NULL ? text : both);
}

static void
print_time(DmPrinter *printer, const char *label, gint64 time_us, const char *none)
{
    g_autofree char *text = dm_printer_time(time_us);

    dm_printer_field(printer, DM_STYLE_PLAIN, label, text == NULL ? none : text);
}

static void
print_session(DmPrinter *printer, const DmSnapshot *snapshot, const char *path)
{
    const char *interface = DM_BUS_INTERFACE_SESSION;
    g_autofree char *host = dm_snapshot_get_string(snapshot, path, interface, "ServerHost");
    g_autofree char *state = dm_snapshot_get_string(snapshot, path, interface, "State");
    g_autofree char *error = dm_snapshot_get_string(snapshot, path, interface, "LastError");
    g_autofree char *message =
        dm_snapshot_get_string(snapshot, path, interface, "LastErrorMessage");

    dm_printer_field(printer, DM_STYLE_PLAIN, _("Server"),
                     host == NULL ? _("not reached yet") : host);
    dm_printer_field(printer, DM_STYLE_PLAIN, _("Session"),
                     state == NULL ? NULL : dm_words_translate(state));
    print_time(printer, _("Last attempt"),
               dm_snapshot_get_time(snapshot, path, interface, "LastAttempt"), _("never"));
    print_time(printer, _("Last success"),
               dm_snapshot_get_time(snapshot, path, interface, "LastSuccess"), _("never"));
    print_time(printer, _("Next scheduled"),
               dm_snapshot_get_time(snapshot, path, interface, "NextScheduled"), _("none"));
    if (message != NULL || error != NULL)
        dm_printer_field(printer, DM_STYLE_BAD, _("Last error"), message != NULL ? message : error);
    print_time(printer, _("Certificate ends"),
               dm_snapshot_get_time(snapshot, path, interface, "CertificateExpires"), NULL);
    print_time(printer, _("Unenrols itself"),
               dm_snapshot_get_time(snapshot, path, interface, "UnenrollDeadline"), NULL);
}

static void
print_provider(DmPrinter *printer, const DmSnapshot *snapshot, const DmSnapshotProvider *provider)
{
    g_autofree char *first_sync = dm_snapshot_get_path(provider, DM_NAME_FIRST_SYNC);

    dm_printer_heading(printer, provider->id);
    print_session(printer, snapshot, provider->path);
    print_progress(printer, _("First sync"), snapshot, first_sync);
    for (guint i = 0; i < provider->users->len; i++) {
        const DmSnapshotUser *user = &g_array_index(provider->users, DmSnapshotUser, i);
        g_autofree char *label = g_strdup_printf(_("  of uid %u"), user->uid);

        print_progress(printer, label, snapshot, user->path);
    }
}

static void
print_text(DmPrinter *printer, const DmSnapshot *snapshot)
{
    bool healthy = g_strcmp0(snapshot->health, "ok") == 0;

    g_string_append_printf(printer->out, "%s\n", _("This device is managed."));
    if (!healthy)
        dm_printer_field(printer, DM_STYLE_BAD, _("Health"),
                         snapshot->health == NULL ? _("unknown")
                                                  : dm_words_translate(snapshot->health));
    for (guint i = 0; i < snapshot->providers->len; i++) {
        g_string_append_c(printer->out, '\n');
        print_provider(printer, snapshot, snapshot->providers->pdata[i]);
    }
}

/* -- for scripts --------------------------------------------------------------------------------
 */

static void
add_progress(JsonBuilder *builder, const DmSnapshot *snapshot, const char *path)
{
    g_auto(DmProgress) progress = {.phase = NULL};

    if (!dm_progress_read(snapshot, NULL, -1, path, &progress)) {
        json_builder_add_null_value(builder);
        return;
    }
    json_builder_begin_object(builder);
    dm_progress_add_json(&progress, builder);
    json_builder_end_object(builder);
}

static void
add_session(JsonBuilder *builder, const DmSnapshot *snapshot, const char *path)
{
    static const struct {
        const char *member;
        const char *property;
        bool is_time;
    } members[] = {
        {"server_host", "ServerHost", false},
        {"state", "State", false},
        {"origin", "Origin", false},
        {"last_attempt", "LastAttempt", true},
        {"last_success", "LastSuccess", true},
        {"next_scheduled", "NextScheduled", true},
        {"last_error", "LastError", false},
        {"last_error_message", "LastErrorMessage", false},
        {"certificate_expires", "CertificateExpires", true},
        {"unenroll_deadline", "UnenrollDeadline", true},
    };
    const char *interface = DM_BUS_INTERFACE_SESSION;

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *property = members[i].property;

        if (members[i].is_time) {
            dm_json_add_time(builder, members[i].member,
                             dm_snapshot_get_time(snapshot, path, interface, property));
            continue;
        }
        g_autofree char *text = dm_snapshot_get_string(snapshot, path, interface, property);
        dm_json_add_string(builder, members[i].member, text);
    }
}

static void
add_provider(JsonBuilder *builder, const DmSnapshot *snapshot, const DmSnapshotProvider *provider)
{
    g_autofree char *first_sync = dm_snapshot_get_path(provider, DM_NAME_FIRST_SYNC);

    json_builder_begin_object(builder);
    dm_json_add_string(builder, "id", provider->id);
    dm_json_add_string(builder, "path", provider->path);
    add_session(builder, snapshot, provider->path);
    json_builder_set_member_name(builder, "first_sync");
    add_progress(builder, snapshot, first_sync);
    json_builder_set_member_name(builder, "users");
    json_builder_begin_array(builder);
    for (guint i = 0; i < provider->users->len; i++) {
        const DmSnapshotUser *user = &g_array_index(provider->users, DmSnapshotUser, i);

        json_builder_begin_object(builder);
        dm_json_add_int(builder, "uid", user->uid);
        json_builder_set_member_name(builder, "first_sync");
        add_progress(builder, snapshot, user->path);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
}

static void
print_json(DmPrinter *printer, const DmSnapshot *snapshot)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();

    dm_json_add_bool(builder, "managed", snapshot->managed);
    dm_json_add_string(builder, "version", snapshot->version);
    dm_json_add_string(builder, "health", snapshot->health);
    json_builder_set_member_name(builder, "providers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < snapshot->providers->len; i++)
        add_provider(builder, snapshot, snapshot->providers->pdata[i]);
    json_builder_end_array(builder);
    dm_printer_json_end(printer, builder);
}

DmExit
dm_run_status(const DmArguments *arguments, DmPrinter *printer)
{
    DmExit code = DM_EXIT_OK;
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, NULL, &code);

    if (snapshot == NULL)
        return code;
    code = dm_snapshot_select(snapshot, arguments, printer);
    if (printer->json && (code == DM_EXIT_OK || code == DM_EXIT_NOT_ENROLLED)) {
        /* Not being enrolled is an answer, not an error object. */
        g_string_truncate(printer->out, 0);
        print_json(printer, snapshot);
    } else if (code == DM_EXIT_OK) {
        print_text(printer, snapshot);
    }
    return code;
}
