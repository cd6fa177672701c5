/* SPDX-License-Identifier: MIT */

#include "common/i18n.h"
#include "desktop/leaves.h"
#include "desktop/pages.h"
#include "desktop/rows.h"

struct _DmPageTransparency {
    AdwBin parent_instance;
    GtkWidget *see;
    GtkWidget *act;
    GtkWidget *limits;
    GtkWidget *reveal;
    AdwExpanderRow *details;
    DmRows rows;
    GtkWidget *account, *device_name, *push, *lost_contact, *signing;
};

G_DEFINE_FINAL_TYPE(DmPageTransparency, dm_page_transparency, ADW_TYPE_BIN)

/* A leaf on its way to a row. */
typedef struct {
    DmPageTransparency *page;
    guint n;
} Listing;

static void
show_detail(const char *name, GVariant *value, gpointer data)
{
    Listing *listing = data;
    AdwActionRow *row = dm_rows_get(&listing->page->rows, listing->n++);
    g_autofree char *plain = dm_leaf_format(value);
    g_autofree char *text = dm_text_isolate(plain);

    if (!g_str_equal(adw_preferences_row_get_title(ADW_PREFERENCES_ROW(row)), name))
        adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), name);
    /* A setting that is empty is one, too. */
    dm_row_set(row, *text != '\0' ? text : "–");
}

static void
show_lost_contact(DmPageTransparency *page, const DmModel *model, const char *provider)
{
    int days =
        dm_leaf_get_int(model, provider, DM_NAME_NUMBER_OF_DAYS_AFTER_LOST_CONTACT_TO_UNENROLL);
    g_autofree char *text =
        g_strdup_printf(ngettext("After %d day without contact this device disconnects by itself.",
                                 "After %d days without contact this device disconnects by itself.",
                                 (gulong)MAX(days, 0)),
                        days);

    dm_row_set(ADW_ACTION_ROW(page->lost_contact), days > 0 ? text : "");
}

void
dm_page_transparency_refresh(DmPageTransparency *page, const DmModel *model, const char *provider)
{
    Listing listing = {page, 0};
    const char *account = dm_leaf_get_string(model, provider, DM_NAME_UPN);
    const char *name = dm_leaf_get_string(model, provider, DM_NAME_ENT_DEVICE_NAME);

    dm_row_set(ADW_ACTION_ROW(page->device_name), name);
    dm_row_set(ADW_ACTION_ROW(page->account), account);
    gtk_widget_set_visible(page->push, dm_leaf_has_interior(model, provider, DM_NAME_PUSH));
    show_lost_contact(page, model, provider);
    dm_leaf_foreach_detail(model, provider, show_detail, &listing);
    dm_rows_trim(&page->rows, listing.n);
    gtk_widget_set_visible(page->reveal, listing.n == 0);
    gtk_widget_set_visible(GTK_WIDGET(page->details), listing.n > 0);
}

static GtkWidget *
add(GtkWidget *group, const char *icon, const char *title, const char *text)
{
    GtkWidget *row = dm_row_new(icon, title, text);

    adw_preferences_group_add(ADW_PREFERENCES_GROUP(group), row);
    return row;
}

static void
add_sights(DmPageTransparency *page)
{
    add(page->see, "computer-symbolic", _("This device"),
        _("Its model, its operating system and its identifiers."));
    page->device_name = add(page->see, "avatar-default-symbolic", _("Name of the device"), "");
    page->account = add(page->see, "avatar-default-symbolic", _("Your account"), "");
    add(page->see, "emblem-system-symbolic", _("Its settings"),
        _("What it has set up here, and whether that worked."));
}

static void
add_acts(DmPageTransparency *page)
{
    add(page->act, "preferences-system-symbolic", _("Change settings"),
        _("Policies, networks, certificates and apps that it sets up on this device."));
    page->push = add(page->act, "network-transmit-receive-symbolic", _("Reach this device"),
                     _("It can ask this device to sync at any time."));
    page->lost_contact =
        add(page->act, "preferences-system-time-symbolic", _("Let go of this device"), "");
    add(page->act, "edit-delete-symbolic", _("End the management"),
        _("What it has set up is removed then, and you may lose access to its services."));
}

static void
add_limits(DmPageTransparency *page)
{
    add(page->limits, "folder-documents-symbolic", _("Read your files, messages or passwords"),
        NULL);
    add(page->limits, "web-browser-symbolic", _("Watch which websites you visit"), NULL);
    add(page->limits, "find-location-symbolic", _("Find out where you are"), NULL);
}

static void
dm_page_transparency_init(DmPageTransparency *page)
{
    gtk_widget_init_template(GTK_WIDGET(page));
    dm_rows_init(&page->rows, GTK_WIDGET(page->details));
    add_sights(page);
    add_acts(page);
    add_limits(page);
}

static void
dm_page_transparency_finalize(GObject *object)
{
    dm_rows_clear(&DM_PAGE_TRANSPARENCY(object)->rows);
    G_OBJECT_CLASS(dm_page_transparency_parent_class)->finalize(object);
}

static void
dm_page_transparency_class_init(DmPageTransparencyClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    G_OBJECT_CLASS(class)->finalize = dm_page_transparency_finalize;
    gtk_widget_class_set_template_from_resource(widget_class,
                                                "/org/dmclient/Viewer/page-transparency.ui");
    gtk_widget_class_bind_template_child(widget_class, DmPageTransparency, see);
    gtk_widget_class_bind_template_child(widget_class, DmPageTransparency, act);
    gtk_widget_class_bind_template_child(widget_class, DmPageTransparency, limits);
    gtk_widget_class_bind_template_child(widget_class, DmPageTransparency, reveal);
    gtk_widget_class_bind_template_child(widget_class, DmPageTransparency, details);
}
