/* SPDX-License-Identifier: MIT */

#include "common/i18n.h"
#include "desktop/contacts.h"
#include "desktop/first-sync.h"
#include "desktop/leaves.h"
#include "desktop/pages.h"
#include "desktop/rows.h"

struct _DmPageDone {
    AdwBin parent_instance;
    GtkLabel *heading;
    GtkLabel *body;
    GtkWidget *links;
    DmContactRow *link;
    GtkWidget *leave;
};

G_DEFINE_FINAL_TYPE(DmPageDone, dm_page_done, ADW_TYPE_BIN)

bool
dm_page_done_exists(const DmModel *model, const char *provider)
{
    DmFirstSync sync = dm_first_sync_read(model, provider);

    if (dm_leaf_has_interior(model, provider, DM_NAME_FIRST_SYNC) && !sync.is_done)
        return false;
    return dm_leaf_has_interior(model, provider, DM_NAME_PAGE) || sync.state == DM_FIRST_SYNC_DONE;
}

void
dm_page_done_refresh(DmPageDone *page, const DmModel *model, const char *provider)
{
    const char *title = dm_leaf_get_string(model, provider, DM_NAME_PAGE_TITLE);
    const char *body = dm_leaf_get_string(model, provider, DM_NAME_PAGE_BODY_TEXT);
    const char *address = dm_leaf_get_string(model, provider, DM_NAME_PAGE_HYPERLINK_HREF);

    dm_label_set(page->heading, *title != '\0' ? title : _("Your Device Is Ready"));
    dm_label_set(page->body,
                 *body != '\0' ? body : _("Your organisation has finished setting it up."));
    dm_contact_row_set_link(
        page->link, dm_leaf_get_string(model, provider, DM_NAME_PAGE_HYPERLINK_TEXT), address);
    gtk_widget_set_visible(page->links, *address != '\0');
}

static void
dm_page_done_init(DmPageDone *page)
{
    gtk_widget_init_template(GTK_WIDGET(page));
    dm_button_name(page->leave);
}

static void
dm_page_done_class_init(DmPageDoneClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    g_type_ensure(DM_TYPE_CONTACT_ROW);
    gtk_widget_class_set_template_from_resource(widget_class, "/org/dmclient/Viewer/page-done.ui");
    gtk_widget_class_bind_template_child(widget_class, DmPageDone, heading);
    gtk_widget_class_bind_template_child(widget_class, DmPageDone, body);
    gtk_widget_class_bind_template_child(widget_class, DmPageDone, links);
    gtk_widget_class_bind_template_child(widget_class, DmPageDone, link);
    gtk_widget_class_bind_template_child(widget_class, DmPageDone, leave);
}
