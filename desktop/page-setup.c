/* SPDX-License-Identifier: MIT */

#include "common/i18n.h"
#include "desktop/contacts.h"
#include "desktop/first-sync.h"
#include "desktop/pages.h"
#include "desktop/rows.h"
#include "desktop/words.h"

struct _DmPageSetup {
    AdwBin parent_instance;
    GtkImage *icon;
    GtkLabel *heading;
    GtkLabel *text;
    GtkWidget *reset;
    GtkProgressBar *bar;
    GtkLabel *left;
    GtkWidget *device;
    GtkWidget *user;
    GtkWidget *failures;
    GtkWidget *reveal;
    AdwExpanderRow *failed;
    GtkWidget *retry;
    GtkWidget *collect;
    GtkWidget *leave;
    DmContacts *contacts;
    DmRows parts[DM_FIRST_SYNC_N_PARTS];
    DmRows items;
};

/* What all parts have together. */
typedef struct {
    guint total, done, failed;
    bool is_hidden; /* something failed that the user may not read */
    guint n_items;
} Sum;

G_DEFINE_FINAL_TYPE(DmPageSetup, dm_page_setup, ADW_TYPE_BIN)

/* -- one row a category -------------------------------------------------------------------------
 */

static void
show_category(AdwActionRow *row, const char *name, guint total, guint done, guint failed)
{
    const char *title = dm_words_category(name);
    g_autofree char *text = dm_words_progress(total, done, failed);
    GtkImage *icon = g_object_get_data(G_OBJECT(row), "icon");
    GtkImage *state = g_object_get_data(G_OBJECT(row), "state");

    if (icon == NULL) {
        icon =
            g_object_new(GTK_TYPE_IMAGE, "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
        state =
            g_object_new(GTK_TYPE_IMAGE, "accessible-role", GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
        adw_action_row_add_prefix(row, GTK_WIDGET(icon));
        adw_action_row_add_suffix(row, GTK_WIDGET(state));
        g_object_set_data(G_OBJECT(row), "icon", icon);
        g_object_set_data(G_OBJECT(row), "state", state);
    }
    if (!g_str_equal(adw_preferences_row_get_title(ADW_PREFERENCES_ROW(row)), title))
        adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
    dm_row_set(row, text);
    gtk_image_set_from_icon_name(icon, dm_words_category_icon(name));
    gtk_image_set_from_icon_name(state, failed > 0      ? "dialog-warning-symbolic"
                                        : done >= total ? "emblem-ok-symbolic"
                                                        : "content-loading-symbolic");
    gtk_widget_set_css_classes(GTK_WIDGET(state), (const char *[]){failed > 0      ? "warning"
                                                                   : done >= total ? "success"
                                                                                   : "dim-label",
                                                                   NULL});
}

static void
show_part(DmRows *rows, const DmModel *model, const char *part, Sum *sum)
{
    GVariant *categories = part != NULL ? dm_first_sync_get_categories(model, part) : NULL;
    guint n = 0;

    if (categories != NULL) {
        GVariantIter iter;
        const char *name;
        guint total;
        guint done;
        guint failed;

        g_variant_iter_init(&iter, categories);
        while (g_variant_iter_next(&iter, "(&suuu)", &name, &total, &done, &failed)) {
            /* Nobody waits for what is not expected. */
            if (total == 0)
                continue;
            show_category(dm_rows_get(rows, n++), name, total, done, failed);
            sum->total += total;
            sum->done += MIN(done, total);
            sum->failed += failed;
        }
    }
    dm_rows_trim(rows, n);
    gtk_widget_set_visible(rows->parent, n > 0);
}

static void
show_failed_items(DmPageSetup *page, const DmModel *model, const char *part, Sum *sum)
{
    GVariant *items = dm_first_sync_get_failed(model, part);
    GVariantIter iter;
    const char *text;

    if (items == NULL) {
        sum->is_hidden = true;
        return;
    }
    g_variant_iter_init(&iter, items);
    while (g_variant_iter_next(&iter, "&s", &text)) {
        AdwActionRow *row = dm_rows_get(&page->items, sum->n_items++);
        g_autofree char *item = dm_text_isolate(text);

        if (!g_str_equal(adw_preferences_row_get_title(ADW_PREFERENCES_ROW(row)), item))
            adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), item);
    }
}

/* -- the whole ----------------------------------------------------------------------------------
 */

static void
show_heading(DmPageSetup *page, const DmModel *model, const DmFirstSync *sync)
{
    bool is_failed = sync->state == DM_FIRST_SYNC_FAILED;
    const char *text = _("Your organisation sets up this device. You can go on using it.");

    for (gsize i = 0; is_failed && i < DM_FIRST_SYNC_N_PARTS; i++) {
        if (sync->parts[i].state != DM_FIRST_SYNC_FAILED)
            continue;
        text = dm_first_sync_get_text(model, sync->parts[i].provider);
        if (*text == '\0')
            text = _("Something could not be set up in time. Try again, or ask the help desk.");
        break;
    }
    dm_label_set(page->heading, is_failed ? _("Device Setup Failed") : _("Setting Up Your Device"));
    dm_label_set(page->text, text);
    gtk_image_set_from_icon_name(page->icon,
                                 is_failed ? "dialog-warning-symbolic" : "emblem-system-symbolic");
    gtk_widget_set_css_classes(GTK_WIDGET(page->icon),
                               (const char *[]){is_failed ? "warning" : "accent", NULL});
    gtk_widget_set_visible(page->reset, sync->wants_reset);
}

static void
show_time(DmPageSetup *page, const DmModel *model, const DmFirstSync *sync, const Sum *sum)
{
    gint64 deadline_us = 0;
    g_autofree char *left = NULL;
    g_autofree char *all = dm_words_progress(sum->total, sum->done, sum->failed);
    g_autofree char *text = NULL;

    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++)
        if (sync->parts[i].provider != NULL && sync->parts[i].state == DM_FIRST_SYNC_RUNNING)
            deadline_us =
                MAX(deadline_us, dm_first_sync_get_deadline(model, sync->parts[i].provider));
    if (deadline_us != 0 && sync->state == DM_FIRST_SYNC_RUNNING)
        left = dm_words_left(deadline_us, g_get_real_time());
    if (sum->total == 0)
        /* The server has not said yet what it wants. */
        text = g_strdup(left != NULL ? left : _("Waiting for your organisation…"));
    else
        text = left != NULL ? g_strdup_printf("%s\n%s", all, left) : g_strdup(all);
    dm_label_set(page->left, text);
    gtk_progress_bar_set_fraction(page->bar,
                                  sum->total > 0 ? (double)sum->done / (double)sum->total : 0);
}

static void
show_failures(DmPageSetup *page, const DmModel *model, const DmFirstSync *sync, Sum *sum)
{
    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++)
        if (sync->parts[i].provider != NULL && sum->failed > 0)
            show_failed_items(page, model, sync->parts[i].provider, sum);
    dm_rows_trim(&page->items, sum->n_items);
    gtk_widget_set_visible(page->reveal, sum->is_hidden);
    gtk_widget_set_visible(GTK_WIDGET(page->failed), sum->n_items > 0);
    gtk_widget_set_visible(page->failures, sum->is_hidden || sum->n_items > 0);
}

void
dm_page_setup_refresh(DmPageSetup *page, const DmModel *model, const char *provider)
{
    DmFirstSync sync = dm_first_sync_read(model, provider);
    Sum sum = {.total = 0};

    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++)
        show_part(&page->parts[i], model, sync.parts[i].provider, &sum);
    show_heading(page, model, &sync);
    show_time(page, model, &sync, &sum);
    show_failures(page, model, &sync, &sum);
    gtk_widget_set_visible(page->retry, sync.can_retry);
    gtk_widget_set_visible(page->collect, sync.can_collect);
    gtk_widget_set_visible(page->leave, sync.can_continue);
    dm_contacts_refresh(page->contacts, model, provider);
}

static void
dm_page_setup_init(DmPageSetup *page)
{
    gtk_widget_init_template(GTK_WIDGET(page));
    dm_button_name(page->retry);
    dm_button_name(page->collect);
    dm_button_name(page->leave);
    dm_rows_init(&page->parts[DM_FIRST_SYNC_DEVICE], page->device);
    dm_rows_init(&page->parts[DM_FIRST_SYNC_USER], page->user);
    dm_rows_init(&page->items, GTK_WIDGET(page->failed));
}

static void
dm_page_setup_finalize(GObject *object)
{
    DmPageSetup *page = DM_PAGE_SETUP(object);

    for (gsize i = 0; i < DM_FIRST_SYNC_N_PARTS; i++)
        dm_rows_clear(&page->parts[i]);
    dm_rows_clear(&page->items);
    G_OBJECT_CLASS(dm_page_setup_parent_class)->finalize(object);
}

static void
dm_page_setup_class_init(DmPageSetupClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    G_OBJECT_CLASS(class)->finalize = dm_page_setup_finalize;
    g_type_ensure(DM_TYPE_CONTACTS);
    gtk_widget_class_set_template_from_resource(widget_class, "/org/dmclient/Viewer/page-setup.ui");
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, icon);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, heading);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, text);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, reset);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, bar);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, left);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, device);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, user);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, failures);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, reveal);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, failed);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, retry);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, collect);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, leave);
    gtk_widget_class_bind_template_child(widget_class, DmPageSetup, contacts);
}
