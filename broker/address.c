/* SPDX-License-Identifier: MIT */

#include "broker/address.h"

#include <string.h>

#include "common/error.h"

/* Encoded, because the bytes go to the server as they stand. */
static GUri *
parse(const char *text)
{
    return g_uri_parse(text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);
}

static bool
is_scheme(GUri *uri, const char *scheme)
{
    return g_ascii_strcasecmp(g_uri_get_scheme(uri), scheme) == 0;
}

static bool
is_loopback(const char *host)
{
    return g_ascii_strcasecmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

static bool
refuse(GError **error, const char *address, const char *reason)
{
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "server address %s: %s", address, reason);
    return false;
}

bool
dm_address_check(const char *address, bool allow_http, GError **error)
{
    g_autoptr(GUri) uri = parse(address);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    if (!host || !*host)
        return refuse(error, address, "not a URL with a host");
    if (g_uri_get_userinfo(uri) || g_uri_get_fragment(uri))
        return refuse(error, address, "user info and fragment are not allowed");
    if (is_scheme(uri, "https"))
        return true;
    if (!is_scheme(uri, "http"))
        return refuse(error, address, "only https is spoken");
    if (!allow_http)
        return refuse(error, address, "http needs [tree] allow-http in the configuration");
    if (!is_loopback(host))
        return refuse(error, address, "http is for the loopback interface only");
    return true;
}

char *
dm_address_make_url(const char *address, const char *mode, const char *platform)
{
    g_autoptr(GString) url = g_string_new(address);
    const char *scheme_end = strstr(address, "://");
    const char *query = strchr(address, '?');
    const char *path = scheme_end ? strchr(scheme_end + 3, '/') : NULL;

    if (!query && !path)
        g_string_append_c(url, '/');
    if (!query)
        g_string_append_c(url, '?');
    else if (query[1] && !g_str_has_suffix(address, "&"))
        g_string_append_c(url, '&');
    g_string_append(url, "mode=");
    g_string_append_uri_escaped(url, mode, NULL, false);
    g_string_append(url, "&Platform=");
    g_string_append_uri_escaped(url, platform, NULL, false);
    return g_string_free(g_steal_pointer(&url), FALSE);
}

char *
dm_address_describe(const char *url)
{
    g_autoptr(GUri) uri = parse(url);
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    int port = uri ? g_uri_get_port(uri) : -1;

    if (!host || !*host)
        return g_strdup("?");
    if (port < 0)
        port = is_scheme(uri, "http") ? 80 : 443;
    return g_strdup_printf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
}

char *
dm_address_copy_host(const char *url)
{
    g_autoptr(GUri) uri = parse(url);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    return host && *host ? g_strdup(host) : NULL;
}

bool
dm_address_is_loopback(const char *url)
{
    g_autofree char *host = dm_address_copy_host(url);

    return host && is_loopback(host);
}

bool
dm_address_is_https(const char *url)
{
    g_autoptr(GUri) uri = parse(url);

    return uri && is_scheme(uri, "https");
}

bool
dm_address_has_listed_host(const char *text, const char *const *addresses)
{
    g_autoptr(GUri) uri = parse(text);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    if (!host || !*host || g_uri_get_userinfo(uri))
        return false;
    for (gsize i = 0; addresses[i]; i++) {
        g_autoptr(GUri) listed = parse(addresses[i]);

        if (listed && g_uri_get_host(listed) &&
            g_ascii_strcasecmp(g_uri_get_host(listed), host) == 0)
            return true;
    }
    return false;
}

bool
dm_address_is_listed(const char *uri, const char *const *addresses)
{
    return dm_address_is_https(uri) && dm_address_has_listed_host(uri, addresses);
}
