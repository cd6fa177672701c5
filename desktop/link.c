/* SPDX-License-Identifier: MIT */
#include "desktop/link.h"

#include <string.h>

#define MAX_LENGTH 2048
#define MAX_MAIL_LENGTH 254
#define MAX_PHONE_LENGTH 64
#define MIN_PHONE_DIGITS 2

static DmLink *
link_new(char *uri, char *host, bool is_secure)
{
    DmLink *link = g_new(DmLink, 1);

    *link = (DmLink){uri, host, is_secure};
    return link;
}

void
dm_link_free(DmLink *link)
{
    if (link == NULL)
        return;
    g_free(link->uri);
    g_free(link->host);
    g_free(link);
}

/* A name of labels, or an IPv6 address; what a browser would take for another host than a person
 * does is not one. */
static bool
is_host(const char *host)
{
    bool is_address = strchr(host, ':') != NULL;
    const char *allowed =
        is_address ? "0123456789abcdefABCDEF:." : G_CSET_a_2_z G_CSET_A_2_Z "0123456789.-";

    return *host != '\0' && host[strspn(host, allowed)] == '\0' && *host != '.' && *host != '-';
}

DmLink *
dm_link_from_web(const char *text)
{
    g_autoptr(GUri) uri = NULL;
    g_autofree char *host = NULL;
    const char *scheme;

    if (strlen(text) > MAX_LENGTH)
        return NULL;
    for (const char *p = text; *p != '\0'; p++)
        if ((guchar)*p <= ' ' || strchr("\"<>\\^`{|}\x7f", *p) != NULL)
            return NULL;
    uri = g_uri_parse(text, G_URI_FLAGS_HAS_PASSWORD, NULL);
    if (uri == NULL || g_uri_get_host(uri) == NULL || g_uri_get_userinfo(uri) != NULL)
        return NULL;
    scheme = g_uri_get_scheme(uri);
    if (!g_str_equal(scheme, "https") && !g_str_equal(scheme, "http"))
        return NULL;
    host = g_hostname_to_ascii(g_uri_get_host(uri));
    if (host == NULL || !is_host(host))
        return NULL;
    return link_new(g_uri_to_string(uri), g_steal_pointer(&host), g_str_equal(scheme, "https"));
}

DmLink *
dm_link_from_phone(const char *text)
{
    g_autoptr(GString) uri = g_string_new("tel:");
    gsize n_digits = 0;

    if (strlen(text) > MAX_PHONE_LENGTH || text[strspn(text, "+0123456789 ().-")] != '\0')
        return NULL;
    for (const char *p = text; *p != '\0'; p++) {
        if (g_ascii_isdigit(*p))
            n_digits++;
        if (g_ascii_isdigit(*p) || (*p == '+' && n_digits == 0))
            g_string_append_c(uri, *p);
    }
    if (n_digits < MIN_PHONE_DIGITS)
        return NULL;
    return link_new(g_string_free(g_steal_pointer(&uri), FALSE), g_strdup(""), true);
}

DmLink *
dm_link_from_mail(const char *text)
{
    const char *at = strchr(text, '@');

    if (strlen(text) > MAX_MAIL_LENGTH || at == NULL || at == text || !is_host(at + 1) ||
        strchr(at, ':') != NULL)
        return NULL;
    for (const char *p = text; p < at; p++)
        if (!g_ascii_isalnum(*p) && strchr(".!#$*+/=_{|}~'-", *p) == NULL)
            return NULL;
    g_autofree char *local = g_strndup(text, (gsize)(at - text));
    g_autofree char *escaped = g_uri_escape_string(local, NULL, FALSE);
    return link_new(g_strdup_printf("mailto:%s%s", escaped, at), g_strdup(at + 1), true);
}
