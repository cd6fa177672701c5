/* SPDX-License-Identifier: MIT */
#include "cli/run.h"
#include "cli/snapshot.h"
#include "dbus/names.h"

/* How far a first sync is. */
typedef struct {
    char *phase;
    GVariant *categories; /* a(suuu); NULL none */
    gint64 deadline_us;
    guint total, done, failed;
} Progress;

static void
progress_clear(Progress *progress)
{
    g_clear_pointer(&progress->phase, g_free);
    g_clear_pointer(&progress->categories, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Progress, progress_clear)

static bool
get_progress(const DmSnapshot *snapshot, const char *path, Progress *ret_progress)
{
    Progress progress = {.phase = NULL};
    GVariantIter iter;
    guint total;
    guint done;
    guint failed;

    progress.phase = dm_snapshot_get_string(snapshot, path, DM_BUS_INTERFACE_PROGRESS, "Phase");
    if (progress.phase == NULL)
        return false;
    progress.categories =
        dm_snapshot_get(snapshot, path, DM_BUS_INTERFACE_PROGRESS, "Categories", "a(suuu)");
    progress.deadline_us =
        dm_snapshot_get_time(snapshot, path, DM_BUS_INTERFACE_PROGRESS, "Deadline");
    if (progress.categories != NULL) {
        g_variant_iter_init(&iter, progress.categories);
        while (g_variant_iter_next(&iter, "(&suuu)", NULL, &total, &done, &failed)) {
            progress.total += total;
            progress.done += done;
            progress.failed += failed;
        }
    }
    *ret_progress = progress;
    return true;
}

/* -- for people ---------------------------------------------------------------------------------
 */

static void
print_progress(DmPrinter *printer, const char *label, const DmSnapshot *snapshot, const char *path)
{
    g_auto(Progress) progress = {.phase = NULL};
    g_autoptr(GString) text = g_string_new(NULL);
    DmStyle style = DM_STYLE_PLAIN;

    if (!get_progress(snapshot, path, &progress))
        return;
    g_string_append(text, progress.phase);
    if (progress.total > 0)
        g_string_append_printf(text, ", %u of %u done", progress.done, progress.total);
    if (progress.failed > 0)
        g_string_append_printf(text, ", %u failed", progress.failed);
    g_autofree char *deadline = dm_printer_time(progress.deadline_us);
    if (deadline != NULL && g_str_equal(progress.phase, "running"))
        g_string_append_printf(text, ", until %s", deadline);
    if (g_str_equal(progress.phase, "succeeded"))
        style = DM_STYLE_GOOD;
    else if (g_str_equal(progress.phase, "failed"))
        style = DM_STYLE_BAD;
    dm_printer_field(printer, style, label, text->str);
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

    dm_printer_field(printer, DM_STYLE_PLAIN, "Server", host == NULL ? "not reached yet" : host);
    dm_printer_field(printer, DM_STYLE_PLAIN, "Session", state);
    print_time(printer, "Last attempt",
               dm_snapshot_get_time(snapshot, path, interface, "LastAttempt"), "never");
    print_time(printer, "Last success",
               dm_snapshot_get_time(snapshot, path, interface, "LastSuccess"), "never");
    print_time(printer, "Next scheduled",
               dm_snapshot_get_time(snapshot, path, interface, "NextScheduled"), "none");
    if (message != NULL || error != NULL)
        dm_printer_field(printer, DM_STYLE_BAD, "Last error", message != NULL ? message : error);
    print_time(printer, "Certificate ends",
               dm_snapshot_get_time(snapshot, path, interface, "CertificateExpires"), NULL);
    print_time(printer, "Unenrols itself",
               dm_snapshot_get_time(snapshot, path, interface, "UnenrollDeadline"), NULL);
}

static void
print_provider(DmPrinter *printer, const DmSnapshot *snapshot, const DmSnapshotProvider *provider)
{
    g_autofree char *first_sync = dm_snapshot_get_path(provider, DM_NAME_FIRST_SYNC);

    dm_printer_heading(printer, provider->id);
    print_session(printer, snapshot, provider->path);
    print_progress(printer, "First sync", snapshot, first_sync);
    for (guint i = 0; i < provider->users->len; i++) {
        const DmSnapshotUser *user = &g_array_index(provider->users, DmSnapshotUser, i);
        g_autofree char *label = g_strdup_printf("  of uid %u", user->uid);

        print_progress(printer, label, snapshot, user->path);
    }
}

static void
print_text(DmPrinter *printer, const DmSnapshot *snapshot)
{
    bool healthy = g_strcmp0(snapshot->health, "ok") == 0;

    g_string_append(printer->out, "This device is managed.\n");
    if (!healthy)
        dm_printer_field(printer, DM_STYLE_BAD, "Health",
                         snapshot->health == NULL ? "unknown" : snapshot->health);
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
    g_auto(Progress) progress = {.phase = NULL};
    GVariantIter iter;
    const char *name;
    guint total;
    guint done;
    guint failed;

    if (!get_progress(snapshot, path, &progress)) {
        json_builder_add_null_value(builder);
        return;
    }
    json_builder_begin_object(builder);
    dm_json_add_string(builder, "phase", progress.phase);
    dm_json_add_time(builder, "deadline", progress.deadline_us);
    json_builder_set_member_name(builder, "categories");
    json_builder_begin_array(builder);
    if (progress.categories != NULL) {
        g_variant_iter_init(&iter, progress.categories);
        while (g_variant_iter_next(&iter, "(&suuu)", &name, &total, &done, &failed)) {
            json_builder_begin_object(builder);
            dm_json_add_string(builder, "name", name);
            dm_json_add_int(builder, "total", total);
            dm_json_add_int(builder, "done", done);
            dm_json_add_int(builder, "failed", failed);
            json_builder_end_object(builder);
        }
    }
    json_builder_end_array(builder);
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
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, &code);

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
