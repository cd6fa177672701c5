/* SPDX-License-Identifier: MIT */

#include "tree/rules/addresses.h"

#include <arpa/inet.h>
#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What may stand in a URL at all; not the characters that readers of URLs disagree about. */
static bool
is_url_char(char c)
{
    return c > ' ' && c < 0x7f && strchr("<>\"\\", c) == NULL;
}

/* `size` bytes of `text` without white space: the specification's own sample has some inside (L1).
 */
static char *
strip(const char *text, gsize size)
{
    char *stripped = g_malloc(size + 1);
    gsize n = 0;

    for (gsize i = 0; i < size; i++)
        if (!is_blank(text[i]))
            stripped[n++] = text[i];
    stripped[n] = '\0';
    return stripped;
}

/* Takes the next entry of the list off `*text`; NULL at its end. `*ret_ok` false: what stands there
 * is no entry, and was skipped. */
static char *
next_entry(const char **text, bool *ret_ok)
{
    const char *start = *text;
    const char *end;

    *ret_ok = true;
    while (is_blank(*start))
        start++;
    if (*start == '\0')
        return NULL;
    if (*start == '<') {
        start++;
        end = start + strcspn(start, "<>");
        *ret_ok = *end == '>';
        *text = *end == '>' ? end + 1 : end;
    } else {
        end = start + strcspn(start, "<>");
        *ret_ok = false; /* between entries; the caller knows the bare URL */
        *text = *end == '>' ? end + 1 : end;
    }
    return strip(start, (gsize)(end - start));
}

/* -- one URL ------------------------------------------------------------------------------------
 */

static bool
is_port(const char *text, gsize size)
{
    guint port = 0;

    if (size == 0 || size > 5)
        return false;
    for (gsize i = 0; i < size; i++) {
        if (!g_ascii_isdigit(text[i]))
            return false;
        port = port * 10 + (guint)g_ascii_digit_value(text[i]);
    }
    return port > 0 && port <= G_MAXUINT16;
}

/* A name or IPv4 address in the characters that are never anything else. */
static bool
is_name(const char *text, gsize size)
{
    bool has_alnum = false;

    for (gsize i = 0; i < size; i++) {
        if (!g_ascii_isalnum(text[i]) && strchr("-._", text[i]) == NULL)
            return false;
        has_alnum |= g_ascii_isalnum(text[i]);
    }
    return has_alnum;
}

static bool
is_ipv6(const char *text, gsize size)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;

    if (size >= sizeof(address))
        return false;
    memcpy(address, text, size);
    address[size] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

/* The host in `url`, without brackets, and where the port begins; false: no `//`, user info, no
 * host, or a malformed one. */
static bool
find_host(const char *url, const char **ret_host, gsize *ret_size)
{
    const char *authority = strstr(url, "://");
    const char *end, *port;

    if (authority == NULL)
        return false;
    authority += 3;
    end = authority + strcspn(authority, "/?#");
    if (*authority == '[') {
        port = memchr(authority, ']', (gsize)(end - authority));
        if (port == NULL || !is_ipv6(authority + 1, (gsize)(port - authority - 1)))
            return false;
        *ret_host = authority + 1;
        *ret_size = (gsize)(port - authority - 1);
        port++;
    } else {
        port = memchr(authority, ':', (gsize)(end - authority));
        if (port == NULL)
            port = end;
        if (!is_name(authority, (gsize)(port - authority)))
            return false;
        *ret_host = authority;
        *ret_size = (gsize)(port - authority);
    }
    return port == end || (*port == ':' && is_port(port + 1, (gsize)(end - port - 1)));
}

static bool
is_loopback(const char *host)
{
    struct in_addr parsed;

    return g_ascii_strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (inet_pton(AF_INET, host, &parsed) == 1 && g_str_has_prefix(host, "127."));
}

char *
dm_address_get_host(const char *url)
{
    const char *host;
    gsize size;

    return find_host(url, &host, &size) ? g_ascii_strdown(host, (gssize)size) : NULL;
}

static bool
is_acceptable(const char *url, bool allow_http)
{
    g_autofree char *host = NULL;

    if (strlen(url) > DM_ADDRESS_MAX_BYTES)
        return false;
    for (const char *c = url; *c != '\0'; c++)
        if (!is_url_char(*c) || *c == '#')
            return false;
    host = dm_address_get_host(url);
    if (host == NULL)
        return false;
    return g_ascii_strncasecmp(url, "https://", 8) == 0 ||
           (allow_http && g_ascii_strncasecmp(url, "http://", 7) == 0 && is_loopback(host));
}

/* -- lists --------------------------------------------------------------------------------------
 */

/* Adds the URL, which it takes, unless it is there already. */
static void
add_once(GPtrArray *addresses, char *url)
{
    if (g_ptr_array_find_with_equal_func(addresses, url, g_str_equal, NULL))
        g_free(url);
    else
        g_ptr_array_add(addresses, url);
}

/* Splits `text`; without `judge` whatever is there is taken. */
static DmStatus
split(const char *text, bool judge, bool allow_http, GStrv *ret_addresses)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
    bool is_bare, ok;
    char *url;

    while (is_blank(*text))
        text++;
    is_bare = *text != '<' && strpbrk(text, "<>") == NULL;
    while ((url = next_entry(&text, &ok)) != NULL) {
        if (*url == '\0' || (judge && ((!ok && !is_bare) || !is_acceptable(url, allow_http)))) {
            g_free(url);
            if (judge)
                return DM_STATUS_BAD_REQUEST;
            continue;
        }
        add_once(addresses, url);
        if (addresses->len > DM_ADDRESSES_MAX) {
            if (judge)
                return DM_STATUS_BAD_REQUEST;
            g_ptr_array_set_size(addresses, DM_ADDRESSES_MAX);
            break;
        }
    }
    if (judge && addresses->len == 0)
        return DM_STATUS_BAD_REQUEST;
    g_ptr_array_add(addresses, NULL);
    *ret_addresses = (GStrv)g_ptr_array_free(g_steal_pointer(&addresses), FALSE);
    return DM_STATUS_OK;
}

DmStatus
dm_addresses_parse(const char *text, bool allow_http, GStrv *ret_addresses)
{
    return split(text, true, allow_http, ret_addresses);
}

GStrv
dm_addresses_split(const char *text)
{
    GStrv addresses = NULL;

    (void)split(text, false, false, &addresses);
    return addresses;
}
