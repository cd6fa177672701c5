/* SPDX-License-Identifier: MIT */
#include <adwaita.h>

/* The least that a program of the desktop can do: one empty window. */

static void
on_activate(GApplication *application, gpointer data)
{
    GtkWidget *window = adw_application_window_new(GTK_APPLICATION(application));

    gtk_window_set_default_size(GTK_WINDOW(window), 640, 720);
    adw_application_window_set_content(ADW_APPLICATION_WINDOW(window), adw_header_bar_new());
    gtk_window_present(GTK_WINDOW(window));
}

int
main(int argc, char **argv)
{
    g_autoptr(AdwApplication) application =
        adw_application_new("org.dmclient.Window", G_APPLICATION_NON_UNIQUE);

    g_signal_connect(application, "activate", G_CALLBACK(on_activate), NULL);
    return g_application_run(G_APPLICATION(application), argc, argv);
}
