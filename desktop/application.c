/* SPDX-License-Identifier: MIT */
#include "desktop/application.h"

#include "common/i18n.h"
#include "desktop/window.h"

#define EXIT_USAGE 64

struct _DmApplication {
    AdwApplication parent_instance;
    DmModel *model;
};

G_DEFINE_FINAL_TYPE(DmApplication, dm_application, ADW_TYPE_APPLICATION)

static DmWindow *
get_window(DmApplication *self)
{
    GList *windows = gtk_application_get_windows(GTK_APPLICATION(self));

    /* Dialogs are among them. */
    for (GList *l = windows; l != NULL; l = l->next)
        if (DM_IS_WINDOW(l->data))
            return l->data;
    g_clear_object(&self->model);
    self->model = dm_model_new();
    return dm_window_new(GTK_APPLICATION(self), self->model);
}

/* For notifications, and whoever else has a page to show: page and provider, a path. */
static void
on_show_page(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    DmWindow *window = get_window(data);
    const char *page;
    const char *provider;

    g_variant_get(parameter, "(&s&s)", &page, &provider);
    dm_window_lead_to(window, page, provider);
    gtk_window_present(GTK_WINDOW(window));
}

static void
on_about(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    adw_show_about_window(gtk_application_get_active_window(data), "application-name",
                          _("Device Management"), "application-icon", DM_VIEWER_ID, "version",
                          DM_VERSION, "developer-name", "dmclient", "license-type",
                          GTK_LICENSE_MIT_X11, "comments",
                          _("Shows who manages this device, and whom to ask for help."), NULL);
}

static void
on_quit(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    GtkWindow *window = gtk_application_get_active_window(data);

    /* Closing it, it remembers its size. */
    if (window != NULL)
        gtk_window_close(window);
    g_application_quit(data);
}

static void
dm_application_startup(GApplication *application)
{
    static const GActionEntry actions[] = {
        {.name = "about", .activate = on_about},
        {.name = "quit", .activate = on_quit},
        {.name = "show-page", .activate = on_show_page, .parameter_type = "(ss)"},
    };
    static const struct {
        const char *action;
        const char *keys[3];
    } shortcuts[] = {
        {"app.quit", {"<Control>q"}},          {"window.close", {"<Control>w"}},
        {"win.back", {"<Alt>Left", "Escape"}}, {"win.refresh", {"<Control>r", "F5"}},
        {"win.sync", {"<Control>s"}},
    };

    G_APPLICATION_CLASS(dm_application_parent_class)->startup(application);
    /* By the language of the texts, which need not be that of the locale.
     * Translators: "default:RTL" if your language is written from right to left, else
     * "default:LTR". */
    if (g_str_equal(_("default:LTR"), "default:RTL"))
        gtk_widget_set_default_direction(GTK_TEXT_DIR_RTL);
    g_action_map_add_action_entries(G_ACTION_MAP(application), actions, G_N_ELEMENTS(actions),
                                    application);
    for (gsize i = 0; i < G_N_ELEMENTS(shortcuts); i++)
        gtk_application_set_accels_for_action(GTK_APPLICATION(application), shortcuts[i].action,
                                              (const char **)shortcuts[i].keys);
    gtk_window_set_default_icon_name(DM_VIEWER_ID);
}

static void
dm_application_activate(GApplication *application)
{
    gtk_window_present(GTK_WINDOW(get_window(DM_APPLICATION(application))));
}

static int
dm_application_handle_local_options(GApplication *application, GVariantDict *options)
{
    if (g_variant_dict_contains(options, "agent")) {
        g_printerr("dmclient-viewer: %s\n", _("--agent goes with no other option"));
        return EXIT_USAGE;
    }
    if (!g_variant_dict_contains(options, "version"))
        return -1;
    g_print("dmclient-viewer " DM_VERSION "\n");
    return 0;
}

static void
dm_application_dispose(GObject *object)
{
    g_clear_object(&DM_APPLICATION(object)->model);
    G_OBJECT_CLASS(dm_application_parent_class)->dispose(object);
}

static void
dm_application_init(DmApplication *application)
{
    const GOptionEntry options[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, NULL, _("Print the version"), NULL},
        /* main() takes it where it stands alone, before there is an application. */
        {"agent", 0, 0, G_OPTION_ARG_NONE, NULL, _("Open no window, stay and send notifications"),
         NULL},
        {NULL},
    };

    g_application_add_main_option_entries(G_APPLICATION(application), options);
}

static void
dm_application_class_init(DmApplicationClass *class)
{
    GApplicationClass *application_class = G_APPLICATION_CLASS(class);

    G_OBJECT_CLASS(class)->dispose = dm_application_dispose;
    application_class->startup = dm_application_startup;
    application_class->activate = dm_application_activate;
    application_class->handle_local_options = dm_application_handle_local_options;
}

DmApplication *
dm_application_new(void)
{
    return g_object_new(DM_TYPE_APPLICATION, "application-id", DM_VIEWER_ID, "resource-base-path",
                        "/org/dmclient/Viewer", NULL);
}
