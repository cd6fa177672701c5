/* SPDX-License-Identifier: MIT */
#include "desktop/pages.h"

#include "common/i18n.h"
#include "dbus/names.h"
#include "desktop/rows.h"
#include "desktop/words.h"

struct _DmPageList {
    AdwBin parent_instance;
    GtkWidget *group;
    DmRows rows;
};

G_DEFINE_FINAL_TYPE(DmPageList, dm_page_list, ADW_TYPE_BIN)

const char *
dm_page_get_name(const DmModel *model, const char *provider)
{
    return dm_model_get_string(model, provider, DM_BUS_INTERFACE_PROVIDER, "ProviderID");
}

/* The row's parts that it has once. */
static void
furnish(AdwActionRow *row)
{
    GtkWidget *avatar = g_object_new(ADW_TYPE_AVATAR, "size", 32, "show-initials", TRUE,
                                     "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);

    adw_action_row_add_prefix(row, avatar);
    adw_action_row_add_suffix(row, g_object_new(GTK_TYPE_IMAGE, "icon-name", "go-next-symbolic",
                                                "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION,
                                                NULL));
    adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
    gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
    g_object_set_data(G_OBJECT(row), "avatar", avatar);
}

static void
show_provider(AdwActionRow *row, const DmModel *model, const char *provider)
{
    const char *name = dm_page_get_name(model, provider);
    const char *interface = DM_BUS_INTERFACE_SESSION;
    const char *text =
        dm_words_session_state(dm_model_get_string(model, provider, interface, "State"));
    const char *error = dm_model_get_string(model, provider, interface, "LastError");
    gint64 last_us = dm_model_get_time(model, provider, interface, "LastSuccess");
    g_autofree char *last = dm_words_past(last_us, g_get_real_time());

    if (text == NULL && *error != '\0')
        text = dm_words_session_error(error);
    else if (text == NULL)
        text = last_us != 0 ? last : _("Not synced yet.");
    if (g_object_get_data(G_OBJECT(row), "avatar") == NULL)
        furnish(row);
    adw_avatar_set_text(g_object_get_data(G_OBJECT(row), "avatar"), name);
    if (!g_str_equal(adw_preferences_row_get_title(ADW_PREFERENCES_ROW(row)), name))
        adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), name);
    dm_row_set(row, text);
    /* The target first: the action alone would be one without. */
    gtk_actionable_set_action_target(GTK_ACTIONABLE(row), "s", provider);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(row), "win.open");
}

void
dm_page_list_refresh(DmPageList *page, const DmModel *model)
{
    const char *const *providers = dm_model_get_providers(model);
    guint n = g_strv_length((char **)providers);

    for (guint i = 0; i < n; i++)
        show_provider(dm_rows_get(&page->rows, i), model, providers[i]);
    dm_rows_trim(&page->rows, n);
}

static void
dm_page_list_init(DmPageList *page)
{
    gtk_widget_init_template(GTK_WIDGET(page));
    dm_rows_init(&page->rows, page->group);
}

static void
dm_page_list_finalize(GObject *object)
{
    dm_rows_clear(&DM_PAGE_LIST(object)->rows);
    G_OBJECT_CLASS(dm_page_list_parent_class)->finalize(object);
}

static void
dm_page_list_class_init(DmPageListClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    G_OBJECT_CLASS(class)->finalize = dm_page_list_finalize;
    gtk_widget_class_set_template_from_resource(widget_class, "/org/dmclient/Viewer/page-list.ui");
    gtk_widget_class_bind_template_child(widget_class, DmPageList, group);
}
