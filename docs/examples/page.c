/* SPDX-License-Identifier: MIT */
/* page PROVIDER: the page that the organisation shows when the device is ready, of the provider, an
 * object path. Its texts are a server's: shown as text, and its link only where it is one. */

#include <gio/gio.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

/* The host that a link leads to, to be shown beside it; NULL: it must not be followed. */
static char *
get_link_host(const char *href)
{
    g_autoptr(GUri) uri = g_uri_parse(href, G_URI_FLAGS_NONE, NULL);

    if (uri == NULL || g_strcmp0(g_uri_get_scheme(uri), "https") != 0 ||
        g_uri_get_userinfo(uri) != NULL)
        return NULL;
    const char *host = g_uri_get_host(uri);
    return host == NULL || *host == '\0' ? NULL : g_strdup(host);
}

static char *
get_text(GDBusProxy *page, const char *property)
{
    g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(page, property);

    return value == NULL ? NULL : g_variant_dup_string(value, NULL);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path =
        argc == 2 ? g_strconcat(argv[1], "/CustomEnrollmentCompletePage", NULL) : NULL;
    g_autoptr(GDBusProxy) page = NULL;

    if (path != NULL)
        page =
            g_dbus_proxy_new_for_bus_sync(G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, NULL, NAME,
                                          path, NAME ".CustomEnrollmentCompletePage", NULL, &error);
    if (page == NULL) {
        g_printerr("%s\n", path == NULL ? "usage: page PROVIDER" : error->message);
        return EXIT_FAILURE;
    }
    g_autofree char *title = get_text(page, "Title");
    g_autofree char *body = get_text(page, "BodyText");
    g_autofree char *text = get_text(page, "HyperlinkText");
    g_autofree char *href = get_text(page, "HyperlinkHref");
    g_autofree char *host = href == NULL ? NULL : get_link_host(href);

    if (title == NULL && body == NULL) {
        g_print("there is no page\n");
        return EXIT_SUCCESS;
    }
    /* In GTK: gtk_label_set_text(), never gtk_label_set_markup(). */
    g_print("%s\n\n%s\n", title == NULL ? "" : title, body == NULL ? "" : body);
    if (host != NULL)
        g_print("\n%s (%s)\n", text == NULL ? href : text, host);
    return EXIT_SUCCESS;
}
