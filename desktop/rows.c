/* SPDX-License-Identifier: MIT */
#include "desktop/rows.h"

bool
dm_row_set(AdwActionRow *row, const char *text)
{
    if (g_strcmp0(adw_action_row_get_subtitle(row), text) != 0)
        adw_action_row_set_subtitle(row, text);
    gtk_widget_set_visible(GTK_WIDGET(row), *text != '\0');
    return *text != '\0';
}

char *
dm_text_isolate(const char *text)
{
    /* Left-to-right isolate, and its end. */
    if (gtk_widget_get_default_direction() == GTK_TEXT_DIR_RTL && *text != '\0')
        return g_strconcat("\u2066", text, "\u2069", NULL);
    return g_strdup(text);
}

void
dm_label_set(GtkLabel *label, const char *text)
{
    if (!g_str_equal(gtk_label_get_text(label), text))
        gtk_label_set_text(label, text);
    gtk_widget_set_visible(GTK_WIDGET(label), *text != '\0');
}

void
dm_button_name(GtkWidget *button)
{
    g_auto(GStrv) parts = g_strsplit(gtk_button_get_label(GTK_BUTTON(button)), "_", -1);
    g_autofree char *name = g_strjoinv("", parts);

    gtk_accessible_reset_relation(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

GtkWidget *
dm_row_new(const char *icon, const char *title, const char *text)
{
    GtkWidget *row = adw_action_row_new();

    adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
    if (text != NULL)
        adw_action_row_set_subtitle(ADW_ACTION_ROW(row), text);
    if (icon != NULL)
        adw_action_row_add_prefix(ADW_ACTION_ROW(row),
                                  g_object_new(GTK_TYPE_IMAGE, "icon-name", icon, "accessible-role",
                                               GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL));
    return row;
}

void
dm_rows_init(DmRows *rows, GtkWidget *parent)
{
    rows->parent = parent;
    rows->rows = g_ptr_array_new();
}

void
dm_rows_clear(DmRows *rows)
{
    g_clear_pointer(&rows->rows, g_ptr_array_unref);
}

AdwActionRow *
dm_rows_get(DmRows *rows, guint i)
{
    if (i == rows->rows->len) {
        GtkWidget *row = dm_row_new(NULL, "", NULL);

        if (ADW_IS_EXPANDER_ROW(rows->parent))
            adw_expander_row_add_row(ADW_EXPANDER_ROW(rows->parent), row);
        else
            adw_preferences_group_add(ADW_PREFERENCES_GROUP(rows->parent), row);
        g_ptr_array_add(rows->rows, row);
    }
    return rows->rows->pdata[i];
}

void
dm_rows_trim(DmRows *rows, guint n)
{
    while (rows->rows->len > n) {
        GtkWidget *row = g_ptr_array_steal_index(rows->rows, rows->rows->len - 1);

        if (ADW_IS_EXPANDER_ROW(rows->parent))
            adw_expander_row_remove(ADW_EXPANDER_ROW(rows->parent), row);
        else
            adw_preferences_group_remove(ADW_PREFERENCES_GROUP(rows->parent), row);
    }
}
