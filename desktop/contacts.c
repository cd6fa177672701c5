/* SPDX-License-Identifier: MIT */
#include "desktop/contacts.h"

#include <string.h>

#include "common/i18n.h"
#include "desktop/leaves.h"
#include "desktop/link.h"
#include "desktop/rows.h"

/* -- a row --------------------------------------------------------------------------------------
 */

struct _DmContactRow {
    AdwActionRow parent_instance;
    GtkImage *icon;
    GtkWidget *open;
    GtkWidget *copy;
    char *text;   /* to copy */
    DmLink *link; /* NULL: not to be opened */
};

G_DEFINE_FINAL_TYPE(DmContactRow, dm_contact_row, ADW_TYPE_ACTION_ROW)

static void
on_open(GtkButton *button, gpointer data)
{
    DmContactRow *row = data;

    /* By the desktop, which asks the user's own programs: never by a shell. */
    if (row->link != NULL)
        gtk_show_uri(GTK_WINDOW(gtk_widget_get_root(GTK_WIDGET(row))), row->link->uri,
                     GDK_CURRENT_TIME);
}

static void
on_copy(GtkButton *button, gpointer data)
{
    DmContactRow *row = data;

    gdk_clipboard_set_text(gtk_widget_get_clipboard(GTK_WIDGET(row)), row->text);
    gtk_widget_activate_action(GTK_WIDGET(row), "win.copied", NULL);
}

static GtkWidget *
add_button(DmContactRow *row, const char *icon, GCallback callback)
{
    GtkWidget *button = gtk_button_new_from_icon_name(icon);

    gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(button, "flat");
    g_signal_connect(button, "clicked", callback, row);
    adw_action_row_add_suffix(ADW_ACTION_ROW(row), button);
    return button;
}

static void
dm_contact_row_init(DmContactRow *row)
{
    row->icon =
        g_object_new(GTK_TYPE_IMAGE, "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
    row->text = g_strdup("");
    adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
    adw_action_row_add_prefix(ADW_ACTION_ROW(row), GTK_WIDGET(row->icon));
    row->open = add_button(row, "adw-external-link-symbolic", G_CALLBACK(on_open));
    row->copy = add_button(row, "edit-copy-symbolic", G_CALLBACK(on_copy));
}

static void
dm_contact_row_finalize(GObject *object)
{
    DmContactRow *row = DM_CONTACT_ROW(object);

    g_free(row->text);
    dm_link_free(row->link);
    G_OBJECT_CLASS(dm_contact_row_parent_class)->finalize(object);
}

static void
dm_contact_row_class_init(DmContactRowClass *class)
{
    G_OBJECT_CLASS(class)->finalize = dm_contact_row_finalize;
}

static void
name_button(GtkWidget *button, const char *name)
{
    gtk_widget_set_tooltip_text(button, name);
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

/* Takes `link`. */
static void
set_target(DmContactRow *row, const char *text, DmLink *link)
{
    g_free(row->text);
    row->text = g_strdup(text);
    dm_link_free(row->link);
    row->link = link;
    gtk_widget_set_visible(row->open, link != NULL);
}

/* What stands below the title: where the link really leads, if the text does not show it. Free with
 * g_free(). */
static char *
describe(const DmLink *link, const char *text)
{
    g_autoptr(GString) lines = g_string_new(text);

    if (link == NULL || *link->host == '\0')
        return g_string_free(g_steal_pointer(&lines), FALSE);
    if (strstr(text, link->host) == NULL) {
        if (lines->len > 0)
            g_string_append_c(lines, '\n');
        /* Translators: %s is the name of a server. */
        g_string_append_printf(lines, _("Leads to %s"), link->host);
    }
    if (!link->is_secure) {
        g_string_append_c(lines, '\n');
        g_string_append(lines, _("Not encrypted: others can read what you send there"));
    }
    return g_string_free(g_steal_pointer(&lines), FALSE);
}

void
dm_contact_row_set_link(DmContactRow *row, const char *text, const char *address)
{
    DmLink *link = dm_link_from_web(address);
    const char *title = *text != '\0' ? text : address;
    /* What is no link is shown as it is, so that one can ask about it. */
    g_autofree char *below = describe(link, link == NULL ? address : "");

    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
    gtk_image_set_from_icon_name(row->icon, "web-browser-symbolic");
    name_button(row->open, _("Open Website"));
    name_button(row->copy, _("Copy Address"));
    dm_row_set(ADW_ACTION_ROW(row), below);
    gtk_widget_set_visible(GTK_WIDGET(row), *address != '\0');
    set_target(row, address, link);
}

/* -- the group ----------------------------------------------------------------------------------
 */

static const struct {
    DmNodeName leaf;
    const char *icon;
    const char *title, *open, *copy;
    DmLink *(*judge)(const char *text);
} kinds[] = {
    {DM_NAME_HELP_PHONE_NUMBER, "phone-symbolic", N_("Phone"), N_("Call"), N_("Copy Phone Number"),
     dm_link_from_phone},
    {DM_NAME_HELP_WEBSITE, "web-browser-symbolic", N_("Website"), N_("Open Website"),
     N_("Copy Address"), dm_link_from_web},
    {DM_NAME_HELP_EMAIL_ADDRESS, "mail-unread-symbolic", N_("Email"), N_("Write Email"),
     N_("Copy Email Address"), dm_link_from_mail},
};

struct _DmContacts {
    AdwPreferencesGroup parent_instance;
    DmContactRow *rows[G_N_ELEMENTS(kinds)];
};

G_DEFINE_FINAL_TYPE(DmContacts, dm_contacts, ADW_TYPE_PREFERENCES_GROUP)

void
dm_contacts_refresh(DmContacts *contacts, const DmModel *model, const char *provider)
{
    bool any = false;

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        DmContactRow *row = contacts->rows[i];
        const char *text = dm_leaf_get_string(model, provider, kinds[i].leaf);
        DmLink *link = kinds[i].judge(text);
        g_autofree char *isolated = dm_text_isolate(text);
        g_autofree char *below = describe(link, isolated);

        any |= dm_row_set(ADW_ACTION_ROW(row), below);
        set_target(row, text, link);
    }
    gtk_widget_set_visible(GTK_WIDGET(contacts), any);
}

static void
dm_contacts_init(DmContacts *contacts)
{
    AdwPreferencesGroup *group = ADW_PREFERENCES_GROUP(contacts);

    adw_preferences_group_set_title(group, _("Help and Support"));
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        DmContactRow *row = g_object_new(DM_TYPE_CONTACT_ROW, NULL);

        adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), _(kinds[i].title));
        gtk_image_set_from_icon_name(row->icon, kinds[i].icon);
        name_button(row->open, _(kinds[i].open));
        name_button(row->copy, _(kinds[i].copy));
        adw_preferences_group_add(group, GTK_WIDGET(row));
        contacts->rows[i] = row;
    }
}

static void
dm_contacts_class_init(DmContactsClass *class)
{
}
