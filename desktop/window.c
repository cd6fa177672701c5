/* SPDX-License-Identifier: MIT */
#include "desktop/window.h"

#include "common/i18n.h"
#include "desktop/first-sync.h"
#include "desktop/leaves.h"
#include "desktop/rows.h"
#include "desktop/window-private.h"

#define MESSAGE "message"
#define LIST "list"
#define ORGANISATION "organisation"
#define SETUP "setup"
#define DONE "done"
#define TRANSPARENCY "transparency"

/* Times are shown in minutes. */
#define CLOCK_S 30
#define WIDTH 640
#define HEIGHT 720

G_DEFINE_FINAL_TYPE(DmWindow, dm_window, ADW_TYPE_APPLICATION_WINDOW)

/* -- nothing to show ----------------------------------------------------------------------------
 */

typedef struct {
    const char *icon;
    const char *title;
    const char *text;
    bool can_try_again;
} Message;

static const Message not_managed = {
    "computer-symbolic", N_("Not Managed"),
    N_("No organisation manages this device. If yours should, ask its help desk how to enrol."),
    false};

static const Message messages[] = {
    [DM_MODEL_CONNECTING] = {"content-loading-symbolic", N_("Loading…"),
                             N_("Asking the management service."), false},
    [DM_MODEL_NO_BUS] = {"network-offline-symbolic", N_("System Not Reachable"),
                         N_("The system message bus does not answer. Try again, or restart this "
                            "device."),
                         true},
    [DM_MODEL_NO_SERVICE] = {"dialog-error-symbolic", N_("Management Service Missing"),
                             N_("It is not installed or does not start. Ask your help desk, then "
                                "try again."),
                             true},
    [DM_MODEL_DENIED] = {"changes-prevent-symbolic", N_("Access Denied"),
                         N_("You may not see who manages this device. Ask its administrator, then "
                            "try again."),
                         true},
    [DM_MODEL_FAILED] = {"dialog-error-symbolic", N_("Something Went Wrong"),
                         N_("The management service answered with an error. Try again, or tell "
                            "your help desk what it says."),
                         true},
};

static void
show_message(DmWindow *window, const Message *message, const char *reason)
{
    adw_status_page_set_icon_name(window->message, message->icon);
    adw_status_page_set_title(window->message, _(message->title));
    adw_status_page_set_description(window->message, _(message->text));
    gtk_label_set_text(window->reason, reason);
    gtk_widget_set_visible(GTK_WIDGET(window->reason), *reason != '\0');
    gtk_widget_set_visible(window->again, message->can_try_again);
    dm_window_show_page(window, MESSAGE);
}

/* -- pages --------------------------------------------------------------------------------------
 */

static const char *
get_page(const DmWindow *window)
{
    return gtk_stack_get_visible_child_name(window->pages);
}

static bool
is_page(const DmWindow *window, const char *page)
{
    return g_strcmp0(get_page(window), page) == 0;
}

static bool
has_several(const DmWindow *window)
{
    return g_strv_length((char **)dm_model_get_providers(window->model)) > 1;
}

/* What the page was opened from; NULL if that is the only one there is. */
static const char *
get_parent(const DmWindow *window)
{
    if (window->provider == NULL)
        return NULL;
    if (is_page(window, TRANSPARENCY) || is_page(window, DONE))
        return ORGANISATION;
    if (is_page(window, SETUP) && g_hash_table_contains(window->left, window->provider))
        return ORGANISATION;
    return has_several(window) ? LIST : NULL;
}

static bool
is_setup_due(const DmWindow *window, const DmFirstSync *sync)
{
    return (sync->state == DM_FIRST_SYNC_RUNNING || sync->state == DM_FIRST_SYNC_FAILED) &&
           !g_hash_table_contains(window->left, window->provider);
}

/* Once after each first sync, also one that begins anew. */
static bool
is_done_due(const DmWindow *window, const DmFirstSync *sync)
{
    bool has_run = dm_leaf_has_interior(window->model, window->provider, DM_NAME_FIRST_SYNC);

    if (has_run && !sync->is_done)
        dm_memory_set_shown(window->memory, window->provider, false);
    return has_run && sync->is_done && dm_page_done_exists(window->model, window->provider) &&
           !dm_memory_get_shown(window->memory, window->provider);
}

/* The page of the provider that matters now. */
static const char *
find_landing(const DmWindow *window)
{
    DmFirstSync sync = dm_first_sync_read(window->model, window->provider);

    if (sync.state != DM_FIRST_SYNC_RUNNING && sync.state != DM_FIRST_SYNC_FAILED)
        g_hash_table_remove(window->left, window->provider);
    if (is_setup_due(window, &sync))
        return SETUP;
    return is_done_due(window, &sync) ? DONE : ORGANISATION;
}

static void
refresh_page(DmWindow *window)
{
    static const struct {
        const char *page;
        const char *title;
    } titles[] = {
        {SETUP, N_("Device Setup")},
        {DONE, N_("Welcome")},
        {TRANSPARENCY, N_("Transparency")},
    };
    const char *title = _("Device Management");
    const char *name =
        window->provider != NULL ? dm_page_get_name(window->model, window->provider) : "";

    for (gsize i = 0; i < G_N_ELEMENTS(titles); i++)
        if (is_page(window, titles[i].page))
            title = _(titles[i].title);
    adw_window_title_set_title(window->title, title);
    adw_window_title_set_subtitle(window->title, is_page(window, ORGANISATION) ? "" : name);
    gtk_widget_set_visible(window->back, get_parent(window) != NULL);
    gtk_widget_action_set_enabled(GTK_WIDGET(window), "win.back", get_parent(window) != NULL);
    if (is_page(window, LIST))
        dm_page_list_refresh(window->list, window->model);
    if (window->provider == NULL)
        return;
    if (is_page(window, ORGANISATION))
        dm_page_organisation_refresh(window->organisation, window->model, window->provider,
                                     g_hash_table_contains(window->syncing, window->provider));
    else if (is_page(window, SETUP))
        dm_page_setup_refresh(window->setup, window->model, window->provider);
    else if (is_page(window, DONE))
        dm_page_done_refresh(window->done, window->model, window->provider);
    else if (is_page(window, TRANSPARENCY))
        dm_page_transparency_refresh(window->transparency, window->model, window->provider);
}

void
dm_window_show_page(DmWindow *window, const char *page)
{
    if (!is_page(window, page)) {
        GtkWidget *before = gtk_stack_get_visible_child(window->pages);

        /* What is only covered by another page, screen readers would read all the same. */
        gtk_widget_set_visible(gtk_stack_get_child_by_name(window->pages, page), TRUE);
        gtk_stack_set_visible_child_name(window->pages, page);
        gtk_widget_set_visible(before, FALSE);
        dm_banner_hide(window->outcome);
    }
    if (g_str_equal(page, DONE) && window->provider != NULL)
        dm_memory_set_shown(window->memory, window->provider, true);
    refresh_page(window);
}

void
dm_window_open(DmWindow *window, const char *provider)
{
    char *path = g_strdup(provider);

    g_free(window->provider);
    window->provider = path;
    dm_window_show_page(window, find_landing(window));
}

void
dm_window_go_back(DmWindow *window)
{
    const char *parent = get_parent(window);

    if (parent == NULL)
        return;
    if (g_str_equal(parent, LIST))
        g_clear_pointer(&window->provider, g_free);
    dm_window_show_page(window, parent);
}

void
dm_window_leave(DmWindow *window)
{
    if (window->provider == NULL)
        return;
    if (is_page(window, SETUP))
        g_hash_table_add(window->left, g_strdup(window->provider));
    dm_window_show_page(window, find_landing(window));
}

void
dm_window_lead_to(DmWindow *window, const char *page, const char *provider)
{
    /* It is asked for anew, whatever was seen of it. */
    if (g_str_equal(page, SETUP))
        g_hash_table_remove(window->left, provider);
    g_free(window->wanted);
    window->wanted = g_strdup(provider);
    dm_window_refresh(window);
}

/* -- keeping up ---------------------------------------------------------------------------------
 */

static void
refresh_providers(DmWindow *window)
{
    const char *const *providers = dm_model_get_providers(window->model);

    if (window->provider != NULL && !g_strv_contains(providers, window->provider))
        g_clear_pointer(&window->provider, g_free);
    if (window->wanted != NULL && g_strv_contains(providers, window->wanted)) {
        g_autofree char *wanted = g_steal_pointer(&window->wanted);

        dm_window_open(window, wanted);
    }
    if (window->provider == NULL && providers[1] == NULL)
        dm_window_open(window, providers[0]);
    else if (window->provider == NULL)
        dm_window_show_page(window, LIST);
    else if (is_page(window, ORGANISATION) || is_page(window, SETUP))
        dm_window_show_page(window, is_page(window, SETUP) && get_parent(window) != NULL &&
                                            g_str_equal(get_parent(window), ORGANISATION) &&
                                            g_str_equal(find_landing(window), ORGANISATION)
                                        ? SETUP
                                        : find_landing(window));
    else
        refresh_page(window);
}

void
dm_window_refresh(DmWindow *window)
{
    DmModelState state = dm_model_get_state(window->model);
    bool is_here = state == DM_MODEL_READY || state == DM_MODEL_STALE;
    bool is_idle =
        window->provider == NULL || !g_hash_table_contains(window->syncing, window->provider);

    gtk_widget_action_set_enabled(GTK_WIDGET(window), "win.sync",
                                  state == DM_MODEL_READY && is_idle);
    gtk_widget_action_set_enabled(GTK_WIDGET(window), "win.disconnect", state == DM_MODEL_READY);
    if (state == DM_MODEL_STALE)
        dm_banner_show(window->old, DM_BANNER_BAD,
                       _("The management service has stopped. What you see may be out of date."),
                       _("_Try Again"), "win.refresh");
    else
        dm_banner_hide(window->old);
    if (!is_here) {
        g_clear_pointer(&window->provider, g_free);
        show_message(window, &messages[state],
                     state == DM_MODEL_FAILED ? dm_model_get_message(window->model) : "");
    } else if (dm_model_get_providers(window->model)[0] == NULL) {
        g_clear_pointer(&window->provider, g_free);
        show_message(window, &not_managed, "");
    } else {
        refresh_providers(window);
    }
}

static gboolean
on_clock(gpointer data)
{
    refresh_page(data);
    return G_SOURCE_CONTINUE;
}

/* Nobody sees the time on a window that is not there. */
static void
dm_window_map(GtkWidget *widget)
{
    DmWindow *window = DM_WINDOW(widget);

    GTK_WIDGET_CLASS(dm_window_parent_class)->map(widget);
    if (window->clock == 0)
        window->clock = g_timeout_add_seconds(CLOCK_S, on_clock, window);
}

static void
dm_window_unmap(GtkWidget *widget)
{
    g_clear_handle_id(&DM_WINDOW(widget)->clock, g_source_remove);
    GTK_WIDGET_CLASS(dm_window_parent_class)->unmap(widget);
}

static gboolean
dm_window_close_request(GtkWindow *gtk_window)
{
    DmWindow *window = DM_WINDOW(gtk_window);
    int width;
    int height;

    gtk_window_get_default_size(gtk_window, &width, &height);
    dm_memory_set_window(window->memory, width, height, gtk_window_is_maximized(gtk_window));
    return GTK_WINDOW_CLASS(dm_window_parent_class)->close_request(gtk_window);
}

/* -- the object ---------------------------------------------------------------------------------
 */

DmWindow *
dm_window_new(GtkApplication *application, DmModel *model)
{
    DmWindow *window = g_object_new(DM_TYPE_WINDOW, "application", application, NULL);

    window->model = g_object_ref(model);
    g_signal_connect_object(model, "changed", G_CALLBACK(dm_window_refresh), window,
                            G_CONNECT_SWAPPED);
    dm_window_refresh(window);
    dm_model_start(model);
    return window;
}

static void
dm_window_init(DmWindow *window)
{
    static const char *const pages[] = {LIST, ORGANISATION, SETUP, DONE, TRANSPARENCY};
    int width = WIDTH;
    int height = HEIGHT;
    bool is_maximized = false;

    window->memory = dm_memory_open();
    window->cancellable = g_cancellable_new();
    window->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    window->syncing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gtk_widget_init_template(GTK_WIDGET(window));
    dm_button_name(window->again);
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++)
        gtk_widget_set_visible(gtk_stack_get_child_by_name(window->pages, pages[i]), FALSE);
    dm_memory_get_window(window->memory, &width, &height, &is_maximized);
    gtk_window_set_default_size(GTK_WINDOW(window), width, height);
    if (is_maximized)
        gtk_window_maximize(GTK_WINDOW(window));
}

static void
dm_window_dispose(GObject *object)
{
    DmWindow *window = DM_WINDOW(object);

    g_cancellable_cancel(window->cancellable);
    g_clear_handle_id(&window->clock, g_source_remove);
    G_OBJECT_CLASS(dm_window_parent_class)->dispose(object);
}

static void
dm_window_finalize(GObject *object)
{
    DmWindow *window = DM_WINDOW(object);

    g_clear_object(&window->cancellable);
    g_clear_object(&window->model);
    g_clear_pointer(&window->memory, dm_memory_free);
    g_clear_pointer(&window->left, g_hash_table_unref);
    g_clear_pointer(&window->syncing, g_hash_table_unref);
    g_free(window->provider);
    g_free(window->wanted);
    G_OBJECT_CLASS(dm_window_parent_class)->finalize(object);
}

static void
dm_window_class_init(DmWindowClass *class)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(class);

    G_OBJECT_CLASS(class)->dispose = dm_window_dispose;
    G_OBJECT_CLASS(class)->finalize = dm_window_finalize;
    widget_class->map = dm_window_map;
    widget_class->unmap = dm_window_unmap;
    GTK_WINDOW_CLASS(class)->close_request = dm_window_close_request;
    g_type_ensure(DM_TYPE_BANNER);
    g_type_ensure(DM_TYPE_PAGE_LIST);
    g_type_ensure(DM_TYPE_PAGE_ORGANISATION);
    g_type_ensure(DM_TYPE_PAGE_SETUP);
    g_type_ensure(DM_TYPE_PAGE_DONE);
    g_type_ensure(DM_TYPE_PAGE_TRANSPARENCY);
    dm_window_install_actions(widget_class);
    gtk_widget_class_set_template_from_resource(widget_class, "/org/dmclient/Viewer/window.ui");
    gtk_widget_class_bind_template_child(widget_class, DmWindow, toasts);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, title);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, back);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, old);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, outcome);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, pages);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, message);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, reason);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, again);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, list);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, organisation);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, setup);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, done);
    gtk_widget_class_bind_template_child(widget_class, DmWindow, transparency);
}
