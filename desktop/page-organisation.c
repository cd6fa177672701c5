/* SPDX-License-Identifier: MIT */

#include "common/i18n.h"
#include "dbus/names.h"
#include "desktop/contacts.h"
#include "desktop/first-sync.h"
#include "desktop/leaves.h"
#include "desktop/pages.h"
#include "desktop/rows.h"
#include "desktop/words.h"

/* Without a good session for so long, what is shown is said to be old. */
#define OLD_US ((gint64)7 * 24 * 3600 * G_USEC_PER_SEC)

struct _DmPageOrganisation {
    AdwBin parent_instance;
    AdwAvatar *avatar;
    GtkLabel *name;
    GtkSpinner *spinner;
    GtkImage *status_icon;
    GtkLabel *status;
    GtkWidget *sync;
    GtkWidget *disconnect;
    GtkWidget *pages;
    AdwActionRow *setup;
    GtkWidget *done;
    DmContacts *contacts;
    GtkWidget *device;
    AdwActionRow *device_name;
    AdwActionRow *account;
    AdwActionRow *last_sync;
    AdwActionRow *last_error;
    AdwActionRow *next_sync;
    AdwActionRow *certificate;
    AdwActionRow *deadline;
};

G_DEFINE_FINAL_TYPE(DmPageOrganisation, dm_page_organisation, ADW_TYPE_BIN)

static const char *
get_string(const DmModel *model, const char *provider, const char *property)
{
    return dm_model_get_string(model, provider, DM_BUS_INTERFACE_SESSION, property);
}

static gint64
get_time(const DmModel *model, const char *provider, const char *property)
{
    return dm_model_get_time(model, provider, DM_BUS_INTERFACE_SESSION, property);
}

/* What is wrong, and what to do; NULL if nothing is. */
static const char *
find_trouble(const DmModel *model, const char *provider, gint64 now_us)
{
    const char *health =
        dm_model_get_string(model, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Health");
    const char *error = get_string(model, provider, "LastError");
    gint64 last_us = get_time(model, provider, "LastSuccess");

    if (g_str_equal(health, "degraded"))
        return _("The disk is full, so nothing new can be set up. Make room on it.");
    if (g_str_equal(health, "read-only"))
        return _("The disk failed, so nothing new can be set up. Ask your help desk.");
    if (*error != '\0')
        return dm_words_session_error(error);
    if (last_us != 0 && now_us - last_us > OLD_US)
        return _("No contact for a long time, so this may be out of date. Sync now.");
    return NULL;
}

static void
show_status(DmPageOrganisation *page, const DmModel *model, const char *provider, bool is_asked,
            gint64 now_us)
{
    const char *activity = dm_words_session_state(get_string(model, provider, "State"));
    const char *trouble = find_trouble(model, provider, now_us);
    bool is_known = get_time(model, provider, "LastSuccess") != 0;
    const char *text = is_known ? _("Everything is up to date.") : _("Not synced yet.");
    const char *icon = is_known ? "emblem-ok-symbolic" : "content-loading-symbolic";
    const char *class = is_known ? "success" : "dim-label";

    /* Before it begins, nobody but the asker knows. */
    if (activity == NULL && is_asked)
        activity = _("Waiting to sync…");
    if (trouble != NULL) {
        text = trouble;
        icon = "dialog-warning-symbolic";
        class = "warning";
    }
    dm_label_set(page->status, activity != NULL ? activity : text);
    gtk_spinner_set_spinning(page->spinner, activity != NULL);
    gtk_widget_set_visible(GTK_WIDGET(page->spinner), activity != NULL);
    gtk_widget_set_visible(GTK_WIDGET(page->status_icon), activity == NULL);
    gtk_image_set_from_icon_name(page->status_icon, icon);
    gtk_widget_set_css_classes(GTK_WIDGET(page->status_icon), (const char *[]){class, NULL});
}

static void
show_connection(DmPageOrganisation *page, const DmModel *model, const char *provider, gint64 now_us)
{
    gint64 certificate_us = get_time(model, provider, "CertificateExpires");
    gint64 deadline_us = get_time(model, provider, "UnenrollDeadline");
    g_autofree char *last = dm_words_past(get_time(model, provider, "LastSuccess"), now_us);
    g_autofree char *next = dm_words_future(get_time(model, provider, "NextScheduled"), now_us);
    g_autofree char *certificate = dm_words_deadline(certificate_us, now_us);
    g_autofree char *deadline = dm_words_deadline(deadline_us, now_us);

    dm_row_set(page->last_sync, last);
    dm_row_set(page->last_error, get_string(model, provider, "LastErrorMessage"));
    dm_row_set(page->next_sync, next);
    dm_row_set(page->certificate, certificate_us != 0 ? certificate : "");
    dm_row_set(page->deadline, deadline_us != 0 ? deadline : "");
}

static void
show_first_sync(DmPageOrganisation *page, const DmModel *model, const char *provider)
{
    DmFirstSync sync = dm_first_sync_read(model, provider);
    const char *text = "";
    bool has_done;

    if (sync.state == DM_FIRST_SYNC_RUNNING)
        text = _("Not finished yet");
    else if (sync.state == DM_FIRST_SYNC_FAILED)
        text = _("Failed");
    has_done = dm_page_done_exists(model, provider);
    gtk_widget_set_visible(page->done, has_done);
    /* A list without a row would show its frame. */
    gtk_widget_set_visible(page->pages, dm_row_set(page->setup, text) || has_done);
}

void
dm_page_organisation_refresh(DmPageOrganisation *page, const DmModel *model, const char *provider,
                             bool is_asked)
{
    gint64 now_us = g_get_real_time();
    const char *name = dm_page_get_name(model, provider);
    bool any = false;

    adw_avatar_set_text(page->avatar, name);
    dm_label_set(page->name, name);
    show_status(page, model, provider, is_asked, now_us);
    show_first_sync(page, model, provider);
    dm_contacts_refresh(page->contacts, model, provider);
    any |=
        dm_row_set(page->device_name, dm_leaf_get_string(model, provider, DM_NAME_ENT_DEVICE_NAME));
    any |= dm_row_set(page->account, dm_leaf_get_string(model, provider, DM_NAME_UPN));
    gtk_widget_set_visible(page->device, any);
    show_connection(page, model, provider, now_us);
}

static void
dm_page_organisation_init(DmPageOrganisation *page)
{
    gtk_widget_init_template(GTK_WIDGET(page));
    dm_button_name(page->sync);
    dm_button_name(page->disconnect);
}

static void
dm_page_organisation_class_init(DmPageOrganisationClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    g_type_ensure(DM_TYPE_CONTACTS);
    gtk_widget_class_set_template_from_resource(widget_class,
                                                "/org/dmclient/Viewer/page-organisation.ui");
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, avatar);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, name);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, spinner);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, status_icon);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, status);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, sync);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, disconnect);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, pages);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, setup);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, done);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, contacts);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, device);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, device_name);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, account);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, last_sync);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, last_error);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, next_sync);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, certificate);
    gtk_widget_class_bind_template_child(widget_class, DmPageOrganisation, deadline);
}
