/* SPDX-License-Identifier: MIT */

#include "common/i18n.h"
#include "dbus/names.h"
#include "desktop/calls.h"
#include "desktop/first-sync.h"
#include "desktop/rows.h"
#include "desktop/window-private.h"
#include "desktop/words.h"

/* A call under way: the window may be closed before its end, and another provider be shown. */
typedef struct {
    DmWindow *window;
    char *provider;
} Call;

static Call *
call_new(DmWindow *window)
{
    Call *call = g_new(Call, 1);

    *call = (Call){g_object_ref(window), g_strdup(window->provider)};
    return call;
}

static void
call_free(Call *call)
{
    g_object_unref(call->window);
    g_free(call->provider);
    g_free(call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)

/* Finishes the call; whether it worked. The window says that it failed, unless it has gone: then
 * `*ret_is_gone`. */
static bool
finish(GAsyncResult *result, const Call *call, bool *ret_is_gone)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    *ret_is_gone = g_cancellable_is_cancelled(call->window->cancellable);
    if (dm_call_finish(result, &error) || *ret_is_gone)
        return error == NULL;
    text = dm_words_error(error);
    dm_banner_show(call->window->outcome, DM_BANNER_BAD, text, NULL, NULL);
    return false;
}

/* -- sync ---------------------------------------------------------------------------------------
 */

/* A session that failed says why in a property, for which there are words. */
static void
say_sync_failed(const Call *call, const GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    const char *why = dm_model_get_string(call->window->model, call->provider,
                                          DM_BUS_INTERFACE_SESSION, "LastError");
    g_autofree char *text = NULL;

    if (g_strcmp0(name, DM_BUS_ERROR_PREFIX "Failed") == 0 && *why != '\0')
        text = g_strdup(dm_words_session_error(why));
    else
        text = dm_words_error(error);
    dm_banner_show(call->window->outcome, DM_BANNER_BAD, text, NULL, NULL);
}

static void
on_synced(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Call) call = data;
    g_autoptr(GError) error = NULL;
    bool is_ok = dm_call_finish(result, &error);

    if (g_cancellable_is_cancelled(call->window->cancellable))
        return;
    g_hash_table_remove(call->window->syncing, call->provider);
    if (is_ok)
        dm_banner_show(call->window->outcome, DM_BANNER_GOOD, _("The sync is done."), NULL, NULL);
    else
        say_sync_failed(call, error);
    dm_window_refresh(call->window);
}

static void
on_sync(GtkWidget *widget, const char *name, GVariant *target)
{
    DmWindow *window = DM_WINDOW(widget);

    if (window->provider == NULL)
        return;
    dm_banner_hide(window->outcome);
    g_hash_table_add(window->syncing, g_strdup(window->provider));
    dm_call_sync(window->model, window->provider, window->cancellable, on_synced, call_new(window));
    dm_window_refresh(window);
}

/* -- first sync ---------------------------------------------------------------------------------
 */

static void
on_retried(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Call) call = data;
    bool is_gone;

    if (finish(result, call, &is_gone) && !is_gone)
        dm_banner_show(call->window->outcome, DM_BANNER_GOOD, _("Trying again."), NULL, NULL);
}

/* Each part that has failed is tried again. */
static void
on_retry(GtkWidget *widget, const char *name, GVariant *target)
{
    DmWindow *window = DM_WINDOW(widget);

    if (window->provider == NULL)
        return;
    DmFirstSync sync = dm_first_sync_read(window->model, window->provider);
    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++)
        if (sync.parts[i].provider != NULL && sync.parts[i].state == DM_FIRST_SYNC_FAILED)
            dm_call_retry(window->model, sync.parts[i].provider, window->cancellable, on_retried,
                          call_new(window));
}

static void
on_leave(GtkWidget *widget, const char *name, GVariant *target)
{
    dm_window_leave(DM_WINDOW(widget));
}

/* -- logs ---------------------------------------------------------------------------------------
 */

static void
on_collected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Call) call = data;
    bool is_gone;

    if (finish(result, call, &is_gone) && !is_gone)
        dm_banner_show(call->window->outcome, DM_BANNER_GOOD,
                       _("The logs are saved. Send the file to your help desk."), NULL, NULL);
}

static void
on_file_chosen(GtkNativeDialog *dialog, int response, gpointer data)
{
    DmWindow *window = data;

    if (response == GTK_RESPONSE_ACCEPT) {
        g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));

        dm_call_collect_logs(window->model, file, window->cancellable, on_collected,
                             call_new(window));
    }
    gtk_native_dialog_destroy(dialog);
    g_object_unref(dialog);
}

static void
on_collect_logs(GtkWidget *widget, const char *name, GVariant *target)
{
    GtkFileChooserNative *dialog =
        gtk_file_chooser_native_new(_("Save the Logs"), GTK_WINDOW(widget),
                                    GTK_FILE_CHOOSER_ACTION_SAVE, _("_Save"), _("_Cancel"));
    const char *documents = g_get_user_special_dir(G_USER_DIRECTORY_DOCUMENTS);
    g_autoptr(GFile) folder = g_file_new_for_path(documents != NULL ? documents : g_get_home_dir());

    gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(dialog), "dmclient-logs.tar");
    gtk_file_chooser_set_current_folder(GTK_FILE_CHOOSER(dialog), folder, NULL);
    gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(dialog), TRUE);
    g_signal_connect_object(dialog, "response", G_CALLBACK(on_file_chosen), widget, 0);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(dialog));
}

/* -- disconnect ---------------------------------------------------------------------------------
 */

static void
on_disconnected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Call) call = data;
    bool is_gone;

    if (finish(result, call, &is_gone) && !is_gone)
        dm_banner_show(call->window->outcome, DM_BANNER_GOOD,
                       _("The organisation does not manage this device any more."), NULL, NULL);
}

static void
on_confirmed(AdwMessageDialog *dialog, const char *response, gpointer data)
{
    DmWindow *window = data;

    if (g_str_equal(response, "disconnect") && window->provider != NULL)
        dm_call_unenroll(window->model, window->provider, window->cancellable, on_disconnected,
                         call_new(window));
}

/* What will be removed, by the service's own rules (E3). */
static GtkWidget *
list_losses(void)
{
    static const struct {
        const char *icon;
        const char *text;
    } losses[] = {
        {"preferences-system-symbolic", N_("Its settings and help contacts")},
        {"dialog-password-symbolic", N_("The certificate and key of this device")},
        {"preferences-system-time-symbolic", N_("The schedule and record of syncs")},
    };
    GtkWidget *group = adw_preferences_group_new();

    adw_preferences_group_set_title(ADW_PREFERENCES_GROUP(group), _("This Will Be Removed"));
    for (gsize i = 0; i < G_N_ELEMENTS(losses); i++)
        adw_preferences_group_add(ADW_PREFERENCES_GROUP(group),
                                  dm_row_new(losses[i].icon, _(losses[i].text), NULL));
    return group;
}

static void
on_disconnect(GtkWidget *widget, const char *name, GVariant *target)
{
    DmWindow *window = DM_WINDOW(widget);
    GtkWidget *dialog;

    if (window->provider == NULL)
        return;
    dialog = adw_message_dialog_new(GTK_WINDOW(window), NULL, NULL);
    /* Translators: %s is the name of an organisation. */
    adw_message_dialog_format_heading(ADW_MESSAGE_DIALOG(dialog), _("Disconnect From %s?"),
                                      dm_page_get_name(window->model, window->provider));
    adw_message_dialog_set_body(
        ADW_MESSAGE_DIALOG(dialog),
        _("You may lose access to its mail, networks and apps, and only the organisation can enrol "
          "this device again. An administrator has to agree."));
    adw_message_dialog_set_extra_child(ADW_MESSAGE_DIALOG(dialog), list_losses());
    adw_message_dialog_add_responses(ADW_MESSAGE_DIALOG(dialog), "cancel", _("_Cancel"),
                                     "disconnect", _("_Disconnect"), NULL);
    adw_message_dialog_set_response_appearance(ADW_MESSAGE_DIALOG(dialog), "disconnect",
                                               ADW_RESPONSE_DESTRUCTIVE);
    adw_message_dialog_set_default_response(ADW_MESSAGE_DIALOG(dialog), "cancel");
    adw_message_dialog_set_close_response(ADW_MESSAGE_DIALOG(dialog), "cancel");
    g_signal_connect_object(dialog, "response", G_CALLBACK(on_confirmed), window, 0);
    gtk_window_present(GTK_WINDOW(dialog));
}

/* -- details ------------------------------------------------------------------------------------
 */

static void
on_authorised(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Call) call = data;
    bool is_gone;

    finish(result, call, &is_gone);
}

static void
on_authorise(GtkWidget *widget, const char *name, GVariant *target)
{
    DmWindow *window = DM_WINDOW(widget);

    if (window->provider != NULL)
        dm_call_authorise(window->model, window->provider, window->cancellable, on_authorised,
                          call_new(window));
}

/* -- getting about ------------------------------------------------------------------------------
 */

static void
on_refresh(GtkWidget *widget, const char *name, GVariant *target)
{
    dm_model_start(DM_WINDOW(widget)->model);
}

static void
on_back(GtkWidget *widget, const char *name, GVariant *target)
{
    dm_window_go_back(DM_WINDOW(widget));
}

static void
on_show(GtkWidget *widget, const char *name, GVariant *target)
{
    if (DM_WINDOW(widget)->provider != NULL)
        dm_window_show_page(DM_WINDOW(widget), g_variant_get_string(target, NULL));
}

static void
on_open(GtkWidget *widget, const char *name, GVariant *target)
{
    dm_window_open(DM_WINDOW(widget), g_variant_get_string(target, NULL));
}

static void
on_copied(GtkWidget *widget, const char *name, GVariant *target)
{
    AdwToast *toast = adw_toast_new(_("Copied"));

    adw_toast_set_timeout(toast, 2);
    adw_toast_overlay_add_toast(DM_WINDOW(widget)->toasts, toast);
}

void
dm_window_install_actions(GtkWidgetClass *class)
{
    gtk_widget_class_install_action(class, "win.sync", NULL, on_sync);
    gtk_widget_class_install_action(class, "win.retry", NULL, on_retry);
    gtk_widget_class_install_action(class, "win.leave", NULL, on_leave);
    gtk_widget_class_install_action(class, "win.collect-logs", NULL, on_collect_logs);
    gtk_widget_class_install_action(class, "win.disconnect", NULL, on_disconnect);
    gtk_widget_class_install_action(class, "win.authorise", NULL, on_authorise);
    gtk_widget_class_install_action(class, "win.refresh", NULL, on_refresh);
    gtk_widget_class_install_action(class, "win.back", NULL, on_back);
    gtk_widget_class_install_action(class, "win.show", "s", on_show);
    gtk_widget_class_install_action(class, "win.open", "s", on_open);
    gtk_widget_class_install_action(class, "win.copied", NULL, on_copied);
}
