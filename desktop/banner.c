/* SPDX-License-Identifier: MIT */
#include "desktop/banner.h"

#include "desktop/rows.h"

struct _DmBanner {
    AdwBin parent_instance;
    GtkWidget *box;
    GtkImage *icon;
    GtkLabel *text;
    GtkButton *button;
    GtkWidget *close;
};

G_DEFINE_FINAL_TYPE(DmBanner, dm_banner, ADW_TYPE_BIN)

void
dm_banner_hide(DmBanner *banner)
{
    gtk_widget_set_visible(GTK_WIDGET(banner), FALSE);
}

void
dm_banner_show(DmBanner *banner, DmBannerKind kind, const char *text, const char *label,
               const char *action)
{
    bool is_good = kind == DM_BANNER_GOOD;

    if (gtk_widget_get_visible(GTK_WIDGET(banner)) &&
        g_str_equal(gtk_label_get_text(banner->text), text))
        return;
    /* It has to appear anew to be said anew. */
    dm_banner_hide(banner);
    gtk_label_set_text(banner->text, text);
    gtk_image_set_from_icon_name(banner->icon,
                                 is_good ? "emblem-ok-symbolic" : "dialog-warning-symbolic");
    gtk_widget_remove_css_class(banner->box, is_good ? "bad" : "good");
    gtk_widget_add_css_class(banner->box, is_good ? "good" : "bad");
    gtk_accessible_update_property(GTK_ACCESSIBLE(banner->box), GTK_ACCESSIBLE_PROPERTY_LABEL, text,
                                   -1);
    gtk_widget_set_visible(GTK_WIDGET(banner->button), action != NULL);
    gtk_widget_set_visible(banner->close, action == NULL);
    gtk_button_set_label(banner->button, label != NULL ? label : "");
    dm_button_name(GTK_WIDGET(banner->button));
    gtk_actionable_set_action_name(GTK_ACTIONABLE(banner->button), action);
    gtk_widget_set_visible(GTK_WIDGET(banner), TRUE);
}

static void
dm_banner_init(DmBanner *banner)
{
    gtk_widget_init_template(GTK_WIDGET(banner));
}

static void
dm_banner_class_init(DmBannerClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    gtk_widget_class_set_template_from_resource(widget_class, "/org/dmclient/Viewer/banner.ui");
    gtk_widget_class_bind_template_child(widget_class, DmBanner, box);
    gtk_widget_class_bind_template_child(widget_class, DmBanner, icon);
    gtk_widget_class_bind_template_child(widget_class, DmBanner, text);
    gtk_widget_class_bind_template_child(widget_class, DmBanner, button);
    gtk_widget_class_bind_template_child(widget_class, DmBanner, close);
    gtk_widget_class_bind_template_callback(widget_class, dm_banner_hide);
}
